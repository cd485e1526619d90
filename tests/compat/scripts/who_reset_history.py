# variables and history: %who, %whos, %reset, %xdel, %store, %history, %recall
# loose: nothing left: stdout
# loose: results reset: stdout
# loose: none of this type: stdout

# %% variables
import math

number, text, numbers, mapping = 1, "a\nb", [1, 2, 3], {"k": 1}
_hidden = 5


def function():
    """Says something."""


# %% who
%who

# %% who of a type
%who int str

# %% who_ls
%who_ls

# %% as a value
names = %who_ls int
names

# %% whos
%whos int str list dict

# %% none of this type
%who complex

# %% psearch
%psearch num*

# %% pinfo
%pinfo function

# %% pdoc
%pdoc function

# %% psource
%psource function

# %% page
%page numbers

# %% history
%history 2-5

# %% with numbers
%history -n 2 3

# %% a result
7 * 6

# %% with results
%history -n -o 15

# %% as in a terminal
%history -p 2 15

# %% the last
%history -l 1

# %% recall
%recall 15

# %% rep of lines
%rep 2-3

# %% xdel
%xdel number
"number" in globals()

# %% reset_selective
%reset_selective -f ^num
%who

# %% store
kept = [1, 2]
%store kept

# %% restored
del kept
%store -r kept
kept

# %% forgotten
%store -d kept

# %% soft
8
%reset -s -f
_

# %% nothing left
%who

# %% results
9

# %% results reset
%reset -f out
_

# %% all
x = 1
%reset -f

# %% gone
"x" in globals()

# %% a notebook
1
%notebook made.ipynb
