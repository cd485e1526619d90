"""A session's store on disk: one SQLite database for what is small and true, packs for what is big.

It must never show a commit before its transaction is on the disk, and never refer to a chunk before the pack is.

The order of a commit: chunks are appended to a pack as they are put; the pack is flushed; then one transaction
holds records, index of chunks, the cell, its promise and the manifest's delta.  A crash before the end of the
transaction leaves bytes in a pack that nothing refers to; the next start cuts them off.

Rejected: chunks in the database (it copies them twice, once into its log, and cannot be mapped), values in a
transaction of their own before the cell's (a crash between the two shows neither state), history in a second
thread (hand-offs of the interpreter lock cost more than the commit), and a database per session plus one for
the engine (two commit points are none).
"""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec

from holdfast.durable.faults import Absent, Damaged, NotKept, Tampered
from holdfast.durable.keys import Seal
from holdfast.durable.retention import DEFAULT, Limits
from holdfast.durable.store.chunks import wrong
from holdfast.durable.store.ledger import Entry, Ledger
from holdfast.durable.store.packs import Packs
from holdfast.durable.store.points import Crash, Point, go_on
from holdfast.durable.store.port import (
    CHUNK,
    DIGEST,
    INLINE,
    MAPPED,
    Buffer,
    Commit,
    Head,
    LogEntry,
    PromiseRow,
    Record,
    Until,
)
from holdfast.durable.store.schema import DATABASE, PACKS, About, Durability, connect, identify, settle
from holdfast.durable.store.shelf import Shelf

if TYPE_CHECKING:
    from holdfast.durable.store.lease import Lease
    from holdfast.durable.store.upkeep import Upkeep

#: What the system says of a full disk, and of one that takes no writes.
_FULL, _READ_ONLY = (errno.EFBIG, errno.ENOSPC, getattr(errno, "EDQUOT", 122)), (errno.EROFS, errno.EACCES, errno.EPERM)
#: Stores that a forked child inherited: never closed there, because SQLite's locks belong to the parent.
_inherited: list[sqlite3.Connection] = []


