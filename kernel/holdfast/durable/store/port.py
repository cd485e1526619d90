"""The port by which versions of values are kept, and the words that cross it.

An implementation must never show a commit partly, and must never return bytes that it has not authenticated
(raw buffers excepted: they are never unpickled, and `verify` tells).  In-memory twin: `store/memory.py`.

Vocabulary: a *component* is the variables joined by a shared mutable object, a *version* one stored state of
it, a *definition* a function or class of the notebook, a *chunk* up to 1 MiB of a buffer, the *manifest* what
each name and token leads to, a *commit* one cell's delta to it.

Rejected: one call per variable (aliases would break between two of them), and a store that calls back for the
bytes it misses (the value could have changed by then).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

#: Bytes of a chunk; only the last of a buffer may be shorter.
CHUNK = 1 << 20
#: Streams of this many bytes and more are cut into chunks too, instead of lying in the database.
INLINE = 1 << 16
#: Buffers of this many bytes and more are mapped where the file system allows it.
MAPPED = 16 << 20
#: Bytes of a digest (blake3).
DIGEST = 32

Kind = Literal["component", "definition"]
#: Says, between two steps, whether something more urgent has come up.
Until = Callable[[], bool]


class Buffer(Struct, frozen=True):
    """Raw bytes out of band: their number, and the blake3 digest of each MiB in order."""

    size: int
    chunks: tuple[bytes, ...]


class Record(Struct, frozen=True):
    """One version of a component (`key` is empty) or of a definition (`key` is its token).

    `meta` is small JSON that the store keeps and authenticates without reading it.  A commit may hand over the
    stream in part: `lead` are the digests of chunks of exactly 1 MiB that were put before, `stream` is what follows.
    """

    version: int
    kind: Kind
    key: str
    stream: bytes
    buffers: tuple[Buffer, ...]
    meta: bytes
    lead: tuple[bytes, ...] = ()


class Commit(Struct, frozen=True):
    """What one cell changed.

    `names` and `tokens` hold only what changed, `None` for what is gone.  `promise` is (id, state, value as
    JSON); an empty id keeps no promise.  `parent` is the commit whose state this one changed, 0 for the newest;
    the changes are always those to the newest manifest.
    """

    count: int
    epoch: int
    code: str
    status: str
    at: str
    records: tuple[Record, ...]
    names: Mapping[str, int | None]
    tokens: Mapping[str, int | None]
    state: bytes
    promise: tuple[str, str, bytes]
    parent: int = 0


class Head(Struct, frozen=True):
    """A commit with the whole manifest; `version` is the highest stored up to it, `parent` 0 for the first one."""

    number: int
    count: int
    epoch: int
    version: int
    at: str
    names: Mapping[str, int]
    tokens: Mapping[str, int]
    state: bytes
    parent: int = 0


class LogEntry(Struct, frozen=True):
    """One commit as people read it; `bound` and `deleted` are the names that it changed."""

    number: int
    count: int
    epoch: int
    code: str
    status: str
    at: str
    bound: tuple[str, ...]
    deleted: tuple[str, ...]
    parent: int = 0


class PromiseRow(Struct, frozen=True):
    """The promise of one cell, settled by commit `number`."""

    id: str
    state: str
    value: bytes
    number: int


class Records(Protocol):
    """Whoever can show records, also beside the owner of a store."""

    def record(self, version: int) -> Record:
        """Return a version, authenticated; see `Store`."""


class Store(Protocol):
    """Keeps commits in order.  Methods may be called from any thread, one commit at a time."""

    def put(self, data: memoryview, *, within_budget: bool = False) -> bytes:
        """Keep a chunk (1 byte to 1 MiB, C-contiguous) and return its digest; durable with the next commit.

        The bytes are copied before they are hashed, so a value that changes meanwhile is kept as one of its
        states or a mixture, but always under the digest of what was written.  Raises `NotKept`,
        and with `within_budget` `NoRoom` where the session's budget is spent.
        """

    def commit(self, commit: Commit) -> int:
        """Make a commit durable, whole, and return its number (1, 2, …); raises `StoreError`, keeping nothing.

        `Absent` means that a record refers to a chunk the store lost (a failing disk): put it again.
        """

    def head(self) -> Head | None:
        """Return the newest commit, or None; the cost is that of the manifest, not of the history."""

    def at(self, number: int) -> Head:
        """Return any commit that is still kept, authenticated; raises `NoCommit`, an `Absent`.

        The cost is that of the nearest whole manifest and of the deltas after it.
        """

    def record(self, version: int) -> Record:
        """Return a version, authenticated; raises `Absent`, `Tampered` or `Damaged`."""

    def read(self, buffer: Buffer, writable: bool) -> memoryview:
        """Return a buffer's bytes; raises `Absent`, `Damaged` or `Tampered`.

        One of MAPPED bytes and more may be mapped: then its size is checked, and its bytes are left to `verify`.
        Writing to it changes nothing on the disk.  It stays valid after `close`.
        """

    def verify(self, buffer: Buffer) -> bool:
        """Say whether a buffer's bytes on disk have its digests; takes 0.2 s per GB, so call it on a pool thread."""

    def log(self, newest: int | None = None) -> Sequence[LogEntry]:
        """Return every commit, or so many of the newest, oldest first, authenticated; 8 us each."""

    def states(self, after: int = 0) -> Sequence[tuple[int, bytes]]:
        """Return (number, state) of the commits after one, oldest first, authenticated."""

    def promise_rows(self) -> Sequence[PromiseRow]:
        """Return the promises of cells, oldest first, authenticated."""

    def promise(self, id: str) -> PromiseRow | None:
        """Return the promise of one cell, authenticated, or None."""

    def size(self) -> int:
        """Return the bytes that the session takes."""

    def room(self, wanted: int) -> int:
        """Return the bytes that may still be put, below 0 where the budget is overdrawn.

        Where they are fewer than `wanted`, and that helps, old commits are let go first, which may take seconds.
        """

    def tidy(self, until: Until) -> bool:
        """Do in idle time what would hold up a later commit: let old commits go, give back the space that they took.

        Stops after a step of some ms when `until` says so; True when nothing is left to do.  Raises `Damaged`.
        """

    def close(self) -> None:
        """Give everything back; may be called twice.  Chunks put since the last commit are dropped."""
