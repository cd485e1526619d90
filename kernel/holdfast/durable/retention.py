"""How much of a session is kept: which of its old commits go, and how many bytes it may take.

It must never let the newest commit go, or anything that it needs.

Rejected: letting go by what a commit weighs (its values are shared with its neighbours), and thinning out the middle
(an undo that skips states is a surprise; the oldest are the ones that nobody misses).
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable

from msgspec import Struct

#: Bytes of the disk that are never used, and of a small one this part.
RESERVE, RESERVED = 2 << 30, 0.25
#: Part of the budget beyond which idle time lets old commits go, and part of the commits that go at once then.
PRESSED, SHARE = 0.9, 4
#: Commits are let go when there are so many too many: a part of those that are kept.
BATCH = 8


class Limits(Struct, frozen=True):
    """What is kept: the newest `commits` at least, those of the last `days`.

    `store` is the budget: bytes, or (below 1) a part of the disk.
    """

    commits: float = 10_000
    days: float = math.inf
    store: float = 0.1

    def budget(self, total: int) -> int:
        """Return the bytes that a store may take on a disk of `total` bytes."""
        return int(self.store if self.store >= 1 else self.store * total)


DEFAULT = Limits()


def oldest(limits: Limits, first: int, last: int, at: Callable[[int], str], now: Callable[[], str]) -> int:
    """Return the number of the first commit that is to stay, of those from `first` to `last`.

    `at` gives the date of a commit; dates go up with the numbers.
    """
    keep = first
    if last - first + 1 - limits.commits > limits.commits // BATCH:
        keep = last + 1 - max(1, int(limits.commits))
    if limits.days < math.inf and keep < last:
        since = _before(now(), limits.days)
        low, high = keep, last
        while low < high and at(low) < since:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if at(middle) < since else (low + 1, middle)
        keep = low
    return keep


def fewer(first: int, last: int) -> int:
    """Return the first commit that stays when the oldest part goes for want of room."""
    return min(last, first + max(1, (last - first) // SHARE))


def disk(folder: str) -> tuple[int, int]:
    """Return the size of the disk under a folder, and what is free for us, in bytes."""
    if hasattr(os, "statvfs"):
        found = os.statvfs(folder)
        return found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
    import shutil

    usage = shutil.disk_usage(folder)
    return usage.total, usage.free


def left(limits: Limits, used: int, total: int, free: int) -> int:
    """Return the bytes that a store of `used` bytes may still take; below 0 where it takes too much."""
    return min(limits.budget(total) - used, free - int(min(RESERVE, RESERVED * total)))


def _before(now: str, days: float) -> str:
    from datetime import datetime, timedelta

    return (datetime.fromisoformat(now) - timedelta(days=days)).isoformat()
