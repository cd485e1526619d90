"""What the lines that are no Python become: calls of builtins that the kernel puts there.

It must never fail: a text that means nothing stays as it is, and Python says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from holdfast.magics.lines import Found

#: The builtin that a lowered help line calls: (text of the object, detail level).
HELP = "__holdfast_help__"
#: The builtin that a lowered `%name rest` calls: (name, rest).
MAGIC = "__holdfast_magic__"
#: The builtin that a lowered `%%name rest` calls: (name, rest, the lines below).
CELL = "__holdfast_cell_magic__"
#: The builtins that `!cmd`, and `!!cmd` and `x = !cmd`, call: (command).
SHELL = "__holdfast_shell__"
SHELL_LINES = "__holdfast_shell_lines__"

_LINE = re.compile(r"%(%?[^\W\d]\S*+)\s*+(.*)", re.DOTALL)
_HELP_OF_MAGIC = re.compile(r"(%{1,2}(?:[^\W\d]\w*+|!))(\?{1,2})\s*+")
_HELP_BEFORE = re.compile(r"(\?{1,2})([^?]*+)(\?{0,2})\s*+")
_HELP_AFTER = re.compile(r"(?<![\w.\]*])((?:[^\W\d]|\*)(?:[\w.*]|\[[^\[\]\n]*+\])*+)[ \t]*+(?<!\?)(\?{1,2})\s*+\Z")
_AWAIT = re.compile(r"\bawait\b")


def _no(_word: str = "") -> bool:
    return False


class Asked(NamedTuple):
    """What the meaning of a cell depends on besides its text; each is asked only where it matters."""

    #: Whether tasks are alive on the loop: `!cmd` then lets them go on.
    tasks_alive: Callable[[], bool] = _no
    #: Whether a word that begins a line is meant as a magic: one has this name, and no variable has.
    is_magic: Callable[[str], bool] = _no
    #: Whether `%name` or `%%name` (the marks included) is an `async def`.
    is_async: Callable[[str], bool] = _no


def is_awaited(text: str, place: Found, asked: Asked) -> bool:
    """Whether a place makes its cell one that awaits: a line magic whose words do, or that is itself async."""
    line = _LINE.fullmatch(text) if place.outer and text.startswith("%") else None
    return line is not None and (_AWAIT.search(line[2]) is not None or asked.is_async(f"%{line[1]}"))


def lowered(text: str, place: Found, awaited: bool, async_shell: bool) -> str:
    """The Python for what stands at a place; it has as many lines.

    `awaited`: see `is_awaited`; `async_shell`: a command of the shell lets the loop go on.
    """
    call = _call(text.replace("\\\n", " "), place, awaited, async_shell and place.outer)
    return text if call is None else call + "\n" * text.count("\n")


def line_call(name: str, rest: str, awaited: bool = False) -> str:
    """The call for `%name rest`."""
    return _awaitable(MAGIC, (name, rest), awaited)


def cell_call(name: str, rest: str, body: str, awaited: bool) -> str:
    """The call for `%%name rest` above a body."""
    return _awaitable(CELL, (name, rest, body), awaited)


def _awaitable(builtin: str, given: tuple[str, ...], awaited: bool) -> str:
    return f"{'await ' if awaited else ''}{builtin}{'.awaited' if awaited else ''}({', '.join(map(repr, given))})"


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
        return _awaitable(SHELL, (text[1:].strip(),), async_shell)
    magic = _HELP_OF_MAGIC.fullmatch(text)
    if magic is not None:
        return f"{HELP}({magic[1]!r}, {len(magic[2]) - 1})"
    line = _LINE.fullmatch(text)
    if line is None:
        return None
    name, rest = line[1], line[2].rstrip()
    if not rest and name.endswith(";"):
        return line_call(name.rstrip(";"), "", awaited) + ";"
    return line_call(name, rest, awaited)


def _help_before(text: str) -> str | None:
    found = _HELP_BEFORE.fullmatch(text)
    if found is None:
        return None
    name = found[2].strip()
    if not name:
        return line_call("quickref", "")
    return f"{HELP}({name!r}, {max(len(found[1]), len(found[3])) - 1})"
