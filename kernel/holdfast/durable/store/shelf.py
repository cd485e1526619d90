"""The chunks of a store: which are there, where they lie, and their bytes.

It must never refer to a chunk whose bytes are not in a pack, and never look for one where it lay a moment ago: between
the two, idle time may have moved it (`cleaning`).

Chunks are moved under the store's lock; readers take descriptors under that lock and read without it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf
from threading import RLock
from time import monotonic

from holdfast.durable.faults import Absent, Damaged, NoRoom, Tampered
from holdfast.durable.store.chunks import flat, room, wrong
from holdfast.durable.store.packs import Packs, Place
from holdfast.durable.store.points import Crash, Point
from holdfast.durable.store.port import CHUNK, DIGEST, MAPPED, Buffer

#: Seconds after which a chunk that no commit refers to is garbage: who put it has given up.
GRACE = 3600.0

Layout = Sequence[tuple[int, bytes]]


class Shelf:
    """The chunks of one session.  `own` returns the database, or raises where there is none to use."""

    def __init__(
        self, folder: str, lock: RLock, own: Callable[[], sqlite3.Connection], packs: Packs, crash: Crash
    ) -> None:
        self._folder = folder
        self._lock = lock
        self._own = own
        self._packs = packs
        self._crash = crash
        #: What is put is copied into it; made with the first chunk, because clearing it costs a start 0.3 ms.
        self._scratch = bytearray()
        #: Chunks put since the last commit.
        self.pending: dict[bytes, Place] = {}
        #: Chunks that no commit has referred to since they were put, and when that was; those put within the budget.
        self._claimed: dict[bytes, float] = {}
        self._within: list[bytes] = []

    def put(self, data: memoryview, admit: Callable[[int], None] | None) -> bytes:
        """Keep a chunk and return its digest; raises OSError, sqlite3.Error.  The caller holds the lock.

        A new one is written unless `admit` raises; that may move what is there.
        """
        from blake3 import blake3

        self._scratch = self._scratch or bytearray(CHUNK)
        copy = memoryview(self._scratch)[: data.nbytes]
        copy[:] = flat(data)
        digest = blake3(copy).digest()
        self._claimed[digest] = monotonic()
        if admit is not None:
            self._within.append(digest)
        if digest not in self.pending and self._place(digest) is None:
            if admit is not None:
                try:
                    admit(data.nbytes)
                except NoRoom:
                    # What was put of the same value is garbage.
                    self._unclaim(self._within)
                    raise
            self.pending[digest] = self._packs.append(copy)
        return digest

    def wants(self, digest: bytes) -> bool:
        """Say whether a chunk that no commit refers to is to stay: somebody put it, perhaps beside the cells."""
        return digest in self.pending or self._claimed.get(digest, -inf) > monotonic() - GRACE

    def give_up(self) -> None:
        """Forget who put what so long ago that nobody will refer to it."""
        since = monotonic() - GRACE
        self._claimed = {digest: when for digest, when in self._claimed.items() if when >= since}

    @property
    def garbage(self) -> int:
        """The number of chunks that were put so long ago that nobody will refer to them."""
        since = monotonic() - GRACE
        return sum(when < since for when in self._claimed.values())

    def has(self, digest: bytes) -> bool:
        """Say whether a chunk is there."""
        return digest in self.pending or self._place(digest) is not None

    def insert(self, db: sqlite3.Connection) -> None:
        """Put the rows of what is pending into the open transaction."""
        rows = [(digest, place.pack, place.offset, place.size) for digest, place in self.pending.items()]
        db.executemany("insert or ignore into chunks values (?, ?, ?, ?)", rows)
        ends: dict[int, int] = {}
        for place in self.pending.values():
            ends[place.pack] = max(ends.get(place.pack, 0), place.offset + place.size)
        db.executemany("insert or replace into packs values (?, ?)", ends.items())

    def committed(self, layouts: Iterable[Layout] = ()) -> None:
        """The transaction of `insert` is on the disk, with records of these layouts."""
        self.pending.clear()
        self._within.clear()
        for layout in layouts:
            self._unclaim(digests(layout))

    def _unclaim(self, chunks: Iterable[bytes]) -> None:
        for digest in chunks:
            self._claimed.pop(digest, None)

    def forget(self) -> None:
        """Nothing pending can be believed any more: the system may have dropped its pages."""
        self.pending.clear()
        self._packs.abandon()

    def read(self, buffer: Buffer, writable: bool) -> memoryview:
        """See the port."""
        with self._lock:
            places = self._places(buffer)
            runs = _runs(places)
            view = self._packs.map(runs, writable=writable) if buffer.size >= MAPPED else None
            descriptors = self._lend(places) if view is None else {}
        if view is None:
            view = room(buffer.size)
            with _closing(descriptors):
                done = 0
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
            with self._lock:
                places = self._places(buffer)
                descriptors = self._lend(places)
            with _closing(descriptors):
                for digest, place in zip(buffer.chunks, places, strict=True):
                    piece = scratch[: place.size]
                    self._packs.fill(descriptors[place.pack], place, piece)
                    if blake3(piece).digest() != digest:
                        self._disown([digest])
                        return False
        except (Damaged, Absent, OSError):
            return False
        return True

    def _disown(self, digests: list[bytes]) -> None:
        """Take chunks whose bytes are wrong for lost, so that the same value is written again when it comes."""
        with self._lock, self._reading() as db:
            db.executemany("delete from chunks where digest = ?", [(digest,) for digest in digests])

    def _place(self, digest: bytes) -> Place | None:
        row = self._own().execute("select pack, offset, size from chunks where digest = ?", (digest,)).fetchone()
        return Place(*row) if row else None

    def _places(self, buffer: Buffer) -> list[Place]:
        """Where a buffer's chunks lie; raises `Absent`, or `Damaged` where the sizes are not the buffer's."""
        places = []
        with self._reading():
            for digest in buffer.chunks:
                place = self.pending.get(digest) or self._place(digest)
                if place is None:
                    raise Absent(self._folder, f"the chunk {digest.hex()[:16]}…")
                places.append(place)
            for number in {place.pack for place in places}:
                self._packs.check(number, max(place.offset + place.size for place in places if place.pack == number))
        sizes = [place.size for place in places]
        if sum(sizes) != buffer.size or any(size != CHUNK for size in sizes[:-1]):
            raise Damaged(self._folder, "the sizes of chunks are not those that were written")
        return places

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._own()
        except (sqlite3.Error, TypeError) as error:
            raise Damaged(self._folder, f"its index of large values cannot be read ({error})") from None

    def _lend(self, places: Sequence[Place]) -> dict[int, int]:
        return self._packs.lend({place.pack for place in places})


def digests(layout: Layout) -> Iterator[bytes]:
    """Yield the chunks of a record's buffers."""
    for _, chunks in layout:
        for start in range(0, len(chunks), DIGEST):
            yield chunks[start : start + DIGEST]


@contextmanager
def _closing(descriptors: Mapping[int, int]) -> Iterator[None]:
    try:
        yield
    finally:
        for descriptor in descriptors.values():
            os.close(descriptor)


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
