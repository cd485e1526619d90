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
from types import ModuleType
from typing import TYPE_CHECKING

from holdfast.compat import spawning
from holdfast.compat.finder import when_imported

if TYPE_CHECKING:
    import psutil

#: Seconds that children have for their own end after SIGTERM.
GRACE = 0.5
_SET_PDEATHSIG = 1


def install() -> None:
    """Be there when the user's code imports `multiprocessing`; nothing is imported for it."""
    spawning.install()
    # Exit handlers run last in, first out: after the user's own, right before the one that waits for workers.
    when_imported("multiprocessing.util", lambda _module: atexit.register(end_workers))
    if sys.platform == "linux":
        when_imported("multiprocessing.popen_fork", _die_with_the_kernel)


def end_workers() -> None:
    """Tell the processes of `multiprocessing` and of process pools to end, so that nobody waits for them.

    Not its daemons: `multiprocessing` ends these itself, and a worker of its `Pool` that is ended while it waits takes
    the pool's lock with it.
    """
    process = sys.modules.get("multiprocessing.process")
    for worker in process.active_children() if process is not None else ():
        if not worker.daemon:
            worker.terminate()


def _die_with_the_kernel(module: ModuleType) -> None:
    """A killed kernel's workers get SIGTERM from the system: they would wait for work for ever.

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
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except (OSError, AttributeError):  # there is no child, which is the rule
        return
    import psutil

    children = [child for child in psutil.Process().children(recursive=True) if _is_ours(child)]
    for child in children:
        _send(child, signal.SIGTERM)
    for child in psutil.wait_procs(children, timeout=GRACE)[1]:
        _send(child, signal.SIGKILL)


def _is_ours(child: psutil.Process) -> bool:
    """Whether it is in the kernel's own process group; trackers end by themselves, and clean up after the others."""
    import psutil

    try:
        return os.getpgid(child.pid) == os.getpgrp() and "resource_tracker" not in " ".join(child.cmdline())
    except (OSError, psutil.Error):
        return False


def _send(child: psutil.Process, number: signal.Signals) -> None:
    import psutil

    try:
        child.send_signal(number)
    except psutil.Error:  # it has ended meanwhile
        return
