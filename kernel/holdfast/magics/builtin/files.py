"""`%%writefile` (`%%file`), `%save`, `%load` and `%loadpy`: cells to files, files to cells.

They must never overwrite a file without saying so, nor write anything but the text that stands there.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable

from holdfast.magics.port import CellMagic, Kernel, LineMagic
from holdfast.magics.sources import find_lines, symbols
from holdfast.magics.words import BadWords, Options


def line(name: str, kernel: Kernel) -> LineMagic:
    """`%load`, `%loadpy`, `%save` and `%edit`."""
    return {"save": _save, "edit": _edit}.get(name, _load)(kernel)


def cell(name: str, _kernel: Kernel) -> CellMagic:
    """`%%writefile` and `%%file`."""

    def writefile(rest: str, body: str) -> None:
        """Write the lines below to a file.  -a: append to it.  The name may hold `{name}`, `$name` and `~`."""
        magic = f"%%{name}"
        options = Options(magic, rest, "a", ("append",))
        appends = "a" in options or "append" in options
        words = options.words
        if len(words) != 1:
            raise BadWords(magic, "it takes the name of one file" + (f", not {rest!r}" if words else ""))
        path = os.path.expanduser(words[0])
        done = "Writing" if not os.path.exists(path) else "Appending to" if appends else "Overwriting"
        with open(path, "a" if appends else "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(body)
        print(f"{done} {words[0]}")

    return writefile


def _load(kernel: Kernel) -> LineMagic:
    def load(rest: str) -> None:
        """Put code into this cell: from a file, a URL, cells of the history (`3-5 7`), or a function or class.

        -r LINES: only these (`5-10,20,30:`)   -s NAMES: only these functions and classes, of a Python file
        -n: also look at the variables (it always does)   -y: do not ask before a long text
        """
        options = Options("%load", rest, "yns:r:")
        text = find_source(kernel, "%load", options.text)
        if ranges := options.get("r"):
            text = "".join(find_lines("%load", text, ranges)).removesuffix("\n")
        if names := options.get("s"):
            found, missing = symbols(text, names.split(","))
            if missing:
                print(f"%load: there is no {', '.join(missing)} in {options.text}", file=sys.stderr)
            text = "\n".join(found)
        if len(text) > 200_000 and "y" not in options:
            answer = kernel.ask(f"The text is {len(text):,} characters long. Load it (y/[N])? ")
            if answer.strip().lower() not in ("y", "yes"):
                print("Operation cancelled.")
                return
        kernel.set_next_input(f"# %load {rest}\n{text}", replace=True)

    return load


def find_source(kernel: Kernel, magic: str, what: str) -> str:
    """The text that `what` names: cells, a file, a URL, or a variable's source or text."""
    if not what or re.fullmatch(r"~?\d[\d/~:\s-]*", what):
        return history(kernel, magic, what)
    if re.match(r"https?://|ftp://", what):
        return _fetched(what)
    for path in (os.path.expanduser(what), os.path.expanduser(what) + ".py"):
        if os.path.isfile(path):
            return _notebook_or_text(path)
    value = kernel.namespace.get(what.split(".")[0].split("[")[0])
    try:
        found = eval(what, kernel.namespace) if value is not None else None
    except Exception:
        found = None
    if isinstance(found, str):
        return found
    source = kernel.source(found) if found is not None else None
    if source is None:
        raise BadWords(magic, f"{what!r} is no file, no cell of the history and no variable with a source")
    return source


def _notebook_or_text(path: str) -> str:
    import tokenize

    if path.endswith(".ipynb"):
        from holdfast.magics.notebook import code_cells

        return "\n\n".join(code_cells(path))
    try:
        with tokenize.open(path) as file:
            return file.read()
    except SyntaxError:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()


def _fetched(url: str) -> str:
    from urllib.request import urlopen

    with urlopen(url) as answer:
        data: bytes = answer.read()
        return data.decode(answer.headers.get_content_charset() or "utf-8", "replace")


def history(kernel: Kernel, magic: str, ranges: str) -> str:
    """The inputs of cells: `3`, `1-5`, `4:6` (without 6), several with blanks; all of this session for ""."""
    parts: list[str] = []
    for word in ranges.split() or ["1:"]:
        match = re.fullmatch(r"(\d+)?(?:([-:])(\d+)?)?", word)
        if match is None:
            raise BadWords(magic, f"{word!r} is no range of this session's cells; write 3, 1-5 or 4:6")
        start = int(match[1] or 1)
        stop = None if match[2] and not match[3] else int(match[3]) + (match[2] == "-") if match[3] else start + 1
        rows = kernel.history.request("range", False, True, 0, start, stop, None, None, False)
        parts += [str(row[2]).rstrip("\n") for row in rows]
    # All of it does not mean the cell that asks.
    return "\n".join(parts if ranges.strip() else parts[:-1])


def _save(kernel: Kernel) -> LineMagic:
    def save(rest: str) -> None:
        """Write cells of the history (`%save notes.py 1-5 8`), or a function's source, to a file.

        -a: append   -f: overwrite without asking   -r: as they were typed (they always are)
        """
        options = Options("%save", rest, "raf")
        name, _, what = options.text.partition(" ")
        if not name:
            raise BadWords("%save", "the name of a file is missing")
        path = os.path.expanduser(name if os.path.splitext(name)[1] else f"{name}.py")
        text = find_source(kernel, "%save", what.strip())
        appends = "a" in options
        if os.path.exists(path) and not appends and "f" not in options and not _agrees(kernel.ask, path):
            print("Operation cancelled.")
            return
        with open(path, "a" if appends else "w", encoding="utf-8") as file:
            if not appends:
                file.write("# coding: utf-8\n")
            file.write(text if text.endswith("\n") else f"{text}\n")
        print(f"The following commands were written to file `{path}`:\n{text}")

    return save


def _edit(_kernel: Kernel) -> LineMagic:
    def edit(rest: str) -> None:
        """There is no editor here; `%load` puts code into this cell, which is one."""
        raise BadWords("%edit", f"there is no editor in a notebook; `%load {rest or 'FILE'}` puts code into this cell")

    return edit


def _agrees(ask: Callable[[str], str], path: str) -> bool:
    return ask(f"File `{path}` exists. Overwrite (y/[N])?  ").strip().lower() in ("y", "yes")
