# pandas: tables, their options, styles and table schema

# %% a table
import numpy as np
import pandas as pd

frame = pd.DataFrame({"place": ["Lerwick", "Scalloway"], "depth": [7.25, 4.5]})
frame

# %% a column
frame["depth"]

# %% precision
pd.options.display.precision = 1
frame

# %% wide
pd.DataFrame(np.arange(60).reshape(2, 30))

# %% long
pd.DataFrame({"n": range(100)})

# %% rows
with pd.option_context("display.max_rows", 6):
    display(pd.DataFrame({"n": range(100)}))

# %% no html
pd.options.display.notebook_repr_html = False
frame

# %% html again
pd.options.display.notebook_repr_html = True

# %% categories
pd.Series(["ebb", "flood"] * 20, dtype="category")

# %% printed
print(frame)

# %% info
frame.info(memory_usage=False)

# %% schema
import IPython

pd.options.display.html.table_schema = True
frame

# %% no schema
pd.options.display.html.table_schema = False
frame

# %% described
frame.describe()
