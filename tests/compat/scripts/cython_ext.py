# Cython: %load_ext Cython and %%cython
# loose: annotated: html
# loose: broken: stderr
# nightly: each cell is compiled by gcc

# %% loaded
%load_ext Cython

# %% compiled
%%cython
def fibonacci(int n):
    cdef int a = 0, b = 1, i
    for i in range(n):
        a, b = b, a + b
    return a

# %% called
fibonacci(30)

# %% annotated
%%cython --annotate
def twice(double x):
    return 2 * x

# %% broken
%%cython
def broken(int n)
    return n
