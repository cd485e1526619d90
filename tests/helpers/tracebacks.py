"""Cells that fail, and their reports without colours."""

from __future__ import annotations

import linecache
import re
from pathlib import Path

from holdfast.executor.traceback import Report, report

CELL = "/tmp/holdfast_0/cell_3.py"
OURS = "/opt/holdfast/"
HIDDEN = (OURS, str(Path(__file__).parents[1]))  # the frames of the tests are not the user's
LABELS = {CELL: "Cell In[3]"}
RULE = "-" * 75
SUFFIX = "Traceback (most recent call last)"


def title(name: str) -> str:
    """Return the line above the frames."""
    return name + SUFFIX.rjust(75 - len(name))


def plain(found: Report) -> str:
    """Return the traceback as it is read, without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(found.traceback))


def failure(source: str, namespace: dict[str, object] | None = None) -> BaseException:
    """Run `source` as cell 3 and return what it raises."""
    linecache.cache[CELL] = (len(source), None, source.splitlines(keepends=True), CELL)
    try:
        exec(compile(source, CELL, "exec"), {"__name__": "__main__"} if namespace is None else namespace)
    except BaseException as exc:
        return exc
    raise AssertionError("the cell does not raise")


def shown(source: str, namespace: dict[str, object] | None = None) -> str:
    """Return the traceback of `source` run as cell 3."""
    return plain(report(failure(source, namespace), LABELS, HIDDEN))
