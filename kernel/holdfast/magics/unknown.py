"""Errors about magics that are not there, or not where they stand.

It must never import what a magic needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import FunctionType

from holdfast.errors import CellError
from holdfast.magics.lowered import MODES


class UnknownMagic(CellError):
    """`%name` or `%%name` where nothing of that name is registered; `function`: a variable of that name could be."""

    def __init__(self, name: str, nearest: str = "", function: bool = False) -> None:
        super().__init__(name, nearest, function)
        self.name = name
        self.nearest = nearest
        self.function = function

    def __str__(self) -> str:
        marks = "%%" if self.name.startswith("%%") else "%"
        if self.function:
            bare = self.name.lstrip("%")
            return f"there is no magic {marks}{bare}, but a function: holdfast.register_magic({bare}) makes it one"
        hint = f"did you mean {marks}{self.nearest}?" if self.nearest else "%lsmagic lists those there are"
        return f"there is no magic {marks}{self.name.lstrip('%')}: {hint}"


class OtherKind(CellError):
    """A line magic that is used for a cell, or a cell magic for a line."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        bare = self.name.lstrip("%")
        if self.name.startswith("%%"):
            return f"{self.name} cannot take a whole cell: it is for one line, %{bare}"
        return f"%{bare} cannot take a line: it is for a whole cell, with %%{bare} in its first line"


class NotFirst(CellError):
    """`%%name` below something else."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"%{self.name} must be in the first line of its cell: put what stands above it into a cell of its own"


class TakesNoWords(CellError):
    """`%%thread` and its kin with something behind them."""

    def __init__(self, name: str, words: str) -> None:
        super().__init__(name, words)
        self.name = name
        self.words = words

    def __str__(self) -> str:
        return f"%%{self.name} stands alone in its line, without {self.words!r}"


def nearest(name: str, names: Sequence[str]) -> str:
    """The name that was probably meant, or ""."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, names, 1)), "")


def unknown_line(name: str, lines: Sequence[str], cells: Sequence[str], variable: object) -> CellError:
    """What is wrong with `%name`, for which there is no line magic; `variable`: what else has that name."""
    if name.startswith("%"):
        return NotFirst(name)
    return OtherKind(name) if name in cells else UnknownMagic(name, nearest(name, lines), _is_function(variable))


def unknown_cell(name: str, words: str, lines: Sequence[str], cells: Sequence[str], variable: object) -> CellError:
    """What is wrong with `%%name words`, for which there is no cell magic that gets its body."""
    if name in MODES:
        return TakesNoWords(name, words)
    if name in lines:
        return OtherKind(f"%%{name}")
    return UnknownMagic(f"%%{name}", nearest(name, cells), _is_function(variable))


def _is_function(variable: object) -> bool:
    return type(variable) is FunctionType
