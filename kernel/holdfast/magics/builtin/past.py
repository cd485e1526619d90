"""`%history`, `%recall` and `%notebook`: what was run in this session and in earlier ones.

It must never change the record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from holdfast.magics.port import Kernel, LineMagic
from holdfast.magics.words import BadWords

_RANGE = re.compile(r"(?:(~?\d+)/)?(\d+)?(?:([-:])(?:(~?\d+)/)?(\d+)?)?")
_OPTIONS = {
    **dict.fromkeys("noptu", False),
    **dict.fromkeys("gfl", True),
}


class Entry(NamedTuple):
    """A cell that was run; `session` is 0 for this one."""

    session: int
    number: int
    code: str
    output: str | None


class Asked(NamedTuple):
    """The words of a line: options of one letter, and the others."""

    options: dict[str, str]
    words: list[str]


def line(name: str, kernel: Kernel) -> LineMagic:
    """The magic of that name."""
    made: dict[str, Callable[[Kernel], LineMagic]] = {
        "history": _history,
        "hist": _history,
        "recall": _recall,
        "rep": _recall,
        "rerun": _rerun,
        "notebook": _notebook,
    }
    return made[name](kernel)


# ------------------------------------------------------------ what is meant


def cells(kernel: Kernel, text: str) -> list[Entry]:
    """The cells of a range: `4`, `1-5`, `2-`, `~1/3-6` (of the session before), `~1/` (all of it).  CellError: none."""
    match = _RANGE.fullmatch(text)
    if match is None or text in ("-", ":"):
        raise BadWords("%history", f"{text!r} is no range of cells; 4, 1-5, ~1/2-3 (of the session before) and ~1/ are")
    session, first, dash, last_session, last = match.groups()
    number = _session(session or "0")
    start = int(first or 1)
    if last_session is not None:
        return list(_across(kernel, number, start, _session(last_session), int(last) if last else None))
    if dash is None and first is not None:
        return _of(kernel, number, start, start + 1)
    stop = int(last) + (dash == "-") if last else None
    return _of(kernel, number, start, stop)


def _session(text: str) -> int:
    return -int(text[1:]) if text.startswith("~") else int(text)


def _across(kernel: Kernel, session: int, start: int, last_session: int, last: int | None) -> Iterator[Entry]:
    for number in range(session, last_session + 1):
        stop = last + 1 if number == last_session and last is not None else None
        yield from _of(kernel, number, start if number == session else 1, stop)


def _of(kernel: Kernel, session: int, start: int, stop: int | None) -> list[Entry]:
    """Cells `start` to `stop` (not included) of a session; this one has the running one and those before a crash."""
    found = kernel.history.request("range", True, True, session, start, stop, None, None, False)
    entries = {number: Entry(session, number, code, output) for _, number, (code, output) in found}
    if session == 0:
        inputs = kernel.scope.results.inputs
        for number in range(max(start, 1), len(inputs) if stop is None else min(stop, len(inputs))):
            if inputs[number] and number not in entries:
                entries[number] = Entry(session, number, inputs[number], None)
    return [entry for _, entry in sorted(entries.items())]


def _running(kernel: Kernel) -> Entry | None:
    inputs = kernel.scope.results.inputs
    return Entry(0, len(inputs) - 1, inputs[-1], None) if len(inputs) > 1 else None


def _searched(kernel: Kernel, pattern: str, unique: bool, limit: int | None) -> list[Entry]:
    shape = pattern if "*" in pattern or "?" in pattern else f"*{pattern}*"
    shape = shape if shape.startswith("*") else f"*{shape}"
    shape = shape if shape.endswith("*") else f"{shape}*"
    found = kernel.history.request("search", True, True, 0, None, None, limit, shape, unique)
    own = kernel.history.session
    return [Entry(0 if session == own else session, count, code, output) for session, count, (code, output) in found]


# ------------------------------------------------------------ showing it


def _read(rest: str) -> Asked:
    asked = Asked({}, [])
    words = iter(rest.split())
    for word in words:
        if not re.fullmatch(r"-[a-zA-Z]+", word):
            asked.words.append(word)
            continue
        for letter in word[1:]:
            if letter not in _OPTIONS:
                raise BadWords("%history", f"there is no -{letter}; there are -n -o -p -u -l -g PATTERN and -f FILE")
            if letter == "g":
                asked.options["g"] = " ".join(words) or "*"
            elif _OPTIONS[letter]:
                asked.options[letter] = next(words, "")
            else:
                asked.options[letter] = "yes"
    return asked


def _history(kernel: Kernel) -> LineMagic:
    def history(rest: str) -> None:
        """Print what was run: all of this session, or ranges such as `4`, `1-5`, `~1/2-3` (of the session before).

        -n: with numbers.  -o: with results.  -p: as in a terminal, behind `>>>`.  -l 5: the last ones of all sessions.
        -g PATTERN: those that match it, of all sessions.  -u: each once.  -f FILE: into a file.
        """
        asked = _read(rest)
        entries, numbered = _meant(kernel, asked)
        if "u" in asked.options:
            entries = list({entry.code: entry for entry in reversed(entries)}.values())[::-1]
        text = "\n".join(_shown(entry, asked.options, numbered) for entry in entries)
        if "f" in asked.options:
            Path(asked.options["f"]).expanduser().write_text(text + "\n", encoding="utf-8")
        elif entries:
            print(text)

    return history


def _meant(kernel: Kernel, asked: Asked) -> tuple[list[Entry], bool]:
    """The cells, and whether they are to be shown with their numbers in any case."""
    options = asked.options
    if "g" in options:
        return _searched(kernel, options["g"], "u" in options, None), True
    if "l" in options:
        limit = options["l"]
        if not limit.isdecimal():  # it was the next word, not a number
            asked.words.insert(0, limit)
        return _last(kernel, int(limit) if limit.isdecimal() else 10), False
    found = [entry for text in asked.words for entry in cells(kernel, text)] if asked.words else cells(kernel, "1-")
    return found, False


def _last(kernel: Kernel, count: int) -> list[Entry]:
    """The newest cells of all sessions, but for the one that asks."""
    found = kernel.history.request("tail", True, True, 0, None, None, count + 1, None, False)
    entries = [Entry(session, number, code, output) for session, number, (code, output) in found]
    running = _running(kernel)
    if entries and running is not None and entries[-1][1:3] == running[1:3]:
        return entries[:-1]
    return entries[-count:]


def _shown(entry: Entry, options: dict[str, str], numbered: bool) -> str:
    code = entry.code.rstrip("\n")
    if "p" in options:
        first, *others = code.split("\n")
        code = "\n".join([f">>> {first}", *(f"... {line}" for line in others), *(["..."] if others else [])])
    head = ""
    if numbered or "n" in options:
        number = f"{entry.session}/{entry.number}" if entry.session else str(entry.number)
        head = f"{number:>4}:" + ("\n" if "\n" in code else " ")
    return head + code + (f"\n{entry.output}" if "o" in options and entry.output is not None else "")


# ------------------------------------------------------------ using it


def _joined(kernel: Kernel, rest: str) -> str:
    return "\n".join(entry.code for text in rest.split() for entry in cells(kernel, text))


def _recall(kernel: Kernel) -> LineMagic:
    def recall(rest: str) -> None:
        """Put earlier code into the next cell: a range (`4`, `1-5`), or the newest cell that has a word in it.

        Alone: the result of the last cell.
        """
        if not rest:
            kernel.set_next_input(str(kernel.namespace.get("_", "")))
            return
        try:
            text = _joined(kernel, rest)
        except BadWords:
            here = [entry for entry in _searched(kernel, rest, False, None) if not entry.code.startswith("%re")]
            text = here[-1].code if here else ""
        if text:
            kernel.set_next_input(text.rstrip())
        else:
            print(f"No cell is or has {rest!r}.")

    return recall


def _rerun(kernel: Kernel) -> LineMagic:
    def rerun(rest: str) -> object:
        """Run earlier code again: a range (`4`, `1-5`); alone: the cell before this one."""
        running = _running(kernel)
        before = running.number - 1 if running is not None else 0
        text = _joined(kernel, rest or str(before))
        if not text:
            raise BadWords("%rerun", f"there is no cell {rest or before}")
        print("=== Again: ===", text.rstrip(), "=== Output: ===", sep="\n")
        return kernel.run(text)

    return rerun


def _notebook(kernel: Kernel) -> LineMagic:
    def notebook(rest: str) -> None:
        """Write what this session ran to a notebook file: `%notebook NAME.ipynb`."""
        if not rest:
            raise BadWords("%notebook", "it goes %notebook NAME.ipynb")
        import json
        import sys
        from uuid import uuid4

        made = [
            {
                "cell_type": "code",
                "id": uuid4().hex[:8],
                "execution_count": entry.number,
                "metadata": {},
                "source": entry.code,
                "outputs": _result(entry),
            }
            for entry in cells(kernel, "1-")[:-1]
        ]
        spec = {"name": "holdfast", "display_name": "Python 3 (Holdfast)", "language": "python"}
        info = {"name": "python", "version": sys.version.split()[0]}
        whole = {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"kernelspec": spec, "language_info": info},
            "cells": made,
        }
        path = Path(rest.strip("'\"")).expanduser()
        path.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    return notebook


def _result(entry: Entry) -> list[dict[str, object]]:
    if entry.output is None:
        return []
    data = {"text/plain": entry.output}
    return [{"output_type": "execute_result", "execution_count": entry.number, "metadata": {}, "data": data}]
