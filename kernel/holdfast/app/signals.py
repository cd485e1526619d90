"""The process's signals: SIGINT stops the cell, SIGTERM ends the kernel, and a forked child has its own.

It must never answer a signal that was sent to a child.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable

from holdfast.executor.interrupt import Interrupts


class Signals:
    """Made and installed on the main thread, for the life of the process."""

    def __init__(self, interrupts: Interrupts, terminate: Callable[[], None]) -> None:
        self._interrupts = interrupts
        self._terminate = terminate
        #: Readable when a signal has been delivered; to be watched by another thread than the main one.
        self.reader, self._writer = socket.socketpair()
        self.reader.setblocking(False)
        self._writer.setblocking(False)
        self._mask: set[int | signal.Signals] = set()

    def install(self) -> None:
        """Take SIGINT and SIGTERM, and hear of every signal at once."""
        self._interrupts.install()
        self._interrupts.drain = self._drain
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._terminated)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._before_fork, after_in_parent=self._unblock, after_in_child=self._after_fork
            )

    def _drain(self) -> bytes:
        try:
            return self.reader.recv(4096)
        except BlockingIOError:
            return b""

    def _terminated(self, _signum: int, _frame: object) -> None:
        self._terminate()

    def _before_fork(self) -> None:
        """Hold SIGTERM back: Python forgets one that a child gets before the child's own hooks have run."""
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def _unblock(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def _after_fork(self) -> None:
        """`Process.terminate()` ends a child, and no signal of its own reaches us through the descriptor it shares."""
        signal.set_wakeup_fd(-1)
        if signal.getsignal(signal.SIGINT) == self._interrupts.handle:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # it is no cell of ours that runs here
        if signal.getsignal(signal.SIGTERM) == self._terminated:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._unblock()
