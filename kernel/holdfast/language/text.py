"""Reads cell text up to a cursor: strings, comments, open brackets and the dotted chain that ends there.

Must never evaluate, import or look anything up (PURE), and never raise on text that is not yet Python:
half-typed cells are its normal input.

Rejected:
* `tokenize`: since 3.12 it is the compiler's own tokenizer and stops at the first error, and the text before
  a cursor nearly always has one.
* jedi's parser for every request: 20 to 200 ms for what a scan of the text answers in 0.1 ms.
"""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"""[#'"()\[\]{}\n;:\\]""")
_PREFIX = re.compile(r"[rRbBuUfFtT]{1,2}\Z")
# Possessive, so that the match takes linear time and no memory on megabytes of one string.
_BODY = {
    "'": re.compile(r"(?:[^'\\\n]++|\\.)*+", re.S),
    '"': re.compile(r'(?:[^"\\\n]++|\\.)*+', re.S),
    "'''": re.compile(r"(?:[^'\\]++|\\.|'(?!''))*+", re.S),
    '"""': re.compile(r'(?:[^"\\]++|\\.|"(?!""))*+', re.S),
}
_FIELD_STOP = re.compile(r"""(?:[^'"{}\\\n]++|\\N\{[^}'"\n]*\}|\\.)*+""", re.S)
_FIELD_STOP_RAW = re.compile(r"""(?:[^'"{}\\\n]++|\\[^{}])*+""", re.S)
# These begin statements and cannot stand inside an expression: a bracket left open above them was forgotten.
_STATEMENT = re.compile(r"[ \t]*(?:def|class|import|return|try|while|raise|del|pass|global|nonlocal|assert)\b")
_MISTAKES = 8  # brackets forgotten in a row that are made good by one that fits further out
_OPEN = {")": "(", "]": "[", "}": "{"}


class Frame:
    """One thing that is open: a bracket `( [ {`, an f-string `f`, a field `F` in it, its format spec `S`."""

    __slots__ = ("kind", "pos", "prefix", "quote")

    def __init__(self, kind: str, pos: int, quote: str = "", prefix: str = "") -> None:
        self.kind = kind
        self.pos = pos
        self.quote = quote
        self.prefix = prefix


class OpenString:
    """A string literal that is not closed: prefix in lower case, quote, start of literal and of body."""

    __slots__ = ("body", "prefix", "quote", "start")

    def __init__(self, start: int, body: int, prefix: str, quote: str) -> None:
        self.start = start
        self.body = body
        self.prefix = prefix
        self.quote = quote


class Scan:
    """What `scan` found in `code[:end]`.

    `stack`: what is open, outermost first. `string`: the literal the end lies in, or None. `comment`: the end
    lies in one. `pairs`: position of a closing bracket -> of its opening one. `strings`: (start, end) of
    every closed literal. `comments`: (start, end). `statement`: where the last logical line starts.
    `continued`: the text ends in a backslash that joins lines.
    """

    __slots__ = (
        "code", "comment", "comments", "continued", "end", "pairs", "stack", "statement", "statements",
        "string", "strings",
    )  # fmt: skip

    def __init__(self, code: str, end: int) -> None:
        self.code = code
        self.end = end
        self.stack: list[Frame] = []
        self.pairs: dict[int, int] = {}
        self.strings: list[tuple[int, int]] = []
        self.comments: list[tuple[int, int]] = []
        self.string: OpenString | None = None
        self.comment = False
        self.continued = False
        self.statement = 0
        self.statements: list[int] = [0]

    @property
    def brackets(self) -> list[Frame]:
        """The open brackets of the expression at the end, outermost first (none from outside a field)."""
        found: list[Frame] = []
        for frame in self.stack:
            if frame.kind in "([{":
                found.append(frame)
            elif frame.kind == "F":
                found.clear()
        return found


