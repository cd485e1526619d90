"""Whether a cell is complete, for consoles that must decide what the Enter key does.

Must never run the code, touch the process's warning filters, or raise, whatever the text.

Rejected:
* `codeop`: it silences warnings by swapping the process's filters, under the feet of the running cell, and
  does not know top-level await.
* the full compiler: it warns (`x is 1`) and folds constants; what parses is complete, and running it tells
  more.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from holdfast.language import text

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.language.text import Scan

# codeop.PyCF_ALLOW_INCOMPLETE_INPUT: an error at the end of the text says "incomplete input" (3.11 and
# later).
_FLAGS = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | 0x4000
_CHUNK = 32_000  # characters given to the parser at once; it holds the GIL, at worst 40 ms for twice as many
_LIMIT = 500_000  # characters read at all; a second of work for a question that a console asks at each Enter
_STEP = "    "
_CELL_MAGIC = re.compile(r"(?:[ \t\f]*+(?:#[^\n]*+)?\n)*+[ \t\f]*+%%[^\s?]++(?!\?)(?P<below>[^\n]*+\n)?")
_ESCAPE = re.compile(r"\\N\{[^}]*\}|\\[^\n]", re.S)
_NUMBER = re.compile(r"(?<![\w.])(\d[\d_.]*(?:[eE][+-]?\d+)?[jJ]?)(?=(?:and|else|for|if|in|is|or|not)\b)", re.A)
# What belongs to the statement before it although it starts in the first column.
_FOLLOWER = re.compile(r"(?:else|elif|except|finally|case)\b|[)\]}#\s]|\Z")
_LEAVES = re.compile(r"(?:return|raise|pass|break|continue)\b")
_BLOCK = re.compile(r"[ \t]+\S")


def is_complete(code: str, lower: Callable[[str], str] = str) -> dict[str, object]:
    """The content of an `is_complete_reply`: status, and the indent of the next line when incomplete.

    `lower` turns lines that are no Python into Python, each line into one.
    "unknown" is said of a statement too large to be parsed without stopping the running cell, and of text
    above 500,000 characters.
    """
    if len(code) > _LIMIT:
        return {"status": "unknown"}
    if "\0" in code or not _encodable(code):
        return {"status": "invalid"}
    magic = _CELL_MAGIC.match(code)
    if magic is not None:
        # Only its author knows where the body of a cell magic ends, and tells with an empty line.
        return _ended(code) if magic["below"] else {"status": "incomplete", "indent": ""}
    joined = code.endswith("\\")
    code = lower(code)
    if joined and not code.endswith("\\"):
        return {"status": "incomplete", "indent": ""}  # A command or a magic that goes on in the next line.
    result = text.scan(code)
    source, result = _plain(code, result)
    status = _parse(source, result)
    if status == "complete" and _waits(code, result):
        status = "incomplete"
    if status != "incomplete":
        return {"status": status}
    return {"status": status, "indent": _indent(code, result)}


def _encodable(code: str) -> bool:
    if code.isascii():
        return True
    try:
        code.encode()
    except UnicodeEncodeError:
        return False
    return True


def _ended(code: str) -> dict[str, object]:
    last = code[code.rfind("\n") + 1 :]
    return {"status": "incomplete", "indent": ""} if last.strip() else {"status": "complete"}


def _plain(code: str, result: Scan) -> tuple[str, Scan]:
    """The code as Python that warns of nothing: escapes and `1if` are spelt out."""
    pieces: list[str] = []
    last = 0
    for start, stop in sorted(result.strings):
        if start < last:
            continue  # Inside a field of the f-string before.
        pieces.append(_NUMBER.sub(r"\1 ", code[last:start]))
        pieces.append(_quiet(code[start:stop]))
        last = stop
    pieces.append(_NUMBER.sub(r"\1 ", code[last:]))
    quiet = "".join(pieces)
    return quiet, result if quiet == code else text.scan(quiet)


def _quiet(literal: str) -> str:
    """A literal of the same shape without escapes, an unknown one of which would warn."""
    if "\\" not in literal or "r" in literal[: literal.find(literal[-1])].lower():
        return literal
    return _ESCAPE.sub("__", literal)


def _parse(source: str, result: Scan) -> str:
    """complete, incomplete, invalid or unknown, from the parser, in pieces that it takes a few ms to read."""
    pieces = _pieces(source, result)
    for index, piece in enumerate(pieces):
        last = index + 1 == len(pieces)
        if len(piece) > 2 * _CHUNK:
            return "incomplete" if result.stack or result.string is not None else "unknown"
        try:
            compile(piece, "<is_complete>", "exec", _FLAGS, dont_inherit=True)
        except SyntaxError as exc:
            return "incomplete" if last and exc.msg == "incomplete input" else "invalid"
        except (ValueError, OverflowError):
            return "invalid"
        except (MemoryError, RecursionError):
            return "unknown"
    return "complete"


def _pieces(source: str, result: Scan) -> list[str]:
    """The source cut between statements of the first column into pieces of about a chunk each."""
    if len(source) <= _CHUNK:
        return [source]
    cuts = [0]
    decorated = False
    for pos in result.statements:
        if pos == 0 or source[pos - 1] != "\n" or _FOLLOWER.match(source, pos):
            continue
        if pos - cuts[-1] >= _CHUNK and not decorated:
            cuts.append(pos)
        decorated = source[pos] == "@"
    return [source[start:stop] for start, stop in zip(cuts, [*cuts[1:], len(source)], strict=True)]


def _waits(code: str, result: Scan) -> bool:
    """Whether a cell that parses may go on: its last statement is in a block that no empty line has ended."""
    last = code[code.rfind("\n") + 1 :]
    if not last.strip():
        return False
    start = _line_start(code, result.statement)
    return _BLOCK.match(code, start) is not None


def _line_start(code: str, pos: int) -> int:
    return code.rfind("\n", 0, pos) + 1


def _indent(code: str, result: Scan) -> str:
    """The white space that the next line would start with."""
    if result.string is not None:
        return ""
    end = len(code.rstrip())
    starts = [pos for pos in result.statements if pos < end]
    line = _line_start(code, starts[-1]) if starts else 0
    body = code[line:].lstrip(" \t")
    blank = code[line : len(code) - len(body)]
    if result.brackets or result.continued:
        return blank + _STEP
    statement = _without_comments(code, result, line).rstrip()
    if statement.endswith(":"):
        return blank + _STEP
    if _LEAVES.match(body):
        return blank[: -len(_STEP)]
    return blank


def _without_comments(code: str, result: Scan, start: int) -> str:
    pieces: list[str] = []
    for opened, closed in result.comments:
        if opened >= start:
            pieces.append(code[start:opened])
            start = closed
    return "".join(pieces) + code[start:]
