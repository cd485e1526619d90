# timing: how long code takes, and where (%time, %timeit, %prun)
# loose: no such option: stderr
# loose: fails below: lines
# loose: profile of a cell: stdout
# loose: profile of a line: stdout
# otherwise: awaits: `%time` can await
# otherwise: profile of a cell: `%%prun` shows the value of its cell
# otherwise: profile of a line: `%prun -q` prints no empty line
# otherwise: no such option: an unknown option is an error with a traceback, not a line of text

# %% a cell
%%time
catch = [12.4, 3.1, 8.0]
sum(catch)

# %% names stay
catch

# %% a line
%time len(catch)

# %% a line that binds
%time total = sum(catch)
print(round(total, 1))

# %% taken
longest = %time max(catch)
longest

# %% hidden
%time total;

# %% fails below
%%time
print("before")
1 / 0

# %% awaits
import asyncio

%time await asyncio.sleep(0, "slept")

# %% loops
%timeit -n 50 -r 2 sorted(range(3000))

# %% one loop
%timeit -n1 -r1 sum(catch)

# %% loops of a cell
%%timeit -n 2 -r 1 doubled = []
doubled.append(2)
doubled.append(4)

# %% nothing bound
"doubled" in globals()

# %% result
timed = %timeit -n 4 -r 3 -o -q sum(catch)
timed.loops, timed.repeat, len(timed.all_runs), len(timed.timings), timed.best <= timed.average <= timed.worst

# %% result shown
%timeit -n 50 -r 3 -o sorted(range(3000))

# %% in a function
def weigh():
    basket = [1, 2]
    %timeit -n 2 -r 1 sum(basket)
    %time len(basket)


weigh()

# %% nothing to do
%timeit

# %% no such option
%timeit -z sum(catch)

# %% profile of a cell
%%prun -l 5
sorted(catch)

# %% profile of a line
stats = %prun -q -r sorted(catch)
type(stats).__name__
