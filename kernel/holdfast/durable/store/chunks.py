"""A buffer as chunks: which of them changed since the last look, and which must be put.

It must never trust a fingerprint across processes: xxh3 only says what changed here, blake3 names and
authenticates what is written.  And it must never hold a copy of more than a chunk.

Rejected: blake3 of every chunk at every look (4 times the time), one fingerprint for the whole buffer (one
changed element would store all of it), and content-defined cuts (arrays change in place, they do not shift).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from holdfast.durable.store.port import CHUNK, Buffer

#: How often a chunk that changes while it is copied is tried before the caller is told.
TRIES = 3


#: Bytes of a fingerprint (xxh3-128).
PRINT = 16


class Room(bytearray):
    """Memory for what is read, that `pickling.stored` can remember."""

    __slots__ = ("__weakref__",)


class Kept(Struct, frozen=True):
    """A stored buffer with the fingerprints of its chunks; `settled` is False if it changed under our hands."""

    buffer: Buffer
    prints: bytes
    settled: bool = True


def flat(view: memoryview[Any]) -> memoryview:
    """Return the bytes of a contiguous buffer of any format and order, not copied.

    `memoryview.cast` refuses what numpy exports for complex numbers, records and foreign byte orders.
    """
    from pickle import PickleBuffer

    return PickleBuffer(view).raw()


def fingerprints(view: memoryview[Any]) -> bytes:
    """Those of the chunks of `view`, one behind the other."""
    from xxhash import xxh3_128_digest

    data = flat(view)
    return b"".join([xxh3_128_digest(data[start : start + CHUNK]) for start in range(0, data.nbytes, CHUNK)])


def known(kept: Iterable[tuple[Buffer, bytes]]) -> dict[bytes, bytes]:
    """The digests of chunks by their fingerprints, of buffers that are stored."""
    found: dict[bytes, bytes] = {}
    for buffer, prints in kept:
        found.update((prints[PRINT * i : PRINT * (i + 1)], digest) for i, digest in enumerate(buffer.chunks))
    return found


def keep(
    view: memoryview[Any],
    put: Callable[[memoryview], bytes],
    stored: Mapping[bytes, bytes] | None = None,
    prints: bytes = b"",
) -> Kept:
    """Store what is new of `view` (contiguous, any format), and return the whole.

    Chunks whose fingerprint is in `stored` have the digest that it says and are not put.  `prints` are the
    fingerprints, where the caller has taken them.  A chunk is fingerprinted before and after it is put: only
    equal ones mean that what was written is what was fingerprinted.
    """
    from xxhash import xxh3_128_digest

    data = flat(view)
    seen: list[bytes] = []
    chunks: list[bytes] = []
    settled = True
    for start in range(0, data.nbytes, CHUNK):
        piece = data[start : start + CHUNK]
        at = start // CHUNK * PRINT
        fingerprint = prints[at : at + PRINT] or xxh3_128_digest(piece)
        digest = stored.get(fingerprint) if stored is not None else None
        if digest is None:
            digest, now = put(piece), xxh3_128_digest(piece)
            tries = 1
            while now != fingerprint and tries < TRIES:
                digest, fingerprint, now = put(piece), now, xxh3_128_digest(piece)
                tries += 1
            settled = settled and now == fingerprint
            fingerprint = now
        seen.append(fingerprint)
        chunks.append(digest)
    return Kept(Buffer(data.nbytes, tuple(chunks)), b"".join(seen), settled)


def wrong(data: memoryview, buffer: Buffer) -> list[bytes]:
    """Return the digests that the bytes of a stored buffer do not have."""
    from blake3 import blake3

    return [
        digest
        for index, digest in enumerate(buffer.chunks)
        if blake3(data[index * CHUNK : (index + 1) * CHUNK]).digest() != digest
    ]


def room(size: int) -> memoryview:
    """Return writable bytes; big ones come from the system, which need not clear them first."""
    if size < CHUNK:
        return memoryview(Room(size))
    import mmap

    return memoryview(mmap.mmap(-1, size, *((mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,) if os.name == "posix" else ())))
