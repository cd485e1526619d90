"""One owner per session: a lock on its folder that ends with the process, however it ends.

It must never outlive its owner in a forked child: a worker process that the user's code started would keep a
killed kernel's session locked.

Rejected: a file with a pid in it (stale after `kill -9`, and pids come again), POSIX record locks on local
disks (dropped when anything in the process closes the file), and waiting for the lock (a kernel must start).
"""

from __future__ import annotations

import errno
import os
import struct
import sys
import weakref
from contextlib import suppress
from time import monotonic, sleep

from holdfast.durable.faults import Locked
from holdfast.durable.keys import StrPath

LOCK_NAME = "lock"
#: There while a kernel that has left still has large values written, and how long the next one waits for that.
FLUSHING, PATIENCE, LOOK = "flushing", 30.0, 0.02
#: The byte that is locked.
_FAR = 1 << 20
#: What a file system says that has no locks.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
_held: weakref.WeakSet[Lock] = weakref.WeakSet()


class Lock:
    """Held from `__init__` to `release`; raises `Locked`.

    On a file system of the network (not `local`) it locks a byte, which servers know better than whole files.
    """

    __slots__ = ("_descriptor", "__weakref__")

    def __init__(self, folder: StrPath, *, local: bool = True) -> None:
        path = os.path.join(folder, LOCK_NAME)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            _claim_soon(self._descriptor, local, os.path.join(folder, FLUSHING))
        except OSError as error:
            # Without locks there, the lease decides alone.
            if local or error.errno not in _NO_LOCKS:
                os.lseek(self._descriptor, 0, os.SEEK_SET)
                owner = os.read(self._descriptor, 20).decode("ascii", "replace").strip() or "unknown"
                os.close(self._descriptor)
                raise Locked(os.fspath(folder), f"the kernel with process id {owner} is using it") from None
        if not os.path.samestat(os.fstat(self._descriptor), os.stat(path)):
            os.close(self._descriptor)
            raise Locked(os.fspath(folder), "another kernel moved it aside just now")
        # For words only; the lock itself is the truth.
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, str(os.getpid()).encode())
        _held.add(self)

    def fileno(self) -> int:
        """The descriptor, for a process that goes on in our place."""
        return self._descriptor

    def release(self) -> None:
        """Let another kernel have the session; may be called twice."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
        self.forget()

    def forget(self) -> None:
        """Close our copy, and say nothing about who owns the session."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def owner(folder: StrPath) -> int:
    """Return the process id of the kernel that uses a session, or 0; for people, never to decide by.

    It does not try the lock: that would keep out a kernel that starts at this instant.
    """
    try:
        with open(os.path.join(folder, LOCK_NAME), "rb") as file:
            pid = int(file.read(20) or b"0")
        if pid > 0:
            os.kill(pid, 0)
    except PermissionError:
        return pid
    except (OSError, ValueError, OverflowError):
        return 0
    return max(pid, 0)


def _claim_soon(descriptor: int, local: bool, marker: str) -> None:
    """Claim it; where the kernel before has left and a process still writes its values, wait for that."""
    until = monotonic() + PATIENCE
    while True:
        try:
            _claim(descriptor, local)
        except OSError:
            if not os.path.exists(marker) or monotonic() > until:
                raise
            sleep(LOOK)
            continue
        with suppress(OSError):
            os.unlink(marker)
        return


def _claim(descriptor: int, local: bool) -> None:
    if os.name == "posix":
        import fcntl

        if local:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        elif hasattr(fcntl, "F_OFD_SETLK") and sys.platform == "linux":
            # The descriptor's, as with flock: a record lock goes when anything in the process closes the file.
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, struct.pack("@hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, _FAR, 1, 0))
        else:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _FAR)
    else:
        import msvcrt

        # Far behind the pid, because Windows forbids others to read what is locked.
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        getattr(msvcrt, "locking")(descriptor, getattr(msvcrt, "LK_NBLCK"), 1)  # noqa: B009


def _let_go() -> None:
    """In a forked child: close our copies, which leaves the parent's lock in force."""
    for lock in list(_held):
        lock.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
