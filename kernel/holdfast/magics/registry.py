"""The magics of this kernel, by name.

It must never import what a magic needs before it is called.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any

from holdfast.errors import CellError
from holdfast.magics import builtin

#: Gets the rest of the line, stripped; its value is the value of the line.
LineMagic = Callable[[str], object]
#: Gets the rest of the line and the lines below it.
CellMagic = Callable[[str, str], object]
#: Gets the rest of the line; the cell runs inside what it returns.
WrapperMagic = Callable[[str], AbstractContextManager[object]]

_PACKAGE = "holdfast.magics.builtin"


class UnknownMagic(CellError):
    """`%name` or `%%name` where nothing of that name is registered."""

    def __init__(self, name: str, nearest: str = "") -> None:
        super().__init__(name, nearest)
        self.name = name
        self.nearest = nearest

    def __str__(self) -> str:
        marks = "%%" if self.name.startswith("%%") else "%"
        hint = f"did you mean {marks}{self.nearest}?" if self.nearest else "%lsmagic lists those there are"
        return f"there is no magic {marks}{self.name.lstrip('%')}: {hint}"


def _module(name: str) -> Any:
    """A module of ours, imported now."""
    __import__(name)
    return sys.modules[name]


class Magics:
    """The registry; calling it runs a lowered line."""

    def __init__(self) -> None:
        self._lines: dict[str, LineMagic] = {}
        self._cells: dict[str, CellMagic] = {}
        #: Magics that are not imported yet: the module and what its `make` is given.
        self._offered: dict[str, tuple[str, tuple[object, ...]]] = {}
        #: Makes what the built-in magics are given, a `magics.port.Kernel`, when the first one is used.
        self.make_kernel: Callable[[], object] = lambda: None
        self.register("lsmagic", lambda _rest: ["%" + name for name in self.names()])

    @cached_property
    def kernel(self) -> Any:
        """What the built-in magics are given: a `magics.port.Kernel`."""
        return self.make_kernel()

    def register(self, name: str, magic: LineMagic) -> None:
        """Make `%name rest` call `magic(rest)`; a later one of the same name replaces it."""
        if not name.isidentifier():
            raise CellError(f"{name!r} cannot be the name of a magic: it is no identifier")
        self._lines[name] = magic

    def register_cell(self, name: str, magic: CellMagic) -> None:
        """Make `%%name rest` call `magic(rest, body)`; a later one of the same name replaces it."""
        if not name.isidentifier():
            raise CellError(f"{name!r} cannot be the name of a magic: it is no identifier")
        self._cells[name] = magic

    def offer(self, name: str, module: str, *given: object) -> None:
        """Make `%name` what `make(*given)` of a module of ours returns; it is imported when first used."""
        self._offered[name] = module, given

    def names(self) -> list[str]:
        """Every magic's name, in order."""
        return sorted({*self._lines, *self._offered, *builtin.LINES})

    def cell_names(self) -> list[str]:
        """Every cell magic's name, in order."""
        return sorted({*self._cells, *builtin.CELLS, *builtin.WRAPPERS})

    def cell(self, name: str, rest: str, body: str) -> object:
        """Run `%%name rest` with what stands below it; raises `UnknownMagic`."""
        magic = self._cells.get(name)
        if magic is None:
            if name not in builtin.CELLS:
                raise UnknownMagic(f"%%{name}", _nearest(name, self.cell_names()))
            magic = self._cells[name] = _module(f"{_PACKAGE}.{builtin.CELLS[name]}").cell(name, self.kernel)
        return magic(rest, body)

    def wrapper(self, name: str, rest: str) -> AbstractContextManager[object]:
        """What a cell that begins with `%%name rest` runs in."""
        made: WrapperMagic = _module(f"{_PACKAGE}.{builtin.WRAPPERS[name]}").wrapper(name, self.kernel)
        return made(rest)

    def complete(self, code: str, cursor: int) -> list[tuple[str, int, str]]:
        """(text, start, type word) of what a `%` at the beginning of the line can go on with."""
        start = code.rfind("\n", 0, cursor) + 1
        line = code[start:cursor]
        word = line.lstrip(" \t")
        start += len(line) - len(word)
        if word != "%" and not word.removeprefix("%").isidentifier():
            return self._words(word, cursor)
        return [(f"%{name}", start, "magic") for name in self.names() if f"%{name}".startswith(word)]

    def _words(self, line: str, cursor: int) -> list[tuple[str, int, str]]:
        """The first word after a magic's name, where its module lists what that can be."""
        name, blank, rest = line[1:].partition(" ")
        if not blank or name not in self._offered or not all(char.isalpha() for char in rest.lstrip()):
            return []
        known: Sequence[str] = getattr(_module(self._offered[name][0]), "COMMANDS", ())
        rest = rest.lstrip()
        return [(word, cursor - len(rest), "magic") for word in known if word.startswith(rest)]

    def __call__(self, name: str, rest: str) -> object:
        """Run `%name rest`; raises `UnknownMagic`."""
        magic = self._lines.get(name) or self._made(name)
        if magic is None:
            raise UnknownMagic(name, _nearest(name, self.names()))
        return magic(rest)

    def _made(self, name: str) -> LineMagic | None:
        magic: LineMagic
        if name in self._offered:
            module, given = self._offered[name]
            magic = _module(module).make(*given)
        elif name in builtin.LINES:
            magic = _module(f"{_PACKAGE}.{builtin.LINES[name]}").line(name, self.kernel)
        else:
            return None
        self._lines[name] = magic
        return magic


def _nearest(name: str, names: Sequence[str]) -> str:
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, names, 1)), "")
