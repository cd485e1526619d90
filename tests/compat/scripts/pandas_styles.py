# pandas: styles, plots and errors
# loose: error: lines

# %% table
import pandas as pd

table = pd.DataFrame({"depth": [3.2, 4.1, 5.8], "place": ["bay", "bank", "strait"]}, index=list("abc"))
table

# %% style
table.style.format({"depth": "{:.2f} m"}).set_caption("Soundings")

# %% hidden
table.style.hide(axis="index").highlight_max(subset=["depth"])

# %% colours
display(table.style.background_gradient(subset=["depth"], cmap="Blues"))

# %% in a list
[table, table.index]

# %% group
table.groupby("place")["depth"]

# %% plot
table["depth"].plot()

# %% axes
table.plot.bar(y="depth", figsize=(3, 2));

# %% error
table["height"]
