# capture: what a cell shows, as a variable (%%capture, capture_output)
# loose: fails: lines

# %% all
%%capture seen
import sys

print("out")
print("err", file=sys.stderr)
display({"depth": 3.7})
"value"

# %% texts
seen.stdout, seen.stderr, len(seen.outputs)

# %% data
[output.data for output in seen.outputs]

# %% shown
seen.show()

# %% called
seen()

# %% as text
str(seen)

# %% without a name
%%capture
print("nobody sees this")

# %% stdout is shown
%%capture some --no-stdout
print("seen")
print("not seen", file=sys.stderr)
5

# %% what was left
some.stdout, some.stderr, len(some.outputs)

# %% displays are shown
%%capture some --no-display
print("not seen")
display(1)
2

# %% a command
%%capture shelled
!echo from the shell

# %% its text
shelled.stdout.strip()

# %% fails
%%capture failed
print("until then")
1 / 0

# %% until then
failed.stdout

# %% figures
%%capture figures
import matplotlib.pyplot as plt

plt.plot([1, 2])
plt.show()
plt.plot([2, 1])

# %% their number
[sorted(output.data) for output in figures.outputs]

# %% updates
%%capture updated
handle = display("one", display_id="buoy")
handle.update("two")

# %% updates shown
updated()

# %% in code
from IPython.utils.capture import capture_output

with capture_output() as captured:
    print("in code")
    display(7)
captured.stdout, [output.data for output in captured.outputs]

# %% in code without stdout
from IPython.utils import io

with io.capture_output(stdout=False) as captured:
    print("in code")
captured.stdout

# %% time in capture
%%capture timed
%%time
1 + 1

# %% its lines
[line.split(":")[0] for line in timed.stdout.splitlines()], len(timed.outputs)
