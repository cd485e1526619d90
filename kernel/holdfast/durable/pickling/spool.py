"""What a pickler writes to: a stream that leaves the memory a MiB at a time.

It must never hold more of a stream than two pieces of it, and never change a piece that has left.

A piece goes to the store as soon as it is full, which keeps it under its digest; a piece that is stored already is
only hashed.  Without anybody to hand pieces to, the stream stays in one.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

from holdfast.durable.store.port import CHUNK


class Spool:
    """A file for `pickle.Pickler`.  `mark` notes a place, and `back` forgets what was written since."""

    __slots__ = ("pieces", "_put", "_tail", "_mark", "_kept")

    def __init__(self, put: Callable[[memoryview], bytes] | None) -> None:
        #: What `put` gave for each piece.
        self.pieces: list[bytes] = []
        self._put = put
        self._tail = BytesIO()
        self._mark = 0
        #: The piece in which the mark lies, once it has left.
        self._kept = b""

    def write(self, data: bytes) -> int:
        """Take bytes; raises what `put` raises."""
        if self._put is None or self._tail.tell() + len(data) < CHUNK:
            return self._tail.write(data)
        view = memoryview(data)
        start = 0
        while self._tail.tell() + len(view) - start >= CHUNK:
            end = start + CHUNK - self._tail.tell()
            if self._tail.tell():
                self._tail.write(view[start:end])
                full, self._tail = self._tail, BytesIO()
                self._leave(full.getbuffer(), self._put)
            else:
                self._leave(view[start:end], self._put)
            start = end
        self._tail.write(view[start:])
        return len(view)

    def _leave(self, piece: memoryview, put: Callable[[memoryview], bytes]) -> None:
        if self._mark // CHUNK == len(self.pieces):
            self._kept = bytes(piece)
        self.pieces.append(put(piece))

    def mark(self) -> None:
        """What is written from now on may be taken back."""
        self._mark, self._kept = len(self.pieces) * CHUNK + self._tail.tell(), b""

    def back(self) -> None:
        """Go back to the mark."""
        number, rest = divmod(self._mark, CHUNK)
        if number < len(self.pieces):
            del self.pieces[number:]
            self._tail = BytesIO()
            self._tail.write(self._kept[:rest])
        else:
            self._tail.seek(rest)
            self._tail.truncate()

    def rest(self) -> bytes:
        """What lies behind the last full piece."""
        return self._tail.getvalue()
