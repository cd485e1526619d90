"""The user's one asyncio loop, on the main thread for the life of the process.

It must never end because user code says so: `loop.stop()` between cells does nothing, and whatever escapes a
task (SystemExit, KeyboardInterrupt) makes the driver re-enter it.

Code written for scripts calls `asyncio.run(...)` or `loop.run_until_complete(...)`, which Python refuses while
a loop runs on the thread.  Here both work.  `asyncio.run` and foreign loops run nested on the main thread, with
the outer running loop and current task set aside; the user's own loop is stepped re-entrantly.
Rejected: a helper thread for the nested loop (sqlite3 connections, context variables and signal handlers break
in it); patching the loop classes for good, as nest_asyncio does (uvloop and subclasses do not take part).
"""

from __future__ import annotations

import asyncio
import functools
import os
import selectors
import sys
from asyncio import events, tasks
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any, TypeVar

from holdfast.executor.interrupt import interruptible

T = TypeVar("T")

_Base: Any = getattr(asyncio, "ProactorEventLoop" if sys.platform == "win32" else "SelectorEventLoop")
#: The base's own, whatever `Nesting` or user code puts in its place: a frame of an interruptible wrapper below
#: the selector would make every interrupt of an `await` look like one of the wrapper's caller.
_run_forever = _Base.run_forever


#: Seconds of one step after which an interrupt is meant for a task, though no cell runs.
STUCK = 1.0
#: Switch intervals of Python's between two polls of a loop that always has something to do.
POLL = 4


class _Ready(deque[asyncio.Handle]):
    """The queue of ready callbacks, from which a nested step may have taken what an outer step counted on.

    1. The loop's step counts n ready callbacks and runs them one by one.
    2. The first is a cell that steps the loop re-entrantly: the nested steps run the others.
    3. Back in the outer step n - 1 callbacks are still to be popped, and none is there: it gets idle ones.
    """

    def __init__(self, waiting: deque[asyncio.Handle], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(waiting)
        self._idle = asyncio.Handle(_nothing, (), loop)
        self._idle.cancel()
        #: What is being run, or about to be.
        self.newest = self._idle

    def popleft(self) -> asyncio.Handle:
        if not self:
            return self._idle
        self.newest = self[0]
        return super().popleft()


class _Selector(selectors.DefaultSelector):
    """Looks at the descriptors of a busy loop once in a while, not at each of its steps.

    1. A task of the user's spins: `while True: await asyncio.sleep(0)`.  Each step polls, and to poll is to let
       go of the GIL for a microsecond.
    2. The kernel thread, which waits for the GIL, is woken by that, and finds it taken again.
    3. Python makes the holder give way only when somebody has waited for a whole switch interval: each futile
       waking starts that anew, and a request waited up to five seconds.
    """

    _looked_at = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As in Python, but nothing is ready when a poll follows another within `POLL` switch intervals."""
        now = monotonic()
        if timeout is not None and timeout <= 0 and now - self._looked_at < POLL * sys.getswitchinterval():
            return []
        ready = super().select(timeout)
        self._looked_at = now
        return ready


class UserLoop(_Base):  # type: ignore[misc]
    """The platform's loop, re-entrant and not to be stopped by the user."""

    def __init__(self) -> None:
        super().__init__(*(() if sys.platform == "win32" else (_Selector(),)))
        self._ready: _Ready = _Ready(self._ready, self)
        self._depth = 0
        self._leaving = False
        self._forked = False
        self._stepped_at = monotonic()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)
        #: Called once when `run_until_complete` is used where `await` would do.
        self.on_nested: Callable[[str], None] = lambda hint: None
        #: Called with what came out of the loop; it goes on.
        self.on_escape: Callable[[BaseException], None] = lambda error: None

    def drive(self) -> None:
        """Run until `leave`: the main thread's last call."""
        while not self._leaving:
            try:
                _run_forever(self)
            except (SystemExit, KeyboardInterrupt):
                # It escaped a task of the user's; the task has it as its result.
                continue
            except BaseException as error:
                # A signal handler of the user's raised it, in the midst of the loop's own work.
                self._take_back(self._ready.newest)
                self.on_escape(error)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """As in Python; but a task's step raises nothing, so what comes out of one is as in `drive`."""
        handle, error = context.get("handle"), context.get("exception")
        if isinstance(handle, asyncio.Handle) and error is not None and _task_of(handle) is not None:
            self._take_back(handle)
            self.on_escape(error)
        else:
            super().call_exception_handler(context)

    def _take_back(self, handle: asyncio.Handle) -> None:
        """The step that was to be run when a handler raised: a task that nothing will wake any more gets it back."""
        task: Any = _task_of(handle)
        if task is None or task.done() or any(_task_of(other) is task for other in self._ready):
            return
        waiter = task._fut_waiter
        if waiter is None or waiter.done():
            self._ready.append(handle)

    def _after_fork(self) -> None:
        """In a child: nothing that waits in this loop is the child's to do."""
        self._forked = True
        self._ready.clear()

    def _run_once(self) -> None:
        """One step, in the process that made the loop only.

        1. A cell forks, and the child runs to the end of its code instead of calling `os._exit`.
        2. The child comes back here and would wait on the selector and the wake-up socket that it shares with
           the kernel: it would eat the kernel's wake-ups and answer requests a second time.
        3. So a child that comes back has come to its end.
        """
        if self._forked:
            for stream in (sys.stdout, sys.stderr):
                with suppress(BaseException):
                    stream.flush()
            os._exit(0)
        self._stepped_at = monotonic()
        super()._run_once()

    def is_wanted(self) -> bool:
        """Whether something waits for the step that goes on."""
        return bool(self._ready)

    @property
    def step(self) -> float:
        """When the step that goes on began; no two steps have the same."""
        return self._stepped_at

    def is_stuck(self) -> bool:
        """Whether one step has been going on for seconds: a task that computes, and no cell can start."""
        return monotonic() - self._stepped_at > STUCK

    def leave(self) -> None:
        """End `drive`; call on the loop's thread."""
        self._leaving = True
        super().stop()

    def stop(self) -> None:
        """End a nested `run_forever`; on the outermost one it does nothing: the kernel needs its loop."""
        if self._depth:
            self._stop_nested = True

    def close(self) -> None:
        """Ignored while the kernel lives."""
        if self._leaving and not self.is_running():
            super().close()

    @interruptible
    def run_until_complete(self, future: Any) -> Any:
        """Run `future` to its end; inside a cell the loop is stepped re-entrantly."""
        if not self._inside():
            return super().run_until_complete(future)
        task = asyncio.ensure_future(future, loop=self)
        self.on_nested("loop.run_until_complete(x) works here, and so does `await x`, which is shorter")
        self._step_until(task.done)
        return task.result()

    @interruptible
    def run_forever(self) -> None:
        """Inside a cell: run until `stop`."""
        if not self._inside():
            super().run_forever()
            return
        self._stop_nested = False
        self._step_until(lambda: self._stop_nested)

    def _inside(self) -> bool:
        return events._get_running_loop() is self

    @interruptible
    def _step_until(self, done: Callable[[], bool]) -> None:
        self._depth += 1
        try:
            with _task_set_aside(self):
                while not done():
                    self._run_once()
        finally:
            self._depth -= 1


