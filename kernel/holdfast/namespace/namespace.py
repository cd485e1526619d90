"""The user's namespace: one dict for the life of the process (P4).

It must never be replaced, copied or subclassed: `globals()`, every function's `__globals__` and
`__main__.__dict__` are this same object.  Compound operations hold the lock; plain name access is atomic.

Rejected: a dict of our own handed to `exec` (pickle, `typing.get_type_hints` and multiprocessing look a class
up in `sys.modules["__main__"]`); copy-and-merge for threads (a function defined in a copy never sees later
changes); a dict subclass (the interpreter's fast paths for globals go away).
"""

from __future__ import annotations

import builtins
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from operator import itemgetter
from types import ModuleType

from holdfast.namespace.results import Results

#: The builtins as they were when the kernel started, and what takes them all from a dict in one call.
_PRISTINE = dict(vars(builtins))
_BUILTINS = vars(builtins)
_take, _taken = itemgetter(*_PRISTINE), tuple(_PRISTINE.values())
_callable = callable


def heal_builtins() -> None:
    """Put back builtins that user code removed or made uncallable; else what it changed or added stays as it is.

    Statements and our own bookkeeping call them: after `builtins.len = None` not even an error could be reported.
    Uses no builtin itself: after `__builtins__.__dict__.clear()` there is none.
    """
    try:
        if _take(_BUILTINS) == _taken:
            return
    except:  # noqa: E722 - a name is gone (KeyError is one too), or the new value refuses to be compared
        pass
    for name, value in _PRISTINE.items():
        if name not in _BUILTINS or (_callable(value) and not _callable(_BUILTINS[name])):
            _BUILTINS[name] = value


def add_builtins(values: Mapping[str, object]) -> None:
    """Add names that every module finds, and that `heal_builtins` puts back like Python's own."""
    global _take, _taken
    _PRISTINE.update(values)
    _BUILTINS.update(values)
    _take, _taken = itemgetter(*_PRISTINE), tuple(_PRISTINE.values())


class Namespace:
    """The dict, the names that we put into it, and the module that wears it.

    `injected` are names that every cell finds (`input`, ...): put back when deleted, left alone when rebound.
    """

    def __init__(self, injected: Mapping[str, object] | None = None, out_limit: int = 1 << 30) -> None:
        self.module = ModuleType("__main__")
        self.dict: dict[str, object] = self.module.__dict__
        self.lock = threading.RLock()
        self.injected = dict(injected or {})
        self.results = Results(out_limit)
        self._installed = False
        self.prepare()
        self._first = dict(self.dict)

    def install(self) -> None:
        """Become `sys.modules["__main__"]`."""
        self._installed = True
        sys.modules["__main__"] = self.module

    def prepare(self) -> None:
        """Make the dict fit for the next cell, whatever the last one did to it."""
        heal_builtins()
        with self.lock:
            ns = self.dict
            if ns.get("__builtins__") is not builtins:
                ns["__builtins__"] = builtins
            if ns.get("__name__") != "__main__":
                ns["__name__"] = "__main__"
            for name, value in self.injected.items():
                ns.setdefault(name, value)
            # What it holds keeps a warning from being shown a second time: a cell that runs again warns again.
            ns.pop("__warningregistry__", None)
            self.results.rebuild(ns)
            if self._installed:
                sys.modules["__main__"] = self.module

    def clear(self) -> None:
        """Take out what cells put in, results included: as before the first cell."""
        with self.lock:
            self.results.forget(self.dict)
            for name in [name for name in self.dict if name not in self._first]:
                self.dict.pop(name, None)
            self.dict.update(self._first)
            self.prepare()

    def begin(self, count: int, code: str) -> None:
        """A stored cell starts: `In` and `_i` move on."""
        with self.lock:
            self.results.push_input(self.dict, count, code)

    def result(self, count: int, value: object) -> None:
        """A cell's last expression has a value: `_`, `Out` and `_N` move on."""
        with self.lock:
            self.results.push_output(self.dict, count, value)

    def visible(self) -> Iterator[str]:
        """The user's own names: neither ours nor private to the interpreter."""
        with self.lock:
            names: list[object] = list(self.dict)
        for name in names:
            # `globals()[5] = ...` is possible.
            if not isinstance(name, str) or name in self.injected or name.startswith("__") or self.results.owns(name):
                continue
            yield name

    @contextmanager
    def exclusively(self) -> Iterator[dict[str, object]]:
        """The dict under the lock, for compound operations."""
        with self.lock:
            yield self.dict
