"""The text/plain layout people know from notebooks; it must never hide what a `repr` raises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.output.pretty.calls import Call, RawStringLiteral, RawText
from holdfast.output.pretty.layout import Layout
from holdfast.output.pretty.plain import plain
from holdfast.output.pretty.printer import PrettyPrinter
from holdfast.output.pretty.registry import REGISTRY, Printer, Registry

if TYPE_CHECKING:
    from io import StringIO

__all__ = [
    "REGISTRY",
    "Call",
    "Layout",
    "PrettyPrinter",
    "Printer",
    "RawStringLiteral",
    "RawText",
    "Registry",
    "for_type",
    "for_type_by_name",
    "pretty",
]


def pretty(obj: object, *, max_width: int = 79, max_seq_length: int = 1000, registry: Registry = REGISTRY) -> str:
    """The text that stands for `obj`.

    `max_width` in columns; of containers at most `max_seq_length` items are shown, all with 0. Raises
    what the object's `repr`, its `_repr_pretty_` or a registered printer raises.
    """
    kind = type(obj)
    if kind in registry.verbatim:
        return repr(obj)
    if kind in registry.plain:
        found = plain(obj, max_width, max_seq_length, registry)
        if found is not None:
            return found
    printer = PrettyPrinter(max_width=max_width, max_seq_length=max_seq_length, registry=registry)
    printer.pretty(obj)
    printer.flush()
    output = printer.output
    if TYPE_CHECKING:
        assert isinstance(output, StringIO)
    return output.getvalue()


def for_type(kind: type, printer: Printer | None) -> Printer | None:
    """Register `printer(obj, p, cycle)` for a class and its subclasses; returns the one registered before.

    With None, nothing changes.
    """
    return REGISTRY.for_type(kind, printer)


def for_type_by_name(module: str, name: str, printer: Printer | None) -> Printer | None:
    """Like `for_type` for a class whose module is not imported yet, and is not imported by this."""
    return REGISTRY.for_type_by_name(module, name, printer)
