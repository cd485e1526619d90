"""Lowers what is not Python to Python: `obj?`, `obj??`, `?obj`, `%name …`, `%%thread`, `%%bg` and `%%transaction`.

It must never touch a line that Python itself can mean.  A percent sign cannot begin a statement and a question
mark cannot end one, so only lines on which a logical line begins are looked at.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from holdfast.magics.lines import statement_lines

_HELP = re.compile(r"[ \t]*(\?{1,2})?[ \t]*([^\W\d][\w.\[\]'\"-]*(?:\.\*)?)[ \t]*(\?{1,2})?[ \t]*")
_MODE = re.compile(r"\s*^([ \t]*%%(thread|bg|transaction(?=[ \t]|$))([ \t]+[\w \t]*)?)$", re.MULTILINE)
_LINE = re.compile(r"([ \t]*)%([A-Za-z_]\w*)(?:[ \t]+(.*?))?[ \t\r]*")

#: The builtin that a lowered help line calls: (text of the object, detail level).
HELP = "__holdfast_help__"
#: The builtin that a lowered `%name rest` calls: (name, rest).
MAGIC = "__holdfast_magic__"


class Lowered(NamedTuple):
    """Python text with the cell's line numbers, and what its first lines ask for.

    `mode` is "", "thread" or "bg"; `transaction` what follows `%%transaction`, None for a cell without one.
    """

    code: str
    mode: str = ""
    transaction: str | None = None


def lower(code: str) -> Lowered:
    """What `code` means in Python."""
    mode, transaction = "", None
    while "%%" in code and (match := _MODE.match(code)) is not None:
        words = (match[3] or "").strip()
        if match[2] == "transaction":
            transaction = words
        elif words:
            break
        else:
            mode = match[2]
        # The line becomes a blank one, so that all others keep their numbers.
        code = code[: match.start(1)] + code[match.end(1) :]
    if "%" not in code and "?" not in code:
        return Lowered(code, mode, transaction)
    lines = code.split("\n")
    suspects = {n for n, line in enumerate(lines) if line.lstrip(" \t").startswith("%") or "?" in line}
    if suspects:
        for n in suspects.intersection(statement_lines(code)):
            lines[n] = _lower_line(lines[n])
    return Lowered("\n".join(lines), mode, transaction)


def sole_magic(code: str) -> str:
    """The name of the line magic that a cell consists of, comments left out; empty if it has anything else."""
    lines = [line for line in code.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found = _LINE.fullmatch(lines[0]) if len(lines) == 1 else None
    return found[2] if found is not None else ""


def _lower_line(line: str) -> str:
    magic = _LINE.fullmatch(line)
    if magic is not None:
        return f"{magic[1]}{MAGIC}({magic[2]!r}, {magic[3] or ''!r})"
    wanted = _HELP.fullmatch(line.rstrip("\r"))
    if wanted is not None and (wanted[1] or wanted[3]):
        marks = max(len(wanted[1] or ""), len(wanted[3] or ""))
        return f"{HELP}({wanted[2]!r}, {marks - 1})"
    return line
