# polars: tables, lazy plans and options

# %% table
import polars as pl

table = pl.DataFrame({"depth": [3.2, 4.1, None], "place": ["bay", "bank", "strait"]})
table

# %% series
table["depth"]

# %% lazy
table.lazy().filter(pl.col("depth") > 4)

# %% expression
pl.col("depth").mean()

# %% schema
table.schema

# %% options
with pl.Config(tbl_rows=1):
    display(table)

# %% show
table.show(limit=2)

# %% group
table.group_by("place").len().sort("place")
