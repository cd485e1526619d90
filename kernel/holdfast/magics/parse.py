"""Lowers `obj?`, `obj??`, `?obj` to a call and reads how a cell is to run (`%%thread`, `%%bg`).

It must never touch a line that Python itself can mean: a question mark outside a string or comment never is, a
line that begins with two percent signs never is.  The rest of the magic syntax comes with its own issue.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_HELP = re.compile(r"[ \t]*(\?{1,2})?[ \t]*([^\W\d][\w.\[\]'\"-]*(?:\.\*)?)[ \t]*(\?{1,2})?[ \t]*")

_MODE = re.compile(r"\s*^([ \t]*%%(thread|bg)[ \t]*)$", re.MULTILINE)

#: The builtin that a lowered help line calls: (text of the object, detail level).
HELP = "__holdfast_help__"


class Lowered(NamedTuple):
    """Python text with the cell's line numbers, and the mode its first line asks for ("", "thread", "bg")."""

    code: str
    mode: str = ""


def lower(code: str) -> Lowered:
    """What `code` means in Python."""
    match = _MODE.match(code)
    if match is None:
        return Lowered(_lower_help(code))
    # The line becomes a blank one, so that all others keep their numbers.
    return Lowered(_lower_help(code[: match.start(1)] + code[match.end(1) :]), match[2])


def _lower_help(code: str) -> str:
    """`code` with a help request as its last line lowered; lines keep their numbers."""
    if "?" not in code:
        return code
    lines = code.split("\n")
    last = len(lines) - 1
    while last >= 0 and not lines[last].strip():
        last -= 1
    if last < 0:
        return code
    match = _HELP.fullmatch(lines[last].rstrip("\r"))
    if match is None or not (match[1] or match[3]):
        return code
    marks = max(len(match[1] or ""), len(match[3] or ""))
    lines[last] = f"{HELP}({match[2]!r}, {marks - 1})"
    return "\n".join(lines)
