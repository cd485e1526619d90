"""Events of cells: functions that libraries and notebooks want to be called around each cell.

It must never let what such a function raises reach the cell, and never cost anything while none is registered.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from holdfast.compat.ipython import current
from holdfast.compat.ipython.parts import Part
from holdfast.compat.ipython.values import ExecutionInfo, ExecutionResult

if TYPE_CHECKING:
    from holdfast.compat.ipython.edges import Hooks

__all__ = ["EVENTS", "EventManager"]

#: In the order in which they come for one cell.
EVENTS = ("pre_execute", "pre_run_cell", "post_execute", "post_run_cell", "shell_initialized")


class EventManager(Part):
    """`get_ipython().events`."""

    path = "events"

    def __init__(self) -> None:
        self._hooks: Hooks = current.edges().hooks
        self.callbacks: dict[str, list[Callable[..., object]]] = {name: [] for name in EVENTS}
        self._info = ExecutionInfo("")

    def register(self, event: str, function: Callable[..., object]) -> None:
        """Call `function` at each `event` from now on, once however often it is registered."""
        if not callable(function):
            raise TypeError(f"cannot call {function!r} at {event!r}: it is no function")
        callbacks = self._of(event)
        if function not in callbacks:
            callbacks.append(function)
        self._hooks.on_begin, self._hooks.on_end = self._begin, self._end

    def unregister(self, event: str, function: Callable[..., object]) -> None:
        """Undo that; ValueError where it was not registered."""
        callbacks = self._of(event)
        if function not in callbacks:
            raise ValueError(f"{function!r} is not registered for {event!r}")
        callbacks.remove(function)
        if not any(self.callbacks.values()):
            self._hooks.on_begin = self._hooks.on_end = None

    def trigger(self, event: str, *args: object) -> None:
        """Call what is registered; what one raises is shown and does not keep the others from being called."""
        for function in tuple(self._of(event)):
            try:
                _call(function, args)
            except (Exception, KeyboardInterrupt) as error:
                sys.stderr.write(f"Error in {function!r}, called at {event}:\n")
                sys.stderr.write("\n".join(current.kernel().report(error)) + "\n")
            self._account_for(function)

    def _of(self, event: str) -> list[Callable[..., object]]:
        try:
            return self.callbacks[event]
        except KeyError:
            raise KeyError(f"there is no event {event!r}, but: {', '.join(EVENTS)}") from None

    @staticmethod
    def _account_for(function: Callable[..., object]) -> None:
        """A function of the notebook's may have changed its variables: the commit has to look."""
        kernel = current.kernel()
        made_in = getattr(inspect.unwrap(function), "__globals__", None)
        if made_in is kernel.namespace or getattr(type(getattr(function, "__self__", None)), "__module__", "") == (
            "__main__"
        ):
            kernel.touched()

    def _begin(self, job: Any) -> None:
        """A cell begins."""
        self.trigger("pre_execute")
        self._info = ExecutionInfo(job.code, job.stored, job.silent)
        if not job.silent:
            self.trigger("pre_run_cell", self._info)

    def _end(self, job: Any, failed: bool) -> None:
        """A cell has ended, well or not."""
        self.trigger("post_execute")
        if not job.silent and self.callbacks["post_run_cell"]:
            kernel = current.kernel()
            error = kernel.last_error if failed else None
            value = kernel.namespace.get(f"_{job.count}") if job.stored and not failed else None
            self.trigger("post_run_cell", ExecutionResult(self._info, job.count, value, error))


def _call(function: Callable[..., object], args: tuple[object, ...]) -> None:
    """Call it with what the event has to say, or with nothing if it takes nothing."""
    if args:
        try:
            inspect.signature(function).bind(*args)
        except (TypeError, ValueError):
            args = ()
    function(*args)
