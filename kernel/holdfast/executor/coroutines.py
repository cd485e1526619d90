"""Coroutines that cells create and never await: found, named, and closed at the end of the session.

Never keeps a coroutine alive, never scans the whole namespace (only the names a cell mentions), and
never swallows or moves Python's own "was never awaited" warning.

Rejected: a set of every coroutine created (it needs a wrapper around each async function, so functions
would no longer be what the user wrote, and it misses library ones such as `asyncio.sleep`); origin
tracking left on (it doubles the cost of making a coroutine, in the whole program; where the user turned
it on, its line is used); reading the text of RuntimeWarnings (filters hide them, and they lack the
function). `inspect.getcoroutinestate` is not used because `inspect` is slow to import.
"""

from __future__ import annotations

import sys
import warnings
import weakref
from collections import deque
from itertools import islice
from types import CoroutineType
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import FrameType

    type Coroutine = CoroutineType[Any, Any, Any]

__all__ = ["CoroutineWatch", "Unawaited"]

_MOST_ITEMS = 100
_MOST_COLLECTED = 1_000
_HOOK = "_warn_unawaited_coroutine"  # what the interpreter looks up in the module warnings, and calls


class Unawaited(msgspec.Struct, frozen=True):
    """A coroutine that nobody awaited.

    `name` is how the namespace reaches it (`c`, `jobs[2]`, `d['a']`), "" once it is gone. `line` is in
    `filename`: where the function is defined, or where the coroutine was made if Python knows; for a
    collected one where it was dropped, which for a forgotten `await` is the line of the call.
    `collected` ones have had Python's own RuntimeWarning, on the cell's stderr.
    """

    name: str
    qualname: str
    line: int
    filename: str
    collected: bool


