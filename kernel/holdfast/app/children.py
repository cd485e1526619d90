"""The processes that cells have started: those still there when the kernel ends are ended with it.

It must never end a process that was given a session of its own (`start_new_session`, `setsid`, the writer of large
values): that is how people say that something is to go on.

1. `concurrent.futures` and `multiprocessing` wait at exit for their workers, which wait for work: the kernel would
be given up after seconds, and the workers stay.  2. A child of `subprocess` knows nothing of the kernel's end.
Rejected: the signal to the whole process group: the kernel itself is in it.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psutil

#: Seconds that children have for their own end after SIGTERM.
GRACE = 0.5
_SET_PDEATHSIG = 1


def tie_workers() -> None:
    """`multiprocessing` was imported: its processes end before it waits for them at exit.

    Exit handlers run last in, first out: this one after the user's own, right before that of `multiprocessing`.
    """
    atexit.register(end_workers)


def end_workers() -> None:
    """Tell the processes of `multiprocessing` and of process pools to end, so that nobody waits for them.

    Not its daemons: `multiprocessing` ends these itself, and a worker of its `Pool` that is ended while it waits takes
    the pool's lock with it.
    """
    process = sys.modules.get("multiprocessing.process")
    for worker in process.active_children() if process is not None else ():
        if not worker.daemon:
            worker.terminate()


def tie_forks(module: ModuleType) -> None:
    """`module` forks the processes of `multiprocessing`: the system is told to end them when the kernel is killed.

    They would wait for work for ever.

    Only those that the main thread forks: the system takes the end of the thread that forked for that of the parent.
    """
    import ctypes
    import threading

    prctl, kernel = ctypes.CDLL(None).prctl, os.getpid()
    launch = module.Popen._launch

    def launch_tied(self: object, process: object) -> None:
        if threading.current_thread() is not threading.main_thread() or os.getpid() != kernel:
            launch(self, process)
            return
        bootstrap = process._bootstrap  # type: ignore[attr-defined]

        def tied(*args: object, **kwargs: object) -> int:
            prctl(_SET_PDEATHSIG, int(signal.SIGTERM))
            if os.getppid() != kernel:
                return 1
            status: int = bootstrap(*args, **kwargs)
            return status

        process._bootstrap = tied  # type: ignore[attr-defined]
        try:
            launch(self, process)
        finally:
            del process._bootstrap  # type: ignore[attr-defined]

    module.Popen._launch = launch_tied


def end_all() -> None:
    """End what is left, at the very end of the kernel."""
    import psutil

    ours = [child for child in psutil.Process().children(recursive=True) if _is_ours(child)]
    trackers = _trackers()
    children = [child for child in ours if child.pid not in trackers]
    for child in children:
        _send(child, signal.SIGTERM)
    for child in psutil.wait_procs(children, timeout=GRACE)[1]:
        _send(child, signal.SIGKILL)
    for descriptor in trackers.values():
        with suppress(OSError):
            os.close(descriptor)
    psutil.wait_procs([child for child in ours if child.pid in trackers], timeout=GRACE)


def _trackers() -> dict[int, int]:
    """The processes that clean up after the others once a pipe is closed, and that pipe: by pid, its descriptor."""
    found: dict[int, int] = {}
    for name, module in sys.modules.items():
        tracker: Any = getattr(module, "_resource_tracker", None) if name.endswith(".resource_tracker") else None
        if tracker is not None and tracker._pid is not None:
            found[tracker._pid] = tracker._fd
    return found


def _is_ours(child: psutil.Process) -> bool:
    """Whether it is in the kernel's own process group, and no writer that is about to leave it."""
    forked = sys.modules.get("holdfast.durable.forked")
    try:
        return os.getpgid(child.pid) == os.getpgrp() and (forked is None or child.pid not in forked.writers)
    except OSError:
        return False


def _send(child: psutil.Process, number: signal.Signals) -> None:
    import psutil

    try:
        child.send_signal(number)
    except psutil.Error:  # it has ended meanwhile
        return
