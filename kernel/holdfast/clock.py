"""Time as a dependency: the only module that reads a clock.

It must never be read by the PURE rings; they are handed what they need.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple


def _date() -> str:
    return datetime.now(UTC).isoformat()


def _wall() -> int:
    return time.time_ns() // 1_000_000


class Clock(NamedTuple):
    """`monotonic()` in seconds; `date()` in ISO 8601 with a zone, for headers; `wall()` in ms since the epoch."""

    monotonic: Callable[[], float] = time.monotonic
    date: Callable[[], str] = _date
    wall: Callable[[], int] = _wall


class FakeClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def monotonic(self) -> float:
        """See `Clock`."""
        return self.now

    def date(self) -> str:
        """See `Clock`; the epoch plus `now`."""
        return datetime.fromtimestamp(self.now, UTC).isoformat()

    def wall(self) -> int:
        """See `Clock`."""
        return round(self.now * 1000)
