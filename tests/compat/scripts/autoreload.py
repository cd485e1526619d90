# autoreload: modules that are edited while they are in use
# loose: broken: stderr
# loose: no such mode: lines, value
# otherwise: no such mode: a mode that there is not is refused with another kind of error

# %% load
%load_ext autoreload
%autoreload 2

# %% write
%%writefile buoys.py
import enum
import functools


def light():
    return "red"


class Buoy:
    height = 1

    def name(self):
        return "one"

    @property
    def colour(self):
        return "red"

    @staticmethod
    def sound():
        return "bell"


class Side(enum.Enum):
    PORT = 1


def loud(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args).upper()

    return wrapper


@loud
def call(name):
    return name

# %% use
import buoys
from buoys import Buoy, Side, call, light

buoy, name = Buoy(), Buoy().name
light(), buoy.name(), buoy.colour, buoy.sound(), buoy.height, call("a"), name()

# %% edit
import os
import sys

text = open("buoys.py").read()
for old, new in [("red", "green"), ("one", "two"), ("bell", "horn"), ("height = 1", "height = 22"), ("return name", "return name * 2")]:
    text = text.replace(old, new)
text = text.replace("class Side", "    def more(self):\n        return 'more'\n\n\nclass Side")
with open("buoys.py", "w") as file:
    file.write(text)
os.utime("buoys.py", (os.stat("buoys.py").st_atime, os.stat("buoys.py").st_mtime + 2))

# %% old objects
light(), buoy.name(), buoy.colour, buoy.sound(), buoy.height, buoy.more(), call("a"), type(buoy) is Buoy is buoys.Buoy

# %% break it
with open("buoys.py", "w") as file:
    file.write("def light(: pass")
os.utime("buoys.py", (os.stat("buoys.py").st_atime, os.stat("buoys.py").st_mtime + 4))

# %% broken
light()

# %% told once
light()

# %% listed
%aimport

# %% skipped
%aimport -buoys
%aimport

# %% no such mode
%autoreload 7

# %% off
%autoreload 0
