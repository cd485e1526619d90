"""Runs cells, one at a time, on one thread's loop and in one context.

It must never let anything that a cell does escape: every job ends in exactly one outcome.

A cell without top-level `await` runs inside a step of the loop (so `asyncio.create_task` works in it), one with
it is a task of the loop.  Both run in the same `contextvars.Context`, so what one cell sets the next one sees,
also after an `await`.
"""

from __future__ import annotations

import ast
import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from contextvars import Context
from types import CodeType
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from holdfast.executor import child
from holdfast.executor.compile import Unit, compile_cell
from holdfast.executor.interrupt import interruptible, protected
from holdfast.executor.modes import CellThread
from holdfast.executor.outcome import Job, Outcome, remember
from holdfast.executor.source import Sources, dedented
from holdfast.executor.wrapping import Wrapping
from holdfast.magics.parse import Lowered
from holdfast.namespace.namespace import Namespace, heal_builtins

if TYPE_CHECKING:
    from holdfast.executor.traceback import Report


class ExitRequested(SystemExit):
    """`exit()` or `quit()`: the cell ends well and the kernel leaves."""


class Stoppable(Protocol):
    """Who is told when a cell can be interrupted (see `interrupt`)."""

    def begin(self) -> None: ...
    def awaiting(self, task: asyncio.Task[object]) -> None: ...
    def end(self) -> None: ...
    @property
    def cause(self) -> BaseException | None: ...


class Around(Protocol):
    """A step before and after each cell; `after` runs in reverse order and may print and display."""

    def before(self, job: Job) -> None: ...
    def after(self, job: Job, failed: bool) -> None: ...


class Surroundings(Protocol):
    """What the runner needs of other rings; made by `app/wiring`."""

    @property
    def around(self) -> Sequence[Around]:
        """The before/after chain."""

    def show(self, job: Job, value: object, last: bool) -> None:
        """Publish the value of a cell's last expression; `last` says that the outcome follows at once."""

    def describe(self, value: object) -> tuple[Mapping[str, object], Mapping[str, object]]:
        """The MIME bundle and metadata of a user expression."""

    def report(self, error: BaseException) -> Report:
        """The traceback as clients show it."""

    def lower(self, code: str, piece: bool = False) -> Lowered:
        """Magic syntax to Python; `piece`: of a part of the running cell that nobody may wait for."""

    @property
    def transform(self) -> Callable[[ast.Module], ast.Module] | None:
        """What changes the cell's syntax tree; None for nothing."""

    def wrap(self, lowered: Lowered) -> Wrapping | None:
        """What the cell runs inside; None for nothing."""

    @property
    def interactivity(self) -> str:
        """Which expressions of a cell are shown."""

    def mode(self, unit: Unit) -> str:
        """The mode of a cell that asks for none."""

    @property
    def compiled(self) -> Callable[[Job, Unit, Lowered], None]:
        """Told when a cell is about to run: (job, unit, what its magics ask for); what it raises ends the cell."""

    @property
    def ended(self) -> Callable[[Job, Unit, bool], None]:
        """Told when a cell that ran in the background is over: (job, unit, whether it failed)."""

    def enter(self, token: object) -> Callable[[], None]:
        """Output written in this context belongs to `token` until what is returned is called."""


