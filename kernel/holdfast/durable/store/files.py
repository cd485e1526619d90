"""Reading and writing at a place of a file, on every system, and putting it on the disk.

It must never move where another thread reads: Windows has one position per open file, so there a lock is held.
"""

from __future__ import annotations

import errno
import os
import sys
import threading

#: Windows changes line ends in files that are opened without it.
BINARY: int = getattr(os, "O_BINARY", 0)
_position = threading.Lock()


def read_at(descriptor: int, into: memoryview, offset: int) -> int:
    """Read into a buffer; the number of bytes, 0 at the end of the file."""
    if hasattr(os, "preadv"):
        return os.preadv(descriptor, [into], offset)
    with _position:
        os.lseek(descriptor, offset, os.SEEK_SET)
        data = os.read(descriptor, into.nbytes)
    into[: len(data)] = data
    return len(data)


def write_at(descriptor: int, data: memoryview, offset: int) -> None:
    """Write all of `data`; a disk that fills up in the middle raises OSError at the next part."""
    while data.nbytes:
        if hasattr(os, "pwrite"):
            done = os.pwrite(descriptor, data, offset)
        else:
            with _position:
                os.lseek(descriptor, offset, os.SEEK_SET)
                done = os.write(descriptor, data)
        data = data[done:]
        offset += done


def flush(descriptor: int) -> None:
    """Put a file's bytes on the disk; macOS needs more than fsync for that, where the file system can do it."""
    if sys.platform == "darwin":
        import fcntl

        try:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTSUP, errno.ENOTTY, errno.EINVAL):
                raise
        os.fsync(descriptor)
    else:
        getattr(os, "fdatasync", os.fsync)(descriptor)