def _task_of(handle: asyncio.Handle) -> asyncio.Task[object] | None:
    """The task whose step it is, None for other calls."""
    owner = getattr(getattr(handle, "_callback", None), "__self__", None)
    return owner if isinstance(owner, asyncio.Task) else None


def _nothing() -> None:
    pass


@contextmanager
def _task_set_aside(loop: asyncio.AbstractEventLoop) -> Generator[None]:
    """Let other tasks of `loop` run while its current one waits in a nested call."""
    task = tasks.current_task(loop)
    if task is None:
        yield
        return
    tasks._leave_task(loop, task)
    try:
        yield
    finally:
        tasks._enter_task(loop, task)


@contextmanager
def _loop_set_aside() -> Generator[None]:
    """Make this thread look as if no loop ran on it, for code that wants to run one of its own."""
    outer = events._get_running_loop()
    if outer is None or not (_deep or isinstance(outer, UserLoop)):
        yield
        return
    events._set_running_loop(None)
    try:
        with _task_set_aside(outer):
            yield
    finally:
        events._set_running_loop(outer)
        asyncio.set_event_loop(outer)  # asyncio.run leaves None behind


#: Whether loops other than the user's own nest too.
_deep = False


def nest_all() -> None:
    """From now on any loop can run inside any other, and inside itself, as with nest_asyncio."""
    global _deep
    _deep = True


@interruptible
def _run_inside(loop: Any, future: Any) -> Any:
    """Step a loop that runs already until `future` is done."""
    if not isinstance(loop._ready, _Ready):
        loop._ready = _Ready(loop._ready, loop)
    task = asyncio.ensure_future(future, loop=loop)
    with _task_set_aside(loop):
        while not task.done():
            loop._run_once()
    return task.result()


class Nesting:
    """Makes `asyncio.run`, `asyncio.Runner` and foreign loops usable inside a cell."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def install(self) -> None:
        """Wrap the entry points; each behaves as before where no cell runs."""
        run = aside(asyncio.run)
        for owner, name, value in (
            (asyncio, "run", run),
            (asyncio.runners, "run", run),
            (asyncio.Runner, "run", aside(asyncio.Runner.run)),
            (asyncio.Runner, "close", aside(asyncio.Runner.close)),
            (asyncio.BaseEventLoop, "run_forever", _aside_foreign(asyncio.BaseEventLoop.run_forever)),
            (asyncio.BaseEventLoop, "run_until_complete", _aside_foreign(asyncio.BaseEventLoop.run_until_complete)),
        ):
            original = getattr(owner, name)
            setattr(owner, name, value)
            self._undo.append(functools.partial(setattr, owner, name, original))

    def uninstall(self) -> None:
        """Put back what was wrapped."""
        while self._undo:
            self._undo.pop()()


def aside[T](function: Callable[..., T]) -> Callable[..., T]:
    """`function`, run with the user's own loop and its current task set aside where it is called on that loop."""

    @interruptible
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> T:
        with _loop_set_aside():
            return function(*args, **kwargs)

    return wrapper


def _aside_foreign[T](function: Callable[..., T]) -> Callable[..., T]:
    """As `aside`, for methods that the user's own loop serves itself."""

    @interruptible
    @functools.wraps(function)
    def wrapper(loop: asyncio.AbstractEventLoop, *args: Any, **kwargs: Any) -> T:
        if isinstance(loop, UserLoop):
            return function(loop, *args, **kwargs)
        if _deep and events._get_running_loop() is loop and args:
            result: T = _run_inside(loop, args[0])
            return result
        with _loop_set_aside():
            return function(loop, *args, **kwargs)

    return wrapper
