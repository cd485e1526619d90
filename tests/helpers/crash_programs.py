"""The workload of the crash tests: random notebooks, and what each of their cells must leave behind.

Run as a program it is the twin: it reads cells as a list in JSON, runs them in a namespace that nothing is
committed from, and prints one line of JSON for each number of cells from 0 on: the name of the error and the
namespace as comparable lines.

A workload must never depend on anything but its seed, and the twin never on what it is to judge.
"""

from __future__ import annotations

import gc
import json
import sys
import warnings
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers.programs import Program


class Workload(Program):
    """Adds to the programs what only a process has: files, output, big arrays, earlier results.

    Without `frames` no cell needs pandas, which a kernel takes long to load.
    """

    def __init__(self, seed: int, frames: bool) -> None:
        super().__init__(seed)
        self.frames = frames

    def write(self, length: int) -> list[str]:
        """`length` cells."""
        cells = super().write(length)
        if not self.frames:
            cells[0] = cells[0].replace("import pandas as pd", "")
        # A cell that fails does so at its end: the names that it was to bind are used by others.
        return [
            f"{code}\n{self._failure()}" if i and self.random.random() < 0.1 else code for i, code in enumerate(cells)
        ]

    def _failure(self) -> str:
        return self.random.choice(("1 / 0", "undefined_name", "half = [1]; half.append(half); [][1]"))

    def move_fail(self) -> str | None:
        return None

    def move_frame(self) -> str:
        return super().move_frame() if self.frames else self.move_array()

    def move_big_array(self) -> str:
        size = self.random.choice((150_000, 400_000))
        return f"{self._new('array')} = np.arange({size}, dtype={self.random.choice(('float', 'int'))})"

    def move_write_one_element(self) -> str | None:
        name = self._pick("array")
        return f"{name}.flat[{self.random.randrange(400_000)} % {name}.size] = {self._int()}" if name else None

    def move_file(self) -> str:
        name = self._new("file")
        return f"{name} = open('file{self._next}.txt', 'w+')\n{name}.write('begun ')"

    def move_write_file(self) -> str | None:
        name = self._pick("file")
        return f"{name}.write('{self._int()} ' * {self.random.choice((1, 9, 3000))})" if name else None

    def move_close_file(self) -> str | None:
        name = self._pick("file")
        return f"{name}.close()" if name and self.random.random() < 0.3 else None

    def move_print(self) -> str:
        return f"print({self._int()}, {self._value()!r})"

    def move_use_last(self) -> str | None:
        name = self._pick("list", "dict")
        return f"{self._new('list')} = [_, {name}]" if name else None


def twin(cells: list[str]) -> None:
    """See the module."""
    from helpers.durable import Notebook

    warnings.simplefilter("ignore")
    notebook = Notebook()
    printed, sys.stdout = sys.stdout, sys.stderr
    for code in ("", *cells):
        if code:
            notebook.execute(code)
        error = type(notebook.errors.pop()).__name__ if notebook.errors else ""
        gc.collect()
        printed.write(json.dumps([error, notebook.describe()]) + "\n")
        printed.flush()


if __name__ == "__main__":
    twin(json.load(sys.stdin))
