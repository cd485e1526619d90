"""The frames of a traceback as `%xmode Plain` and `%xmode Verbose` have them.

It must never be imported for tracebacks as they are by default; and a value whose `repr` fails, is huge or never
comes to an end with its own must cost no more than its own place.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from types import FrameType, TracebackType

from holdfast.executor.frames import BLUE, RESET, Sources, block, clipped, place

#: What can be set.
MODES = ("Plain", "Context", "Verbose", "Minimal")

_LONGEST_VALUE = 200
_LONGEST_CALL = 2000


def plain_block(item: TracebackType, labels: Mapping[str, str], sources: Sources) -> str:
    """Where, in which function, and the line."""
    code, line = item.tb_frame.f_code, item.tb_lineno
    where = "" if code.co_name == "<module>" else f" in {BLUE}{code.co_name}{RESET}"
    header = f"  {place(code.co_filename, line, labels)}{where}\n"
    lines = sources.lines(code.co_filename, item.tb_frame.f_globals)
    if not 0 < (line or 0) <= len(lines):
        return header
    return f"{header}    {clipped(lines[line - 1].strip(), _LONGEST_VALUE)}\n"


def verbose_block(item: TracebackType, labels: Mapping[str, str], sources: Sources) -> str:
    """As by default, with the values of the arguments."""
    return block(item, labels, sources, _call(item.tb_frame))


def _call(frame: FrameType) -> str:
    """`, in f(x=3, *args=())`, or "" for the body of a module or cell."""
    import inspect

    code = frame.f_code
    if code.co_name == "<module>":
        return ""
    given = inspect.getargvalues(frame)
    names = [*given.args, *code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]]
    shown = [(name, name) for name in dict.fromkeys(names) if not name.startswith(".")]
    shown += [(f"{stars}{name}", name) for stars, name in (("*", given.varargs), ("**", given.keywords)) if name]
    values = ", ".join(f"{label}={_value(given.locals[name])}" for label, name in shown if name in given.locals)
    return f", in {BLUE}{clipped(code.co_qualname, _LONGEST_VALUE)}{RESET}({clipped(values, _LONGEST_CALL)})"


class _Short(reprlib.Repr):
    """Values in one line; a `repr` of the user's that fails is said to."""

    def __init__(self) -> None:
        super().__init__()
        self.maxother = self.maxstring = self.maxlong = _LONGEST_VALUE
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = self.maxfrozenset = 10


def _value(value: object) -> str:
    try:
        return clipped(" ".join(_Short().repr(value).split()), _LONGEST_VALUE)
    except Exception:  # of a container's items, say
        return f"<{type(value).__name__} repr() failed>"
