"""Commits in order: a chain of deltas, with the whole manifest written down now and then.

It must never believe a row before its place in the chain is verified.

Each commit's tag covers the tag before it, so none can be changed, moved or taken out of the middle.  A whole
manifest is written when at least 64 deltas have passed and they are as many as a 32nd of its names: opening
reads no more than that, and with 100,000 names no cell in the thousands pays for writing them all.

Rejected: a manifest per commit (its cost is that of the untouched names), a tree of pages (every small commit
writes three of them instead of one row), and reading back through the history at each commit (Kishu's way).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping

import msgspec

from holdfast.durable.faults import Damaged, Tampered
from holdfast.durable.keys import Seal
from holdfast.durable.store.port import Commit, Head, LogEntry, PromiseRow

DELTAS = 64
NAMES_PER_DELTA = 32
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

    @property
    def number(self) -> int:
        """The newest commit's number, 0 before the first."""
        return self._row[0] if self._row else 0

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
        start = 0
        previous = self._tag
        whole = self._db.execute("select * from manifests order by number desc limit 1").fetchone()
        if whole is not None:
            start, previous, names, tag = whole
            self._demand(b"manifest", (start, previous, names), tag, f"the manifest of commit {start}")
            self._names, self._tokens = json.loads(names)
        for row, tag in self._chain(start, previous):
            if row[0] > start:
                self._apply(*_delta(row))
                self._since += 1
            self._row, self._tag = row, tag
        if whole is not None and self._row is None:
            raise Damaged(self._path, f"commit {start} is missing")

    def head(self) -> Head | None:
        """See the port."""
        if self._row is None:
            return None
        number, _, count, epoch, _, _, at, _, state, version, *_ = self._row
        return Head(number, count, epoch, version, at, dict(self._names), dict(self._tokens), state)

    def insert(self, commit: Commit, pack: int, tail: int) -> Entry:
        """Put a commit's rows into the open transaction; memory changes with `applied`."""
        version = max((record.version for record in commit.records), default=0)
        row = (
            self.number + 1,
            self.number,
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
            entries.append(LogEntry(row[0], row[2], row[3], code, row[5], row[6], bound, deleted))
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
        before = self._db.execute("select tag from commits where number = ?", (number,)).fetchone()
        previous = before[0] if before else self._seal.tag(b"root", b"")
        return (row for row, _ in self._chain(number + 1, previous))

    def _apply(self, names: Mapping[str, int | None], tokens: Mapping[str, int | None]) -> None:
        _update(self._names, names)
        _update(self._tokens, tokens)

    def _chain(self, start: int, previous: bytes) -> Iterator[tuple[_Row, bytes]]:
        """Yield the commits from `start` on, each verified to follow the one before it."""
        expected = max(start, 1)
        query = f"select {_COLUMNS}, tag from commits where number >= ? order by number"
        for *columns, tag in self._db.execute(query, (start,)):
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
