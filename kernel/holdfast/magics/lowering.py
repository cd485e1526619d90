"""Lowers a cell that has something to lower: pasted prompts, cell magics, then statements.

It must never be imported for a cell of plain Python.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from holdfast.magics.builtin import WRAPPERS
from holdfast.magics.calls import is_awaited, lowered
from holdfast.magics.lines import scan
from holdfast.magics.lowered import CELL, MODES, Asked, Lowered, call

#: Blank and comment lines, then `%%name rest`.
_HEADER = re.compile(r"(?:[ \t\f]*+(?:#[^\n]*+)?\n)*+([ \t\f]*+)%%([^\W\d][^\s?]*+|!)(?:[ \t]++([^\n]*+))?(?=\n|\Z)")
_PROMPT = re.compile(r"\s*+(?:(>>>)|In \[\d++\]: )")
_CLASSIC = re.compile(r"^[ \t]*+(?:>>>|\.\.\.) ?", re.MULTILINE)
_NUMBERED = re.compile(r"^[ \t]*+(?:In \[\d++\]:|\.{3,}+:) ?", re.MULTILINE)


def lower_text(text: str, asked: Asked) -> Lowered | None:
    """What a cell means in Python, whose lines end in newlines only; None where all of it is Python."""
    prompt = _PROMPT.match(text)
    if prompt is not None:
        text = (_CLASSIC if prompt[1] else _NUMBERED).sub("", text)
    header = _header(text, asked)
    if header.mode:
        # Such a cell is not on the loop: a command need not let that go on.
        asked = asked.off_the_loop()
    below = text[header.stop :] if header.stop else text
    rest = "" if header.whole else _statements(below, asked)
    if prompt is None and rest is text:
        return None
    return Lowered(header.code + rest, header.mode, header.transaction, header.wrappers)


class _Header(NamedTuple):
    """The first lines of a cell as far as they are cell magics: up to `stop`, or with `whole` to its end."""

    code: str
    stop: int
    whole: bool
    mode: str
    transaction: str | None
    wrappers: tuple[tuple[str, str], ...]


def _header(text: str, asked: Asked) -> _Header:
    """Read `%%name …` above everything else; what becomes of such a line is a blank one."""
    pieces: list[str] = []
    wrappers: list[tuple[str, str]] = []
    mode, transaction, at = "", None, 0
    while (match := _HEADER.match(text, at)) is not None:
        name, words = match[2], (match[3] or "").strip()
        if name == "transaction":
            transaction = words
        elif name in MODES and not words:
            mode = name
        elif name in WRAPPERS:
            wrappers.append((name, words))
        else:
            pieces += text[at : match.end(1)], _cell(name, words, match[1], text[match.end() + 1 :], asked)
            pieces.append("\n" * text.count("\n", match.end()))
            return _Header("".join(pieces), len(text), True, mode, transaction, tuple(wrappers))
        pieces.append(text[at : match.start(1)])
        at = match.end()
    return _Header("".join(pieces), at, False, mode, transaction, tuple(wrappers))


def _cell(name: str, words: str, indent: str, body: str, asked: Asked) -> str:
    """The call for a cell magic; its body loses the indent of the first line, and ends with a line's end."""
    if indent:
        body = "".join(line.removeprefix(indent) for line in body.splitlines(keepends=True))
    if body and not body.endswith("\n"):
        body += "\n"
    return call(CELL, ("sx" if name == "!" else name, words, body), asked.is_async(f"%%{name}"))


def _statements(text: str, asked: Asked) -> str:
    """`text` with its statements lowered; `text` itself if all of it is Python."""
    found, awaits = scan(text)
    if not found:
        return text
    texts = [text[place.start : place.stop] for place in found]
    awaited = [is_awaited(given, place, asked) for given, place in zip(texts, found, strict=True)]
    async_shell = awaits or any(awaited) or ("!" in text and asked.tasks_alive())
    pieces: list[str] = []
    last = 0
    for given, place, is_async in zip(texts, found, awaited, strict=True):
        pieces += text[last : place.start], lowered(given, place, is_async, async_shell)
        last = place.stop
    return "".join(pieces) + text[last:]
