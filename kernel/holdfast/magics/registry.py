"""The magics of this kernel, by name.

It must never import what a magic needs before it is called.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from holdfast.errors import CellError

#: Gets the rest of the line, stripped; its value is the value of the line.
LineMagic = Callable[[str], object]


class UnknownMagic(CellError):
    """`%name` where nothing of that name is registered."""

    def __init__(self, name: str, nearest: str = "") -> None:
        super().__init__(name, nearest)
        self.name = name
        self.nearest = nearest

    def __str__(self) -> str:
        hint = f"did you mean %{self.nearest}?" if self.nearest else "%lsmagic lists those there are"
        return f"there is no magic %{self.name}: {hint}"


def _module(name: str) -> Any:
    """A module of ours, imported now."""
    __import__(name)
    return sys.modules[name]


class Magics:
    """The registry; calling it runs a lowered line."""

    def __init__(self) -> None:
        self._lines: dict[str, LineMagic] = {}
        #: Magics that are not imported yet: the module and what its `make` is given.
        self._offered: dict[str, tuple[str, tuple[object, ...]]] = {}
        self.register("lsmagic", lambda _rest: ["%" + name for name in self.names()])

    def register(self, name: str, magic: LineMagic) -> None:
        """Make `%name rest` call `magic(rest)`; a later one of the same name replaces it."""
        if not name.isidentifier():
            raise CellError(f"{name!r} cannot be the name of a magic: it is no identifier")
        self._lines[name] = magic

    def offer(self, name: str, module: str, *given: object) -> None:
        """Make `%name` what `make(*given)` of a module of ours returns; it is imported when first used."""
        self._offered[name] = module, given

    def names(self) -> list[str]:
        """Every magic's name, in order."""
        return sorted({*self._lines, *self._offered})

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
            raise UnknownMagic(name, self._nearest(name))
        return magic(rest)

    def _made(self, name: str) -> LineMagic | None:
        if name not in self._offered:
            return None
        module, given = self._offered[name]
        magic: LineMagic = _module(module).make(*given)
        self._lines[name] = magic
        return magic

    def _nearest(self, name: str) -> str:
        from difflib import get_close_matches

        return next(iter(get_close_matches(name, self.names(), 1)), "")