def scan(code: str, end: int | None = None) -> Scan:
    """Read `code[:end]` once, in time linear in its length; see `Scan` for what comes back."""
    result = Scan(code, len(code) if end is None else end)
    pos = 0
    while pos < result.end:
        if result.stack and result.stack[-1].kind in "fS":
            pos = _literal(result, pos)
        else:
            pos = _code(result, pos)
    if result.stack and result.string is None and result.stack[-1].kind == "f":
        frame = result.stack[-1]
        result.string = OpenString(
            frame.pos, frame.pos + len(frame.prefix) + len(frame.quote), frame.prefix.lower(), frame.quote
        )
    return result


def _code(result: Scan, pos: int) -> int:
    """Read on from `pos`, which lies in code, past the next character that means something."""
    match = _SPECIAL.search(result.code, pos, result.end)
    if match is None:
        return result.end
    at = match.start()
    char = result.code[at]
    stack = result.stack
    if char in "'\"":
        return _quote(result, at)
    if char == "#":
        stop = result.code.find("\n", at, result.end)
        result.comment = stop < 0
        stop = result.end if stop < 0 else stop
        result.comments.append((at, stop))
        return stop
    if char == "\\":
        # A backslash at the very end joins the next line, which is not there yet.
        result.continued = result.end - at <= 2 and result.code[at + 1 : result.end] in ("", "\n")
        return min(at + 2, result.end)
    if char == "\n":
        if stack and _STATEMENT.match(result.code, at + 1, result.end):
            stack.clear()
        if not stack:
            _begin(result, at + 1)
    elif char == ";":
        if not stack:
            _begin(result, at + 1)
    elif char == ":":
        if stack and stack[-1].kind == "F":
            stack.append(Frame("S", at, stack[-1].quote, stack[-1].prefix))
    elif char in "([{":
        stack.append(Frame(char, at))
    else:
        _close(result, char, at)
    return at + 1


def _begin(result: Scan, pos: int) -> None:
    result.statement = pos
    result.statements.append(pos)


def _close(result: Scan, char: str, at: int) -> None:
    """Close the innermost bracket that `char` fits; one that fits none is a mistake and is passed over."""
    stack = result.stack
    for index in range(len(stack) - 1, max(len(stack) - _MISTAKES, 0) - 1, -1):
        kind = stack[index].kind
        if kind == "F" and char == "}":
            del stack[index:]
            return
        if kind not in "([{":
            return
        if kind == _OPEN[char]:
            result.pairs[at] = stack[index].pos
            del stack[index:]
            return


def _quote(result: Scan, at: int) -> int:
    """Read the string literal whose quote is at `at`; of an f-string only its opening."""
    code = result.code
    quote = code[at] * 3 if code.startswith(code[at] * 3, at, result.end) else code[at]
    found = _PREFIX.search(code, max(0, at - 2), at)
    prefix = found.group() if found else ""
    start = at - len(prefix)
    if start and (code[start - 1].isalnum() or code[start - 1] == "_"):
        prefix, start = "", at
    body = at + len(quote)
    if "f" in prefix.lower() or "t" in prefix.lower():
        result.stack.append(Frame("f", start, quote, prefix))
        return body
    match = _BODY[quote].match(code, body, result.end)
    stop = match.end() if match else body
    if code.startswith(quote, stop, result.end):
        result.strings.append((start, stop + len(quote)))
        return stop + len(quote)
    if stop >= result.end or code[stop] != "\n":
        result.string = OpenString(start, body, prefix.lower(), quote)
        return result.end
    return stop  # A literal in single quotes ends with its line, closed or not.


