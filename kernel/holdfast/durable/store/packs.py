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
from collections.abc import Collection, Sequence
from contextlib import suppress

from holdfast.durable.faults import Damaged
from holdfast.durable.keys import sync_folder
from holdfast.durable.store.files import BINARY, flush, read_at, write_at
from holdfast.durable.store.points import Crash, Point

PAGE = 4096
#: Bytes after which a new pack is begun.
FULL = 1 << 30
#: Bytes that the disk is given to write while the next ones are prepared.
_AHEAD = 4 << 20
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
        #: The highest number that a pack has or had.
        self._highest = 1
        #: Up to where the system was told to write.
        self._begun = 0

    def path(self, number: int) -> str:
        """Return the file of a pack."""
        return os.path.join(self._folder, f"{number:08d}.pack")

    def check(self, number: int, size: int) -> None:
        """Raise `Damaged` unless a pack is there, is this session's, and has at least `size` bytes."""
        descriptor = self._descriptor(number)
        found = os.fstat(descriptor).st_size
        if found < size:
            raise Damaged(self.path(number), f"it has {found} bytes where {size} were written")

    def resume(self, number: int, tail: int, known: Collection[int]) -> None:
        """Go on after the last committed chunk: cut what lies behind it, remove packs that are not `known`.

        `tail` is 0 when pack `number` has no committed chunk.
        """
        self.number, self.tail, self._begun = number, tail, tail
        self._highest = max(number, *known) if known else number
        for name in os.listdir(self._folder):
            stem, end = os.path.splitext(name)
            if end == ".pack" and not (stem.isdecimal() and int(stem) in known):
                self.remove(name)
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
        write_at(descriptor, data[:half], start)
        self._crash(Point.CHUNK_TORN)
        write_at(descriptor, data[half:], start + half)
        self._dirty = True
        self.tail = -(-(start + data.nbytes) // PAGE) * PAGE
        if self._durable and self.tail - self._begun >= _AHEAD:
            begin(descriptor, self._begun, self.tail - self._begun)
            self._begun = self.tail
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
        self._dirty, self._begun = False, self.tail
        return True

    def abandon(self) -> None:
        """Begin another pack with the next chunk: this one is full, or the disk failed to keep it."""
        self._dirty = False
        self.number = self.next()
        self.tail = self._begun = 0

    def next(self) -> int:
        """Return a number that no pack has had."""
        self._highest += 1
        return self._highest

    def remove(self, name: str) -> None:
        """Remove a file that nothing refers to; where the system refuses (Windows, while it is mapped), the next
        start does."""
        with suppress(PermissionError, FileNotFoundError):
            os.unlink(os.path.join(self._folder, name))

    def drop(self, number: int) -> None:
        """Remove a pack that nothing refers to; what is mapped of it stays mapped."""
        descriptor = self._open.pop(number, None)
        if descriptor is not None:
            os.close(descriptor)
        self.remove(os.path.basename(self.path(number)))

    def there(self) -> set[int]:
        """Return the numbers of the packs in the folder."""
        names = (os.path.splitext(name) for name in os.listdir(self._folder))
        return {int(stem) for stem, end in names if end == ".pack" and stem.isdecimal()}

    def used(self) -> int:
        """Return the bytes of all packs."""
        total = 0
        with os.scandir(self._folder) as files:
            for file in files:
                with suppress(FileNotFoundError):
                    total += file.stat().st_size
        return total

    def lend(self, numbers: set[int]) -> dict[int, int]:
        """Return descriptors of packs for one reader, who closes them: `close` must not pull them away."""
        return {number: os.dup(self._descriptor(number)) for number in numbers}

    def fill(self, descriptor: int, place: Place, into: memoryview) -> None:
        """Read `place.size` bytes with a lent descriptor; raises `Damaged` where the file is too short."""
        done = 0
        while done < place.size:
            got = read_at(descriptor, into[done : place.size], place.offset + done)
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
        while True:
            try:
                self._open[self.number] = self.create(self.number)
                break
            except FileExistsError:  # it could not be removed, or another machine has made it
                self.number = self.next()
        self.tail = PAGE
        self._crash(Point.PACK_CREATED)

    def create(self, number: int) -> int:
        """Make a pack with its first page, and return a descriptor; raises OSError."""
        path = self.path(number)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | BINARY, 0o600)
        try:
            write_at(descriptor, memoryview((_MAGIC + self._ident).ljust(PAGE, b"\0")), 0)
            if self._durable:
                sync_folder(self._folder)
        except OSError:
            os.close(descriptor)
            os.unlink(path)
            raise
        return descriptor

    def _descriptor(self, number: int) -> int:
        found = self._open.get(number)
        if found is None:
            path = self.path(number)
            try:
                found = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | BINARY)
            except OSError as error:
                raise Damaged(path, error.strerror or str(error)) from None
            expected = _MAGIC + self._ident
            header = memoryview(bytearray(len(expected)))
            if read_at(found, header, 0) != len(expected) or header != expected:
                os.close(found)
                raise Damaged(path, "its first page is not that of a pack of this session")
            self._open[number] = found
        return found


def begin(descriptor: int, offset: int, size: int) -> None:
    """Have the system write these bytes now, without waiting: the flush then waits for half as long."""
    if sys.platform == "linux":
        # The pages that are being written stay in memory; Python has no `sync_file_range`.
        os.posix_fadvise(descriptor, offset, size, os.POSIX_FADV_DONTNEED)
