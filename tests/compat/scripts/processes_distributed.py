# dask: a cluster of processes on this machine
# nightly: it takes seconds to start
# loose: *: stderr

# %% a cluster
from dask.distributed import Client


def square(x):
    return x * x


client = Client(n_workers=2, threads_per_worker=1, dashboard_address=None)
client.submit(square, 3).result(), client.gather(client.map(square, range(4)))

# %% an array
import dask.array as da

float(da.ones((100, 100), chunks=50).sum().compute())

# %% awaited
async with Client(processes=False, n_workers=1, asynchronous=True, dashboard_address=None) as own:
    print(await own.submit(square, 5))

# %% the end
client.close()
client.cluster.close()
