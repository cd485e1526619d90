"""Where the text of a cell is no Python, although nothing before it is open: the places where magics can stand.

It must never be fooled by a percent sign, a question mark or an exclamation mark inside a string, an f-string, a
comment or brackets, or where an operator can stand; and never fail on text that is not Python, which is what it is
for (so `tokenize` cannot be used).  It takes time in proportion to the text, whatever that is.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

#: What changes the state of a scan in Python's own text.  Possessive throughout: no piece is tried twice.
_PYTHON = re.compile(
    r"""
    (?P<blank>[ \t\f]++)
  | (?P<comment>\#[^\n]*+)
  | (?P<prefix>[rRbBuUfFtT]{0,2})(?P<quote>\"\"\"|'''|\"|')
  | (?P<open>[(\[{])
  | (?P<close>[)\]}])
  | (?P<joined>\\\n)
  | (?P<newline>\n)
  | (?P<await>await\b|async[ \t]++(?:for|with)\b)
  | (?P<value>=(?:[ \t\f]|\\\n)*+(?=!|%[^\W\d]))
  | (?P<colon>:=?)
  | (?P<ask>\?)
  | \w++ | ={2,}+ | [!<>+\-*/%&|^@~]++=*+ | .
    """,
    re.VERBOSE | re.DOTALL,
)
#: The same in the literal part of an f-string and in a format specification.  A backslash does not escape a brace.
_LITERAL = re.compile(r"\\N\{[^{}'\"\n]*+\}|\\[^{}]|\"\"\"|'''|[{}\"'\n]|[^\\{}\"'\n]++|\\", re.DOTALL)
#: The rest of a plain string, by its quote; one with a single mark ends with its line at the latest.
_STRING = {
    "'": re.compile(r"(?:[^'\\\n]++|\\.)*+'?", re.DOTALL),
    '"': re.compile(r'(?:[^"\\\n]++|\\.)*+"?', re.DOTALL),
    "'''": re.compile(r"(?:[^'\\]++|\\.|'(?!''))*+(?:''')?", re.DOTALL),
    '"""': re.compile(r'(?:[^"\\]++|\\.|"(?!""))*+(?:""")?', re.DOTALL),
}
_BLANK = re.compile(r"(?:[ \t\f]|\\\n)*+")
_SCOPE = re.compile(r"(?:async[ \t]++)?def\b|class\b")
#: The rest of a physical line and of those that a backslash at its end joins to it.
_REST = re.compile(r"(?:[^\\\n]++|\\\n?)*+")


class Found(NamedTuple):
    """A statement, or the right side of an assignment, that is no Python: `code[start:stop]`.

    "line": it begins with `%`, `!` or `?`; "value": it follows the `=` of an assignment; "help": a statement that
    ends in `?`.  `outer` says that `await` could stand there: not in a function or class.
    """

    kind: Literal["line", "value", "help"]
    start: int
    stop: int
    outer: bool


class Scan(NamedTuple):
    """All such places in order, and whether the cell's Python uses `await` outside functions."""

    found: list[Found]
    awaits: bool


def scan(code: str) -> Scan:
    """Read a cell, whose lines must end in newlines only."""
    scanner = _Scanner(code)
    scanner.run()
    return Scan(scanner.found, scanner.awaits)


class _Scanner:
    def __init__(self, code: str) -> None:
        self._code = code
        #: What is open, innermost last: a bracket; "f" or "r" (raw) and the quote of an f-string in its literal part;
        #: "{" and that quote in a field of it; ":" and the quote in a field's format specification.
        self._open: list[str] = []
        #: The indents of the functions and classes that the current line may be in.
        self._scopes: list[int] = []
        self.found: list[Found] = []
        self.awaits = False

    def run(self) -> None:
        at = 0
        while at < len(self._code):
            at = self._logical_line(at)

    def _logical_line(self, at: int) -> int:
        """Read the logical line that begins at `at`; where the next one does."""
        code = self._code
        match = _BLANK.match(code, at)
        start = match.end() if match is not None else at
        char = code[start : start + 1]
        if char in ("", "\n"):
            return start + 1
        if char != "#":
            indent = len(code[at:start].expandtabs())
            while self._scopes and self._scopes[-1] >= indent:
                self._scopes.pop()
            if _SCOPE.match(code, start) is not None:
                self._scopes.append(indent)
        if char in "%!?":
            stop = _end_of_rest(code, start)
            self.found.append(Found("line", start, stop, not self._scopes))
            return stop + 1
        return self._python(start)

    def _python(self, start: int) -> int:
        """Read a logical line of Python from its first character; where the next one begins."""
        code, stack, outer = self._code, self._open, not self._scopes
        asked, at = False, start
        while at < len(code):
            if stack and stack[-1][0] in "fr:":
                at = self._literal(at)
                continue
            match = _PYTHON.match(code, at)
            assert match is not None  # the last alternative takes any character
            at = match.end()
            kind = match.lastgroup
            if kind == "blank":
                continue
            if kind == "newline" and not stack:
                if asked:
                    self.found.append(Found("help", start, at - 1, outer))
                return at
            asked = kind == "ask" and not stack
            if kind == "quote":
                at = self._string(at, match["prefix"].lower(), match["quote"])
            elif kind == "open":
                stack.append(match["open"])
            elif kind == "close":
                self._close(match["close"])
            elif kind == "colon" and stack and len(stack[-1]) > 1:
                stack.append(":" + stack[-1][1:])
                at = match.start() + 1
            elif kind == "value" and not stack:
                stop = _end_of_rest(code, at)
                self.found.append(Found("value", at, stop, outer))
                at = stop
            elif kind == "await" and outer:
                self.awaits = True
        if asked and not stack:
            self.found.append(Found("help", start, at, outer))
        return at

    def _string(self, at: int, prefix: str, quote: str) -> int:
        """The end of the string whose content begins at `at`; of an f-string only that place."""
        if "f" in prefix or "t" in prefix:
            self._open.append(("r" if "r" in prefix else "f") + quote)
            return at
        match = _STRING[quote].match(self._code, at)
        return match.end() if match is not None else at

    def _close(self, bracket: str) -> None:
        """A bracket closes: any one the innermost bracket, only a brace the field of an f-string."""
        if self._open and (len(self._open[-1]) == 1 or bracket == "}"):
            self._open.pop()

    def _literal(self, at: int) -> int:
        """Read one piece of an f-string's literal part or of a format specification; where the next one begins."""
        code, stack = self._code, self._open
        kind, quote = stack[-1][0], stack[-1][1:]
        match = _LITERAL.match(code, at)
        assert match is not None  # it takes any character
        piece, end = match[0], match.end()
        if piece == "{":
            if kind != ":" and code.startswith("{", end):
                return end + 1
            stack.append("{" + quote)
        elif piece == "}" and kind == ":":
            del stack[-2:]
        elif piece == "\n" and len(quote) == 1:
            # A plain f-string ends with its line at the latest.
            self._end_string()
            return at
        elif piece.startswith("\\N{") and kind != "f":
            stack.append("{" + quote)
            return at + 3
        elif piece[0] in "\"'" and code.startswith(quote, at):
            self._end_string()
            return at + len(quote)
        elif piece[0] in "\"'":
            return at + 1
        return end

    def _end_string(self) -> None:
        while self._open.pop()[0] not in "fr":
            pass


def _end_of_rest(code: str, at: int) -> int:
    match = _REST.match(code, at)
    return match.end() if match is not None else at
