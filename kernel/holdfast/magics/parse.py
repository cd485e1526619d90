"""Lowers what is not Python to Python: `%name`, `%%name`, `!cmd`, `x = !cmd`, `obj?`, pasted prompts and automagic.

It must never touch a line that Python itself can mean: where a statement, or the right side of an assignment, begins
there is no operator, and no statement ends in a question mark.  Every line keeps its number, and every line of
Python its columns; a magic that goes on over several lines leaves blank ones.

Two texts that Python could read are taken for what people mean by them: a cell that begins with the prompt
`In [1]: `, and a cell of one line that begins with a magic's name where no variable has it (automagic).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from holdfast.magics.lowered import CELL, HELP, MAGIC, MODES, SHELL, SHELL_LINES, Asked, Lowered, call

__all__ = ["CELL", "HELP", "MAGIC", "MODES", "SHELL", "SHELL_LINES", "Asked", "Lowered", "lower", "sole_magic"]

if TYPE_CHECKING:
    import re

_UNASKED = Asked()
_OPERATORS = frozenset("+-*/%&|^@<>!=")


def lower(code: str, asked: Asked = _UNASKED) -> Lowered:
    """What `code` means in Python."""
    if not ("%" in code or "!" in code or "?" in code or ">>>" in code or "In [" in code):
        return Lowered(_automagic(code, asked))
    text = code.replace("\r\n", "\n").replace("\r", "\n") if "\r" in code else code
    if _is_suspect(text):
        from holdfast.magics.lowering import lower_text

        found = lower_text(text, asked)
        if found is not None:
            return found
    return Lowered(_automagic(code, asked))


def sole_magic(code: str) -> str:
    """The name of the line magic that a cell consists of, comments left out; empty if it has anything else."""
    if "%" not in code:
        return ""
    lines = [line for line in code.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) != 1:
        return ""
    word = lines[0].split(None, 1)[0]
    return word[1:] if word[0] == "%" and word[1:].isidentifier() else ""


def _is_suspect(text: str) -> bool:
    """Whether a text with marks can have anything to lower: most have them in strings and operators only."""
    return _suspect()(text) is not None


@cache
def _suspect() -> Callable[[str], re.Match[str] | None]:
    """Compiled for the first text that has such marks."""
    import re

    return re.compile(r"^[ \t\f]*+(?:[%!?]|>>>|In \[)|=[ \t\f]*+(?:!(?!=)|%[^\W\d])|\?[ \t\f]*+$", re.MULTILINE).search


def _automagic(code: str, asked: Asked) -> str:
    """A cell of one line that begins with the name of a magic, where nothing else has this name."""
    line = code.strip()
    if "\n" in line or "\r" in line or not line:
        return code
    name, *rest = line.split(None, 1)
    silent = ";" if not rest and name.endswith(";") else ""
    name = name.removesuffix(silent)
    words = rest[0] if rest else ""
    if not name.isidentifier() or words.startswith(("=", ",")) or _is_assignment(words) or not asked.is_magic(name):
        return code
    return code.replace(line, call(MAGIC, (name, words), asked.is_async(f"%{name}")) + silent)


def _is_assignment(words: str) -> bool:
    """Whether what follows a name goes on as `+= 1`, `!= x` and their kin do."""
    operator, equals, _ = words[:4].partition("=")
    return bool(equals) and _OPERATORS.issuperset(operator)
