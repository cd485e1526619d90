"""The end of a kernel that still writes large values: another process goes on, with the session's lock.

It must never run anything but the writing: no loop, no socket, no output of the kernel's, and nothing of the kernel's
that a new one needs may stay open in it.

1. The kernel commits everything else, and that these values are not stored (`State.held`).  2. It closes the store:
SQLite's locks and memory must not cross a fork.  3. It forks; the child has the values as they are now, and the lock.
4. The child leaves the group (jupyter_client signals all of it), writes, commits, ends.  Killed at any instant, the
next start has the lock at once and names what is missing.

Rejected: a file with the bytes, to be read by the next start (it would wait as long), and a thread that keeps the
kernel alive (it is killed after some seconds).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from holdfast.durable.lock import FLUSHING

#: Seconds after which a process that cannot come to its end is ended by the system.
LONGEST = 600
#: The processes that write; who ends the kernel's children leaves them alone.
writers: set[int] = set()
#: Whether a child can take over: macOS's frameworks do not survive a fork, Windows has none.
POSSIBLE = sys.platform == "linux"


def hand_over(folder: str, descriptor: int, names: list[str], write: Callable[[], object]) -> bool:
    """Fork a process that calls `write` and ends; False where that is not possible.

    `descriptor` is the session's lock, which the child keeps; the caller then only closes its own copy of it.
    """
    if not POSSIBLE:
        return False
    import warnings

    marker = os.path.join(folder, FLUSHING)
    try:
        file = os.open(marker, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        os.write(file, ", ".join(names).encode("utf-8", "replace")[:4000])
        os.close(file)
        kept = os.dup(descriptor)
    except OSError:
        return False
    try:
        with warnings.catch_warnings():
            # The child takes no lock that another thread may hold: it has none of them, and starts none.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
    except OSError:
        os.unlink(marker)
        os.close(kept)
        return False
    if not child:
        _go_on(kept, marker, write)
    writers.add(child)
    os.close(kept)
    return True


def _go_on(lock: int, marker: str, write: Callable[[], object]) -> NoReturn:
    """In the child."""
    status = 1
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        signal.set_wakeup_fd(-1)
        _let_go(lock)
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(LONGEST)
        write()
        os.unlink(marker)
        os.ftruncate(lock, 0)
        status = 0
    finally:
        os._exit(status)


def _let_go(lock: int) -> None:
    """Close everything of the kernel's: its sockets would answer for a new one, its pipes keep the launcher waiting."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.closerange(3, lock)
    os.closerange(lock + 1, max(lock + 2, os.sysconf("SC_OPEN_MAX") if hasattr(os, "sysconf") else 1024))
