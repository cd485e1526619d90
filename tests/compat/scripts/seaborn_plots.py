# seaborn: axes, grids and palettes

# %% theme
import pandas as pd
import seaborn as sns

sns.set_theme()
table = pd.DataFrame({"kind": list("aabb"), "size": [1.0, 2.0, 4.0, 3.0]})
sns.barplot(table, x="kind", y="size");

# %% axes
sns.stripplot(table, x="kind", y="size")

# %% grid
sns.catplot(table, x="kind", y="size", kind="box", height=2)

# %% palette
sns.color_palette("deep", 4)
