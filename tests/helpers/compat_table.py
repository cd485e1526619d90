"""The table of docs/compatibility.md, written from the headers of the scripts: the suite proves what they say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from helpers import compat_scripts
from helpers.compat_environments import NAMES
from helpers.compat_scripts import Script
from helpers.source import ROOT

DOCUMENT: Final = ROOT / "docs" / "compatibility.md"
BEGIN: Final = "<!-- written by tests/compat/record.py --table -->"
END: Final = "<!-- to here -->"


def table() -> str:
    """The table: a line for each script."""
    lines = ["| | what was compared | with IPython installed | without it |", "|---|---|---|---|"]
    scripts = [compat_scripts.read(name) for name in compat_scripts.names()]
    for script in sorted(scripts, key=lambda script: script.library.lower()):
        first, second = (verdict(script, where) for where in NAMES)
        second = "the same" if second == first != "works" else second
        lines.append(f"| {script.library} | {script.what.rstrip('.')} | {first} | {second} |")
    return "\n".join(lines)


def verdict(script: Script, where: str) -> str:
    """Works, partly or no, with the reason."""
    if where in script.absent:
        return f"no: {script.absent[where]}"
    differs = script.differs.get(where, {})
    lacks = _once(reason for title, reason in differs.items() if title not in script.meant)
    meant = _once(reason for title, reason in differs.items() if title in script.meant)
    words = f"partly: {lacks}" if lacks else "works"
    return f"{words}. Otherwise on purpose: {meant}" if meant else words


def _once(reasons: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(reason.rstrip(".") for reason in reasons))


def documented() -> str:
    """The table that stands in the document."""
    return DOCUMENT.read_text("utf-8").partition(BEGIN)[2].partition(END)[0].strip()


def write() -> None:
    """Put the table into the document, between its marks."""
    before, begin, rest = DOCUMENT.read_text("utf-8").partition(BEGIN)
    assert begin, f"{DOCUMENT} has no line {BEGIN}"
    DOCUMENT.write_text(f"{before}{begin}\n\n{table()}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")
