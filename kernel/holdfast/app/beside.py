"""Cells beside each other: those of subshells, and those that go on in the background after their reply.

It must never commit what a cell that still runs can change: its own commit, or the audit, stores that.

A subshell's cell is committed on its own thread, at once, whatever the main thread does; where that is not possible
(a transaction decides later what becomes durable) its reply says `pending`, and the main thread commits it when it
runs no cell, at the latest with the end of its own.
"""

from __future__ import annotations

import ast
import asyncio
import threading
from collections import deque
from collections.abc import Callable
from types import CodeType
from typing import NamedTuple

from holdfast.executor.compile import Unit
from holdfast.executor.loop import UserLoop
from holdfast.executor.outcome import Job
from holdfast.executor.runner import Runner
from holdfast.magics.parse import CELL, MAGIC

#: Builtins that may run more code than is there to see.
RUNNING = frozenset({CELL, MAGIC})
#: Magics that change no variable of the user's by themselves.
QUIET = frozenset({"transaction", "session", "outputs", "lsmagic", "matplotlib"})


class Ended(NamedTuple):
    """A cell that has run; `again` says that its code and its promise are committed already."""

    job: Job
    unit: Unit | None
    failed: bool
    seconds: float
    again: bool = False


def codes_of(unit: Unit | None) -> tuple[CodeType, ...]:
    """A cell's code objects."""
    return unit.codes if unit is not None else ()


def codes_before(unit: Unit) -> tuple[CodeType, ...]:
    """The code objects of a cell that is about to run; what its magics will run is not known yet."""
    return unit.codes if RUNNING.isdisjoint(unit.names) or _is_quiet(unit) else unit.codes + _ANYTHING


def _is_quiet(unit: Unit) -> bool:
    """Whether its magics only say what becomes of the session."""
    calls = [node for node in ast.walk(unit.tree) if isinstance(node, ast.Name) and node.id in RUNNING]
    quiet = [
        node
        for node in ast.walk(unit.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == MAGIC
        and isinstance(node.args[0], ast.Constant) and node.args[0].value in QUIET
    ]  # fmt: skip
    return len(calls) == len(quiet)


class Beside:
    """The cells that run now, and those that wait for their commit.  `add`, `begin`, `end`, `codes` are thread-safe."""

    def __init__(self, loop: UserLoop, commit: Callable[[Ended], None], is_busy: Callable[[], bool]) -> None:
        self._loop = loop
        self._commit = commit
        self._is_busy = is_busy
        self._waiting: deque[Ended] = deque()
        self._runners: dict[int, Runner] = {}

    def begin(self, runner: Runner) -> None:
        """A cell begins on the calling thread."""
        self._runners[threading.get_ident()] = runner

    def end(self) -> None:
        """It is over."""
        self._runners.pop(threading.get_ident(), None)

    def running(self, thread: int) -> Job | None:
        """The cell that runs on a thread."""
        runner = self._runners.get(thread)
        return runner.running if runner is not None else None

    def codes(self) -> tuple[CodeType, ...]:
        """The code of the cells that run; of one that is not compiled yet, what can reach all."""
        units = [runner.unit for runner in self._runners.copy().values()]
        return tuple(code for unit in units for code in (codes_of(unit) if unit is not None else _ANYTHING))

    def add(self, ended: Ended) -> None:
        """Have it committed soon."""
        self._waiting.append(ended)
        self.soon(self._settle)

    def soon(self, call: Callable[[], object]) -> None:
        """Call on the main thread, between two cells or while one waits."""
        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:  # the loop is closed: the kernel has left
            return

    def _settle(self) -> None:
        if not self._is_busy():
            self.settle()

    def settle(self) -> None:
        """Commit those that wait, in the order in which they ended."""
        while self._waiting:
            self._commit(self._waiting.popleft())


def is_live() -> bool:
    """Whether tasks or threads of the user's go on beside the cell."""
    try:
        if len(asyncio.all_tasks()) > (asyncio.current_task() is not None):
            return True
    except RuntimeError:
        pass
    ours = sum(thread.name.startswith("holdfast-") for thread in threading.enumerate())
    return threading.active_count() - ours > 1


_ANYTHING = (compile("globals()", "<cell>", "exec"),)
