# pdb: the debugger at prompts, and how tracebacks look (%debug, %pdb, %xmode)
# loose: *: stdout, lines, order
# loose: nothing yet: stderr
# otherwise: breakpoint: `breakpoint()` asks at a prompt, also where no debugger is open; ipykernel's does nothing then
# otherwise: left: a cell whose debugger is left says so
# otherwise: pdb on: with `%pdb on` the debugger comes before the traceback
# otherwise: failed below debug: an error of what `%debug` runs is the cell's own, not printed text

# %% nothing yet
%debug

# %% fails
def sound(depth):
    doubled = depth * 2
    return 1 / (depth - depth)


sound(3)

# %% post mortem | answers: p doubled, up, p depth, q
%debug

# %% pm | answers: p doubled, q
import pdb

pdb.pm()

# %% statement | answers: c
%debug sum([1, 2])

# %% cell | answers: c
%%debug
stepped = 5

# %% stepped
stepped

# %% failed below debug | answers: c
%%debug
sound(4)

# %% set_trace | answers: p here, c
here = 7
pdb.set_trace()
after = here + 1

# %% after
after

# %% left | answers: q
pdb.set_trace()
never = 1

# %% never
"never" in globals()

# %% breakpoint | answers: c
breakpoint()

# %% pdb on | answers: p doubled, q
%pdb on
sound(5)

# %% pdb off
%pdb off

# %% xmode
%xmode

# %% minimal
%xmode Minimal
sound(1)

# %% plain
%xmode Plain
sound(1)

# %% verbose
%xmode Verbose
sound(1)

# %% context
%xmode Context

# %% tb
%tb
