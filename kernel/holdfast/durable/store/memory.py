"""A store in memory: the twin for tests of what stands on the port.

It must never be gentler than the one on disk: it refuses what that one refuses.  `reopened` shows what a crash
would leave.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from holdfast.clock import Clock
from holdfast.durable.faults import Absent, NoCommit, NoRoom, NotKept
from holdfast.durable.retention import DEFAULT, Limits, oldest
from holdfast.durable.store.chunks import Room
from holdfast.durable.store.port import CHUNK, Buffer, Commit, Head, LogEntry, PromiseRow, Record, Until

_NAME = "memory"


class MemoryStore:
    """Keeps commits in dicts; `failures` are the numbers of commits that fail once each, `left` is the room."""

    def __init__(self, failures: Collection[int] = ()) -> None:
        self._failures = set(failures)
        self._limits = DEFAULT
        self._first = 1
        self.left = 1 << 60
        self._chunks: dict[bytes, bytes] = {}
        self._pending: dict[bytes, bytes] = {}
        self._records: dict[int, Record] = {}
        self._commits: list[Commit] = []
        self._heads: list[Head] = []
        self._promises: dict[str, PromiseRow] = {}
        self._version = 0
        self._closed = False

    def reopened(self) -> MemoryStore:
        """Return the store as a restart finds it: with every commit and nothing else."""
        other = MemoryStore()
        other.__dict__.update(self.__dict__)
        other._pending = {}
        other._closed = False
        self._closed = True
        return other

    def limit(self, limits: Limits) -> None:
        """Say how much is to be kept."""
        self._limits = limits

    def put(self, data: memoryview, *, within_budget: bool = False) -> bytes:
        """See the port; blake2b stands in for blake3, which is not loaded for a test."""
        if not 0 < data.nbytes <= CHUNK:
            raise ValueError(f"a chunk has 1 to {CHUNK} bytes, not {data.nbytes}")
        self._own()
        copy = data.tobytes()
        digest = hashlib.blake2b(copy, digest_size=32).digest()
        if digest not in self._chunks and digest not in self._pending:
            if within_budget and self.left < len(copy):
                raise NoRoom(_NAME)
            self.left -= len(copy)
            self._pending[digest] = copy
        return digest

    def commit(self, commit: Commit) -> int:
        """See the port."""
        self._own()
        number = len(self._commits) + 1
        for record in commit.records:
            for buffer in (Buffer(len(record.lead) * CHUNK, record.lead), *record.buffers):
                self._pieces(buffer)
            if record.version in self._records:
                raise NotKept(_NAME, f"version {record.version} is there already")
        if number in self._failures:
            self._failures.discard(number)
            raise NotKept(_NAME, "database or disk is full")
        self._chunks.update(self._pending)
        self._pending = {}
        for record in commit.records:
            stream = b"".join([*(self._chunks[digest] for digest in record.lead), record.stream])
            self._records[record.version] = replace(record, stream=stream, lead=())
            self._version = max(self._version, record.version)
        if commit.promise[0]:
            self._promises[commit.promise[0]] = PromiseRow(*commit.promise, number)
        self._commits.append(commit)
        before = self._heads[-1] if self._heads else Head(0, 0, 0, 0, "", {}, {}, b"")
        names, tokens = _changed(before.names, commit.names), _changed(before.tokens, commit.tokens)
        parent = commit.parent or before.number
        head = Head(number, commit.count, commit.epoch, self._version, commit.at, names, tokens, commit.state, parent)
        self._heads.append(head)
        return number

    def head(self) -> Head | None:
        """See the port."""
        return self._heads[-1] if self._heads else None

    def at(self, number: int) -> Head:
        """See the port."""
        if not self._first <= number <= len(self._heads):
            raise NoCommit(_NAME, number, min(self._first, len(self._heads)), len(self._heads))
        return self._heads[number - 1]

    def record(self, version: int) -> Record:
        """See the port."""
        if version not in self._records:
            raise Absent(_NAME, f"version {version}")
        return self._records[version]

    def read(self, buffer: Buffer, writable: bool) -> memoryview:
        """See the port."""
        view = memoryview(Room(b"".join(self._pieces(buffer))))
        return view if writable else view.toreadonly()

    def verify(self, buffer: Buffer) -> bool:
        """See the port."""
        try:
            pieces = self._pieces(buffer)
        except Absent:
            return False
        return [hashlib.blake2b(piece, digest_size=32).digest() for piece in pieces] == list(buffer.chunks)

    def log(self, newest: int | None = None) -> Sequence[LogEntry]:
        """See the port."""
        return [
            LogEntry(
                number,
                one.count,
                one.epoch,
                one.code,
                one.status,
                one.at,
                tuple(name for name, version in one.names.items() if version is not None),
                tuple(name for name, version in one.names.items() if version is None),
                self._heads[number - 1].parent,
            )
            for number, one in self._numbered()
            if newest is None or number > len(self._commits) - newest
        ]

    def states(self, after: int = 0) -> Sequence[tuple[int, bytes]]:
        """See the port."""
        return [(number, one.state) for number, one in self._numbered() if number > after]

    def promise_rows(self) -> Sequence[PromiseRow]:
        """See the port."""
        rows = (row for row in self._promises.values() if row.number >= self._first)
        return sorted(rows, key=lambda row: row.number)

    def promise(self, id: str) -> PromiseRow | None:
        """See the port."""
        found = self._promises.get(id)
        return found if found is not None and found.number >= self._first else None

    def size(self) -> int:
        """See the port."""
        streams = sum(len(record.stream) for record in self._records.values())
        return streams + sum(map(len, self._chunks.values()))

    def room(self, wanted: int) -> int:
        """See the port."""
        return self.left

    def tidy(self, until: Until = bool) -> bool:
        """See the port."""
        last = len(self._heads)
        first = min(self._first, last)
        self._first = max(
            1, oldest(self._limits, first, last, lambda number: self._commits[number - 1].at, Clock().date)
        )
        kept = {
            version
            for head in self._heads[self._first - 1 :]
            for version in (*head.names.values(), *head.tokens.values())
        }
        self._records = {version: record for version, record in self._records.items() if version in kept}
        return True

    def close(self) -> None:
        """See the port."""
        self._closed = True

    def _numbered(self) -> list[tuple[int, Commit]]:
        return list(enumerate(self._commits, 1))[self._first - 1 :]

    def _own(self) -> None:
        if self._closed:
            raise NotKept(_NAME, "the session is closed", "start the kernel again")

    def _pieces(self, buffer: Buffer) -> list[bytes]:
        pieces = [self._pending.get(digest) or self._chunks.get(digest) for digest in buffer.chunks]
        found = [piece for piece in pieces if piece is not None]
        if len(found) < len(pieces) or sum(map(len, found)) != buffer.size:
            raise Absent(_NAME, "a chunk of the buffer")
        return found


def _changed(manifest: Mapping[str, int], delta: Mapping[str, int | None]) -> dict[str, int]:
    changed = {**manifest, **delta}
    return {name: version for name, version in changed.items() if version is not None}
