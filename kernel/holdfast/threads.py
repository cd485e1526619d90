"""Threads of the kernel's own, as distinct from those that run the user's code.

It must never be used for a thread that runs cells: a debugger neither stops nor shows these.
"""

from __future__ import annotations

import threading


class OwnThread(threading.Thread):
    """A daemon thread that works for the user while the user's own threads stand still in a debugger.

    Both attributes are pydevd's: the first keeps a thread from being stopped with the others, the second from being
    traced and listed.
    """

    pydev_do_not_trace = True
    is_pydev_daemon_thread = True


def disown() -> None:
    """Make the calling thread one of the kernel's own: for those that a library starts for us."""
    thread = threading.current_thread()
    thread.pydev_do_not_trace = True  # type: ignore[attr-defined]
    thread.is_pydev_daemon_thread = True  # type: ignore[attr-defined]
