"""A thread that runs the cells of one subshell (JEP 91), on the same namespace.

It must never touch the main thread's loop; signals do not reach it, so its cells are interrupted by other means.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import Context

from holdfast.executor.interrupt import protected
from holdfast.executor.loop import UserLoop
from holdfast.executor.modes import raise_in_thread
from holdfast.executor.runner import Runner, Stoppable


class ThreadInterrupts:
    """Interrupts a cell in a thread: an `await` through its loop, plain code at its next bytecode.

    A call into C (`time.sleep`) ends first: only the main thread is woken by signals.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread = threading.get_ident()
        self._running = False
        self._task: asyncio.Task[object] | None = None
        self._count = 0

    def begin(self) -> None:
        """A cell starts."""
        self._count = 0
        self._task = None
        self._running = True

    def awaiting(self, task: asyncio.Task[object]) -> None:
        """The cell is `task`."""
        self._task = task

    def end(self) -> None:
        """The cell is over."""
        self._running = False
        self._task = None

    @property
    def cause(self) -> BaseException | None:
        """What the running cell was cancelled for."""
        return KeyboardInterrupt() if self._count else None

    def send(self) -> None:
        """Interrupt from another thread."""
        if not self._running:
            return
        self._count += 1
        task = self._task
        if task is not None:
            self._loop.call_soon_threadsafe(task.cancel)
            return
        raise_in_thread(self._thread)


#: Seconds that the main thread has to take what a subshell was sent for it.
COURTESY = 0.05


class Turn:
    """A callback for the main thread, or for a subshell's if a cell keeps the main one from it.

    JupyterLab sends the messages of widgets to a subshell, so that they come through while a cell blocks.  Left there,
    callbacks would run beside the cells' own code all the time: `future.set_result(...)` in one would not wake the cell
    that awaits it, and matplotlib would be called from two threads.
    """

    def __init__(self, call: Callable[[Runner], None]) -> None:
        self._call = call
        self._taken = threading.Lock()
        self._begun = threading.Event()
        self._over = threading.Event()

    @protected
    def take(self, runner: Runner) -> bool:
        """Run it here, with the runner of this thread, unless the other thread has it; whether it was run here."""
        if not self._taken.acquire(blocking=False):
            return False
        self._begun.set()
        try:
            self._call(runner)
        finally:
            self._over.set()
        return True

    def wait(self, runner: Runner, seconds: float) -> bool:
        """On the subshell's thread: until it is over.  Whether it had to be run here, after `seconds`."""
        here = not self._begun.wait(seconds) and self.take(runner)
        self._over.wait()
        return here


class Subshell:
    """Owns the thread; `make_runner(loop, context, stoppable)` is called on it."""

    def __init__(
        self, name: str, make_runner: Callable[[asyncio.AbstractEventLoop, Context, Stoppable], Runner]
    ) -> None:
        self._make_runner = make_runner
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"holdfast-{name}", daemon=True)
        self._thread.start()
        self._ready.wait()

    def _run(self) -> None:
        # The user's kind of loop: `stop()` does not end the thread, and `asyncio.run` works in its cells.
        self._loop = UserLoop()
        asyncio.set_event_loop(self._loop)
        self.interrupts = ThreadInterrupts(self._loop)
        self.runner = self._make_runner(self._loop, Context(), self.interrupts)
        self._ready.set()
        try:
            self._loop.drive()
        finally:
            self._loop.close()

    def is_current(self) -> bool:
        """Whether the caller runs on this subshell's thread."""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """End the thread once its cell is done; does not wait."""
        try:
            self._loop.call_soon_threadsafe(self._stop_when_free)
        except RuntimeError:  # its loop is closed: it has ended already
            return

    def _stop_when_free(self) -> None:
        if self.runner.running is None:
            self._loop.leave()
        else:
            self._loop.call_later(0.05, self._stop_when_free)

    def join(self, timeout: float) -> None:
        """Wait for the thread to end, at most `timeout` seconds."""
        self._thread.join(timeout)
