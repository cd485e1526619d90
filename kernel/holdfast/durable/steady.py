"""Values that other threads may change while they are looked at: a version is only what was there at one instant.

It must never call a look whole that another thread ran into, unless the next one saw the same.

A pickle that takes a while can show the first half of a value before a change and the second half after it, and two
such pickles can look alike.  So the clock of each thread is read before and after: one that used no CPU has changed
nothing.  Where threads have no clock to be read from outside (only Linux has), two looks must agree.

Rejected: stopping the other threads (Python cannot), a longer switch interval meanwhile (whoever waits for the
interpreter then waits as long), and copying first (the copy tears just the same).
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from holdfast.durable.pickling.lost import Pickled
    from holdfast.durable.spared import Place
    from holdfast.durable.store.chunks import Kept

#: How often a value that changes all the time is looked at again.
TRIES = 3
#: Threads of ours that run no code of the user's.
_OURS = tuple(f"holdfast-{name}" for name in ("kernel", "heartbeat", "engine", "verifier", "windows", "writer", "pool"))
#: What containers say that were changed while somebody went through them.
_CHANGED = r"\b(size )?(changed|mutated) (size )?during iteration"


class Look(NamedTuple):
    """What was seen of one component: its stream and what its values are now, and the fingerprints of its buffers."""

    pickled: Pickled
    values: dict[str, object]
    places: tuple[Place | None, ...]
    told: Sequence[bytes | None]
    doubted: bool
    digest: bytes
    prints: tuple[bytes, ...]
    #: What was written of it beside the user.
    kept: tuple[Kept, ...] = ()


def others() -> list[threading.Thread]:
    """The threads beside the calling one that may run the user's code."""
    if threading.active_count() == 1:
        return []
    me = threading.current_thread()
    return [one for one in threading.enumerate() if one is not me and not one.name.startswith(_OURS)]


class Witness:
    """Tells whether one of some threads ran since a mark."""

    def __init__(self, threads: Iterable[threading.Thread]) -> None:
        # The clock of a thread, as the kernel of Linux numbers it: a thread that has ended is an OSError.
        self._clocks = [(~(one.native_id or 0) << 3) | 6 for one in threads] if sys.platform == "linux" else None
        self._number = threading.active_count()

    def mark(self) -> list[int] | None:
        """What the clocks say; None where nobody can tell."""
        if self._clocks is None or threading.active_count() != self._number:
            return None
        from time import clock_gettime_ns

        try:
            return [clock_gettime_ns(clock) for clock in self._clocks]
        except OSError:
            return None

    def steady(self, look: Callable[[], Look]) -> Look | None:
        """A look that is whole: nobody ran meanwhile, or two say the same; None for what changes all the time."""
        before: Look | None = None
        for _ in range(TRIES + 1):
            begun = self.mark()
            now = look()
            if is_torn(now.pickled):
                before = None
                continue
            if begun is not None and begun == self.mark():
                return now
            if before is not None and before.digest == now.digest:
                return now
            before = now
        return None


def is_torn(pickled: Pickled) -> bool:
    """Whether something of it was lost only because it changed under the pickler's hands."""
    return any(re.search(_CHANGED, one.reason) for one in pickled.lost)
