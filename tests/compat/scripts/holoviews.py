# holoviews: elements drawn by bokeh and by matplotlib
# nightly: its imports take longer than a dozen other scripts; the gallery has a notebook of it
# loose: *: html

# %% loaded
import holoviews as hv

hv.extension("bokeh")

# %% curve
hv.Curve([1, 2, 3])

# %% layout
hv.Curve([1, 2, 3]) + hv.Scatter([3, 1, 2])

# %% map
hv.HoloMap({i: hv.Curve([1, i]) for i in range(3)}, kdims="depth")

# %% matplotlib
hv.extension("matplotlib")

# %% drawn by matplotlib
hv.Curve([1, 2, 3]).opts(aspect=2, fig_size=50)

# %% dimensioned
hv.Dataset([(1, 2), (3, 4)], "x", "y").data
