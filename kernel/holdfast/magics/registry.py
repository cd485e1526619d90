"""The magics of this kernel, by name.

It must never import what a magic needs before it is called.
"""

from __future__ import annotations

from collections.abc import Callable

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


class Magics:
    """The registry; calling it runs a lowered line."""

    def __init__(self) -> None:
        self._lines: dict[str, LineMagic] = {}
        self.register("lsmagic", lambda _rest: ["%" + name for name in sorted(self._lines)])

    def register(self, name: str, magic: LineMagic) -> None:
        """Make `%name rest` call `magic(rest)`; a later one of the same name replaces it."""
        if not name.isidentifier():
            raise CellError(f"{name!r} cannot be the name of a magic: it is no identifier")
        self._lines[name] = magic

    def __call__(self, name: str, rest: str) -> object:
        """Run `%name rest`; raises `UnknownMagic`."""
        magic = self._lines.get(name)
        if magic is None:
            raise UnknownMagic(name, self._nearest(name))
        return magic(rest)

    def _nearest(self, name: str) -> str:
        from difflib import get_close_matches

        return next(iter(get_close_matches(name, self._lines, 1)), "")
