"""What the command line asks of sessions; it must never own one.

The command line sees the kernel's rings only through `app`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from holdfast.clock import Clock
from holdfast.durable.filesystem import on_network
from holdfast.durable.folder import ON_NETWORK, home
from holdfast.durable.listing import Summary, history, moved_aside, summaries
from holdfast.durable.reports import Switched
from holdfast.durable.rows import Changes
from holdfast.durable.store.port import LogEntry
from holdfast.durable.tables import local_time, size_text
from holdfast.durable.timeline import Timeline

__all__ = ["Timeline", "advice", "compared", "listed", "local_time", "shown", "size_text", "told", "turned", "where"]


def where() -> str:
    """Return the folder that holds the sessions of whoever runs this."""
    return home(os.environ)


def advice() -> str:
    """Return what to do about where sessions are kept, or ""."""
    return ON_NETWORK if on_network(where()) else ""


def listed() -> tuple[Sequence[Summary], Sequence[str]]:
    """Return every session, the one used last first, and the folders that were moved aside."""
    return summaries(where()), moved_aside(where())


def told(name: str) -> tuple[str, Sequence[LogEntry]]:
    """Return a session's whole name and its commits, oldest first; raises StoreError."""
    return history(where(), name)


def compared(name: str, one: str, other: str) -> tuple[str, Changes]:
    """Return a session's whole name and what two of its states differ in; raises StoreError, CellError."""
    from holdfast.durable.elsewhere import compared as compare

    return compare(where(), name, one, other)


def turned(name: str, address: str) -> tuple[str, Switched, str]:
    """Have a session start elsewhere; its whole name, what that changes, and in words; raises StoreError, CellError."""
    from holdfast.durable.elsewhere import checked_out

    return checked_out(where(), name, address, Clock().date)


def shown(name: str, words: str) -> tuple[str, str, list[dict[str, object]]]:
    """Return a session's whole name, the cell that `words` mean (`2:41`), and what it showed; raises StoreError."""
    from holdfast.app.outputs import elsewhere

    return elsewhere(where(), name, words)
