# plotly: figures

# %% renderer
import plotly.graph_objects as go
import plotly.io as pio

pio.renderers.default

# %% figure
fig = go.Figure(go.Bar(x=["spar", "can"], y=[3, 1]))
fig

# %% show
fig.show()

# %% in a list
[fig]

# %% displayed
display(fig, "and a word")

# %% express
import pandas as pd
import plotly.express as px

px.line(pd.DataFrame({"month": [1, 2, 3], "depth": [3.7, 4.1, 2.9]}), x="month", y="depth")

# %% other renderer
fig.show(renderer="json")

# %% as html
from IPython.display import HTML

HTML(fig.to_html(include_plotlyjs=False, full_html=False, div_id="fixed"))

# %% offline
from plotly.offline import iplot

iplot({"data": [{"y": [1, 2]}]})
