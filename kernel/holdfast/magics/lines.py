"""Where statements can begin: the first physical line of each logical line of a cell.

It must never be fooled by a percent sign or a question mark inside a string, a comment, brackets or after a
backslash; and never fail on text that is not Python, which is what it is for (so `tokenize` cannot be used).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

#: What changes the state of a scan: comments, strings' ends and beginnings, brackets, continued lines.
_TOKEN = re.compile(
    r"""
    (?P<comment>\#[^\n]*)
  | (?P<prefix>[rRbBuUfFtT]{0,2})(?P<quote>\"\"\"|'''|\"|')
  | (?P<open>[(\[{])
  | (?P<close>[)\]}])
  | (?P<continued>\\\n)
  | (?P<newline>\n)
  | \w+
  | .
    """,
    re.VERBOSE,
)


def statement_lines(code: str) -> Iterator[int]:
    """The indices (from 0) of the lines on which a logical line begins, in order."""
    yield 0
    line = depth = at = 0
    while at < len(code):
        match = _TOKEN.match(code, at)
        assert match is not None  # the last alternative takes any character
        at = match.end()
        kind = match.lastgroup
        if kind == "quote":
            at = _end_of_string(code, at, match["quote"])
            line += code.count("\n", match.end(), at)
        elif kind == "open":
            depth += 1
        elif kind == "close":
            depth = max(0, depth - 1)
        elif kind == "continued":
            line += 1
        elif kind == "newline":
            line += 1
            if not depth:
                yield line


def _end_of_string(code: str, at: int, quote: str) -> int:
    """The position after the string whose content begins at `at`; a plain one ends with its line at the latest."""
    while at < len(code):
        if code[at] == "\\":
            at += 2
        elif code.startswith(quote, at):
            return at + len(quote)
        elif code[at] == "\n" and len(quote) == 1:
            return at
        else:
            at += 1
    return len(code)
