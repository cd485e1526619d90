"""The named instants at which a test may kill the process.

It must never be consulted in life: the function handed in then does nothing.

Rejected: environment variables that the store reads (a setting that can end a kernel), and module globals
that a test sets (two stores in one process could not be told apart).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum


class Point(Enum):
    """An instant between two steps, after which a crash must leave the old state or the new one."""

    KEY_WRITTEN = "the new key lies beside its place"
    LOCKED = "the session's folder is ours, nothing was looked at"
    STORE_PREPARED = "the new database lies beside its place"
    HEAD_VERIFIED = "the manifest is authentic, the packs still have their orphans"
    ORPHANS_CUT = "the packs end where the last commit says"
    REFUSED = "the store was found damaged and is still in its place"
    MOVED_ASIDE = "the damaged store is out of the way, nothing is in its place"
    BRANCHED = "the copy of a session in use is whole and lies beside its place"
    PACK_CREATED = "a new pack has its header and no chunk"
    CELL_OVER = "a cell has run, nothing of what it did was looked at"
    CHUNK_TORN = "half of a chunk is in the pack"
    CHUNK_WRITTEN = "a chunk is in the pack, nothing refers to it"
    DRAFTED = "what a cell changed is pickled, the store has at most its chunks"
    PACK_SYNCED = "the pack is on the disk, the transaction has not begun"
    RECORDS_INSERTED = "the transaction holds records, not yet the cell"
    CELL_INSERTED = "the transaction is whole and open"
    COMMITTED = "the transaction is on the disk, nobody knows yet"
    REPLYING = "the commit is over, the reply is not on its way"
    AUDIT_FOUND = "the audit found a change that no cell led to, and has not stored it"
    AUDIT_OVER = "the audit is complete, and the store does not say so"
    RECORD_READ = "a restore has read a record"
    BUFFER_READ = "a restore has read or mapped a buffer"
    RESTORED = "everything is back, no cell has run"
    ENDING = "the kernel leaves, its last commit is not written"
    CLOSING = "the session is about to be closed"


Crash = Callable[[Point], None]


def go_on(point: Point) -> None:
    """What a crash point does in life: nothing."""
