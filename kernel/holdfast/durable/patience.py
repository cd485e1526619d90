"""How long a reply waits for large values; what takes longer is written beside the user (DESIGN 5.3).

It must never have a version published that was not written to its end, or one that the value never had.

What a commit meets that would take too long becomes a job of the `Writer`.  The commit goes on without it and says
`pending`; once the job is over, the component is looked at again: its stream has to be as it was, and its buffers to
lie where they lay, and then what was written is the version.

Rejected: to measure first how fast the disk is (a second nobody gives us); what was stored tells, and a reply that
waits longer than it was told to stops waiting in the middle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING

from holdfast.durable.draft import Beside, Overdue
from holdfast.durable.reports import HELD_UNSTABLE, HELD_WRITING
from holdfast.durable.store.chunks import PRINT
from holdfast.durable.store.port import CHUNK
from holdfast.durable.writer import RESTLESS, WRITING, WRITTEN, Job, Writer

if TYPE_CHECKING:
    from holdfast.durable.pickling.lost import Pickled
    from holdfast.durable.spared import Place

#: Part of a cell's run time that its reply may wait, where that is longer.
SHARE = 0.05
#: Seconds for a byte: of a fingerprint, and of a chunk that is written, before one was.
PRINTING, STORING = 7e-11, 1e-9
#: Smaller buffers are not worth a thread.
WORTH = 1 << 20


class Patience:
    """Of one session.  `limit` is in seconds; `clock` tells them.  All but the writer's part is on the main thread."""

    def __init__(
        self,
        writer: Writer,
        put: Callable[[memoryview], bytes],
        limit: float,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self.writer = writer
        self.limit = limit
        self._put = put
        self._clock = clock
        self._until = 0.0
        self._pace = STORING
        #: What is written, or over and not published yet.
        self.jobs: list[Job] = []
        self._failed: set[frozenset[str]] = set()

    def begin(self, seconds: float) -> None:
        """A commit begins, of a cell that ran so long."""
        self._until = self._clock() + max(self.limit, SHARE * seconds)

    @property
    def left(self) -> float:
        """Seconds that this commit may still take."""
        return self._until - self._clock()

    @property
    def pending(self) -> list[Job]:
        """What is not written yet."""
        return [job for job in self.jobs if job.state == WRITING]

    def look(
        self, keys: frozenset[str], roots: frozenset[str], pickled: Pickled, places: Sequence[Place | None],
        told: Sequence[bytes | None],
    ) -> Job | None:  # fmt: skip
        """The job that has written just this; None where it is to be stored now.  Raises `Beside`."""
        for job in [one for one in self.jobs if not one.keys.isdisjoint(keys)]:
            if not (job.keys == keys and _same(job, pickled, places)):
                self.drop(job)
            elif job.state == WRITING:
                raise Beside(HELD_WRITING)
            elif job.state == WRITTEN:
                return job
            else:
                self.drop(job)
                if job.state == RESTLESS:
                    raise Beside(HELD_UNSTABLE)
        if keys in self._failed:
            self._failed.discard(keys)
            self._until = inf
        untold = [buffer.nbytes for buffer, one in zip(pickled.buffers, told, strict=True) if one is None]
        if untold and max(untold) >= WORTH and sum(untold) * PRINTING > self.left:
            self.hand_over(keys, roots, pickled, places)
        return None

    def hand_over(
        self, keys: frozenset[str], roots: frozenset[str], pickled: Pickled, places: Sequence[Place | None]
    ) -> None:
        """Have it written beside the user, and raise `Beside`; return where that cannot be."""
        if any(one is None and view.nbytes > CHUNK for one, view in zip(places, pickled.buffers, strict=True)):
            return
        # A small buffer that something else than an array owns may be resized while we look: that one is copied.
        views = [
            view if one is not None else memoryview(bytes(view))
            for one, view in zip(places, pickled.buffers, strict=True)
        ]
        job = Job(keys, roots, pickled.stream, pickled.lead, views, places)
        self.jobs.append(job)
        self.writer.add(job)
        raise Beside(HELD_WRITING)

    def expects(self, pickled: Pickled, prints: Sequence[bytes], stored: Mapping[bytes, bytes]) -> bool:
        """Whether the chunks that are not `stored` can be in time."""
        if sum(view.nbytes for view in pickled.buffers) < WORTH:
            return True
        new = sum(one[at : at + PRINT] not in stored for one in prints for at in range(0, len(one), PRINT))
        return not new or new * CHUNK * self._pace <= self.left

    def put(self, piece: memoryview) -> bytes:
        """Store a chunk now; raises `Overdue` when the reply has waited long enough."""
        begun = self._clock()
        if begun > self._until:
            raise Overdue
        digest = self._put(piece)
        if piece.nbytes == CHUNK:
            self._pace += 0.2 * ((self._clock() - begun) / CHUNK - self._pace)
        return digest

    def fail(self, job: Job) -> None:
        """The disk would not take it: the next look stores it itself, and says so where that fails too."""
        self._failed.add(job.keys)
        self.drop(job)

    def drop(self, job: Job) -> None:
        """Forget it: published, or not worth it any more."""
        job.cancelled = True
        job.let_go()
        self.jobs.remove(job)

    def keep(self, held: Mapping[str, str]) -> None:
        """Forget the jobs of what is not waited for any more: it was published, deleted or bound anew."""
        for job in list(self.jobs):
            if not any(held.get(key) == HELD_WRITING for key in job.keys):
                self.drop(job)

    def over(self) -> list[Job]:
        """Jobs that wait to be published."""
        return [job for job in self.jobs if job.state != WRITING]


def _same(job: Job, pickled: Pickled, places: Sequence[Place | None]) -> bool:
    """Whether a pickle is the one that a job began with."""
    if (pickled.stream, pickled.lead, len(places)) != (job.stream, job.lead, len(job.places)):
        return False
    for then, now, view, copy in zip(job.places, places, pickled.buffers, job.buffers, strict=True):
        if then is None or now is None:
            if then is not now or view != copy:
                return False
        elif not then.same(now):
            return False
    return True
