"""What the command line asks of sessions; it must never own one.

The command line sees the kernel's rings only through `app`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from holdfast.durable.folder import home
from holdfast.durable.listing import Summary, history, moved_aside, summaries
from holdfast.durable.store.port import LogEntry
from holdfast.durable.tables import local_time, size_text

__all__ = ["listed", "local_time", "size_text", "told", "where"]


def where() -> str:
    """Return the folder that holds the sessions of whoever runs this."""
    return home(os.environ)


def listed() -> tuple[Sequence[Summary], Sequence[str]]:
    """Return every session, the one used last first, and the folders that were moved aside."""
    return summaries(where()), moved_aside(where())


def told(name: str) -> tuple[str, Sequence[LogEntry]]:
    """Return a session's whole name and its commits, oldest first; raises StoreError."""
    return history(where(), name)
