"""`IPython.core.magics`: classes of built-in magics that panels and extensions call by name.

It must never do a magic's work: the kernel's own does.
"""

from __future__ import annotations

from typing import Any

from holdfast.compat.ipython import current
from holdfast.compat.ipython.magic import Magics
from holdfast.magics.builtin.units import format_time

__all__ = ["BuiltinMagics", "ExecutionMagics", "NamespaceMagics", "OSMagics"]

#: Private there, and used by extensions nevertheless.
_format_time = format_time


class BuiltinMagics(Magics):
    """A class whose methods are the kernel's line magics, called with the rest of the line."""

    registered = True

    def __getattr__(self, name: str) -> Any:
        registry = current.kernel().magics
        if name.startswith("_") or name not in registry.names():
            raise AttributeError(f"{type(self).__name__} has no {name!r}: %lsmagic lists the magics there are")
        return lambda line="": registry(name, line)


class NamespaceMagics(BuiltinMagics):
    """`who`, `who_ls`, `whos` and their kin."""


class ExecutionMagics(BuiltinMagics):
    """`run`, `time`, `timeit` and their kin."""


class OSMagics(BuiltinMagics):
    """`cd`, `env` and their kin."""
