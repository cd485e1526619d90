"""The printer: it finds what shows an object and runs it on the layout engine.

It must never catch what a `repr` or a printer raises, and never be shared between threads.
"""

from __future__ import annotations

from types import EllipsisType, NoneType, NotImplementedType
from typing import TYPE_CHECKING

from holdfast.output.pretty.layout import Layout, Writer
from holdfast.output.pretty.objects import class_of, default_printer, repr_printer, write_lines
from holdfast.output.pretty.registry import REGISTRY

if TYPE_CHECKING:
    from holdfast.output.pretty.registry import Printer, Registry

__all__ = ["PrettyPrinter"]

#: Shown by name whatever is registered for their bases: a printer for `int` is none for `True`.
_SINGLETONS: frozenset[type] = frozenset({bool, NoneType, EllipsisType, NotImplementedType})


class PrettyPrinter(Layout):
    """A layout that also shows objects: the `p` of `_repr_pretty_(p, cycle)`.

    `output` is anything with a `write` method; `flush()` must be called at the end.
    """

    def __init__(
        self,
        output: Writer | None = None,
        verbose: bool = False,
        max_width: int = 79,
        newline: str = "\n",
        max_seq_length: int = 1000,
        registry: Registry | None = None,
    ) -> None:
        super().__init__(output, verbose, max_width, newline, max_seq_length)
        self.registry = REGISTRY if registry is None else registry

    def pretty(self, obj: object) -> None:
        """Show `obj` here; raises what its `repr` or printer raises."""
        # A group may be left out when no other lies on its level: having no gap, it would change nothing.
        depth = len(self.group_stack)
        levels = self.levels
        alone = depth >= len(levels) or not levels[depth]
        if alone and type(obj) in self.registry.verbatim:
            self.text(repr(obj))
            return
        printer = self.printer_for(obj)
        lines: list[str] | None = None
        if printer is repr_printer:
            lines = repr(obj).splitlines()
            if alone and len(lines) == 1 and (depth + 1 >= len(levels) or not levels[depth + 1]):
                self.text(lines[0])
                return
        identity = id(obj)
        cycle = identity in self.stack
        self.stack.append(identity)
        self.begin_group()
        try:
            if lines is None:
                printer(obj, self, cycle)
            else:
                write_lines(lines, self)
        finally:
            self.end_group()
            self.stack.pop()

    def printer_for(self, obj: object) -> Printer:
        """What shows `obj`.

        For each class of its method resolution order: a registered printer, then `_repr_pretty_`, then
        `__repr__`; whichever class is nearest wins.
        """
        if type(obj) in _SINGLETONS and type(obj) not in self.registry.custom:
            return repr_printer
        own = self.registry.own
        for kind in class_of(obj).__mro__:
            printer = own(kind)
            if printer is not None:
                return printer
            names = kind.__dict__
            if "_repr_pretty_" in names:
                method: Printer = getattr(kind, "_repr_pretty_")  # noqa: B009  (`type` has no such attribute)
                if callable(method):
                    return method
            if "__repr__" in names and kind is not object and callable(getattr(kind, "__repr__", None)):
                return repr_printer
        return default_printer
