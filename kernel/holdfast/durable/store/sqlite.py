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

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import msgspec

from holdfast.durable.faults import Absent, Damaged, NotKept, Tampered
from holdfast.durable.keys import Seal
from holdfast.durable.store.chunks import flat, room, wrong
from holdfast.durable.store.ledger import Entry, Ledger
from holdfast.durable.store.packs import Packs, Place
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
)
from holdfast.durable.store.schema import DATABASE, PACKS, About, Durability, connect, identify, settle

#: Commits after which idle time is used to tidy.
TIDY = 64
#: Stores that a forked child inherited: never closed there, because SQLite's locks belong to the parent.
_inherited: list[sqlite3.Connection] = []


class SqliteStore:
    """The store of one session folder, whose lock the caller holds.  See the port for what raises when."""

    def __init__(
        self, folder: str, key: bytes, durability: Durability = "full", *, local: bool = True, crash: Crash = go_on
    ) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._crash = crash
        self._pid = os.getpid()
        self._pending: dict[bytes, Place] = {}
        self._scratch = bytearray(CHUNK)
        self._stale = False
        self._tidied = 0
        self._durable = durability == "full"
        self._db: sqlite3.Connection | None = None
        try:
            self._db = db = connect(folder, durability, local=local)
            self.about: About = identify(db, folder, key)
            self._seal = Seal(key, self.about.ident)
            self._packs = Packs(
                os.path.join(folder, PACKS), self.about.ident, durable=durability == "full", mapped=local, crash=crash
            )
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

    def put(self, data: memoryview) -> bytes:
        """See the port."""
        from blake3 import blake3

        size = data.nbytes
        if not 0 < size <= CHUNK:
            raise ValueError(f"a chunk has 1 to {CHUNK} bytes, not {size}")
        with self._lock:
            self._own()
            copy = memoryview(self._scratch)[:size]
            copy[:] = flat(data)
            digest = blake3(copy).digest()
            try:
                if digest not in self._pending and self._place(digest) is None:
                    self._pending[digest] = self._packs.append(copy)
            except (OSError, sqlite3.Error) as error:
                raise self._not_kept(error) from error
        return digest

    def commit(self, commit: Commit) -> int:
        """See the port."""
        with self._lock:
            db = self._own()
            self._refresh()
            prepared = [(record, *self._prepare(record)) for record in commit.records]
            self._flush()
            # One row is a transaction of its own, without three statements for it.
            alone = not (prepared or self._pending or self._ledger.due)
            try:
                if not alone:
                    db.execute("begin immediate")
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
            self._pending.clear()
            return self._ledger.number

    def head(self) -> Head | None:
        """See the port."""
        with self._lock:
            self._refresh()
            return self._ledger.head()

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
        places = self._places(buffer)
        runs = _runs(places)
        view = None
        if buffer.size >= MAPPED:
            with self._lock:
                self._own()
                view = self._packs.map(runs, writable=writable)
        if view is None:
            view = room(buffer.size)
            done = 0
            with self._lent(runs) as descriptors:
                for run in runs:
                    self._packs.fill(descriptors[run.pack], run, view[done : done + run.size])
                    done += run.size
            if bad := wrong(view, buffer):
                self._disown(bad)
                raise Tampered(self._folder, "the bytes of a large value are not what was written")
            view = view if writable else view.toreadonly()
        self._crash(Point.BUFFER_READ)
        return view

    def verify(self, buffer: Buffer) -> bool:
        """See the port."""
        from blake3 import blake3

        scratch = memoryview(bytearray(min(CHUNK, buffer.size)))
        try:
            places = self._places(buffer)
            with self._lent(places) as descriptors:
                for digest, place in zip(buffer.chunks, places, strict=True):
                    piece = scratch[: place.size]
                    self._packs.fill(descriptors[place.pack], place, piece)
                    if blake3(piece).digest() != digest:
                        self._disown([digest])
                        return False
        except (Damaged, Absent, OSError):
            return False
        return True

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
        total = 0
        for folder, _, files in os.walk(self._folder):
            for file in files:
                try:
                    total += os.lstat(os.path.join(folder, file)).st_size
                except FileNotFoundError:
                    continue  # SQLite removes its log now and then
        return total

    def tidy(self) -> None:
        """See the port: copies SQLite's log into the database."""
        with self._reading() as db:
            if self._ledger.number >= self._tidied + TIDY:
                db.execute("pragma wal_checkpoint(passive)").fetchall()
                self._tidied = self._ledger.number

    def close(self) -> None:
        """See the port."""
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
        full = "full" in str(error) or getattr(error, "errno", 0) in (27, 28, 122)  # EFBIG, ENOSPC, EDQUOT
        remedy = "make room on that disk; the next cell tries again" if full else "the next cell tries again"
        return NotKept(self._folder, str(error), remedy)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._own()
            except (sqlite3.Error, TypeError) as error:
                raise Damaged(self._folder, f"{DATABASE} cannot be read ({error})") from None

    def _resume(self, db: sqlite3.Connection) -> None:
        """Check that the packs are as long as the commits say, and cut what a crash left behind."""
        for number, size in db.execute("select number, size from packs"):
            self._packs.check(number, size)
        number, tail = self._ledger.place
        if number < self.about.first_pack:
            number, tail = self.about.first_pack, 0
        self._packs.resume(number, tail)
        self._crash(Point.ORPHANS_CUT)

    def _disown(self, digests: list[bytes]) -> None:
        """Take chunks whose bytes are wrong for lost, so that the same value is written again when it comes."""
        with self._reading() as db:
            db.executemany("delete from chunks where digest = ?", [(digest,) for digest in digests])

    def _place(self, digest: bytes) -> Place | None:
        row = self._own().execute("select pack, offset, size from chunks where digest = ?", (digest,)).fetchone()
        return Place(*row) if row else None

    def _places(self, buffer: Buffer) -> list[Place]:
        """Where a buffer's chunks lie; raises `Absent`, or `Damaged` where the sizes are not the buffer's."""
        places = []
        with self._reading():
            for digest in buffer.chunks:
                place = self._pending.get(digest) or self._place(digest)
                if place is None:
                    raise Absent(self._folder, f"the chunk {digest.hex()[:16]}…")
                places.append(place)
            for number in {place.pack for place in places}:
                self._packs.check(number, max(place.offset + place.size for place in places if place.pack == number))
        sizes = [place.size for place in places]
        if sum(sizes) != buffer.size or any(size != CHUNK for size in sizes[:-1]):
            raise Damaged(self._folder, "the sizes of chunks are not those that were written")
        return places

    def _prepare(self, record: Record) -> tuple[bytes | None, list[tuple[int, bytes]]]:
        """Return (stream to lie in the database or None, layout); a long stream becomes the first buffer."""
        for digest in chain(record.lead, *(buffer.chunks for buffer in record.buffers)):
            if digest not in self._pending and self._place(digest) is None:
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
            # After a failed flush the system may have dropped the pages: nothing pending can be believed.
            self._pending.clear()
            self._packs.abandon()
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
        if self._pending:
            rows = [(digest, place.pack, place.offset, place.size) for digest, place in self._pending.items()]
            db.executemany("insert or ignore into chunks values (?, ?, ?, ?)", rows)
            ends: dict[int, int] = {}
            for place in self._pending.values():
                ends[place.pack] = max(ends.get(place.pack, 0), place.offset + place.size)
            db.executemany("insert or replace into packs values (?, ?)", ends.items())
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
            self._pending.clear()
        self._ledger, self._stale = ledger, False

    @contextmanager
    def _lent(self, places: Sequence[Place]) -> Iterator[dict[int, int]]:
        with self._lock:
            self._own()
            descriptors = self._packs.lend({place.pack for place in places})
        try:
            yield descriptors
        finally:
            for descriptor in descriptors.values():
                os.close(descriptor)


def _buffer(size: int, chunks: bytes) -> Buffer:
    return Buffer(size, tuple(chunks[start : start + DIGEST] for start in range(0, len(chunks), DIGEST)))


def _runs(places: Sequence[Place]) -> list[Place]:
    """Join chunks that lie one behind the other."""
    runs: list[Place] = []
    for place in places:
        last = runs[-1] if runs else None
        if last is not None and last.pack == place.pack and last.offset + last.size == place.offset:
            runs[-1] = Place(last.pack, last.offset, last.size + place.size)
        else:
            runs.append(place)
    return runs
