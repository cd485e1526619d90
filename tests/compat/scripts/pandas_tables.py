# pandas: tables, options, styles and plots

# %% table
import pandas as pd

table = pd.DataFrame({"depth": [3.2, 4.1, 5.8], "place": ["bay", "bank", "strait"]}, index=list("abc"))
table

# %% series
table["depth"]

# %% displayed
display(table.describe())

# %% long
pd.DataFrame({"n": range(200), "m": range(200)})

# %% options
pd.set_option("display.max_rows", 4, "display.precision", 1)
pd.DataFrame({"n": [1 / 3] * 9})

# %% reset
pd.reset_option("display.max_rows")
pd.reset_option("display.precision")
pd.options.display.max_rows

# %% schema
pd.set_option("display.html.table_schema", True)
table.head(1)

# %% no schema
pd.set_option("display.html.table_schema", False)
table.head(1)

# %% style
table.style.format({"depth": "{:.2f} m"}).set_caption("Soundings")

# %% hidden
table.style.hide(axis="index").highlight_max(subset=["depth"])

# %% html off
pd.set_option("display.notebook_repr_html", False)
table

# %% html on
pd.set_option("display.notebook_repr_html", True)
table

# %% in a list
[table, table.index]

# %% group
table.groupby("place")["depth"]

# %% plot
table["depth"].plot()

# %% wide
pd.DataFrame([range(40)] * 2)

# %% error
table["height"]
