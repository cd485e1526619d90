"""Waiting for something to happen elsewhere, safe against an interrupt at any moment.

It must never own a lock while it waits or rings: one that an interrupt left locked would stop who rings, and that
is the kernel's own thread.

Rejected: `threading.Condition` and `threading.Event`, whose `with` is Python code: an interrupt between their taking
the lock and the body of the `with` leaves it taken (seen after 500 prompts that were interrupted at random).
"""

from __future__ import annotations

import threading
from contextlib import suppress


class Bell:
    """`heard` grows with each ring; who has seen a value of it waits for the next one."""

    __slots__ = ("_waiting", "heard")

    def __init__(self) -> None:
        self.heard = 0
        self._waiting: list[threading.Lock] = []

    def ring(self) -> None:
        """Wake everybody; never blocks.

        1. Who waits adds its lock, then looks at `heard`.
        2. Who rings changes `heard`, then takes the locks: one of the two sees the other.
        """
        self.heard += 1
        waiting, self._waiting = self._waiting, []
        for lock in waiting:
            with suppress(RuntimeError):  # somebody else rang too
                lock.release()

    def wait(self, since: int, seconds: float | None = None) -> None:
        """Block until `heard` is not `since`, at most so long; a signal handler may raise out of it."""
        lock = threading.Lock()
        lock.acquire()
        self._waiting.append(lock)
        try:
            if self.heard == since:
                lock.acquire(timeout=-1 if seconds is None else max(0.0, min(seconds, threading.TIMEOUT_MAX)))
        finally:
            with suppress(ValueError):
                self._waiting.remove(lock)
