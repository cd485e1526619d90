# dask.distributed: a local cluster and its clients
# nightly: the cluster takes three seconds to start
# loose: cluster: text, html, state
# loose: client: text, html

# %% cluster
from dask.distributed import Client, LocalCluster

cluster = LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None)
cluster

# %% client
client = Client(cluster)
client

# %% submit
client.submit(pow, 2, 10).result()

# %% map
client.gather(client.map(lambda n: n * n, range(5)))

# %% await
future = client.submit(sum, [1, 2, 3])
future.result()

# %% close
client.close()
cluster.close()
