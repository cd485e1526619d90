# seaborn: plots as figures

# %% a plot
import seaborn as sns

axes = sns.lineplot(x=[1, 2, 3], y=[3, 1, 2])

# %% its value
sns.histplot([1, 1, 2, 3, 3, 3])

# %% a grid
import pandas as pd

frame = pd.DataFrame({"hour": [0, 1, 2, 3] * 2, "height": [1, 2, 3, 2, 2, 3, 4, 3], "place": list("aaaabbbb")})
grid = sns.relplot(frame, x="hour", y="height", col="place", height=2)

# %% silent
sns.heatmap([[1, 2], [3, 4]]);

# %% objects
import seaborn.objects as so

so.Plot(frame, "hour", "height").add(so.Line()).layout(size=(2, 2))

# %% palette
sns.color_palette("deep", 3)
