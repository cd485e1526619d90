# altair: charts
# loose: chart: html
# loose: displayed: html
# loose: layered: html

# %% chart
import altair as alt
import pandas as pd

chart = alt.Chart(pd.DataFrame({"a": [1, 2], "b": [3, 4]})).mark_bar().encode(x="a", y="b")
chart

# %% displayed
chart.display()

# %% layered
chart + chart.mark_line()

# %% mime type
alt.renderers.enable("mimetype")
chart

# %% too many rows
import numpy as np

alt.Chart(pd.DataFrame({"a": np.arange(6000)})).mark_bar().encode(x="a")
