"""Old commits go, then what only they referred to, then the space that it took: one pass, in small steps.

It must never remove what a commit that is kept refers to, and never write over a byte of a pack: what is mapped into
the user's arrays is the file itself.

Each step is a transaction of its own, and each leaves a whole store: records and chunks that nothing refers to are
garbage, which the next pass finds again.  The live chunks of a pack that is mostly garbage are copied into a new pack,
which is on the disk before one transaction refers to it; only then the old file goes.  Between two steps cells may be
committed: what they refer to is told by `note`.

Rejected: counting references (two writes for each chunk of each commit, and a count that is wrong once is wrong for
ever), and SQLite's foreign keys (the same, and they know nothing of layouts).
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import batched, islice

import msgspec

from holdfast.durable.store.files import flush, write_at
from holdfast.durable.store.ledger import Ledger
from holdfast.durable.store.packs import FULL, PAGE, Packs, Place
from holdfast.durable.store.points import Crash, Point
from holdfast.durable.store.shelf import Layout, Shelf, digests

#: Commits, records and chunks of one step.
COMMITS, RECORDS, CHUNKS = 256, 256, 1024
#: Bytes that are copied in one step.
COPIED = 4 << 20
#: A pack is copied when so many bytes of it are garbage, and such a part of it; the second pair where room is wanted.
SLACK, EAGER = (32 << 20, 2), (1 << 20, 8)


class Cleaner:
    """One pass over a store whose lock the caller holds at each step."""

    def __init__(
        self, db: sqlite3.Connection, ledger: Ledger, shelf: Shelf, packs: Packs, crash: Crash, *, durable: bool
    ) -> None:
        self._db = db
        self._ledger = ledger
        self._shelf = shelf
        self._packs = packs
        self._crash = crash
        self._durable = durable
        self._versions: set[int] = set()
        self._chunks: set[bytes] = set()

    def note(self, versions: Iterable[int], layouts: Iterable[Layout]) -> None:
        """A commit was made between two steps that refers to these."""
        self._versions.update(versions)
        for layout in layouts:
            self._chunks.update(digests(layout))

    def steps(self, first: int, eager: bool) -> Iterator[None]:
        """Let the commits before `first` go, and then all that no commit needs; raises sqlite3.Error, OSError."""
        while self._ledger.first < first:
            with self._transaction(Point.LETTING_GO):
                done = self._ledger.let_go(min(first, self._ledger.first + COMMITS))
            done()
            self._crash(Point.LET_GO)
            yield
        self._shelf.give_up()
        yield from self._mark_versions()
        yield from self._sweep()
        yield from self._mark_chunks()
        live = Counter[int]()
        yield from self._clear(live)
        for group in self._crowded(live, *(EAGER if eager else SLACK)):
            yield from self._move(group)
        self._forget_packs()
        self._db.execute("pragma wal_checkpoint(passive)").fetchall()

    def _mark_versions(self) -> Iterator[None]:
        base = self._ledger.at(self._ledger.first)
        self._versions.update(base.names.values(), base.tokens.values())
        seen = base.number
        while more := list(islice(self._ledger.versions(seen), COMMITS)):
            self._versions.update(*(versions for _, versions in more))
            seen = more[-1][0]
            yield

    def _sweep(self) -> Iterator[None]:
        """Remove the records that no commit refers to."""
        last = 0
        query = "select version from records where version > ? order by version limit ?"
        while rows := self._db.execute(query, (last, RECORDS)).fetchall():
            last = rows[-1][0]
            dead = [row for row in rows if row[0] not in self._versions]
            if dead:
                with self._transaction(Point.SWEEPING):
                    self._db.executemany("delete from records where version = ?", dead)
                self._crash(Point.SWEPT)
            yield

    def _mark_chunks(self) -> Iterator[None]:
        last = 0
        query = "select version, layout from records where version > ? order by version limit ?"
        while rows := self._db.execute(query, (last, RECORDS)).fetchall():
            last = rows[-1][0]
            for _, layout in rows:
                self._chunks.update(digests(msgspec.msgpack.decode(layout)))
            yield

    def _clear(self, live: Counter[int]) -> Iterator[None]:
        """Remove the chunks that no record refers to, and count what is left in each pack."""
        last = b""
        query = "select digest, pack, size from chunks where digest > ? order by digest limit ?"
        shelf = self._shelf
        while rows := self._db.execute(query, (last, CHUNKS)).fetchall():
            last = rows[-1][0]
            dead: list[tuple[bytes]] = []
            for digest, pack, size in rows:
                if digest in self._chunks or shelf.wants(digest):
                    live[pack] += _paged(size)
                else:
                    dead.append((digest,))
            if dead:
                with self._transaction(Point.CLEARING):
                    self._db.executemany("delete from chunks where digest = ?", dead)
            yield

    def _crowded(self, live: Counter[int], least: int, part: int) -> list[list[int]]:
        """The packs with enough garbage, so many together as fill one."""
        uncommitted = {place.pack for place in self._shelf.pending.values()}
        groups: list[list[int]] = []
        size = 0
        for number, end in self._db.execute("select number, size from packs order by number").fetchall():
            garbage = _paged(end) - PAGE - live[number]
            empty = not live[number] and number != self._packs.number
            if number in uncommitted or not (empty or (garbage >= least and garbage * part >= end)):
                continue
            if not groups or size + live[number] > FULL:
                groups.append([])
                size = 0
            groups[-1].append(number)
            size += live[number]
            if number == self._packs.number:
                self._packs.sync()
                self._packs.abandon()
        return groups

    def _move(self, old: Sequence[int]) -> Iterator[None]:
        """Copy what is live of some packs into a new one, refer to that, and remove them."""
        marks = ", ".join("?" * len(old))
        query = f"select digest, pack, offset, size from chunks where pack in ({marks}) order by pack, offset"
        rows = self._db.execute(query, old).fetchall()
        if rows:
            yield from self._copy(rows, old)
        else:
            with self._transaction(Point.MOVING):
                self._db.executemany("delete from packs where number = ?", [(number,) for number in old])
        self._crash(Point.MOVED)
        for number in old:
            self._packs.drop(number)
            self._crash(Point.DROPPED)
            yield

    def _forget_packs(self) -> None:
        """Remove packs that were to be removed when an interrupt came."""
        known = {number for (number,) in self._db.execute("select number from packs").fetchall()}
        known.update((self._packs.number, *(place.pack for place in self._shelf.pending.values())))
        for number in self._packs.there() - known:
            self._packs.drop(number)

    def _copy(self, rows: Sequence[tuple[bytes, int, int, int]], old: Sequence[int]) -> Iterator[None]:
        new = self._packs.next()
        descriptor = self._packs.create(new)
        tail, moved, since = PAGE, list[tuple[int, int, bytes, int, int]](), 0
        try:
            for digest, pack, offset, size in rows:
                data = memoryview(bytearray(size))
                (source,) = self._packs.lend({pack}).values()
                try:
                    self._packs.fill(source, Place(pack, offset, size), data)
                finally:
                    os.close(source)
                write_at(descriptor, data, tail)
                moved.append((new, tail, digest, pack, offset))
                end, tail = tail + size, tail + _paged(size)
                since += size
                if since >= COPIED:
                    self._flush(descriptor)
                    self._crash(Point.COPYING)
                    since = 0
                    yield
            os.ftruncate(descriptor, tail)
            self._flush(descriptor)
            self._crash(Point.COPIED)
            with self._transaction(Point.MOVING):
                query = "update chunks set pack = ?, offset = ? where digest = ? and pack = ? and offset = ?"
                self._db.executemany(query, moved)
                self._db.execute("insert into packs values (?, ?)", (new, end))
                self._db.executemany("delete from packs where number = ?", [(number,) for number in old])
        finally:
            os.close(descriptor)
            self._withdraw(new)

    def _withdraw(self, number: int) -> None:
        """Remove a copy unless the database refers to it: only that knows what became of an interrupted commit."""
        try:
            known = self._db.execute("select 1 from packs where number = ?", (number,)).fetchone()
        except sqlite3.Error:
            return  # the next start looks again
        if known is None:
            self._packs.drop(number)

    def _flush(self, descriptor: int) -> None:
        if self._durable:
            flush(descriptor)

    @contextmanager
    def _transaction(self, point: Point) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
            self._crash(point)
            self._db.execute("commit")
        except BaseException:
            if self._db.in_transaction:
                self._db.rollback()
            raise


def needs(db: sqlite3.Connection, versions: Iterable[int]) -> int:
    """Return the bytes of the chunks that these versions need."""
    found: set[bytes] = set()
    for version in versions:
        for (layout,) in db.execute("select layout from records where version = ?", (version,)):
            found.update(digests(msgspec.msgpack.decode(layout)))
    total = 0
    for part in batched(found, CHUNKS):
        query = f"select sum(size) from chunks where digest in ({', '.join('?' * len(part))})"
        total += db.execute(query, part).fetchone()[0] or 0
    return total


def _paged(size: int) -> int:
    return -(-size // PAGE) * PAGE
