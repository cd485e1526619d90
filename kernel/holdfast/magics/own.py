"""Functions of users and packages as magics.

It must never run a function to find out what it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

from holdfast.errors import CellError

Kind = Literal["line", "cell", "line_cell"]


class Registry(Protocol):
    """What of `registry.Magics` is needed here."""

    @property
    def kernel(self) -> Any: ...
    def register(self, name: str, magic: Callable[[str], object]) -> None: ...
    def register_cell(self, name: str, magic: Callable[[str, str], object]) -> None: ...


class NoMagic(CellError):
    """A function that cannot be a magic, or of another kind than was said."""

    def __init__(self, function: object, kind: str = "") -> None:
        super().__init__(function, kind)
        self.function = function
        self.kind = kind

    def __str__(self) -> str:
        name = getattr(self.function, "__name__", repr(self.function))
        if self.kind:
            return f"{name} cannot be a magic of kind {self.kind!r}: there are 'line', 'cell' and 'line_cell'"
        return (
            f"{name} cannot be a magic: it takes (line) for %{name}, (line, cell) for %%{name}, "
            "or (line, cell=None) for both"
        )


class OwnMagic:
    """A function that is called as a magic is; what it does to the user's variables is committed with the cell."""

    def __init__(self, function: Callable[..., object], magics: Registry) -> None:
        self.__wrapped__ = function
        self.__doc__ = function.__doc__
        self.__name__ = getattr(function, "__name__", "magic")
        self._magics = magics

    def __call__(self, *given: str) -> object:
        """Run it."""
        try:
            return self.__wrapped__(*given)
        finally:
            self._magics.kernel.touched()


def register(magics: Registry, function: Any, name: str = "", kind: Kind | None = None) -> None:
    """Make a function the magic of that name, else of its own; without a kind its parameters tell.

    Raises `NoMagic`.
    """
    if not callable(function):
        raise NoMagic(function)
    if kind is not None and kind not in ("line", "cell", "line_cell"):
        raise NoMagic(function, kind)
    called = name or getattr(function, "__name__", "")
    magic = OwnMagic(function, magics)
    for each in (kind or kind_of(function)).split("_"):
        (magics.register if each == "line" else magics.register_cell)(called, magic)


def kind_of(function: Callable[..., object]) -> Kind:
    """What a function's parameters say; raises `NoMagic`."""
    import inspect

    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return "line"

    def takes(*given: str) -> bool:
        try:
            signature.bind(*given)
        except TypeError:
            return False
        return True

    line, cell = takes(""), takes("", "")
    if not line and not cell:
        raise NoMagic(function)
    return "line_cell" if line and cell else "line" if line else "cell"
