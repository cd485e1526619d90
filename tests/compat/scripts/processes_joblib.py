# joblib: Parallel over processes and threads, and Memory
# loose: an error: lines

# %% processes
from joblib import Memory, Parallel, delayed


def square(x):
    return x * x


Parallel(n_jobs=2)(delayed(square)(i) for i in range(6))

# %% one worker
def say(x):
    print("worker", x)
    return x


Parallel(n_jobs=1)(delayed(say)(i) for i in range(2))

# %% a class of a cell
class Point:
    def __init__(self, x):
        self.x = x


def moved(point):
    return Point(point.x + 1)


points = Parallel(n_jobs=2)(delayed(moved)(Point(i)) for i in range(2))
[type(p) is Point for p in points], [p.x for p in points]

# %% threads
Parallel(n_jobs=2, backend="threading")(delayed(square)(i) for i in range(6))

# %% forked processes
Parallel(n_jobs=2, backend="multiprocessing")(delayed(square)(i) for i in range(6))

# %% a global
factor = 3


def times(x):
    return x * factor


Parallel(n_jobs=2)(delayed(times)(i) for i in range(4))

# %% arrays
import numpy as np

sum(Parallel(n_jobs=2)(delayed(np.sum)(np.arange(1000.0)[i::4]) for i in range(4)))

# %% an error
def bad(x):
    return 1 / x


Parallel(n_jobs=2)(delayed(bad)(i) for i in range(2))

# %% kept on disk
memory = Memory("kept", verbose=0)


@memory.cache
def slow(x):
    print("computing", x)
    return x + 1


slow(1), slow(1), slow(2)
