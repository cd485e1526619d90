"""The tables of docs/magics.md, written from the docstrings of the magics.

After a magic is added or says something else: `PYTHONPATH=tests python -m helpers.magic_table`.
"""

from __future__ import annotations

import re
from importlib import import_module
from inspect import signature
from typing import Final

from helpers.magic import MagicKernel
from helpers.source import PACKAGE, ROOT
from holdfast.magics.registry import Magics

DOCUMENT: Final = ROOT / "docs" / "magics.md"
BEGIN: Final = "<!-- written by tests/helpers/magic_table.py -->"
END: Final = "<!-- to here -->"

_OFFER = re.compile(r'\.offer\(\s*"(\w+)",\s*"([\w.]+)"')


def magics() -> Magics:
    """All that a kernel has when it starts."""
    found = MagicKernel().magics
    for name, module in _OFFER.findall((PACKAGE / "app" / "wiring.py").read_text()):
        made = import_module(module).make
        found.register(name, made(*(name if given == "name" else print for given in signature(made).parameters)))
    return found


def tables() -> str:
    """A table of line magics and one of cell magics: what the first line of each docstring says."""
    found = magics()
    lines = [_table("For a line", [f"%{name}" for name in found.names()], found)]
    lines.append(_table("For a cell, in its first line", [f"%%{name}" for name in found.cell_names()], found))
    return "\n\n".join(lines)


def _table(title: str, names: list[str], found: Magics) -> str:
    rows = [f"| {title} | |", "|---|---|"]
    for name in names:
        first = (found.docstring(name) or "").split("\n")[0].replace("|", "\\|")
        rows.append(f"| `{name}` | {first} |")
    return "\n".join(rows)


def documented() -> str:
    """The tables as the document has them."""
    text = DOCUMENT.read_text()
    return text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip()


def write() -> None:
    """Put the tables into the document."""
    text = DOCUMENT.read_text()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}")


if __name__ == "__main__":
    write()
