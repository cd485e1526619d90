"""Commits in order: a chain of deltas, with the whole manifest written down now and then.

It must never believe a row before its place in the chain is verified.

Each commit's tag covers the tag before it, so none can be changed, moved or taken out of the middle.  A whole
manifest is written when at least 64 deltas have passed and they are as many as a 32nd of its names: opening
reads no more than that, and with 100,000 names no cell in the thousands pays for writing them all.

The oldest commits may be let go.  Then a sealed row says which one is first now and what tag the one before it had,
and the first one has a whole manifest: the chain begins there.

Rejected: a manifest per commit (its cost is that of the untouched names), a tree of pages (every small commit
writes three of them instead of one row), and reading back through the history at each commit (Kishu's way).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping

import msgspec

from holdfast.durable.faults import Damaged, NoCommit, Tampered
from holdfast.durable.keys import Seal
from holdfast.durable.store.port import Commit, Head, LogEntry, PromiseRow

DELTAS = 64
NAMES_PER_DELTA = 32
#: A number that no commit has.
_NEWEST = (1 << 63) - 1
_COLUMNS = "number, parent, count, epoch, code, status, at, delta, state, version, pack, tail, promise, settled, value"
_INSERT = f"insert into commits ({_COLUMNS}, tag) values ({', '.join('?' * 16)})"
_Row = tuple[int, int, int, int, bytes, str, str, bytes, bytes, int, int, int, str, str, bytes]


class Entry:
    """A commit that is in the transaction and not yet in the ledger's memory."""

    __slots__ = ("commit", "row", "tag", "whole")

    def __init__(self, commit: Commit, row: _Row, tag: bytes, whole: bool) -> None:
        self.commit = commit
        self.row = row
        self.tag = tag
        self.whole = whole


