"""How a cell can run other than in the loop's step: in a worker thread (`%%thread`) or behind the next cells (`%%bg`).

It must never copy the namespace: a thread's cell works on the same dict, and plain name access is atomic.

In a thread the loop goes on, so background tasks do too while the cell blocks.  Context variables that the cell
sets are carried back when it ends; one context cannot be entered by two threads at a time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import Context, copy_context

from holdfast.executor import child


class CellThread:
    """Runs one call in a thread of its own; made on the loop that waits for it."""

    def __init__(self, call: Callable[[], object], name: str) -> None:
        self._call = call
        self._context = copy_context()
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[tuple[object, BaseException | None]] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _run(self) -> None:
        try:
            value = self._context.run(self._call)
        except BaseException as error:
            # A future refuses StopIteration and would let the loop see KeyboardInterrupt: it carries neither.
            outcome: tuple[object, BaseException | None] = (None, error)
        else:
            outcome = (value, None)
        if child.is_here():
            child.leave(outcome[1])
        self._loop.call_soon_threadsafe(self._settle, outcome)

    def _settle(self, outcome: tuple[object, BaseException | None]) -> None:
        if not self._done.done():
            self._done.set_result(outcome)

    async def result(self) -> object:
        """The call's value or exception.  Cancelling this interrupts the thread and goes on waiting for it."""
        self._thread.start()
        while True:
            try:
                value, error = await asyncio.shield(self._done)
                break
            except asyncio.CancelledError:
                raise_in_thread(self._thread.ident or 0)
        _carry_back(self._context)
        if error is not None:
            raise error
        return value


def _carry_back(context: Context) -> None:
    """Set in the current context what was set in `context`."""
    unset = object()
    current = copy_context()
    for variable, value in context.items():
        if current.get(variable, unset) is not value:
            variable.set(value)


def raise_in_thread(ident: int) -> None:
    """Raise KeyboardInterrupt in a thread at its next bytecode; a call into C ends first."""
    import ctypes

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(KeyboardInterrupt))
