"""Lowers what is not Python to Python: `%name`, `%%name`, `!cmd`, `x = !cmd`, `obj?`, pasted prompts and automagic.

It must never touch a line that Python itself can mean: where a statement, or the right side of an assignment, begins
there is no operator, and no statement ends in a question mark.  Every line keeps its number, and every line of
Python its columns; a magic that goes on over several lines leaves blank ones.

Two texts that Python could read are taken for what people mean by them: a cell that begins with the prompt
`In [1]: `, and a cell of one line that begins with a magic's name where no variable has it (automagic).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from holdfast.magics.builtin import WRAPPERS
from holdfast.magics.calls import (
    CELL,
    HELP,
    MAGIC,
    SHELL,
    SHELL_LINES,
    Asked,
    cell_call,
    is_awaited,
    line_call,
    lowered,
)
from holdfast.magics.lines import scan

__all__ = ["CELL", "HELP", "MAGIC", "MODES", "SHELL", "SHELL_LINES", "Asked", "Lowered", "lower", "sole_magic"]

#: Cell magics that say how their cell runs; they are read before anything of it runs, and are in no registry.
MODES = ("thread", "bg", "transaction")

#: Whether a text can have anything to lower: most have not.
_SUSPECT = re.compile(r"^[ \t\f]*+(?:[%!?]|>>>|In \[)|=[ \t\f]*+(?:!(?!=)|%[^\W\d])|\?[ \t\f]*+$", re.MULTILINE)
#: Blank and comment lines, then `%%name rest`.
_HEADER = re.compile(r"(?:[ \t\f]*+(?:#[^\n]*+)?\n)*+([ \t\f]*+)%%([^\W\d][^\s?]*+|!)(?:[ \t]++([^\n]*+))?(?=\n|\Z)")
_PROMPT = re.compile(r"\s*+(?:(>>>)|In \[\d++\]: )")
_CLASSIC = re.compile(r"^[ \t]*+(?:>>>|\.\.\.) ?", re.MULTILINE)
_NUMBERED = re.compile(r"^[ \t]*+(?:In \[\d++\]:|\.{3,}+:) ?", re.MULTILINE)
_UNASKED = Asked()
_ONLY_MAGIC = re.compile(r"[ \t]*+%([^\W\d]\w*+)(?:[ \t]++.*)?")
#: A name and what can be the words of a magic: not the rest of an assignment, comparison or target list.
_AUTOMAGIC = re.compile(r"([^\W\d]\w*+)(?:[ \t]++((?![=,]|[+\-*/%&|^@<>!]{1,2}=)[^\n]++)|;?+)")


class Lowered(NamedTuple):
    """Python text with the cell's line numbers, and what its first lines ask for.

    `mode` is "", "thread" or "bg"; `transaction` what follows `%%transaction`, None for a cell without one;
    `wrappers` are the magics that the cell runs inside, outermost first: (name, rest of the line).
    """

    code: str
    mode: str = ""
    transaction: str | None = None
    wrappers: tuple[tuple[str, str], ...] = ()


def lower(code: str, asked: Asked = _UNASKED) -> Lowered:
    """What `code` means in Python."""
    text = code.replace("\r\n", "\n").replace("\r", "\n") if "\r" in code else code
    if _SUSPECT.search(text) is None:
        return Lowered(_automagic(code, asked))
    prompt = _PROMPT.match(text)
    if prompt is not None:
        text = (_CLASSIC if prompt[1] else _NUMBERED).sub("", text)
    header = _header(text, asked)
    if prompt is None and not header.stop:
        statements = _statements(text, asked)
        return Lowered(_automagic(code, asked) if statements is text else statements)
    rest = "" if header.whole else _statements(text[header.stop :], asked)
    return Lowered(header.code + rest, header.mode, header.transaction, header.wrappers)


def sole_magic(code: str) -> str:
    """The name of the line magic that a cell consists of, comments left out; empty if it has anything else."""
    lines = [line for line in code.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found = _ONLY_MAGIC.fullmatch(lines[0]) if len(lines) == 1 else None
    return found[1] if found is not None else ""


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
    return cell_call("sx" if name == "!" else name, words, body, asked.is_async(f"%%{name}"))


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


def _automagic(code: str, asked: Asked) -> str:
    """A cell of one line that begins with the name of a magic, where nothing else has this name."""
    line = code.strip()
    if "\n" in line or "\r" in line:
        return code
    found = _AUTOMAGIC.fullmatch(line)
    if found is None or not asked.is_magic(found[1]):
        return code
    silent = ";" if line.endswith(";") and not found[2] else ""
    awaited = asked.is_async(f"%{found[1]}")
    return code.replace(line, line_call(found[1], found[2] or "", awaited) + silent)
