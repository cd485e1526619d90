# dask: delayed calls, arrays, tables and their pictures

# %% delayed
import dask

total = dask.delayed(sum)([dask.delayed(pow)(2, n) for n in range(4)])
total.compute(scheduler="threads")

# %% array
import dask.array as da

field = da.ones((100, 100), chunks=(50, 50))
field

# %% sum
field.sum().compute(scheduler="threads")

# %% bag
import dask.bag as db

db.from_sequence(range(6), npartitions=2).map(lambda n: n * n).compute(scheduler="sync")

# %% progress
from dask.diagnostics import ProgressBar

with ProgressBar():
    field.mean().compute(scheduler="threads")