class Runner:
    """One thread's cells.  All methods but `submit` run on that thread."""

    def __init__(
        self,
        namespace: Namespace,
        sources: Sources,
        loop: asyncio.AbstractEventLoop,
        context: Context,
        stoppable: Stoppable,
        surroundings: Surroundings,
        done: Callable[[Job, Outcome], None],
    ) -> None:
        self._namespace = namespace
        self._sources = sources
        self._loop = loop
        self._context = context
        self._stoppable = stoppable
        self._surroundings = surroundings
        self._done = done
        #: Those of the cells' `from __future__` imports.
        self.flags = 0
        self._begun: list[Around] = []
        #: Deprecated by the protocol and still read by consoles: page, set_next_input, ask_exit.
        self.payload: list[Mapping[str, object]] = []
        #: What the steps around the cell want to say in the reply's metadata.
        self.notes: dict[str, object] = {}
        #: Messages to be shown below the cell's traceback: (type, content).
        self.closing: list[tuple[str, Mapping[str, object]]] = []
        #: The running cell, compiled; None before it is.
        self.unit: Unit | None = None
        self.running: Job | None = None
        #: How the running cell runs: "" in the loop's step or as a task, "thread", or "bg".
        self.mode = ""
        self._wrapping: Wrapping | None = None
        self._background: set[asyncio.Task[None]] = set()

    def submit(self, job: Job) -> None:
        """Run `job` as soon as the loop is free; thread-safe."""
        self._loop.call_soon_threadsafe(self.start, job, context=self._context)

    def submit_call(self, call: Callable[[], object]) -> None:
        """Run a comm callback in the same context, between or (while a cell awaits) beside cells."""
        self._loop.call_soon_threadsafe(call, context=self._context)

    @protected
    def start(self, job: Job) -> None:
        """Compile and run; an async cell goes on as a task."""
        self.running = job
        self.payload, self.notes, self.closing, self.unit, self.mode = [], {}, [], None, ""
        self._wrapping = None
        try:
            self._begin(job)
            unit, self.mode = self._compile(job)
        except:  # noqa: E722 - see _failure
            self._finish(job, self._failure())
            return
        if self.mode == "bg":
            self._start_background(job, unit)
        elif unit.is_async or self.mode == "thread":
            run = self._run_async(job, unit) if unit.is_async else self._run_in_thread(job, unit)
            # Not loop.create_task: the user's task factory may fail, or run the cell inside this call.
            task = asyncio.Task(run, loop=self._loop, context=self._context)
            task.add_done_callback(lambda task: self._settle(job, task), context=self._context)
            self._stoppable.awaiting(task)
        else:
            self._run_sync(job, unit)

    def _begin(self, job: Job) -> None:
        self._namespace.prepare()
        self._begun = []
        for step in self._surroundings.around:
            step.before(job)
            self._begun.append(step)
        if job.stored:
            self._namespace.begin(job.count, job.code)
        self._stoppable.begin()

    def _compile(self, job: Job) -> tuple[Unit, str]:
        """The cell's code, and the mode to run it in."""
        lowered = self._surroundings.lower(job.code)
        code = dedented(lowered.code)
        # Tracebacks quote what the user wrote, not what it was lowered to: the lines are the same ones.
        filename = self._sources.register(job.code, job.count)
        around = self._surroundings
        unit = compile_cell(code, filename, self.flags, around.interactivity, around.transform)
        self.flags = unit.flags
        self.unit = unit
        self._wrapping = self._surroundings.wrap(lowered)
        self.mode = lowered.mode or self._surroundings.mode(unit)
        self._surroundings.compiled(job, unit, lowered)
        return unit, self.mode

    @protected
    def _run_sync(self, job: Job, unit: Unit) -> None:
        globals_ = self._namespace.dict
        try:
            if self._wrapping is not None:
                with self._wrapping:
                    self._conclude(job, unit, self._evaluate_now(unit), self._wrapping)
            else:
                if unit.body is not None:
                    exec(unit.body, globals_)
                if unit.last is not None:
                    self._conclude(job, unit, eval(unit.last, globals_))
            outcome = self._success(job)
        except:  # noqa: E722 - see _failure
            outcome = self._failure()
        self._finish(job, outcome)

    @protected
    async def _run_async(self, job: Job, unit: Unit) -> None:
        try:
            with self._wrapping or nullcontext():
                if unit.body is not None:
                    await self._evaluate(unit.body)
                if unit.last is not None:
                    self._conclude(job, unit, await self._evaluate(unit.last), self._wrapping)
            outcome = self._success(job)
        except:  # noqa: E722 - see _failure
            outcome = self._failure()
        self._finish(job, outcome)

    @protected
    async def _run_in_thread(self, job: Job, unit: Unit) -> None:
        try:
            with self._wrapping or nullcontext():
                thread = CellThread(lambda: self._evaluate_now(unit), f"cell-{job.count}")
                self._conclude(job, unit, await thread.result(), self._wrapping)
            outcome = self._success(job)
        except:  # noqa: E722 - see _failure
            outcome = self._failure()
        self._finish(job, outcome)

    def _evaluate_now(self, unit: Unit) -> object:
        """The value of a cell without `await`."""
        if unit.body is not None:
            exec(unit.body, self._namespace.dict)
        return eval(unit.last, self._namespace.dict) if unit.last is not None else None

    def _start_background(self, job: Job, unit: Unit) -> None:
        """Reply at once; the cell goes on as a task in a copy of the context, so that two cells can run."""
        task = self._loop.create_task(self._run_background(job, unit, self._wrapping), context=self._context.copy())
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        self._finish(job, self._success(job))

    async def _run_background(self, job: Job, unit: Unit, wrapping: Wrapping | None) -> None:
        failed = False
        try:
            with wrapping or nullcontext():
                if unit.is_async:
                    if unit.body is not None:
                        await self._evaluate(unit.body)
                    value = await self._evaluate(unit.last) if unit.last is not None else None
                else:
                    value = await CellThread(lambda: self._evaluate_now(unit), f"cell-{job.count}").result()
                self._conclude(job, unit, value, wrapping)
        except:  # noqa: E722 - as in _failure; it has been replied to, so the error is shown below its cell
            failed = True
            self._complain()
        self._surroundings.ended(job, unit, failed)

    @protected
    def _settle(self, job: Job, task: asyncio.Task[None]) -> None:
        """A task that another one cancelled before its first step has run nothing, not even its own `finally`."""
        if self.running is job:
            try:
                task.result()
            except:  # noqa: E722 - see _failure
                self._finish(job, self._failure())

    @protected
    async def _evaluate(self, code: CodeType) -> object:
        value = eval(code, self._namespace.dict)
        return await value if code.co_flags & 0x80 else value

    @interruptible
    def _conclude(self, job: Job, unit: Unit, value: object, wrapping: Wrapping | None = None) -> None:
        """Show the value: user code again (`__repr__` and its kin), so it can be interrupted."""
        heal_builtins()
        if child.is_here():
            child.leave(None, self.complain)
        if wrapping is not None:
            wrapping.evaluated()
        if unit.shows:
            self.show(value, job, self.running is job)

    def show(self, value: object, job: Job | None = None, last: bool = False) -> None:
        """Show a value of a cell, of the running one if none is named, as the value of its last expression."""
        job = job or self.running
        if value is None or job is None or job.silent:
            return
        if job.stored:
            self._namespace.result(job.count, value)
        self._surroundings.show(job, value, last)

    def _success(self, job: Job) -> Outcome:
        heal_builtins()
        if child.is_here():
            child.leave(None, self.complain)
        return Outcome(user_expressions={name: self._express(text) for name, text in job.user_expressions.items()})

    @interruptible
    def _express(self, text: str) -> Mapping[str, object]:
        """One entry of the reply's user_expressions; an error in it is its own."""
        try:
            data, metadata = self._surroundings.describe(eval(text, self._namespace.dict))
        except Exception as error:
            report = self._surroundings.report(error)
            return {
                "status": "error",
                "ename": report.ename,
                "evalue": report.evalue,
                "traceback": report.traceback,
            }
        return {"status": "ok", "data": data, "metadata": metadata}

    def _failure(self) -> Outcome:
        """The outcome of the exception that is being handled.

        The callers catch with a bare `except`: naming BaseException would look it up among the builtins, and a
        cell may have cleared those.  They come back first thing here.
        """
        heal_builtins()
        error = sys.exception()
        assert error is not None
        if child.is_here():
            child.leave(error, self.complain)
        if isinstance(error, ExitRequested):
            self.payload.append({"source": "ask_exit", "keepkernel": False})
            return Outcome(leave=True)
        if isinstance(error, asyncio.CancelledError) and (cause := self._stoppable.cause) is not None:
            error = cause.with_traceback(error.__traceback__)
        remember(error, self._namespace.dict)
        try:
            report = self._surroundings.report(error)
        except:  # noqa: E722 - an error that cannot even be shown ends its cell like any other
            name = vars(type)["__name__"].__get__(type(error))
            return Outcome(name, "this error could not be shown", [f"{name}: this error could not be shown"])
        return Outcome(report.ename, report.evalue, report.traceback, shown=not report.traceback)

    @protected
    def _finish(self, job: Job, outcome: Outcome) -> None:
        """The last steps; what they raise is shown and does not change the outcome."""
        failed = bool(outcome.ename)
        for step in reversed(self._begun):
            try:
                self._after(step, job, failed)
            except:  # noqa: E722 - a hostile cell may have left anything behind
                self._complain()
        self._begun = []
        self._stoppable.end()
        self.running = None
        payload, notes, closing = tuple(self.payload), dict(self.notes), tuple(self.closing)
        if payload or notes or closing:
            outcome = replace(outcome, payload=payload, metadata=notes, closing=closing)
        self._done(job, outcome)

    @interruptible
    def _after(self, step: Around, job: Job, failed: bool) -> None:
        step.after(job, failed)

    @protected
    def call(self, token: object, function: Callable[[], None]) -> None:
        """Run a comm callback: what it prints belongs to `token`, and it can be interrupted like a cell."""
        self._namespace.prepare()
        leave = self._surroundings.enter(token)
        alone = self.running is None
        if alone:
            self._stoppable.begin()
        try:
            self._call(function)
        except:  # noqa: E722 - see _failure
            self._complain()
        finally:
            if alone:
                self._stoppable.end()
            leave()

    @interruptible
    def _call(self, function: Callable[[], None]) -> None:
        function()

    def _complain(self) -> None:
        heal_builtins()
        error = sys.exception()
        assert error is not None
        self.complain(error)

    def complain(self, error: BaseException) -> None:
        """Show an error that belongs to no reply; it must not raise, whatever became of print and sys.stderr."""
        try:
            sys.stderr.write("\n".join(self._surroundings.report(error).traceback) + "\n")
        except:  # noqa: E722 - a hostile cell: there is nowhere left to show it
            pass
