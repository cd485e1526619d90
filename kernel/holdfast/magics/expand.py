"""Fills `{expression}` and `$name` in the words of a magic or a command with the user's variables.

It must never lose a text: what cannot be evaluated stays as it is, for the shell or the magic to read.

What a shell or another language means by braces and dollars stays too: `{}`, `{a,b}`, `{1..3}`, `{2}`, `{print}`
where no variable is called so, `$1`, `$HOME`, and `$name` between single quotes.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import ChainMap
from collections.abc import Mapping

_DOLLAR = re.compile(r"\$(\$?)([^\W\d]\w*(?:\.[^\W\d]\w*)*)")
_BRACE = re.compile(r"\{\{|\}\}|[{}]|[^{}]+")


def expand(text: str, variables: Mapping[str, object]) -> str:
    """`text` with what it mentions of `variables`.  `{{`, `}}` and `$$name` stand for one such character."""
    if "{" not in text:
        return _dollars(text, variables, _quotes(text), 0) if "$" in text else text
    quotes = _quotes(text) if "$" in text else []
    ends = _pairs(text)
    pieces: list[str] = []
    at = 0
    while at < len(text):
        match = _BRACE.match(text, at)
        assert match is not None  # one of the alternatives takes any character
        piece = match[0]
        if piece == "{" and at in ends:
            inside = text[at + 1 : ends[at]]
            value = _evaluated(inside, variables)
            pieces.append(f"{{{inside}}}" if value is None else value)
            at = ends[at] + 1
            continue
        if piece in ("{{", "}}"):
            pieces.append(piece[0])
        else:
            pieces.append(_dollars(piece, variables, quotes, at) if "$" in piece else piece)
        at = match.end()
    return "".join(pieces)


def variables_of_caller(namespace: dict[str, object]) -> Mapping[str, object]:
    """The variables where the magic stands: in a function its own before those of the session."""
    here = locals_of_caller()
    return namespace if here is namespace else ChainMap(dict(here), namespace)


def locals_of_caller() -> dict[str, object]:
    """The variables where the magic stands, as the frame there has them: from Python 3.13 on they can be bound."""
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith("holdfast."):
        frame = frame.f_back
    return frame.f_locals


def _pairs(text: str) -> dict[int, int]:
    """Where each brace that opens is closed."""
    ends: dict[int, int] = {}
    opened: list[int] = []
    for match in re.finditer(r"[{}]", text):
        if match[0] == "{":
            opened.append(match.start())
        elif opened:
            ends[opened.pop()] = match.start()
    return ends


def _evaluated(inside: str, variables: Mapping[str, object]) -> str | None:
    """The text of a field, as in an f-string; None for what is none, names no variable, or fails."""
    if not inside.strip():
        return None
    try:
        tree = ast.parse(f"f'''{{{inside}}}'''", mode="eval")
        field = tree.body.values if isinstance(tree.body, ast.JoinedStr) else []
        if len(field) != 1 or not isinstance(field[0], ast.FormattedValue) or isinstance(field[0].value, ast.Tuple):
            return None
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        known = {name: variables[name] for name in names if name in variables}
        if not names or (isinstance(field[0].value, ast.Name) and not known):
            return None
        text: str = eval(compile(tree, "<words>", "eval"), known)
        return text
    except Exception:
        return None


def _quotes(text: str) -> list[int]:
    """How many single quotes stand before each position, and at last in all."""
    counts = [0]
    for char in text:
        counts.append(counts[-1] + (char == "'"))
    return counts


def _dollars(text: str, variables: Mapping[str, object], quotes: list[int], start: int) -> str:
    """A piece of the whole text, which begins there at `start`, with its `$name` filled in."""

    def filled(match: re.Match[str]) -> str:
        if (quotes[-1] - quotes[start + match.end()]) % 2:
            return match[0]
        if match[1]:
            return f"${match[2]}"
        name, *attributes = match[2].split(".")
        if name not in variables:
            return match[0]
        value = variables[name]
        try:
            while attributes and hasattr(value, attributes[0]):
                value = getattr(value, attributes.pop(0))
            # `$file.txt` is a text with something behind it; what lacks an attribute otherwise is not meant.
            plain = not attributes or isinstance(value, (str, int, float)) or hasattr(value, "__fspath__")
            return ".".join([str(value), *attributes]) if plain else match[0]
        except Exception:
            return match[0]

    return _DOLLAR.sub(filled, text)
