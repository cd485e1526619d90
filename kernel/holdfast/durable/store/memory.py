"""A store in memory: the twin for tests of what stands on the port.

It must never be gentler than the one on disk: it refuses what that one refuses.  `reopened` shows what a crash
would leave.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

from msgspec.structs import replace

from holdfast.durable.faults import Absent, NotKept
from holdfast.durable.store.chunks import Room
from holdfast.durable.store.port import CHUNK, Buffer, Commit, Head, LogEntry, PromiseRow, Record

_NAME = "memory"


class MemoryStore:
    """Keeps commits in dicts; `failures` are the numbers of commits that fail once each."""

    def __init__(self, failures: Collection[int] = ()) -> None:
        self._failures = set(failures)
        self._chunks: dict[bytes, bytes] = {}
        self._pending: dict[bytes, bytes] = {}
        self._records: dict[int, Record] = {}
        self._commits: list[Commit] = []
        self._names: dict[str, int] = {}
        self._tokens: dict[str, int] = {}
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

    def put(self, data: memoryview) -> bytes:
        """See the port; blake2b stands in for blake3, which is not loaded for a test."""
        if not 0 < data.nbytes <= CHUNK:
            raise ValueError(f"a chunk has 1 to {CHUNK} bytes, not {data.nbytes}")
        self._own()
        copy = data.tobytes()
        digest = hashlib.blake2b(copy, digest_size=32).digest()
        if digest not in self._chunks:
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
        for manifest, delta in ((self._names, commit.names), (self._tokens, commit.tokens)):
            for name, version in delta.items():
                if version is None:
                    manifest.pop(name, None)
                else:
                    manifest[name] = version
        if commit.promise[0]:
            self._promises[commit.promise[0]] = PromiseRow(*commit.promise, number)
        self._commits.append(commit)
        return number

    def head(self) -> Head | None:
        """See the port."""
        if not self._commits:
            return None
        last = self._commits[-1]
        names, tokens = dict(self._names), dict(self._tokens)
        return Head(len(self._commits), last.count, last.epoch, self._version, last.at, names, tokens, last.state)

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
            )
            for number, one in enumerate(self._commits, 1)
            if newest is None or number > len(self._commits) - newest
        ]

    def states(self, after: int = 0) -> Sequence[tuple[int, bytes]]:
        """See the port."""
        return [(number, one.state) for number, one in enumerate(self._commits, 1) if number > after]

    def promise_rows(self) -> Sequence[PromiseRow]:
        """See the port."""
        return sorted(self._promises.values(), key=lambda row: row.number)

    def promise(self, id: str) -> PromiseRow | None:
        """See the port."""
        return self._promises.get(id)

    def size(self) -> int:
        """See the port."""
        streams = sum(len(record.stream) for record in self._records.values())
        return streams + sum(map(len, self._chunks.values()))

    def tidy(self) -> None:
        """See the port."""

    def close(self) -> None:
        """See the port."""
        self._closed = True

    def _own(self) -> None:
        if self._closed:
            raise NotKept(_NAME, "the session is closed", "start the kernel again")

    def _pieces(self, buffer: Buffer) -> list[bytes]:
        pieces = [self._pending.get(digest) or self._chunks.get(digest) for digest in buffer.chunks]
        found = [piece for piece in pieces if piece is not None]
        if len(found) < len(pieces) or sum(map(len, found)) != buffer.size:
            raise Absent(_NAME, "a chunk of the buffer")
        return found
