"""What the driver needs of a transport.

An implementation must never block, and never reorder what is sent on one channel.
In-memory twin: `transport/memory.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

Frames = Sequence[bytes | memoryview]


class Transport(Protocol):
    """Frames in and out, by channel name ("shell", "control", "stdin", "iopub")."""

    def receive(self) -> Iterator[tuple[str, list[bytes]]]:
        """What has arrived, until nothing is left; "iopub" frames are subscriptions."""

    def send(self, channel: str, frames: Frames) -> None:
        """Send, or keep until it can be sent."""

    @property
    def congested(self) -> bool:
        """Whether so much waits for slow subscribers that nothing more should be sent for a moment."""

    def close(self) -> None:
        """Send what is left (a second at most), then close."""
