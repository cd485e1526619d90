"""`IPython.lib.pretty`: the layout of text/plain, for libraries that print with it.

It must never lay out anything by itself: `output.pretty` does.
"""

from __future__ import annotations

import sys

from holdfast.output.pretty import Call, PrettyPrinter, RawStringLiteral, RawText, for_type, for_type_by_name
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
RepresentationPrinter = PrettyPrinter


def pretty(
    obj: object, verbose: bool = False, max_width: int = 79, newline: str = "\n", max_seq_length: int = 1000
) -> str:
    """The text that stands for `obj`."""
    return _pretty(obj, max_width=max_width, max_seq_length=max_seq_length).replace("\n", newline)


def pprint(
    obj: object, verbose: bool = False, max_width: int = 79, newline: str = "\n", max_seq_length: int = 1000
) -> None:
    """Print that text."""
    sys.stdout.write(pretty(obj, verbose, max_width, newline, max_seq_length) + newline)
