"""Tells the files that outlive a kernel how it fares: see `app/died.py`.

It must never import that where no session is kept: it looks for what the opening has imported.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from holdfast.executor.outcome import Job

if TYPE_CHECKING:
    from holdfast.app.died import Watch

#: Seconds between two notes.
PACE = 1.0


class LifeSigns:
    """A step around each cell: the first to begin, so the last to end."""

    def __init__(self, watch: Callable[[], Watch | None], loop: asyncio.AbstractEventLoop) -> None:
        self._watch = watch
        self._loop = loop
        self._running = 0

    def before(self, job: Job) -> None:
        """A cell runs."""
        self._running += 1

    def after(self, job: Job, failed: bool) -> None:
        """It is over and committed; its reply is next."""
        self._running -= 1
        if not job.silent:
            self.forgive()

    def sample(self) -> None:
        """On the kernel thread: note what there is to know of a kernel that is killed."""
        watch = self._watch()
        if watch is not None:
            watch.sample(self._running > 0, self._loop)

    def leave(self, restart: bool) -> None:
        """The kernel was asked to leave and does so without its main thread; thread-safe."""
        watch = self._watch()
        if watch is not None:
            watch.leave(restart)
        self.forgive()

    def forgive(self) -> None:
        """The kernel has restored and lived, or leaves because it was asked to; thread-safe."""
        died = sys.modules.get("holdfast.app.died")
        if died is not None:
            died.forgive()
