"""Values that stand for a piece of layout: a call, literal text, a raw string.

They must never be shown to users as objects of their own: printers pass them to `p.pretty`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.output.pretty.layout import Layout

__all__ = ["Call", "RawStringLiteral", "RawText"]


class RawText:
    """`p.pretty(RawText(text))` writes `text`, so that literal text can stand among items."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def _repr_pretty_(self, p: Layout, cycle: bool) -> None:
        p.text(self.value)


class RawStringLiteral:
    """A `str` or `bytes` shown as a raw literal: `r'\\d+'`."""

    __slots__ = ("value",)

    def __init__(self, value: str | bytes) -> None:
        self.value = value

    def _repr_pretty_(self, p: Layout, cycle: bool) -> None:
        p.text("r" + repr(self.value).replace("\\\\", "\\"))


class Call:
    """The expression `name(*args, **kwargs)`, one argument a line when it is too wide."""

    __slots__ = ("args", "kwargs", "name")

    def __init__(self, name: str, /, *args: object, **kwargs: object) -> None:
        self.name = name
        self.args = args
        self.kwargs = kwargs

    @classmethod
    def factory(cls, name: str) -> Callable[..., Call]:
        """A function that makes calls of `name`."""

        def make(*args: object, **kwargs: object) -> Call:
            return cls(name, *args, **kwargs)

        return make

    def _repr_pretty_(self, p: Layout, cycle: bool) -> None:
        opening = f"{self.name}("
        arguments = [("", value) for value in self.args]
        arguments += [(f"{name}=", value) for name, value in self.kwargs.items()]
        with p.group(len(opening), opening, ")"):
            for index, (prefix, value) in enumerate(arguments):
                if index:
                    p.text(",")
                    p.breakable()
                if not prefix:
                    p.pretty(value)
                    continue
                with p.group(len(prefix), prefix):
                    p.pretty(value)
