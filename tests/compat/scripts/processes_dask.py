# dask: arrays, bags and delayed functions, on threads and on processes

# %% threads
import dask
import dask.array as da

x = da.ones((100, 100), chunks=50)
float(x.sum().compute()), float((x + x.T).mean().compute(scheduler="threads"))

# %% an array
x

# %% delayed
@dask.delayed
def inc(x):
    return x + 1


@dask.delayed
def add(x, y):
    return x + y


add(inc(1), inc(2)).compute()

# %% processes
dask.compute(inc(1), add(2, 3), scheduler="processes", num_workers=1)

# %% one after the other
add(inc(1), 1).compute(scheduler="synchronous")

# %% a bag
import dask.bag as db

db.from_sequence(range(10), npartitions=2).map(lambda x: x * 2).filter(lambda x: x > 8).compute(scheduler="threads")

# %% an error
@dask.delayed
def bad():
    raise LookupError("in a task")


try:
    bad().compute()
except LookupError as error:
    print(repr(error))
