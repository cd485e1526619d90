"""What the lines that are no Python become: calls of builtins that the kernel puts there.

It must never fail: a text that means nothing stays as it is, and Python says so.
"""

from __future__ import annotations

import re

from holdfast.magics.lines import Found
from holdfast.magics.lowered import HELP, MAGIC, SHELL, SHELL_LINES, Asked, call

_LINE = re.compile(r"%(%?[^\W\d]\S*+)\s*+(.*)", re.DOTALL)
_HELP_OF_MAGIC = re.compile(r"(%{1,2}(?:[^\W\d]\w*+|!))(\?{1,2})\s*+")
_HELP_BEFORE = re.compile(r"(\?{1,2})([^?]*+)(\?{0,2})\s*+")
_HELP_AFTER = re.compile(r"(?<![\w.\]*])((?:[^\W\d]|\*)(?:[\w.*]|\[[^\[\]\n]*+\])*+)[ \t]*+(?<!\?)(\?{1,2})\s*+\Z")
_AWAIT = re.compile(r"\bawait\b")


def is_awaited(text: str, place: Found, asked: Asked) -> bool:
    """Whether a place makes its cell one that awaits: a line magic whose words do, or that is itself async."""
    line = _LINE.fullmatch(text) if place.outer and text.startswith("%") else None
    return line is not None and (_AWAIT.search(line[2]) is not None or asked.is_async(f"%{line[1]}"))


def lowered(text: str, place: Found, awaited: bool, async_shell: bool) -> str:
    """The Python for what stands at a place; it has as many lines.

    `awaited`: see `is_awaited`; `async_shell`: a command of the shell lets the loop go on.
    """
    found = _call(text.replace("\\\n", " "), place, awaited, async_shell and place.outer)
    return text if found is None else found + "\n" * text.count("\n")


def _call(text: str, place: Found, awaited: bool, async_shell: bool) -> str | None:
    if place.kind == "help":
        asked_for = _HELP_AFTER.search(text)
        return f"{HELP}({asked_for[1]!r}, {len(asked_for[2]) - 1})" if asked_for is not None else None
    if text[0] == "?":
        return _help_before(text)
    if text[0] == "!":
        if place.kind == "value":
            return f"{SHELL_LINES}({text[1:].strip()!r})"
        if text.startswith("!!"):
            return f"{SHELL_LINES}({text[2:].strip()!r})"
        return call(SHELL, (text[1:].strip(),), async_shell)
    magic = _HELP_OF_MAGIC.fullmatch(text)
    if magic is not None:
        return f"{HELP}({magic[1]!r}, {len(magic[2]) - 1})"
    line = _LINE.fullmatch(text)
    if line is None:
        return None
    name, rest = line[1], line[2].rstrip()
    if not rest and name.endswith(";"):
        return call(MAGIC, (name.rstrip(";"), ""), awaited) + ";"
    return call(MAGIC, (name, rest), awaited)


def _help_before(text: str) -> str | None:
    found = _HELP_BEFORE.fullmatch(text)
    if found is None:
        return None
    name = found[2].strip()
    if not name:
        return call(MAGIC, ("quickref", ""))
    return f"{HELP}({name!r}, {max(len(found[1]), len(found[3])) - 1})"