class Ledger:
    """The newest manifest in memory, and how it came to be on disk."""

    def __init__(self, db: sqlite3.Connection, seal: Seal, path: str) -> None:
        self._db = db
        self._seal = seal
        self._path = path
        self._tag = seal.tag(b"root", b"")
        self._row: _Row | None = None
        self._names: dict[str, int] = {}
        self._tokens: dict[str, int] = {}
        self._since = 0
        #: The first commit and the tag before it.
        self._base = (1, self._tag)

    @property
    def number(self) -> int:
        """The newest commit's number, 0 before the first."""
        return self._row[0] if self._row else 0

    @property
    def first(self) -> int:
        """The number of the oldest commit that is kept, 0 before the first."""
        return self._base[0] if self.number else 0

    @property
    def place(self) -> tuple[int, int]:
        """The pack that the newest commit left open, and where it ended: (1, 0) before the first."""
        return (self._row[10], self._row[11]) if self._row else (1, 0)

    @property
    def due(self) -> bool:
        """Whether the next commit writes the whole manifest."""
        since = self._since + 1
        return since >= DELTAS and since * NAMES_PER_DELTA >= len(self._names) + len(self._tokens)

    def load(self) -> None:
        """Read the last whole manifest and the deltas after it; raises `Tampered` or `Damaged`."""
        for first, previous, tag in self._db.execute("select * from base"):
            self._demand(b"base", (first, previous), tag, "what says which commit is the first")
            self._base = (first, previous)
        for row, tag, applied in self._replay(_NEWEST, self._names, self._tokens):
            self._row, self._tag = row, tag
            self._since += applied

    def head(self) -> Head | None:
        """See the port."""
        return _head(self._row, dict(self._names), dict(self._tokens)) if self._row is not None else None

    def at(self, number: int) -> Head:
        """See the port."""
        if not self.first <= number <= self.number or self._row is None:
            raise NoCommit(self._path, number, self.first, self.number)
        if number == self.number:
            return _head(self._row, dict(self._names), dict(self._tokens))
        names, tokens = dict[str, int](), dict[str, int]()
        read = [row for row, _, _ in self._replay(number, names, tokens)]
        if not read or read[-1][0] != number:
            raise Damaged(self._path, f"commit {number} is missing")
        return _head(read[-1], names, tokens)

    def insert(self, commit: Commit, pack: int, tail: int) -> Entry:
        """Put a commit's rows into the open transaction; memory changes with `applied`."""
        version = max((record.version for record in commit.records), default=0)
        row = (
            self.number + 1,
            commit.parent or self.number,
            commit.count,
            commit.epoch,
            commit.code.encode("utf-8", "surrogatepass"),
            commit.status,
            commit.at,
            _encoded(commit.names, commit.tokens),
            commit.state,
            max(version, self._row[9] if self._row else 0),
            pack,
            tail,
            *commit.promise,
        )
        tag = self._seal.tag(b"commit", msgspec.msgpack.encode((self._tag, *row)))
        self._db.execute(_INSERT, (*row, tag))
        whole = self.due
        if whole:
            names, tokens = dict(self._names), dict(self._tokens)
            _update(names, commit.names)
            _update(tokens, commit.tokens)
            fields = (row[0], self._tag, _encoded(names, tokens))
            seal = self._seal.tag(b"manifest", msgspec.msgpack.encode(fields))
            self._db.execute("insert into manifests values (?, ?, ?, ?)", (*fields, seal))
        return Entry(commit, row, tag, whole)

    def let_go(self, first: int) -> Callable[[], None]:
        """Remove the commits before one within the open transaction; call the result when that is on the disk."""
        head = self.at(first)
        (previous,) = self._db.execute("select tag from commits where number = ?", (first - 1,)).fetchone()
        fields = (first, previous, _encoded(head.names, head.tokens))
        seal = self._seal.tag(b"manifest", msgspec.msgpack.encode(fields))
        self._db.execute("insert or replace into manifests values (?, ?, ?, ?)", (*fields, seal))
        for table in ("manifests", "commits"):
            self._db.execute(f"delete from {table} where number < ?", (first,))
        self._db.execute("delete from base")
        seal = self._seal.tag(b"base", msgspec.msgpack.encode((first, previous)))
        self._db.execute("insert into base values (?, ?, ?)", (first, previous, seal))

        def done() -> None:
            self._base = (first, previous)
            self._since = min(self._since, self.number - first)

        return done

    def date(self, number: int) -> str:
        """Return the date of a commit, unauthenticated, or "" where it is not there."""
        row = self._db.execute("select at from commits where number = ?", (number,)).fetchone()
        return str(row[0]) if row else ""

    def versions(self, after: int) -> Iterator[tuple[int, frozenset[int]]]:
        """Yield (number, the versions that its delta names) of each commit after one, authenticated."""
        for row in self._after(after):
            yield row[0], frozenset(version for delta in _delta(row) for version in delta.values() if version)

    def applied(self, entry: Entry) -> None:
        """The transaction of `insert` is on the disk."""
        self._row, self._tag = entry.row, entry.tag
        self._apply(entry.commit.names, entry.commit.tokens)
        self._since = 0 if entry.whole else self._since + 1

    def log(self, newest: int | None) -> list[LogEntry]:
        """See the port."""
        entries = []
        for row in self._after(0 if newest is None else max(0, self.number - newest)):
            names, _ = _delta(row)
            bound = tuple(name for name, version in names.items() if version is not None)
            deleted = tuple(name for name, version in names.items() if version is None)
            code = row[4].decode("utf-8", "surrogatepass")
            entries.append(LogEntry(row[0], row[2], row[3], code, row[5], row[6], bound, deleted, row[1]))
        return entries

    def states(self, after: int) -> list[tuple[int, bytes]]:
        """See the port."""
        return [(row[0], row[8]) for row in self._after(after)]

    def promises(self) -> list[PromiseRow]:
        """See the port: of two with one id the newer."""
        found = {row[12]: PromiseRow(row[12], row[13], row[14], row[0]) for row in self._after(0) if row[12]}
        return sorted(found.values(), key=lambda row: row.number)

    def promise(self, id: str) -> PromiseRow | None:
        """See the port.  Looked for in every commit: an index would cost each of them a page."""
        query = "select number from commits where promise = ? order by number desc limit 1"
        found = self._db.execute(query, (id,)).fetchone()
        row = next(self._after(found[0] - 1)) if found else None
        return PromiseRow(row[12], row[13], row[14], row[0]) if row else None

    def _after(self, number: int) -> Iterator[_Row]:
        """Yield the commits after one.  Its own tag need not be verified: those after it cover it."""
        first, previous = self._base
        if number < first:
            return (row for row, _ in self._chain(first, previous))
        before = self._db.execute("select tag from commits where number = ?", (number,)).fetchone()
        # After the newest one there is none to verify.
        return (row for row, _ in self._chain(number + 1, before[0] if before else b""))

    def _apply(self, names: Mapping[str, int | None], tokens: Mapping[str, int | None]) -> None:
        _update(self._names, names)
        _update(self._tokens, tokens)

    def _replay(self, last: int, names: dict[str, int], tokens: dict[str, int]) -> Iterator[tuple[_Row, bytes, bool]]:
        """Fill an empty manifest with that of commit `last`: from the nearest whole one, delta by delta.

        Yields (row, tag, whether its delta was needed) of each commit on the way.
        """
        start, previous = 0, self._base[1]
        query = "select * from manifests where number <= ? order by number desc limit 1"
        whole = self._db.execute(query, (last,)).fetchone()
        if whole is not None:
            start, previous, written, tag = whole
            self._demand(b"manifest", (start, previous, written), tag, f"the manifest of commit {start}")
            for manifest, one in zip((names, tokens), json.loads(written), strict=True):
                manifest.update(one)
        met = 0
        for row, tag in self._chain(start, previous, last):
            met = row[0]
            if met > start:
                for manifest, delta in zip((names, tokens), _delta(row), strict=True):
                    _update(manifest, delta)
            yield row, tag, met > start
        if not met and (start or self._base[0] > 1):
            raise Damaged(self._path, f"commit {start or self._base[0]} is missing")

    def _chain(self, start: int, previous: bytes, last: int = _NEWEST) -> Iterator[tuple[_Row, bytes]]:
        """Yield the commits from `start` to `last`, each verified to follow the one before it."""
        expected = max(start, 1)
        query = f"select {_COLUMNS}, tag from commits where number between ? and ? order by number"
        for *columns, tag in self._db.execute(query, (start, last)):
            what = f"commit {columns[0]}"
            if columns[0] != expected:
                raise Damaged(self._path, f"commit {expected} is missing")
            self._demand(b"commit", (previous, *columns), tag, what)
            yield tuple(columns), tag
            previous = tag
            expected += 1

    def _demand(self, kind: bytes, fields: tuple[object, ...], tag: object, what: str) -> None:
        genuine = isinstance(tag, bytes) and self._seal.holds(kind, msgspec.msgpack.encode(fields), tag)
        if not genuine:
            raise Tampered(self._path, f"{what} was changed by someone without your key, or by a failing disk")


def _head(row: _Row, names: dict[str, int], tokens: dict[str, int]) -> Head:
    number, parent, count, epoch, _, _, at, _, state, version, *_ = row
    return Head(number, count, epoch, version, at, names, tokens, state, parent)


def _encoded(*manifests: Mapping[str, int | None]) -> bytes:
    try:
        return msgspec.json.encode(manifests)
    except UnicodeEncodeError:  # half of a surrogate pair
        return json.dumps([dict(manifest) for manifest in manifests], separators=(",", ":")).encode("ascii")


def _delta(row: _Row) -> tuple[dict[str, int | None], dict[str, int | None]]:
    names, tokens = json.loads(row[7])
    return names, tokens


def _update(manifest: dict[str, int], delta: Mapping[str, int | None]) -> None:
    for name, version in delta.items():
        if version is None:
            manifest.pop(name, None)
        else:
            manifest[name] = version
