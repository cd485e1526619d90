"""Large values on their way to the disk, beside the user: one thread that copies, hashes and writes chunk by chunk.

It must never call a value written that changed while it was: after the last chunk every one is looked at again, and
only if all are as they were copied is there an instant at which the whole was so.

Chunks lie in the packs without anything that refers to them until the main thread commits the version.

Rejected: a forked child while the user goes on (each page that the parent then writes is copied: 38 times slower,
measured); a private copy of the whole value (4 GB of it).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from holdfast.durable.steady import TRIES
from holdfast.durable.store.points import Crash, Point, go_on
from holdfast.errors import StoreError
from holdfast.threads import OwnThread

if TYPE_CHECKING:
    from holdfast.durable.spared import Place
    from holdfast.durable.store.chunks import Kept

#: What became of a job: it waits or is written, it is whole, it changed all the time, the disk failed.
WRITING, WRITTEN, RESTLESS, FAILED = "writing", "written", "restless", "failed"


#: Seconds that a disk has for one chunk when the kernel leaves.
LAST = 1.0


class Cancelled(Exception):
    """The value is another one by now."""


class Job:
    """One component to be written: its stream as it was pickled, and its buffers, which are alive."""

    __slots__ = ("keys", "roots", "stream", "lead", "buffers", "places", "kept", "state", "error", "done", "cancelled")

    def __init__(
        self,
        keys: frozenset[str],
        roots: frozenset[str],
        stream: bytes,
        lead: tuple[bytes, ...],
        buffers: Sequence[memoryview],
        places: Sequence[Place | None],
    ) -> None:
        self.keys = keys
        self.roots = roots
        self.stream = stream
        self.lead = lead
        self.buffers = buffers
        #: Where they lie; None for a small one, of which this is a copy.
        self.places = places
        self.kept: tuple[Kept, ...] = ()
        self.state = WRITING
        self.error: StoreError | None = None
        #: Bytes that are written.
        self.done = 0
        self.cancelled = False

    @property
    def size(self) -> int:
        """Bytes of its buffers."""
        return sum(buffer.nbytes for buffer in self.buffers)

    def let_go(self) -> None:
        """Hold no memory of the user's any more."""
        self.buffers = ()


class Writer:
    """The jobs, and the thread that does them as long as there are any.  Thread-safe.

    `put` keeps a chunk, `ready` is called on the thread whenever a job is over.
    """

    def __init__(self, put: Callable[[memoryview], bytes], ready: Callable[[], object], crash: Crash = go_on) -> None:
        self._put = put
        self._ready = ready
        self._crash = crash
        self._changed = threading.Condition()
        self._queue: list[Job] = []
        self._thread: threading.Thread | None = None
        self._stopped = False

    def add(self, job: Job) -> None:
        """Write it as soon as those before it are over."""
        with self._changed:
            self._queue.append(job)
            if self._thread is None and not self._stopped:
                self._thread = OwnThread(target=self._run, name="holdfast-writer", daemon=True)
                self._thread.start()

    def wait(self, job: Job, seconds: float) -> bool:
        """Wait until a job is over, at most so long: whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: job.state != WRITING or job.cancelled, seconds)

    def stop(self) -> bool:
        """Begin no further chunk, and wait for the one at hand, at most so long: whether the thread has ended."""
        self._stopped = True
        with self._changed:
            for job in self._queue:
                job.cancelled = True
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(LAST)
        return thread is None or not thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._queue or self._stopped:
                    self._thread = None
                    self._changed.notify_all()
                    return
                job = self._queue[0]
            state = self._state(job)
            with self._changed:
                self._queue.remove(job)
                job.state = state
                self._changed.notify_all()
            self._ready()

    def _state(self, job: Job) -> str:
        try:
            for _ in range(TRIES):
                if self._write(job):
                    return WRITTEN
            return RESTLESS
        except Cancelled:
            job.cancelled = True
            return WRITING
        except StoreError as error:
            job.error = error
            return FAILED
        except Exception as error:  # a bug of ours must not end the thread with the jobs behind it unwritten
            job.error = StoreError(f"a bug in Holdfast: {error!r}")
            return FAILED

    def _write(self, job: Job) -> bool:
        """Write every chunk that the store lacks, then look again: whether all are as they were."""
        from holdfast.durable.store.chunks import fingerprints, keep

        job.done = 0

        def put(piece: memoryview) -> bytes:
            if job.cancelled:
                raise Cancelled
            digest = self._put(piece)
            job.done += piece.nbytes
            self._crash(Point.WRITING_BESIDE)
            return digest

        job.kept = tuple(keep(buffer, put) for buffer in job.buffers)
        self._crash(Point.WRITTEN_BESIDE)
        again = tuple(map(fingerprints, job.buffers))
        return all(one.settled and one.prints == now for one, now in zip(job.kept, again, strict=True))
