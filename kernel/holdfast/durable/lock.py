"""One owner per session: a lock on its folder that ends with the process, however it ends.

It must never outlive its owner in a forked child: a worker process that the user's code started would keep a
killed kernel's session locked.

Rejected: a file with a pid in it (stale after `kill -9`, and pids come again), POSIX record locks on local
disks (dropped when anything in the process closes the file), and waiting for the lock (a kernel must start).
"""

from __future__ import annotations

import os
import weakref

from holdfast.durable.faults import Locked
from holdfast.durable.keys import StrPath

LOCK_NAME = "lock"
_held: weakref.WeakSet[Lock] = weakref.WeakSet()


class Lock:
    """Held from `__init__` to `release`; raises `Locked`."""

    __slots__ = ("_descriptor", "__weakref__")

    def __init__(self, folder: StrPath) -> None:
        path = os.path.join(folder, LOCK_NAME)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            _claim(self._descriptor)
        except OSError:
            owner = os.pread(self._descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise Locked(os.fspath(folder), f"the kernel with process id {owner} is using it") from None
        if not os.path.samestat(os.fstat(self._descriptor), os.stat(path)):
            os.close(self._descriptor)
            raise Locked(os.fspath(folder), "another kernel moved it aside just now")
        # For words only; the lock itself is the truth.
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)
        _held.add(self)

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


def _claim(descriptor: int) -> None:
    if os.name == "posix":
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        import msvcrt

        # Far behind the pid, because Windows forbids others to read what is locked.
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        getattr(msvcrt, "locking")(descriptor, getattr(msvcrt, "LK_NBLCK"), 1)  # noqa: B009


def _let_go() -> None:
    """In a forked child: close our copies, which leaves the parent's lock in force."""
    for lock in list(_held):
        lock.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
