"""A committer that keeps nothing: durability `off`, and the twin for tests of what comes before and after.

It must never delay a reply.
"""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.durable.port import Done


class MemoryCommitter:
    """Counts its commits, and fails the ones it was told to fail."""

    def __init__(self, failures: Mapping[int, str] | None = None) -> None:
        self._failures = failures or {}
        self.committed: list[int] = []

    def commit(self, count: int, done: Done) -> None:
        """See the port."""
        reason = self._failures.get(count, "")
        if not reason:
            self.committed = [count]
        done({}, reason)
