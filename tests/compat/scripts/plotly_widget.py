# plotly: FigureWidget
# not in plain: it depends on anywidget, which depends on IPython

# %% widget
import plotly.graph_objects as go

fig = go.FigureWidget(go.Scatter(y=[3, 1, 2]))
fig

# %% changed
fig.data[0].y = [5, 6, 7]
fig.layout.title.text = "depths"
fig.data[0].y

# %% batch
with fig.batch_update():
    fig.data[0].line.color = "red"
    fig.add_bar(y=[1, 2])
len(fig.data)

# %% clicked
clicked = []
fig.data[0].on_click(lambda trace, points, state: clicked.append(points.point_inds))
type(fig).__name__

# %% from the page | widget: AnyModel {"_js2py_relayout": {"relayout_data": {"xaxis.range[0]": 0, "xaxis.range[1]": 2}, "source_view_id": "v"}}

# %% its range
fig.layout.xaxis.range