class SqliteStore:
    """The store of one session folder, whose lock the caller holds.  See the port for what raises when."""

    def __init__(
        self,
        folder: str,
        key: bytes,
        durability: Durability = "full",
        *,
        local: bool = True,
        crash: Crash = go_on,
    ) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._crash = crash
        self._pid = os.getpid()
        self._stale = False
        self._durable = durability == "full"
        self._db: sqlite3.Connection | None = None
        self._lease: Lease | None = None
        self._limits = DEFAULT
        self._upkeep: Upkeep | None = None
        try:
            self._db = db = connect(folder, durability, local=local)
            self.about: About = identify(db, folder, key)
            if not local:
                from holdfast.durable.store.lease import Lease

                lease = Lease(folder, db, self._lock)
                lease.take()
                self._lease = lease
            self._seal = Seal(key, self.about.ident)
            self._packs = Packs(
                os.path.join(folder, PACKS), self.about.ident, durable=self._durable, mapped=local, crash=crash
            )
            self._shelf = Shelf(folder, self._lock, self._own, self._packs, crash)
            self._ledger = Ledger(db, self._seal, folder)
            self._ledger.load()
            crash(Point.HEAD_VERIFIED)
            self._resume(db)
        except (sqlite3.Error, ValueError, TypeError) as error:
            self.close()
            raise Damaged(folder, f"{DATABASE} cannot be read ({error})") from None
        except BaseException:
            self.close()
            raise

    def limit(self, limits: Limits) -> None:
        """Say how much is to be kept."""
        self._limits = limits
        if self._upkeep is not None:
            self._upkeep.limits = limits

    def put(self, data: memoryview, *, within_budget: bool = False) -> bytes:
        """See the port."""
        size = data.nbytes
        if not 0 < size <= CHUNK:
            raise ValueError(f"a chunk has 1 to {CHUNK} bytes, not {size}")
        with self._lock:
            self._own()
            try:
                return self._shelf.put(data, self._admit if within_budget else None)
            except (OSError, sqlite3.Error) as error:
                raise self._not_kept(error) from error

    def commit(self, commit: Commit) -> int:
        """See the port."""
        with self._lock:
            db = self._own()
            self._refresh()
            prepared = [(record, *self._prepare(record)) for record in commit.records]
            self._flush()
            # One row is a transaction of its own, without three statements for it.
            alone = not (prepared or self._shelf.pending or self._ledger.due or self._lease)
            try:
                if not alone:
                    db.execute("begin immediate")
                if self._lease is not None:
                    self._lease.demand()
                entry = self._insert(db, commit, prepared)
                if not alone:
                    self._crash(Point.CELL_INSERTED)
                    db.execute("commit")
                self._crash(Point.COMMITTED)
            except BaseException as error:
                # An interrupt may arrive on either side of the commit: only the database knows which.
                self._stale = True
                if db.in_transaction:
                    db.rollback()
                if isinstance(error, sqlite3.Error | OSError):
                    raise self._not_kept(error) from error
                raise
            self._ledger.applied(entry)
            layouts = [layout for *_, layout in prepared]
            self._shelf.committed(layouts)
            if self._upkeep is not None:
                self._upkeep.note(_versions(commit), layouts)
            return self._ledger.number

    def head(self) -> Head | None:
        """See the port."""
        with self._lock:
            self._refresh()
            return self._ledger.head()

    def at(self, number: int) -> Head:
        """See the port."""
        with self._reading():
            self._refresh()
            return self._ledger.at(number)

    def record(self, version: int) -> Record:
        """See the port."""
        with self._reading() as db:
            query = "select kind, key, stream, layout, meta, tag from records where version = ?"
            row: tuple[Any, ...] | None = db.execute(query, (version,)).fetchone()
            if row is None:
                raise Absent(self._folder, f"version {version}")
            *fields, tag = row
            kind, key, stream, layout, meta = fields
            body = msgspec.msgpack.encode((version, *fields))
            if not isinstance(tag, bytes) or not self._seal.holds(b"record", body, tag):
                reason = f"version {version} was changed by someone without your key, or by a failing disk"
                raise Tampered(self._folder, reason)
        buffers = [_buffer(size, chunks) for size, chunks in msgspec.msgpack.decode(layout)]
        if stream is None:
            whole = buffers.pop(0)
            stream = bytes(self.read(whole, writable=False))
            # What is mapped has not been verified yet.
            if whole.size >= MAPPED and wrong(memoryview(stream), whole):
                raise Tampered(self._folder, f"the stream of version {version} is not what was written")
        self._crash(Point.RECORD_READ)
        return Record(version, kind, key.decode("utf-8", "surrogatepass"), stream, tuple(buffers), meta)

    def read(self, buffer: Buffer, writable: bool) -> memoryview:
        """See the port."""
        return self._shelf.read(buffer, writable)

    def verify(self, buffer: Buffer) -> bool:
        """See the port."""
        return self._shelf.verify(buffer)

    def log(self, newest: int | None = None) -> Sequence[LogEntry]:
        """See the port."""
        with self._reading():
            return self._ledger.log(newest)

    def states(self, after: int = 0) -> Sequence[tuple[int, bytes]]:
        """See the port."""
        with self._reading():
            return self._ledger.states(after)

    def promise_rows(self) -> Sequence[PromiseRow]:
        """See the port."""
        with self._reading():
            return self._ledger.promises()

    def promise(self, id: str) -> PromiseRow | None:
        """See the port."""
        with self._reading():
            return self._ledger.promise(id) if id else None

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Answer a query, also one about tables that others keep in the file."""
        with self._reading() as db:
            return db.execute(query, parameters).fetchall()

    def size(self) -> int:
        """See the port."""
        from holdfast.durable.store.upkeep import bytes_on_disk

        return bytes_on_disk(self._folder)

    def tidy(self, until: Until = bool) -> bool:
        """See the port; also copies SQLite's log into the database."""
        with self._reading(locked=False):
            return self._care().tidy(until)

    def room(self, wanted: int) -> int:
        """See the port."""
        with self._reading():
            return self._care().room(wanted)

    def close(self) -> None:
        """See the port."""
        lease, self._lease = self._lease, None
        if lease is not None and os.getpid() == self._pid:
            lease.release()
        with self._lock:
            db, self._db = self._db, None
            if db is None:
                return
            if os.getpid() != self._pid:
                _inherited.append(db)
                return
            if hasattr(self, "_packs"):
                self._packs.close()
            db.close()

    def _own(self) -> sqlite3.Connection:
        """Return the connection; raises `NotKept` where there is none to use."""
        if self._db is None:
            raise NotKept(self._folder, "the session is closed", "start the kernel again")
        if os.getpid() != self._pid:
            raise NotKept(self._folder, "a forked process does not own its parent's session", "commit there")
        return self._db

    def _not_kept(self, error: Exception) -> NotKept:
        number, remedy = getattr(error, "errno", 0), "the next cell tries again"
        if "full" in str(error) or number in _FULL:
            remedy = f"make room on that disk; {remedy}"
        elif "readonly" in str(error) or number in _READ_ONLY:
            remedy = f"make the folder writable again; {remedy}"
        return NotKept(self._folder, str(error), remedy)

    def _care(self) -> Upkeep:
        """The upkeep, made when something is first asked of it: a start needs none."""
        with self._lock:
            if self._upkeep is None:
                from holdfast.durable.store.upkeep import Upkeep

                self._upkeep = Upkeep(
                    self._folder, self._lock, self._parts, self._shelf, self._packs, self._crash,
                    durable=self._durable, distrust=self._distrust,
                )  # fmt: skip
                self._upkeep.limits = self._limits
            return self._upkeep

    def _admit(self, size: int) -> None:
        self._care().admit(size)

    def _distrust(self) -> None:
        self._stale = True

    def _parts(self) -> tuple[sqlite3.Connection, Ledger]:
        db = self._own()
        self._refresh()
        if self._lease is not None:
            self._lease.demand()
        return db, self._ledger

    @contextmanager
    def _reading(self, *, locked: bool = True) -> Iterator[sqlite3.Connection]:
        with self._lock if locked else nullcontext():
            try:
                yield self._own()
            except (sqlite3.Error, TypeError) as error:
                raise Damaged(self._folder, f"{DATABASE} cannot be read ({error})") from None

    def _resume(self, db: sqlite3.Connection) -> None:
        """Check that the packs are as long as the commits say, and cut what a crash left behind."""
        known = dict[int, int](db.execute("select number, size from packs").fetchall())
        for number, size in known.items():
            self._packs.check(number, size)
        number, tail = self._ledger.place
        if tail and number not in known:  # what it had was copied into others
            number, tail = max(number, *known, 0) + 1, 0
        if self._lease is not None and tail:
            # Whoever lost the lease may still write behind the end of its own.
            number, tail = max(number, *known) + 1, 0
        if number < self.about.first_pack:
            number, tail = self.about.first_pack, 0
        self._packs.resume(number, tail, known)
        self._crash(Point.ORPHANS_CUT)

    def _prepare(self, record: Record) -> tuple[bytes | None, list[tuple[int, bytes]]]:
        """Return (stream to lie in the database or None, layout); a long stream becomes the first buffer."""
        for digest in chain(record.lead, *(buffer.chunks for buffer in record.buffers)):
            if not self._shelf.has(digest):
                raise Absent(self._folder, f"the chunk {digest.hex()[:16]}…")
        layout = [(buffer.size, b"".join(buffer.chunks)) for buffer in record.buffers]
        if len(record.stream) < INLINE and not record.lead:
            return record.stream, layout
        view = memoryview(record.stream)
        digests = [*record.lead, *(self.put(view[at : at + CHUNK]) for at in range(0, len(view), CHUNK))]
        return None, [(len(record.lead) * CHUNK + len(view), b"".join(digests)), *layout]

    def _flush(self) -> None:
        try:
            if self._packs.sync():
                self._crash(Point.PACK_SYNCED)
            if self._durable and not self._ledger.number:
                settle(self._folder)
        except OSError as error:
            self._shelf.forget()
            raise self._not_kept(error) from error

    def _insert(
        self,
        db: sqlite3.Connection,
        commit: Commit,
        prepared: Sequence[tuple[Record, bytes | None, list[tuple[int, bytes]]]],
    ) -> Entry:
        for record, stream, layout in prepared:
            key = record.key.encode("utf-8", "surrogatepass")
            fields = (record.version, record.kind, key, stream, msgspec.msgpack.encode(layout), record.meta)
            tag = self._seal.tag(b"record", msgspec.msgpack.encode(fields))
            db.execute("insert into records values (?, ?, ?, ?, ?, ?, ?)", (*fields, tag))
        if self._shelf.pending:
            self._shelf.insert(db)
        self._crash(Point.RECORDS_INSERTED)
        return self._ledger.insert(commit, self._packs.number, self._packs.tail)

    def _refresh(self) -> None:
        """After a commit that was cut short, take the database's word for whether it happened."""
        if not self._stale:
            return
        ledger = Ledger(self._own(), self._seal, self._folder)
        try:
            ledger.load()
        except sqlite3.Error as error:
            raise self._not_kept(error) from error
        if ledger.number > self._ledger.number:
            self._shelf.committed()
        self._ledger, self._stale = ledger, False
        if self._upkeep is not None:
            self._upkeep.cancel()


def _versions(commit: Commit) -> Iterator[int]:
    """The versions that a commit refers to."""
    yield from (record.version for record in commit.records)
    yield from (version for delta in (commit.names, commit.tokens) for version in delta.values() if version)


def _buffer(size: int, chunks: bytes) -> Buffer:
    return Buffer(size, tuple(chunks[start : start + DIGEST] for start in range(0, len(chunks), DIGEST)))
