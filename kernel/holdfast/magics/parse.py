"""Lowers `obj?`, `obj??`, `?obj` to a call; the rest of the magic syntax comes with its own issue.

It must never touch a line that Python itself can mean: a question mark outside a string or comment never is.
"""

from __future__ import annotations

import re

_HELP = re.compile(r"[ \t]*(\?{1,2})?[ \t]*([^\W\d][\w.\[\]'\"-]*(?:\.\*)?)[ \t]*(\?{1,2})?[ \t]*")

#: The builtin that a lowered help line calls: (text of the object, detail level).
HELP = "__holdfast_help__"


def lower(code: str) -> str:
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
