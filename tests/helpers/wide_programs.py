"""Random notebooks, wide: everything a notebook does to containers, classes, closures, arrays and frames.

Cells fail, delete, rebind, and reach what no name of theirs leads to.  A program must never depend on anything but
its seed: not on addresses, the order of a set, the time.
"""

from __future__ import annotations

from collections.abc import Callable

from helpers.program_containers import Containers
from helpers.program_data import Data
from helpers.program_definitions import Definitions

_IMPORTS = """\
import abc, array, collections, collections.abc, contextlib, copy, dataclasses, datetime, decimal, enum, functools
import gc, graphlib, io, itertools, math, operator, pathlib, queue, random, re, sys, threading, types, typing, weakref
import numpy as np
import pandas as pd
registry = {}"""


class WideProgram(Containers, Definitions, Data):
    """Writes cells, knowing what kind of value each variable holds."""

    def write(self, length: int) -> list[str]:
        """`length` cells."""
        self.cells.append(_IMPORTS)
        moves = [getattr(self, name) for name in dir(type(self)) if name.startswith("move_")]
        while len(self.cells) < length:
            lines = []
            for _ in range(self.random.choice((1, 2, 3, 4))):
                move: Callable[[], str | None] = self.random.choice(moves)
                line = move()
                if line is not None:
                    lines.append(line)
                    self.kinds.update(self.bound)
                self.bound.clear()
                if line is not None and move.__name__ == "move_fail":
                    break
            if lines:
                self.cells.append("\n".join(lines))
        return self.cells