def _literal(result: Scan, pos: int) -> int:
    """Read on from `pos`, which lies in the literal part or the format spec of an f-string."""
    code, stack, end = result.code, result.stack, result.end
    frame = stack[-1]
    stop_at = _FIELD_STOP_RAW if "r" in frame.prefix.lower() else _FIELD_STOP
    match = stop_at.match(code, pos, end)
    at = match.end() if match else pos
    if at >= end:
        return end
    char = code[at]
    if code.startswith(frame.quote, at, end):
        after = at + len(frame.quote)
        result.strings.append((_leave(stack), after))
        return after
    if char == "{":
        if frame.kind == "f" and code.startswith("{{", at, end):
            return at + 2
        stack.append(Frame("F", at, frame.quote, frame.prefix))
    elif char == "}" and frame.kind == "S":
        del stack[-2:]
    elif char == "\n" and len(frame.quote) == 1:
        _leave(stack)
        return at
    return at + 1


def _leave(stack: list[Frame]) -> int:
    """Drop the innermost f-string with all that is open in it, and say where it starts."""
    while True:
        frame = stack.pop()
        if frame.kind == "f":
            return frame.pos


# ---------------------------------------------------------------------------------------------------------
# Names and chains


class Step:
    """One step of a chain: `name` (a root), `attr`, `item` (its index), `call`, `text` (a literal)."""

    __slots__ = ("kind", "text")

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self.text = text

    def __repr__(self) -> str:
        return f"{self.kind}:{self.text}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Step) and (self.kind, self.text) == (other.kind, other.text)

    __hash__ = None  # type: ignore[assignment]


def word_before(code: str, pos: int) -> int:
    """Where the identifier that ends at `pos` starts (`pos` itself if none does), in code points."""
    start = pos
    while start and (code[start - 1] == "_" or code[start - 1].isalnum() or not code[start - 1].isascii()):
        if not code[start - 1].isascii() and not ("a" + code[start - 1]).isidentifier():
            break
        start -= 1
    # A word that starts with a digit is a number, or what follows one.
    return pos if start < pos and code[start].isdigit() else start


def word_after(code: str, pos: int) -> int:
    """Where the identifier that goes on at `pos` ends, in code points."""
    end = pos
    while end < len(code) and ("a" + code[end]).isidentifier():
        end += 1
    return end


def normalise(name: str) -> str:
    """The name as Python stores it (PEP 3131: identifiers are compared in normal form NFKC)."""
    if name.isascii():
        return name
    import unicodedata

    return unicodedata.normalize("NFKC", name)


def chain_before(result: Scan, end: int) -> tuple[int, list[Step]] | None:
    """The chain `a.b["k"].c(...)` that ends at `end`, as (start, steps), or None where there is none.

    Item steps carry the text between the brackets, call steps nothing: arguments are not looked at.
    """
    code = result.code
    ends = {stop: start for start, stop in result.strings}
    steps: list[Step] = []
    at = end
    while True:
        at = _skip_space(result, at)
        if at == 0:
            return None
        if code[at - 1] in ")]" and at - 1 in result.pairs:
            opened = result.pairs[at - 1]
            if _skip_space(result, opened, lines=False) != opened:
                return None  # `return [1]`: a display, not an index.
            call = code[at - 1] == ")"
            steps.append(Step("call", "") if call else Step("item", code[opened + 1 : at - 1]))
            at = opened
            continue
        if at in ends:
            steps.append(Step("text", code[ends[at] : at]))
            return ends[at], steps[::-1]
        start = word_before(code, at)
        if start == at:
            return None
        name = normalise(code[start:at])
        before = _skip_space(result, start)
        if before == 0 or code[before - 1] != ".":
            import keyword

            if keyword.iskeyword(name):
                return None
            steps.append(Step("name", name))
            return start, steps[::-1]
        steps.append(Step("attr", name))
        at = before - 1


def _skip_space(result: Scan, pos: int, *, lines: bool = True) -> int:
    """Back over white space, and over line ends where `result` has brackets open (so that chains go on)."""
    blank = " \t\n\r" if lines and result.stack else " \t"
    code = result.code
    while pos and code[pos - 1] in blank:
        pos -= 1
    return pos
