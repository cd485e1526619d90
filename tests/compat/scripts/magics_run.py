# run: files, modules and notebooks as programs (%run)
# loose: fails: lines, value
# loose: exit with a number: lines, value
# loose: missing: lines, value
# loose: its own variables: lines, value
# loose: fails: order
# otherwise: timed: `%run -t` names no IPython
# otherwise: missing: a name that leads nowhere is refused with another kind of error

# %% write
%%writefile boat.py
import sys

print(__name__, sys.argv)
length = 12


def grow(by):
    return length + by


class Boat:
    kind = "sloop"

# %% run
%run boat.py one "two three" *.py

# %% names
length, grow(1), Boat.kind, Boat.__module__, "__file__" in globals()

# %% its own globals
length = 100
grow(1)

# %% without the ending
%run boat

# %% quoted
%run "boat.py"

# %% no glob
%run -G boat.py *.py

# %% not main
%run -n boat.py

# %% variables in words
name = "boat"
%run {name}.py $name

# %% write another
%%writefile reads.py
depth = depth + 1

# %% its own variables
depth = 4
%run reads.py

# %% ours
%run -i reads.py
depth

# %% write a bad one
%%writefile bad.py
kept = 5


def sink():
    raise ValueError("water")


sink()

# %% fails
%run bad.py

# %% kept
kept

# %% write an exit
%%writefile leaves.py
import sys

before = 3
sys.exit(3)

# %% exit with a number
%run leaves.py

# %% exit ignored
%run -e leaves.py
before

# %% write a quiet exit
%%writefile quiet.py
import sys

sys.exit()

# %% quiet exit
%run quiet.py

# %% timed
%run -t boat.py

# %% a module
%run -m calendar 2024 2

# %% missing
%run nothing.py

# %% a notebook
import json

cells = [
    {"cell_type": "markdown", "metadata": {}, "source": "# Harbour"},
    {"cell_type": "code", "metadata": {}, "source": "moored = 3\nprint('moored')", "outputs": [], "execution_count": None},
    {"cell_type": "code", "metadata": {}, "source": "moored + 1", "outputs": [], "execution_count": None},
]
with open("harbour.ipynb", "w") as file:
    json.dump({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}, file)
%run harbour.ipynb

# %% its names
moored
