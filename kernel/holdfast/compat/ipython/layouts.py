"""`IPython.lib.pretty`: the layout of text/plain, for libraries that print with it.

It must never lay out anything by itself, nor use the printers that were registered for cells' values: sympy's call it.
"""

from __future__ import annotations

import sys

from holdfast.output.pretty import REGISTRY, Call, Printer, RawStringLiteral, RawText, Registry
from holdfast.output.pretty import PrettyPrinter as _PrettyPrinter
from holdfast.output.pretty import pretty as _pretty

__all__ = [
    "CallExpression",
    "PrettyPrinter",
    "RawStringLiteral",
    "RawText",
    "RepresentationPrinter",
    "for_type",
    "for_type_by_name",
    "pprint",
    "pretty",
]

CallExpression = Call
_OWN = Registry()


class PrettyPrinter(_PrettyPrinter):
    """A layout that also shows objects, by their own methods and what `for_type` of this module registered."""

    def __init__(
        self,
        output: object = None,
        verbose: bool = False,
        max_width: int = 79,
        newline: str = "\n",
        max_seq_length: int = 1000,
    ) -> None:
        super().__init__(output, verbose, max_width, newline, max_seq_length, _OWN)  # type: ignore[arg-type]


RepresentationPrinter = PrettyPrinter


def for_type(typ: type, func: Printer | None) -> Printer | None:
    """Register `func(obj, p, cycle)` for a class, also for cells' values; returns the one registered before."""
    REGISTRY.for_type(typ, func)
    return _OWN.for_type(typ, func)


def for_type_by_name(type_module: str, type_name: str, func: Printer | None) -> Printer | None:
    """Like `for_type` for a class whose module is not imported yet, and is not imported by this."""
    REGISTRY.for_type_by_name(type_module, type_name, func)
    return _OWN.for_type_by_name(type_module, type_name, func)


def pretty(
    obj: object, verbose: bool = False, max_width: int = 79, newline: str = "\n", max_seq_length: int = 1000
) -> str:
    """The text that stands for `obj`."""
    text = _pretty(obj, max_width=max_width, max_seq_length=max_seq_length, registry=_OWN)
    return text.replace("\n", newline)


def pprint(
    obj: object, verbose: bool = False, max_width: int = 79, newline: str = "\n", max_seq_length: int = 1000
) -> None:
    """Print that text."""
    sys.stdout.write(pretty(obj, verbose, max_width, newline, max_seq_length) + newline)
