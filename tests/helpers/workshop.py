"""Cells run in this process, on this thread's loop: the real runner with surroundings that only take notes.

It must never replace this process's streams, signals or `__main__`; a test that needs those does so itself.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from contextvars import Context
from types import TracebackType
from typing import Any

from holdfast.executor.compile import Unit
from holdfast.executor.loop import UserLoop
from holdfast.executor.outcome import Job, Outcome
from holdfast.executor.runner import Around, Runner, Stoppable
from holdfast.executor.source import Sources
from holdfast.executor.traceback import Report, report
from holdfast.executor.wrapping import Wrapping
from holdfast.magics.parse import Lowered, lower
from holdfast.namespace.namespace import Namespace


class Notes:
    """See `executor.runner.Surroundings`; what was shown and entered, in order."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self.around: list[Around] = []
        self.shown: list[tuple[int, object]] = []
        self.entered: list[object] = []
        self.on_show: Callable[[object], None] = lambda value: None
        #: Background cells that are over: (count, whether it failed).
        self.over: list[tuple[int, bool]] = []
        #: What every cell runs inside.
        self.managers: list[AbstractContextManager[object]] = []

    def show(self, job: Job, value: object, last: bool = True) -> None:
        """Noted; `on_show` may raise, as a bad `__repr__` does."""
        self.on_show(value)
        self.shown.append((job.count, value))

    def describe(self, value: object) -> tuple[Mapping[str, object], Mapping[str, object]]:
        """Its repr."""
        return {"text/plain": repr(value)}, {}

    def report(self, error: BaseException) -> Report:
        """The real one."""
        return report(error, self._sources.labels, ())

    def lower(self, code: str, piece: bool = False) -> Lowered:
        """The real one."""
        return lower(code)

    def wrap(self, lowered: Lowered) -> Wrapping | None:
        """What the test says."""
        return Wrapping(self.managers) if self.managers else None

    @property
    def interactivity(self) -> str:
        """As by default."""
        return "last_expr"

    @property
    def transform(self) -> None:
        """Nothing."""

    def mode(self, unit: Unit) -> str:
        """No cell is moved to a thread by itself."""
        return ""

    def compiled(self, job: Job, unit: Unit, lowered: Lowered) -> None:
        """Nothing is around it."""

    def ended(self, job: Job, unit: Unit, failed: bool) -> None:
        """Noted."""
        self.over.append((job.count, failed))

    def enter(self, token: object) -> Callable[[], None]:
        """Noted."""
        self.entered.append(token)
        return lambda: None


class Unstoppable:
    """Nobody interrupts."""

    cause: BaseException | None = None

    def begin(self) -> None:
        """Nothing."""

    def awaiting(self, task: Any) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


class Workshop:
    """A runner on a loop of its own; a context manager.  `run` drives the loop until its cells have ended."""

    def __init__(self, stoppable: Callable[[Workshop], Stoppable] = lambda _: Unstoppable(), **names: object) -> None:
        self.namespace = Namespace()
        self.ns = self.namespace.dict
        self.ns.update(names)
        self.sources = Sources("/tmp/holdfast_workshop")
        self.loop = UserLoop()
        self.context = Context()
        self.notes = Notes(self.sources)
        self.outcomes: list[Outcome] = []
        self._count = 0
        self._waiting: list[Job] = []
        self.stoppable = stoppable(self)
        self.runner = Runner(
            self.namespace, self.sources, self.loop, self.context, self.stoppable, self.notes, self._done
        )

    def __enter__(self) -> Workshop:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._cancel_all()
        self.loop._leaving = True
        self.loop.close()
        for name in self.sources.labels:
            linecache.cache.pop(name, None)

    def _cancel_all(self) -> None:
        import asyncio

        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.call_soon(self.loop.call_soon, self.loop.leave)
        self.loop._leaving = False
        self.loop.drive()

    def _done(self, job: Job, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        if self._waiting:
            self.runner.submit(self._waiting.pop(0))
        else:
            self.loop.leave()

    def job(self, code: str, **fields: Any) -> Job:
        """A cell with the next number."""
        self._count += 1
        return Job(f"token {self._count}", code, self._count, **fields)

    def run(self, *codes: str, **fields: Any) -> Outcome:
        """Run cells one after the other; the outcome of the last."""
        return self.run_jobs(*(self.job(code, **fields) for code in codes))

    def run_jobs(self, *jobs: Job) -> Outcome:
        """Run jobs one after the other; the outcome of the last."""
        self._waiting = list(jobs[1:])
        self.runner.submit(jobs[0])
        self.loop._leaving = False
        self.loop.drive()
        return self.outcomes[-1]

    def value(self, *codes: str) -> object:
        """Run cells that must end well; what the last one showed."""
        outcome = self.run(*codes)
        assert not outcome.ename, "\n".join(outcome.traceback)
        return self.notes.shown[-1][1]
