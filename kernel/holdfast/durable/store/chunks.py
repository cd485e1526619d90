"""A buffer as chunks: which of them changed since the last look, and which must be put.

It must never trust a fingerprint across processes: xxh3 only says what changed here, blake3 names and
authenticates what is written.

Rejected: blake3 of every chunk at every look (4 times the time), one fingerprint for the whole buffer (one
changed element would store all of it), and content-defined cuts (arrays change in place, they do not shift).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from holdfast.durable.store.port import CHUNK, Buffer

#: How often a chunk that changes while it is copied is tried before the caller is told.
TRIES = 3


class Kept(Struct, frozen=True):
    """A stored buffer with the xxh3-128 of each of its chunks; `settled` is False if it changed under our hands."""

    buffer: Buffer
    prints: tuple[bytes, ...]
    settled: bool = True


def flat(view: memoryview[Any]) -> memoryview:
    """Return the bytes of a contiguous buffer of any format and order, not copied.

    `memoryview.cast` refuses what numpy exports for complex numbers, records and foreign byte orders.
    """
    from pickle import PickleBuffer

    return PickleBuffer(view).raw()


def keep(view: memoryview[Any], put: Callable[[memoryview], bytes], before: Kept | None = None) -> Kept:
    """Store what changed of `view` (contiguous, any format) since `before`, and return the whole.

    Chunks with an unchanged fingerprint keep the digest they had and are not put.  A chunk is fingerprinted
    before and after it is put: only equal ones mean that what was written is what was fingerprinted.
    """
    from xxhash import xxh3_128_digest

    data = flat(view)
    known = before.prints if before is not None else ()
    named = before.buffer.chunks if before is not None else ()
    # A shorter last chunk has another fingerprint than the longer one that stood at its place.
    prints: list[bytes] = []
    chunks: list[bytes] = []
    settled = True
    for index, start in enumerate(range(0, data.nbytes, CHUNK)):
        piece = data[start : start + CHUNK]
        fingerprint = xxh3_128_digest(piece)
        if index < len(known) and known[index] == fingerprint:
            prints.append(fingerprint)
            chunks.append(named[index])
            continue
        for _ in range(TRIES):
            digest = put(piece)
            seen, fingerprint = fingerprint, xxh3_128_digest(piece)
            if seen == fingerprint:
                break
        else:
            settled = False
        prints.append(fingerprint)
        chunks.append(digest)
    return Kept(Buffer(data.nbytes, tuple(chunks)), tuple(prints), settled)


def changed(view: memoryview[Any], before: Kept) -> bool:
    """Say whether `view` differs from what was kept; stops at the first chunk that does."""
    from xxhash import xxh3_128_digest

    if view.nbytes != before.buffer.size:
        return True
    data = flat(view)
    return any(
        xxh3_128_digest(data[index * CHUNK : (index + 1) * CHUNK]) != fingerprint
        for index, fingerprint in enumerate(before.prints)
    )
