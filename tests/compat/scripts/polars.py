# polars: tables and their options

# %% a table
import polars as pl

frame = pl.DataFrame({"place": ["Lerwick", "Scalloway"], "depth": [7.25, 4.5]})
frame

# %% a column
frame["depth"]

# %% options
with pl.Config(tbl_rows=3, tbl_hide_column_data_types=True):
    display(pl.DataFrame({"n": range(100)}))

# %% shown
frame.show()

# %% lazy
frame.lazy().filter(pl.col("depth") > 5).collect()

# %% an expression
str(pl.col("depth") * 2)

# %% printed
print(frame)
