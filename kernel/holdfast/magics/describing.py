"""What a magic is, for `%name?` and for inspection.

It must never run a magic, nor fail for one whose module is broken: that is found when it is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from holdfast.magics.parse import MODES

_AT = re.compile(r"[ \t]*+(?:[^=%!?\n]++=[ \t]*+|\?{1,2})?(%{1,2}[^\W\d]\w*+)(\?{1,2})?")
_LABEL = "\x1b[31m{}:\x1b[39m"
_MODE = {
    "thread": "Run this cell in a thread of its own: tasks on the event loop go on meanwhile, and so does the kernel.",
    "bg": "Run this cell in the background: the next cells do not wait for it, its output stays with it.",
    "transaction": (
        "Run this cell under a policy: commit_always, commit_on_success, rollback_on_failure or explicit.\n\n"
        "%%transaction alone is rollback_on_failure: where the cell fails, it has changed nothing."
    ),
}


def docstring(magic: object) -> str:
    """The text that describes a magic, without its indent."""
    text = getattr(magic, "__doc__", None)
    if not isinstance(text, str):
        return ""
    lines = text.expandtabs().strip().split("\n")
    margin = min((len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()), default=0)
    return "\n".join([lines[0], *(line[margin:].rstrip() for line in lines[1:])])


def mode_docstring(name: str) -> str:
    """That of a cell magic which only says how its cell runs."""
    return _MODE[name] if name in MODES else ""


def named_at(code: str, cursor: int) -> str:
    """The magic, with its marks, that the cursor is on or that is asked about in its line; or ""."""
    start = code.rfind("\n", 0, cursor) + 1
    found = _AT.match(code, start)
    if found is None or not (found.start(1) <= cursor <= found.end(1) or found[2]):
        return ""
    return found[1]


def described(marked: str, magic: object, text: str, level: int) -> str:
    """The fields of a magic as a pager shows them: with `level` 1 its source, where there is one."""
    function = getattr(magic, "__wrapped__", magic)
    fields = [("Magic", marked), ("Docstring", text or "<no docstring>")]
    source = _source(function) if level else ""
    if source:
        fields[1:] = [("Source", source)]
    code = getattr(function, "__code__", None)
    if code is not None:
        fields.append(("File", code.co_filename))
    return "\n".join(_field(label, value) for label, value in fields)


def _field(label: str, value: str) -> str:
    return _LABEL.format(label) + ("\n" if "\n" in value else " " * max(1, 15 - len(label))) + value


def _source(function: object) -> str:
    import inspect

    if not isinstance(function, Callable):  # type: ignore[arg-type]
        return ""
    try:
        return inspect.getsource(function)  # type: ignore[arg-type]
    except (OSError, TypeError):
        return ""
