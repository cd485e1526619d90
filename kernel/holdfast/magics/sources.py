"""Parts of a text of code: lines by their numbers, functions and classes by their names.

It must never run the text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from holdfast.magics.words import BadWords


def find_lines(magic: str, text: str, ranges: str) -> list[str]:
    """Lines of `text`, from 1: `5-10` with line 10, `5:10` without it, `20`, `30:` to the end; commas between."""
    lines = text.splitlines(keepends=True)
    found: list[str] = []
    for word in ranges.replace(",", " ").split():
        match = re.fullmatch(r"(\d*)(?:([-:])(\d*))?", word)
        if match is None or word in ("-", ":"):
            raise BadWords(magic, f"{word!r} is no range of lines; write 3, 5-10, 4:6 or 30:")
        first = int(match[1] or 1)
        last = first if match[2] is None else int(match[3]) - (match[2] == ":") if match[3] else len(lines)
        found += lines[first - 1 : last]
    return found


def symbols(text: str, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The sources of functions and classes of `text`, decorators included, and the names that are not there."""
    places = {
        node.name: node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    lines = text.splitlines(keepends=True)
    found, missing = [], []
    for name in (name.strip() for name in names):
        node = places.get(name)
        if node is None:
            missing.append(name)
            continue
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        found.append("".join(lines[first - 1 : node.end_lineno]))
    return found, missing
