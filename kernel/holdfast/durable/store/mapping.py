"""Parts of files as one piece of memory, copy-on-write.

It must never map what the file does not hold: touching it would kill the process (SIGBUS).  Who calls has
compared the sizes.

A buffer of which one chunk changed lies in two places of its packs.  Its parts are mapped one behind the other
over a reservation that Python's own `mmap` made and later gives back whole.  Reading it instead costs 50 ms
and 100 MB of memory per 100 MB.

Rejected: writing a changed buffer anew in one piece (100 MB for one element), and an array class that joins
parts (the user's array must be an ordinary one).
"""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Sequence

#: MAP_FIXED, the same on Linux and macOS; Python's mmap does not name it.
_FIXED = 0x10
_STITCHES = os.name == "posix" and sys.maxsize > 1 << 32


def single(descriptor: int, offset: int, size: int) -> memoryview:
    """Map one part of a file; raises OSError."""
    start = offset // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY
    length = offset - start + size
    if sys.version_info >= (3, 13) and os.name == "posix":
        mapped = mmap.mmap(descriptor, length, access=mmap.ACCESS_COPY, offset=start, trackfd=False)
    else:
        mapped = mmap.mmap(descriptor, length, access=mmap.ACCESS_COPY, offset=start)
    return memoryview(mapped)[offset - start :]


def stitched(parts: Sequence[tuple[int, int, int]]) -> memoryview | None:
    """Map (descriptor, offset, size) parts one behind the other; None where this system or their sizes forbid it.

    Every part must begin on a page, and every part but the last end on one.
    """
    total = sum(size for _, _, size in parts)
    page = mmap.PAGESIZE
    if not _STITCHES or any(offset % page for _, offset, _ in parts) or any(size % page for _, _, size in parts[:-1]):
        return None
    import ctypes

    call = ctypes.CDLL(None, use_errno=True).mmap
    call.restype = ctypes.c_void_p
    call.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_int64)
    whole = mmap.mmap(-1, total, flags=mmap.MAP_PRIVATE | mmap.MAP_ANON)
    handle = ctypes.c_char.from_buffer(whole)
    where = ctypes.addressof(handle)
    del handle  # else the reservation could never be given back
    for descriptor, offset, size in parts:
        flags = mmap.MAP_PRIVATE | _FIXED
        if call(where, size, mmap.PROT_READ | mmap.PROT_WRITE, flags, descriptor, offset) != where:
            return None
        where += size
    return memoryview(whole)
