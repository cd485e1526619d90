"""Completion of files and folders in the commands and magics of a cell.

Must never read more of a folder than a reply can show, nor open a file.
"""

from __future__ import annotations

import os
import re

from holdfast.language import literals

_LINE = re.compile(r"[ \t]*+(?:[^=!%\n]++=[ \t]*+)?(?:!{1,2}|%{1,2}(?P<magic>[^\W\d]\w*+)[ \t]++)(?P<rest>[^\n]*+)\Z")
#: A cell whose lines are commands.
_SHELL_CELL = re.compile(r"(?:[ \t]*+(?:#[^\n]*+)?\n)*+[ \t]*+%%(?:bash|sh|script|sx|system|cmd|!)(?:[ \t][^\n]*+)?\n")
#: Magics whose words are files or folders, and what a name must end in to be one of those; "/" of a folder.
_PATHS = {
    **dict.fromkeys(("cd", "pushd", "rmdir", "mkdir"), ("/",)),
    **dict.fromkeys(("run", "load", "loadpy", "autoreload"), (".py", ".ipy", ".ipynb", "/")),
    **dict.fromkeys(("cat", "cp", "less", "more", "mv", "rm", "pycat", "pfile", "edit"), ("",)),
    **dict.fromkeys(("file", "writefile", "save", "logstart", "history"), ("",)),
    **dict.fromkeys(("ls", "ll", "la", "lf", "lk", "ldir", "lx", "env", "set_env", "sx", "system", "script"), ("",)),
}
_LIMIT = 4_096  # characters of a command that are looked at
_SPECIAL = re.compile(r"([\s'\"\\$`!&*?(){}\[\]|;<>#])")


def paths(code: str, pos: int) -> tuple[int, list[str]] | None:
    """(start, texts) of the files that can stand at `pos`; None where no command or magic wants one."""
    begin = code.rfind("\n", 0, pos) + 1
    line = code[begin:pos]
    if len(line) > _LIMIT:
        return None
    found = _LINE.match(line)
    endings: tuple[str, ...] = ("",)
    if found is not None:
        rest = found["rest"]
        if found["magic"] is not None:
            endings = _PATHS.get(found["magic"], ())
    elif (first := _SHELL_CELL.match(code, 0, pos)) is not None and begin >= first.end():
        rest = line
    else:
        return None
    start, quote = _last_word(rest)
    typed = rest[start:]
    if not endings or typed.startswith("-") or "://" in typed or any(char in typed for char in "$`{\0"):
        return None
    path = typed if quote else re.sub(r"\\(.)", r"\1", typed)
    start = pos - len(typed)
    if path == "~":
        return start, ["~/"]
    folder, slash, stem = path.rpartition("/")
    names = literals.entries(os.path.expanduser(folder + slash) if slash else os.curdir, stem)
    texts = [name if quote else _SPECIAL.sub(r"\\\1", name) for name in names if name.endswith(endings)]
    return start + typed.rfind("/") + 1, sorted(texts)


def _last_word(rest: str) -> tuple[int, str]:
    """Where the last word of a command begins, and the quote that is open there."""
    start, quote, at = 0, "", 0
    while at < len(rest):
        char = rest[at]
        if char == "\\" and quote != "'":
            at += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote, start = char, at + 1
        elif char in " \t|&;<>()=,":
            start = at + 1
        at += 1
    return start, quote
