"""Embedded engines on files of their own, for tests.

It must never share a file between two tests.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from holdfast.clock import FakeClock
from holdfast.engine.embedded import EmbeddedEngine


def wall() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class TemporaryEngine(EmbeddedEngine):
    """An embedded engine whose file goes with it; without fsync, so that a suite does not wait for the disk."""

    def __init__(self, clock: FakeClock) -> None:
        self._folder = tempfile.mkdtemp(prefix="hf-engine-")
        super().__init__(
            Path(self._folder, "session.sqlite"),
            lambda: round(clock.now * 1000),
            durability="process",
            create=True,
        )

    def close(self) -> None:
        """End, and remove the file."""
        super().close()
        shutil.rmtree(self._folder, ignore_errors=True)
