"""The port by which a cell's results are made durable.

An implementation must never report `committed` before a crash would keep the cell.
In-memory twin: `durable/memory.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

#: Called once per commit, from any thread: (what to say in the reply's metadata, why it failed or "").
Done = Callable[[Mapping[str, object], str], None]


class Committer(Protocol):
    """Commits one cell after another."""

    def commit(self, count: int, done: Done) -> None:
        """Make what cell `count` left in the namespace durable, then call `done`; must not raise."""
