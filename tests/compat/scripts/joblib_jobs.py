# joblib: processes, threads and what they print

# %% threads
from joblib import Parallel, delayed


def square(n):
    return n * n


Parallel(n_jobs=2, prefer="threads")(delayed(square)(n) for n in range(5))

# %% processes
Parallel(n_jobs=2)(delayed(square)(n) for n in range(5))

# %% multiprocessing
Parallel(n_jobs=2, backend="multiprocessing")(delayed(square)(n) for n in range(5))

# %% error
def fail(n):
    raise ValueError(f"no square of {n}")


Parallel(n_jobs=2, prefer="threads")(delayed(fail)(n) for n in range(1))

# %% cached
from joblib import Memory

memory = Memory("kept", verbose=0)


@memory.cache
def cube(n):
    print("working")
    return n**3


cube(3), cube(3)