class CoroutineWatch:
    """Finds coroutines never awaited, cell by cell. Call it from one thread; collection may be anywhere.

    `is_cell` says whether a file name is that of a cell: of the frames in which a coroutine is dropped,
    the innermost such one gives the line. `scheduled` returns the coroutines of live tasks, which are
    about to run although nothing has awaited them yet; by default those of the running loop.
    """

    __slots__ = ("_collected", "_found", "_is_cell", "_previous", "_scheduled")

    def __init__(
        self,
        is_cell: Callable[[str], bool] | None = None,
        scheduled: Callable[[], Iterable[object]] | None = None,
    ) -> None:
        self._is_cell = is_cell
        self._scheduled = _of_running_loop if scheduled is None else scheduled
        self._found: weakref.WeakKeyDictionary[Coroutine, Unawaited] = weakref.WeakKeyDictionary()
        self._collected: deque[Unawaited] = deque(maxlen=_MOST_COLLECTED)
        self._previous: Callable[[Coroutine], None] | None = None

    def start(self) -> None:
        """Begin to note coroutines that are collected without having been awaited."""
        if self._previous is None:
            # Where the interpreter has no such hook, only those still in the namespace are found.
            self._previous = getattr(warnings, _HOOK, None)
            if self._previous is not None:
                setattr(warnings, _HOOK, self._note)

    def stop(self) -> None:
        """Give the hook back, unless somebody has put another in its place since."""
        if self._previous is not None and getattr(warnings, _HOOK, None) == self._note:
            setattr(warnings, _HOOK, self._previous)
            self._previous = None

    def after_cell(self, code_names: Iterable[str], namespace: Mapping[str, object]) -> list[Unawaited]:
        """Return what is new since the last call: coroutines collected, then those the namespace holds.

        `code_names` are the names that the cell's code mentions (`co_names`; add "_" for the value of
        its last expression). Their values are looked at, and up to 100 items in each list, tuple or dict.
        """
        new: list[Unawaited] = []
        while self._collected:
            new.append(self._collected.popleft())
        scheduled: set[int] | None = None
        for name in dict.fromkeys(code_names):
            for where, coroutine in _reachable(name, namespace.get(name)):
                if coroutine in self._found or not _is_unstarted(coroutine):
                    continue
                if scheduled is None:
                    scheduled = self._about_to_run()
                if id(coroutine) not in scheduled:
                    new.append(self._remember(where, coroutine))
        return new

    def pending(self) -> list[Unawaited]:
        """Return those found in a namespace that are still there and still not awaited."""
        return [unawaited for _, unawaited in self._unstarted()]

    def close_all(self) -> int:
        """Close those still not awaited, so that Python does not warn of them; return how many."""
        closed = 0
        for coroutine, _ in self._unstarted():
            coroutine.close()
            closed += 1
        return closed

    def _unstarted(self) -> list[tuple[Coroutine, Unawaited]]:
        held = [(c, unawaited) for c, unawaited in list(self._found.items()) if _is_unstarted(c)]
        scheduled = self._about_to_run() if held else set()
        return [pair for pair in held if id(pair[0]) not in scheduled]

    def _about_to_run(self) -> set[int]:
        return {id(coroutine) for coroutine in self._scheduled()}

    def _remember(self, where: str, coroutine: Coroutine) -> Unawaited:
        filename, line = coroutine.cr_code.co_filename, coroutine.cr_code.co_firstlineno
        if coroutine.cr_origin:
            filename, line, _ = coroutine.cr_origin[0]
        found = Unawaited(where, coroutine.__qualname__, line, filename, collected=False)
        self._found[coroutine] = found
        return found

    def _note(self, coroutine: Coroutine) -> None:
        """Stand in for the interpreter's hook: called in the frame where an unawaited coroutine dies.

        Nothing may keep `coroutine` itself: that would bring it back to life.
        """
        place = self._place(coroutine, sys._getframe().f_back)
        if place is not None:
            filename, line = place
            self._collected.append(Unawaited("", coroutine.__qualname__, line, filename, collected=True))
        if coroutine.cr_origin is not None and self._previous is not None:
            self._previous(coroutine)  # it tells where the coroutine was made
        else:
            # Not the previous hook: it blames its caller, which would be this file.
            text = f"coroutine '{coroutine.__qualname__}' was never awaited"
            warnings.warn(text, RuntimeWarning, stacklevel=2, source=coroutine)

    def _place(self, coroutine: Coroutine, frame: FrameType | None) -> tuple[str, int] | None:
        """Return file and line in a cell to blame, None for a coroutine that no cell has to do with."""
        is_cell = self._is_cell
        while frame is not None and is_cell is not None and not is_cell(frame.f_code.co_filename):
            frame = frame.f_back
        if frame is not None:
            return frame.f_code.co_filename, frame.f_lineno
        code = coroutine.cr_code
        if is_cell is None or is_cell(code.co_filename):
            return code.co_filename, code.co_firstlineno
        return None


def _reachable(name: str, value: Any) -> Iterator[tuple[str, Coroutine]]:
    """Yield the coroutines that are `value` or one level inside it, with the expression that names them."""
    kind = type(value)
    if kind is CoroutineType:
        yield name, value
    elif kind is list or kind is tuple:
        for index, item in enumerate(value[:_MOST_ITEMS]):
            if type(item) is CoroutineType:
                yield f"{name}[{index}]", item
    elif kind is dict:
        try:
            items = list(islice(value.items(), _MOST_ITEMS))
        except RuntimeError:  # a thread of the user's is changing it
            return
        for key, item in items:
            if type(item) is CoroutineType:
                # Only keys whose repr() is not the user's code.
                yield f"{name}[{repr(key) if type(key) in (str, int, bytes) else '…'}]", item


def _is_unstarted(coroutine: Coroutine) -> bool:
    """Say what inspect.getcoroutinestate(coroutine) == CORO_CREATED says."""
    return not coroutine.cr_running and not coroutine.cr_suspended and coroutine.cr_frame is not None


def _of_running_loop() -> list[object]:
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return []
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return []
    return [task.get_coro() for task in asyncio.all_tasks(loop)]
