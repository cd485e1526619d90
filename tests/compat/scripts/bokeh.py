# bokeh: figures in the notebook, and push_notebook
# loose: loaded: html
# loose: shown: html
# loose: shown again: html
# loose: handle: html

# %% loaded
from bokeh.io import output_notebook, push_notebook, show
from bokeh.plotting import figure

output_notebook()

# %% shown
plot = figure(width=300, height=200)
line = plot.line([1, 2, 3], [1, 4, 9])
handle = show(plot, notebook_handle=True)

# %% handle
type(handle).__name__

# %% pushed
line.data_source.data["y"] = [9, 4, 1]
push_notebook(handle=handle)

# %% shown again
show(plot)

# %% as a value
type(plot).__name__

# %% twice
output_notebook(hide_banner=True)
