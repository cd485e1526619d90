# files: cells to files and back, and cells that are documents (%%writefile, %load, %%html)
# loose: nowhere: lines, value
# loose: no such file: lines, value
# otherwise: nowhere: a file that cannot be written is not announced first
# otherwise: no such file: a name that leads nowhere is refused with another kind of error
# loose: saved: stdout
# loose: cells: stdout

# %% new
%%writefile notes.txt
depth 3.7
{name} $name é

# %% again
%%writefile notes.txt
depth 4.1

# %% more
%%file -a notes.txt
depth 5.8

# %% content
print(open("notes.txt").read())

# %% in words
folder = "logs"
number = 3
import os

os.mkdir(folder)

# %% filled in
%%writefile {folder}/day_{number}.txt
calm

# %% quoted
%%writefile "two words.txt"
calm

# %% there
sorted(os.listdir()), os.listdir("logs")

# %% nowhere
%%writefile nothing/here.txt
lost

# %% code
%%writefile code.py
import math


def area(r):
    return math.pi * r**2


class Buoy:
    light = "red"

# %% load
%load code.py

# %% load lines
%load -r 1,4-5 code.py

# %% load names
%load -s Buoy,area code.py

# %% no such file
%load nothing.py

# %% saved
%save -f kept.py 5

# %% cells
print(open("kept.py").read())

# %% html
%%html
<b>Red</b> {folder}

# %% html isolated
%%html --isolated
<style>b { color: red }</style><b>Red</b>

# %% latex
%%latex
$\frac{1}{2}$

# %% markdown
%%markdown
# Tides

# %% javascript
%%javascript
console.log(1)

# %% js
%%js
console.log(2)

# %% svg
%%svg
<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><circle r="4" cx="5" cy="5" /></svg>
