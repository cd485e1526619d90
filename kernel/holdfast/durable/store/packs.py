"""Chunks one after another in files that only grow.

It must never write over a byte that a commit refers to: what is mapped into the user's arrays is the file
itself.

A pack begins with a page that says whose it is; each chunk begins on a page, so that runs of chunks can be
mapped.  Where the committed part ends is known to the database alone.

Rejected: one file per chunk (an fsync each), a pack per commit (thousands of files, mapped one by one), length
prefixes between the chunks (a buffer's chunks would not lie side by side), and compaction in place.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from holdfast.durable.faults import Damaged
from holdfast.durable.keys import sync_folder
from holdfast.durable.store.points import Crash, Point

PAGE = 4096
#: Bytes after which a new pack is begun.
FULL = 1 << 30
_MAGIC = b"holdfast pack 1\0"
#: Maps of one process: Linux allows 65,530, and Python 3.12 keeps a descriptor open for each.
_MAPS = 16_384 if sys.version_info >= (3, 13) else 256


class Place:
    """Where a chunk lies."""

    __slots__ = ("pack", "offset", "size")

    def __init__(self, pack: int, offset: int, size: int) -> None:
        self.pack = pack
        self.offset = offset
        self.size = size


class Packs:
    """The packs of one store.  Thread-safe is only `fill`; the store holds a lock around the rest."""

    def __init__(self, folder: str, ident: bytes, *, durable: bool, mapped: bool, crash: Crash) -> None:
        self._folder = folder
        self._ident = ident
        self._durable = durable
        self._mapped = mapped
        self._crash = crash
        self._open: dict[int, int] = {}
        self._maps = 0
        self._dirty = False
        self.number = 1
        self.tail = 0

    def path(self, number: int) -> str:
        """Return the file of a pack."""
        return os.path.join(self._folder, f"{number:08d}.pack")

    def check(self, number: int, size: int) -> None:
        """Raise `Damaged` unless a pack is there, is this session's, and has at least `size` bytes."""
        descriptor = self._descriptor(number)
        found = os.fstat(descriptor).st_size
        if found < size:
            raise Damaged(self.path(number), f"it has {found} bytes where {size} were written")

    def resume(self, number: int, tail: int) -> None:
        """Go on after the last committed chunk: cut what lies behind it, remove packs that no commit knows.

        `tail` is 0 when pack `number` has no committed chunk.
        """
        self.number, self.tail = number, tail
        for name in os.listdir(self._folder):
            stem, end = os.path.splitext(name)
            known = stem.isdecimal() and int(stem) < number + (tail > 0)
            if end == ".pack" and not known:
                os.unlink(os.path.join(self._folder, name))
        if tail and os.fstat(self._descriptor(number)).st_size > tail:
            os.truncate(self.path(number), tail)

    def append(self, data: memoryview) -> Place:
        """Write a chunk behind the others; raises OSError, and then nothing was appended."""
        if self.tail >= FULL:
            self.sync()
            self.abandon()
        if not self.tail:
            self._create()
        descriptor = self._descriptor(self.number)
        start = self.tail
        half = data.nbytes // 2
        _write(descriptor, data[:half], start)
        self._crash(Point.CHUNK_TORN)
        _write(descriptor, data[half:], start + half)
        self._dirty = True
        self.tail = -(-(start + data.nbytes) // PAGE) * PAGE
        self._crash(Point.CHUNK_WRITTEN)
        return Place(self.number, start, data.nbytes)

    def sync(self) -> bool:
        """Put what was appended on the disk (mode full) and at its full length; say whether there was anything."""
        if not self._dirty:
            return False
        descriptor = self._descriptor(self.number)
        os.ftruncate(descriptor, self.tail)
        if self._durable:
            flush(descriptor)
        self._dirty = False
        return True

    def abandon(self) -> None:
        """Begin another pack with the next chunk: this one is full, or the disk failed to keep it."""
        self._dirty = False
        self.number += 1
        self.tail = 0

    def lend(self, numbers: set[int]) -> dict[int, int]:
        """Return descriptors of packs for one reader, who closes them: `close` must not pull them away."""
        return {number: os.dup(self._descriptor(number)) for number in numbers}

    def fill(self, descriptor: int, place: Place, into: memoryview) -> None:
        """Read `place.size` bytes with a lent descriptor; raises `Damaged` where the file is too short."""
        done = 0
        while done < place.size:
            got = os.preadv(descriptor, [into[done : place.size]], place.offset + done)
            if not got:
                raise Damaged(self.path(place.pack), f"it ends within the chunk at {place.offset}")
            done += got

    def map(self, runs: Sequence[Place], *, writable: bool) -> memoryview | None:
        """Map runs one behind the other, copy-on-write; None where they should be read instead.

        Their packs have been checked to be long enough.
        """
        if not self._mapped or self._maps + len(runs) > _MAPS:
            return None
        from holdfast.durable.store import mapping

        parts = [(self._descriptor(run.pack), run.offset, run.size) for run in runs]
        try:
            view = mapping.single(*parts[0]) if len(parts) == 1 else mapping.stitched(parts)
        except OSError:
            return None
        if view is None:
            return None
        self._maps += len(runs)
        return view if writable else view.toreadonly()

    def close(self) -> None:
        """Close the files; what was mapped stays mapped."""
        while self._open:
            os.close(self._open.popitem()[1])

    def _create(self) -> None:
        path = self.path(self.number)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            _write(descriptor, memoryview((_MAGIC + self._ident).ljust(PAGE, b"\0")), 0)
            if self._durable:
                sync_folder(self._folder)
        except OSError:
            os.close(descriptor)
            os.unlink(path)
            raise
        self._open[self.number] = descriptor
        self.tail = PAGE
        self._crash(Point.PACK_CREATED)

    def _descriptor(self, number: int) -> int:
        found = self._open.get(number)
        if found is None:
            path = self.path(number)
            try:
                found = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
            except OSError as error:
                raise Damaged(path, error.strerror or str(error)) from None
            expected = _MAGIC + self._ident
            if os.pread(found, len(expected), 0) != expected:
                os.close(found)
                raise Damaged(path, "its first page is not that of a pack of this session")
            self._open[number] = found
        return found


def _write(descriptor: int, data: memoryview, offset: int) -> None:
    """Write all of `data`; a disk that fills up in the middle raises OSError at the next part."""
    while data.nbytes:
        done = os.pwrite(descriptor, data, offset)
        data = data[done:]
        offset += done


def flush(descriptor: int) -> None:
    """Put a file's bytes on the disk; macOS needs more than fsync for that."""
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        getattr(os, "fdatasync", os.fsync)(descriptor)
