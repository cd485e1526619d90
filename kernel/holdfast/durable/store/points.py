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
    LETTING_GO = "the transaction without the oldest commits is whole and open"
    LET_GO = "the oldest commits are gone, what only they referred to is still there"
    SWEEPING = "the transaction without some records is whole and open"
    SWEPT = "some records that no commit refers to are gone, their chunks are still there"
    CLEARING = "the transaction without some chunks is whole and open"
    COPYING = "a part of a pack's live chunks is copied, nothing refers to the copy"
    COPIED = "all live chunks of some packs are copied and on the disk, nothing refers to the copy"
    MOVING = "the transaction that refers to the copy is whole and open"
    MOVED = "the database refers to the copy, the old packs are still there"
    DROPPED = "one of the old packs is removed"
    AUDIT_FOUND = "the audit found a change that no cell led to, and has not stored it"
    AUDIT_OVER = "the audit is complete, and the store does not say so"
    RECORD_READ = "a restore has read a record"
    BUFFER_READ = "a restore has read or mapped a buffer"
    RESTORED = "everything is back, no cell has run"
    CHECKING_OUT = "what a checkout needs is loaded, the store does not say so"
    CHECKED_OUT = "a checkout is committed, no name has changed yet"
    IMAGED = "a transaction knows how to go back, its cell has not begun"
    PUT_BACK = "a rollback has put back what it can in place, nothing was replaced or committed"
    HELD = "a cell of an open transaction is over, its row is not written"
    WRITING_BESIDE = "a chunk of a large value is written beside the user, nothing refers to it"
    WRITTEN_BESIDE = "a large value is written beside the user, nothing refers to it"
    FLUSHING = "the kernel leaves, another process is about to write what it had no time for"
    FLUSHED = "that process has written it, nothing refers to it"
    ENDING = "the kernel leaves, its last commit is not written"
    CLOSING = "the session is about to be closed"


Crash = Callable[[Point], None]


def go_on(point: Point) -> None:
    """What a crash point does in life: nothing."""
