# xarray: datasets and arrays as pages that unfold

# %% array
import numpy as np
import xarray as xr

array = xr.DataArray(np.arange(6).reshape(2, 3), dims=("lat", "lon"), name="depth")
array

# %% dataset
array.to_dataset()

# %% text
with xr.set_options(display_style="text"):
    display(array)

# %% mean
array.mean("lat")
