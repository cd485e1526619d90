"""Marks under the failing expression of a source line, from the columns Python keeps (PEP 657).

Never reads files, never raises for text that does not parse: then the whole expression is marked alike.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

__all__ = ["characters", "clipped", "point", "underline", "window"]

# Parsing such text makes Python print a SyntaxWarning (bad escapes, `1if x`): it is not worth an anchor.
# Not compiled here: that would cost every start of the kernel 0.3 ms.
_WARNS_WHEN_PARSED = r"\\|(?<!\w)\d[\w.]*(?:and|else|for|if|in|is|or|not)"
_LONGEST_PARSED = 2_000
_LONGEST_LINE = 400
_OPERATOR_GAP = " \t\f()"


def characters(line: str, offset: int) -> int:
    """Turn a column in UTF-8 bytes, as code objects keep it, into an index in characters."""
    if line.isascii():
        return min(offset, len(line))
    return len(line.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "replace"))


def clipped(text: str, most: int) -> str:
    """Return `text` in at most `most` characters, the last of them an ellipsis where some are missing."""
    return text if len(text) <= most else text[: most - 1] + "…"


def window(text: str, start: int, end: int) -> tuple[str, int, int]:
    """Cut a very long line down to where `start` is; return it with `start` and `end` as they lie in it."""
    if len(text) <= _LONGEST_LINE:
        return text, start, min(end, len(text) + 1)
    if start > _LONGEST_LINE // 2:
        cut = min(start, len(text)) - _LONGEST_LINE // 4
        text, start, end = "…" + text[cut:], start - cut + 1, end - cut + 1
    text = clipped(text, _LONGEST_LINE)
    return text, start, min(end, len(text) + 1)


def point(text: str, start: int, end: int) -> str:
    """Return the line of carets for text[start:end]; one caret at least, if need be behind the text."""
    return _blanks(text[:start]) + ("".join("^" * _width(c) for c in text[start:end]) or "^")


def underline(line: str, start: int, end: int, *, complete: bool = True) -> str:
    """Return the line of marks that goes under `line`, or "" where marks would say nothing.

    `start` and `end` are indices in characters. `complete` is False where the expression goes on in
    the next line. `~` marks operands, `^` the operator, the subscript or the arguments at fault.
    """
    segment = line[start:end]
    alone = not line[:start].strip() and not line[end:].strip()
    node = _expression(segment) if complete else None
    marks = "" if node is None else _anchors(segment, node)
    if not marks:
        if alone or not segment:
            return ""
        marks = "^" * len(segment)
    elif node is not None and not line[end:].strip() and _plain_call(line[:start].strip(), node):
        return ""
    return _blanks(line[:start]) + "".join(m * _width(c) for m, c in zip(marks, segment, strict=True))


def _expression(segment: str) -> ast.expr | None:
    if len(segment) > _LONGEST_PARSED or re.search(_WARNS_WHEN_PARSED, segment):
        return None
    import ast

    try:
        body = ast.parse(f"({segment}\n)").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    return body[0].value if len(body) == 1 and isinstance(body[0], ast.Expr) else None


def _anchors(segment: str, node: ast.expr) -> str:
    """Return one mark per character of `segment`, or "" for an expression without a telling part."""
    import ast

    def index(offset: int | None) -> int:
        return characters(segment, max((offset or 0) - 1, 0))  # -1: the parenthesis put before it

    if isinstance(node, ast.BinOp):
        low, high = index(node.left.end_col_offset), index(node.right.col_offset)
        while low < high and segment[low] in _OPERATOR_GAP:
            low += 1
        while high > low and segment[high - 1] in _OPERATOR_GAP:
            high -= 1
    elif isinstance(node, ast.Subscript):
        low, high = segment.find("[", index(node.value.end_col_offset)), len(segment)
    elif isinstance(node, ast.Call):
        low, high = segment.find("(", index(node.func.end_col_offset)), len(segment)
    else:
        return ""
    if not 0 <= low < high:
        return ""
    return "~" * low + "^" * (high - low) + "~" * (len(segment) - high)


def _plain_call(before: str, node: ast.expr) -> bool:
    """Say whether a line is only `return f(...)` or `name = f(...)`, where marks add nothing."""
    import ast

    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        return False
    return before == "return" or (before.endswith("=") and before[:-1].strip().isidentifier())


def _blanks(text: str) -> str:
    return "".join(c if c == "\t" else " " * _width(c) for c in text)


def _width(character: str) -> int:
    if character.isascii():
        return 1
    import unicodedata

    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
