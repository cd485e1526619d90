# line_profiler: %lprun

# %% loaded
%load_ext line_profiler

# %% a function
def work(n):
    total = 0
    for i in range(n):
        total += i
    return total

# %% profiled
%lprun -f work work(10)

# %% kept
profile = %lprun -r -f work work(10)
[len(lines) for lines in profile.get_stats().timings.values()]
