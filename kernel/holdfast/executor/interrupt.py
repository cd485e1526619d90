"""SIGINT: stop the cell, not the kernel.

It must never raise inside our own bookkeeping: a KeyboardInterrupt between "took the text" and "queued the
text" would lose output, one in the loop's selector would end the loop.

The handler runs between two bytecodes of whatever the main thread executes, so it asks *whose* frame that is.
It walks outwards from the interrupted frame to the first one that is marked:

* a cell's code, or a call of ours marked `@interruptible` (waiting for `input()`, a nested loop): raise there;
* a call of ours marked `@finishing` (the commit of a cell): raise there when asked twice;
* a call of ours marked `@protected` (a text is queued): raise where it returns to the cell;
* an import that our own code makes (the first `!command`): raise when it is over.  Python leaves of an interrupted one
  submodules without their package, which then fails at every later import: the kernel would lack it for good;
* our own code otherwise: raise nothing.  An `await`ing cell is cancelled through the loop, which wakes the
  selector; for a cell that is being started or ended the signal is sent again in a moment.

Library code in between is unmarked: it belongs to whoever called it.

What does not work, and why:

* A flag that our code checks when it is done: the check and the leaving are two steps, and a signal between
  them is lost until the next one (trio's `_ki` tells this at length).
* `loop.add_signal_handler`: a blocking cell never returns to the loop.
* `loop.call_soon(task.cancel)` from the handler, as ipykernel does: it does not wake the selector (PEP 475
  restarts the wait), so the cancellation comes when the sleep ends by itself.
* `PyThreadState_SetAsyncExc` for the main thread: it does not wake `time.sleep`.
* Only sending the signal again: a cell that displays in a loop lets go of the GIL where it wakes the kernel
  thread, within a protected call, so each signal that the kernel thread sends arrives there.

A cell that swallows KeyboardInterrupt gets it again with each interrupt; from the third on it gets one at
every line it executes (PEP 669 line events), so that no `except BaseException: pass` can hold it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Container
from functools import partial
from types import CodeType, FrameType
from typing import Any, Never, cast

#: Seconds after which a signal that hit our own code is sent again.
RETRY = 0.005
#: Seconds after which a signal whose handler has not run is sent again.
LISTEN = 0.05
#: Seconds after which an interrupt between cells looks for a task that holds the loop.
PATIENCE = 1.1
#: From this interrupt of one cell on, every line of it raises.
INSIST = 3
#: Tool ids of PEP 669 in the order in which we take one: that of debuggers last.
_TOOLS = (3, 4, 2, 1, 5, 0)

_interruptible: set[CodeType] = set()
_protected: set[CodeType] = set()
_finishing: set[CodeType] = set()
#: What every import statement calls, if the module is not there yet.
_IMPORT: CodeType = sys.modules["_frozen_importlib"]._find_and_load.__code__
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def interruptible[F: Callable[..., Any]](function: F) -> F:
    """Mark a call of ours in which KeyboardInterrupt may be raised like in the cell itself."""
    _interruptible.add(function.__code__)
    return function


def protected[F: Callable[..., Any]](function: F) -> F:
    """Mark a call of ours in which KeyboardInterrupt must not be raised."""
    _protected.add(function.__code__)
    return function


def finishing[F: Callable[..., Any]](function: F) -> F:
    """Mark a call of ours that one interrupt lets come to its end; another one is raised in it."""
    _finishing.add(function.__code__)
    return function


class Interrupts:
    """The SIGINT handler of the main thread and the state of the cell that it stops.

    `cell_files` holds the file names of cells, `namespace` is the user's dict: code whose globals it is is the
    user's too (`exec`, functions of deleted cells).
    """

    def __init__(
        self,
        namespace: dict[str, object],
        cell_files: Container[str],
        loop: asyncio.AbstractEventLoop,
        later: Callable[[float, Callable[[], None]], None],
        stuck: Callable[[], bool] = lambda: True,
    ) -> None:
        self._namespace = namespace
        self._cell_files = cell_files
        self._loop = loop
        #: Thread-safe: call a function after some seconds, from another thread.
        self._later = later
        #: Whether a task keeps the loop from doing anything else.
        self._stuck = stuck
        self._running = False
        self._expected = False
        self._task: asyncio.Task[object] | None = None
        self._count = 0
        self._escaped: BaseException | None = None
        #: The count with which the first interrupt met a call that is to finish.
        self._finish_at: int | None = None
        #: How often the handler has run.
        self._heard = 0
        #: Called by the handler, and by whoever sends or sees the signal before it: a debugger lets go of what it
        #: holds, perhaps of the main thread within the handler.
        self.heard: Callable[[], None] = lambda: None
        self._listeners = 0
        #: How many cells have begun: what is done later is for the cell that it was meant for, and no other.
        self._cell = 0
        #: Takes the numbers of delivered signals from the wakeup descriptor, where there is one.
        self.drain: Callable[[], bytes] = bytes
        self._tool: int | None = None
        #: Whether an interrupt was heard that has not been raised yet, and the protected call at whose return it is.
        self._waits = False
        self._owed: CodeType | None = None
        self._main = threading.get_ident()
        self._unraisable = sys.unraisablehook

    # ------------------------------------------------------------ the cell's side

    def expect(self) -> None:
        """A cell was handed to the main thread: clients see it run, so an interrupt is meant for it."""
        self._expected = True

    def begin(self) -> None:
        """A cell starts on the main thread; its handler is ours, whatever the last cell installed."""
        self._expected = False
        self._count = 0
        self._finish_at = self._escaped = None
        self._task = None
        self._cell += 1
        self._running = True
        self._own()

    def _own(self) -> None:
        if signal.getsignal(signal.SIGINT) != self.handle:
            signal.signal(signal.SIGINT, self.handle)

    def awaiting(self, task: asyncio.Task[object]) -> None:
        """The cell is `task`."""
        self._task = task

    def end(self) -> None:
        """The cell is over: nothing of it is to be stopped any more, and SIG_DFL would end an idle kernel."""
        self._running = self._expected = False
        self._task = None
        self._own()
        if self._tool is not None:
            self._owe(None)
            sys.monitoring.set_events(self._tool, 0)
            sys.monitoring.free_tool_id(self._tool)
            self._tool = None
        self._waits = False

    @property
    def count(self) -> int:
        """How often the running cell was interrupted."""
        return self._count

    @property
    def cause(self) -> BaseException | None:
        """What the running cell was cancelled for."""
        return KeyboardInterrupt() if self._count else self._escaped

    def escaped(self, error: BaseException) -> bool:
        """A handler of the user's raised this in the loop's own work: a cell that waits is cancelled for it."""
        if not self._running or not self._can_be_cancelled():
            return False
        self._escaped = error
        cast("asyncio.Task[object]", self._task).cancel()
        return True

    # ------------------------------------------------------------ the signal's side

    def install(self) -> None:
        """Take SIGINT; call on the main thread."""
        signal.signal(signal.SIGINT, self.handle)
        self._unraisable = sys.unraisablehook
        sys.unraisablehook = self._swallowed

    def send(self) -> None:
        """Interrupt from any thread, as a terminal would: with our process group, if we lead one."""
        self.heard()
        if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
            self._listen(self._heard)
            os.killpg(os.getpgrp(), signal.SIGINT)
        else:
            self._poke()

    def arrived(self) -> None:
        """A signal was delivered to the process, says its wakeup descriptor.  Called from another thread.

        1. The handler empties the descriptor, then counts itself as heard: what it left is not ours to see.
        2. What we find there has a handler that had not run when we took the count, or one that never will.
        """
        heard = self._heard
        self.heard()
        signals = self.drain()
        if signal.SIGINT in signals and self._running and signal.getsignal(signal.SIGINT) == self.handle:
            self._listen(heard)

    def _listen(self, heard: int) -> None:
        """See to it that a signal is sent again when it is not heard.

        1. The main thread lets go of the GIL to sleep or to select.
        2. The signal arrives before the system call begins, which it therefore does not end.
        3. Python's handler would run when the call ends by itself, perhaps in an hour.
        """
        self._listeners += 1
        self._later(LISTEN, partial(self._look, self._listeners, heard, self._cell))

    def _look(self, listener: int, heard: int, cell: int) -> None:
        """The newest listener is the one that counts: each sending makes two, one of them by the descriptor.

        A handler of the user's does not say that it has heard.
        """
        ours = signal.getsignal(signal.SIGINT) == self.handle
        if listener == self._listeners and self._heard == heard and self._is_running(cell) and ours:
            self._poke()

    def _is_running(self, cell: int) -> bool:
        return self._running and self._cell == cell

    def _poke(self) -> None:
        self._listen(self._heard)
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(self._main, signal.SIGINT)
        else:
            signal.raise_signal(signal.SIGINT)

    def handle(self, _signum: int, frame: FrameType | None) -> None:
        """The handler: runs on the main thread, between two bytecodes."""
        self.drain()
        self._heard += 1
        self.heard()
        if self._running:
            self._count += 1
            if self._count >= INSIST:
                self._insist()
        elif not self._stuck():
            # Between cells it would hit whichever task happens to be at work; one that holds the loop is found
            # at work again in a moment.
            if self._expected:
                self._when_begun(self._cell + 1)
            else:
                self._later(PATIENCE, self._if_stuck)
            return
        if not self._awaits_beside() and self._is_the_users(frame):
            self._raise()
        if not self._running or self._finish_at == self._count:
            # 1. What is to finish was asked once, and goes on.  2. We send the signal again.  3. The user interrupts a
            # second time before the handler runs: two pending signals are one.  4. It would count as the first.
            return
        if self._can_be_cancelled():
            self._loop.call_soon_threadsafe(cast("asyncio.Task[object]", self._task).cancel)
        else:
            self._owe(_innermost_protected(frame))
            self._waits = True
            self._later(RETRY, partial(self._again, self._cell))

    def _can_be_cancelled(self) -> bool:
        """Whether the cell is a task that waits.

        While the task itself is at work (it asks for input, say) its loop waits for it: nothing would cancel it.
        """
        task = self._task
        return task is not None and not task.done() and not getattr(task.get_coro(), "cr_running", False)

    def _awaits_beside(self) -> bool:
        """Whether the cell waits while another task is at work, which it is not to be taken for."""
        return self._running and self._can_be_cancelled() and not self._stuck()

    def _when_begun(self, cell: int) -> None:
        if self._is_running(cell) or self._stuck():
            self._poke()
        elif self._cell < cell and self._expected:
            self._later(RETRY, partial(self._when_begun, cell))

    def _again(self, cell: int) -> None:
        if self._is_running(cell) and self._waits:
            self._count -= 1  # it is the same interrupt
            self._poke()

    def _if_stuck(self) -> None:
        if not self._running and self._stuck():
            self._poke()

    def _swallowed(self, unraisable: sys.UnraisableHookArgs) -> None:
        """Python cannot let an exception out of a finalizer or a weakref callback: the interrupt is sent again."""
        if unraisable.exc_type is KeyboardInterrupt and self._running:
            self._waits = True
            self._later(RETRY, partial(self._again, self._cell))
        else:
            self._unraisable(unraisable)

    def _is_the_users(self, frame: FrameType | None) -> bool:
        while frame is not None:
            code = frame.f_code
            if code in _interruptible or frame.f_globals is self._namespace:
                return True
            if code in _protected or (code is _IMPORT and _is_ours(frame.f_back)):
                return False
            if code in _finishing:
                if self._finish_at is None:
                    self._finish_at = self._count
                return self._count > self._finish_at
            if code.co_filename in self._cell_files:
                return True
            frame = frame.f_back
        return False

    def _insist(self) -> None:
        """Raise at every further line of the cell."""
        if self._has_tool():
            sys.monitoring.set_events(cast("int", self._tool), sys.monitoring.events.LINE)

    def _owe(self, code: CodeType | None) -> None:
        """Raise where a call of ours returns, if it returns to the cell; with None, no more."""
        if self._owed is not code and self._has_tool():
            tool, before, self._owed = cast("int", self._tool), self._owed, code
            if before is not None:
                sys.monitoring.set_local_events(tool, before, 0)
            if code is not None:
                sys.monitoring.set_local_events(tool, code, sys.monitoring.events.PY_RETURN)

    def _has_tool(self) -> bool:
        """Whether PEP 669 has a tool id for us; it is kept until the cell is over."""
        monitoring = sys.monitoring
        free = (tool for tool in _TOOLS if monitoring.get_tool(tool) is None)
        if self._tool is None and (tool := next(free, None)) is not None:
            monitoring.use_tool_id(tool, "holdfast.interrupt")
            monitoring.register_callback(tool, monitoring.events.LINE, self._on_line)
            monitoring.register_callback(tool, monitoring.events.PY_RETURN, self._on_return)
            self._tool = tool
        return self._tool is not None

    def _on_line(self, code: CodeType, _line: int) -> None:
        if code.co_filename in self._cell_files and threading.get_ident() == self._main and self._running:
            raise KeyboardInterrupt

    def _on_return(self, code: CodeType, _offset: int, _value: object) -> None:
        if code is not self._owed or threading.get_ident() != self._main or not self._running:
            return
        around = sys._getframe(1).f_back
        if self._is_the_users(around):
            self._raise()
        self._owe(_innermost_protected(around))

    def _raise(self) -> Never:
        self._waits = False
        self._owe(None)
        raise KeyboardInterrupt


def _is_ours(frame: FrameType | None) -> bool:
    return frame is not None and frame.f_code.co_filename.startswith(_PACKAGE)


def _innermost_protected(frame: FrameType | None) -> CodeType | None:
    """The call of ours that must end before anything can be raised."""
    while frame is not None and frame.f_code not in _protected:
        frame = frame.f_back
    return None if frame is None else frame.f_code
