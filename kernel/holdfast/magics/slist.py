"""What `x = !command` gives: a list of the lines that the command wrote, with the shortcuts known from notebooks.

It must never be more than a list: it is compared, pickled and displayed as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import SupportsIndex, overload

Plain = list[str]


class SList(list[str]):
    """Lines of text.  `.n` is them as one text, `.s` with blanks between, `.l` a plain list, `.p` the paths among them.

    `grep`, `fields` and `sort` treat each line as words separated by white space; `grep`, `sort` and slices give
    another such list.
    """

    @property
    def n(self) -> str:
        """The lines as they were."""
        return "\n".join(self)

    @property
    def s(self) -> str:
        """The lines as one."""
        return " ".join(self)

    @property
    def l(self) -> Plain:  # noqa: E743 - so it is called
        """A plain list."""
        return list(self)

    @property
    def p(self) -> list[Path]:
        """Those that are the path of something that exists."""
        return [Path(line) for line in self if line and Path(line).exists()]

    nlstr, spstr, list, paths = n, s, l, p

    @overload
    def __getitem__(self, at: SupportsIndex, /) -> str: ...
    @overload
    def __getitem__(self, at: slice, /) -> SList: ...
    def __getitem__(self, at: SupportsIndex | slice, /) -> str | SList:
        """As of a list; slices have the shortcuts too."""
        return SList(super().__getitem__(at)) if isinstance(at, slice) else super().__getitem__(at)

    def __add__(self, other: Iterable[str], /) -> SList:  # type: ignore[override]
        """As of a list; the sum has the shortcuts too."""
        return SList((*self, *other))

    def grep(self, pattern: str | Callable[[str], object], prune: bool = False, field: int | None = None) -> SList:
        """The lines in which a regular expression is found (in any case of letters), or of which a function is true.

        With `prune` the others; with `field` only that word of each line is looked at.
        """
        import re

        found = pattern if callable(pattern) else re.compile(pattern, re.IGNORECASE).search
        return SList(line for line in self if bool(found(_word(line, field))) is not prune)

    def fields(self, *numbers: int) -> SList:
        """These words of each line (0 is the first, -1 the last), those that it has; lines without any are left out.

        Without a number: the words of each line, as lists.
        """
        if not numbers:
            return SList(line.split() for line in self)  # type: ignore[misc]
        chosen = (_chosen(line.split(), numbers) for line in self)
        return SList(" ".join(words) for words in chosen if words)

    def sort(self, field: int | None = None, nums: bool = False) -> SList:  # type: ignore[override]
        """These lines in order, as another list: by a word of each, and with `nums` by the number in it."""

        def key(line: str) -> tuple[int, str]:
            word = _word(line, field)
            digits = "".join(char for char in word if char.isdecimal()) if nums else ""
            return int(digits or 0), "" if nums else word

        return SList(sorted(self, key=key))


def _word(line: str, number: int | None) -> str:
    """A word of a line, empty where it has none of that number; the line itself without a number."""
    return line if number is None else " ".join(_chosen(line.split(), (number,)))


def _chosen(words: list[str], numbers: Iterable[int]) -> list[str]:
    return [words[number] for number in numbers if -len(words) <= number < len(words)]
