"""Cells that end beside those of the main thread: in a subshell, or in the background after their reply.

They must never be committed on their own threads, where the main thread's cell could change what is being stored.
Their replies say `pending`; the main thread commits them when it runs no cell, at the latest with the end of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from holdfast.executor.compile import Unit
from holdfast.executor.loop import UserLoop
from holdfast.executor.outcome import Job


class Ended(NamedTuple):
    """A cell that has run; `again` says that its code and its promise are committed already."""

    job: Job
    unit: Unit | None
    failed: bool
    seconds: float
    again: bool = False


class Beside:
    """The cells that wait for their commit.  Only `add` is thread-safe."""

    def __init__(self, loop: UserLoop, commit: Callable[[Ended], None], is_busy: Callable[[], bool]) -> None:
        self._loop = loop
        self._commit = commit
        self._is_busy = is_busy
        self._waiting: deque[Ended] = deque()

    def add(self, ended: Ended) -> None:
        """Have it committed soon."""
        self._waiting.append(ended)
        try:
            self._loop.call_soon_threadsafe(self._settle)
        except RuntimeError:  # the loop is closed: the kernel has left
            return

    def _settle(self) -> None:
        if not self._is_busy():
            self.settle()

    def settle(self) -> None:
        """Commit those that wait, in the order in which they ended."""
        while self._waiting:
            self._commit(self._waiting.popleft())
