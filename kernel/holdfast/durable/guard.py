"""User code inside a commit: muted, and interrupted when it takes too long (DESIGN 5.6).

It must never void a commit: what overruns costs the object whose code it is, and an alarm that rings when that code
has just come to its end rings in vain.

`__getstate__`, `__reduce__` and their kin are the user's; one that waits for a dead connection would hold the reply
for ever.  Rejected: SIGINT for the alarm (one that comes late is taken for the user's; two pending ones are one), a
thread of our own that waits (the kernel thread has a loop), an asynchronous exception (it does not wake `time.sleep`).
SIGURG is ignored where nobody handles it, and whoever handles it must expect it at any time.
"""

from __future__ import annotations

import signal
import threading
import weakref
from collections.abc import Callable
from time import monotonic
from types import FrameType, FunctionType, TracebackType
from typing import Any, Self

from holdfast.durable.pickling.lost import Unkeepable

#: Seconds that one call of the notebook's code may take; what libraries do there may take LIBRARY times as long.
LIMIT, LIBRARY = 2.0, 10
#: Of a class that overran once, the next call may take this part of it, until one ends in time.
AGAIN = 0.1
#: Seconds between two alarms for the same call: code may catch the first.
REPEAT = 0.05
#: Where a class says how its instances are pickled, or what a look for that runs.
_HOOKS = frozenset(
    "__reduce__ __reduce_ex__ __getstate__ __getnewargs__ __getnewargs_ex__ __getattribute__ __getattr__".split()
)
_ALARM = getattr(signal, "SIGURG", None)


class Overrun(BaseException):
    """Raised within user code that takes too long; no `except Exception` there catches it."""


class Guard:
    """Entered around the pickling of a commit, one at a time; `call` is what runs user code there.

    `later` calls a function on another thread in some seconds.  `mute` drops what this thread prints from now on, and
    returns the end of that.
    """

    def __init__(
        self,
        later: Callable[[float, Callable[[], None]], object],
        mute: Callable[[], Callable[[], object]],
        limit: float = LIMIT,
    ) -> None:
        self._later = later
        self._mute = mute
        self._limit = limit
        self._main = threading.main_thread().ident
        self._unmute: list[Callable[[], object]] = []
        #: Classes of which an instance overran in this commit, and those that once did.
        self._refused: dict[int, str] = {}
        self._slow: weakref.WeakSet[type] = weakref.WeakSet()
        self._before: object = None
        #: The number of the newest call, whether it is going on, on which thread, since and until when.
        self._number = 0
        self._open = False
        self._thread = 0
        self._until = 0.0
        #: The call that has taken too long, and the newest one at the last look.
        self._late = self._seen = 0
        self._looking = False
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._refused.clear()
        self._unmute.append(self._mute())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._unmute.pop()()

    def call[T](self, function: Callable[[Any], T], argument: object, cls: type) -> T:
        """What `function` gives, which is or runs code of `cls`; raises `Unkeepable` when it does not end in time."""
        key = id(cls)
        if key in self._refused:
            raise Unkeepable(self._refused[key])
        own = cls.__dict__.get("__module__") == "__main__"
        limit = self._limit * (1 if own else LIBRARY) * (AGAIN if self._slow and cls in self._slow else 1)
        self._thread = threading.get_ident()
        if self._thread == self._main:
            self._listen()
        self._number += 1
        self._until = monotonic() + limit
        self._open = True
        if not self._looking:
            self._looking = True
            self._later(limit, self._look)
        # Nothing may be called between the end of the user's code and `_open = False`: that is where signals arrive.
        try:
            value = function(argument)
        except BaseException as error:
            self._open = False
            self._hush()
            if not isinstance(error, Overrun | KeyboardInterrupt):
                raise
            taken = "was interrupted" if isinstance(error, KeyboardInterrupt) else f"took longer than {limit:g} s"
            reason = self._refused[key] = f"the code that says how to store a {cls.__name__} {taken}"
            self._slow.add(cls)
            raise Unkeepable(reason) from None
        self._open = False
        self._hush()
        if self._slow:
            self._slow.discard(cls)
        return value

    def _listen(self) -> None:
        """Take the alarm's signal, unless we have it."""
        if _ALARM is not None and signal.getsignal(_ALARM) != self._ring:
            self._before = signal.getsignal(_ALARM)
            signal.signal(_ALARM, self._ring)

    def _hush(self) -> None:
        """Take back what another thread than the main one has not heard yet."""
        if self._late == self._number and (self._thread != self._main or _ALARM is None):
            with self._lock:
                _raise_in(self._thread, None)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        """The signal's handler: on the main thread, between two bytecodes."""
        if self._open and self._late == self._number:
            raise Overrun
        if callable(self._before):
            self._before(number, frame)

    def _look(self) -> None:
        """On another thread, as long as there are calls: whether one takes too long."""
        number = self._number
        if self._seen == number and not self._is_open():
            self._looking = False
            # 1. A call began and found somebody looking.  2. We stopped.
            if not self._is_open():
                return
            self._looking = True
        self._seen = number
        wait = self._until - monotonic() if self._open else self._limit
        if wait <= 0:
            wait = REPEAT
            self._late = number
            with self._lock:
                if self._open and self._number == number:
                    self._alarm()
        self._later(max(wait, REPEAT), self._look)

    def _is_open(self) -> bool:
        return self._open

    def _alarm(self) -> None:
        if self._thread == self._main and _ALARM is not None:
            signal.pthread_kill(self._thread, _ALARM)
        else:
            _raise_in(self._thread, Overrun)


def hooked(cls: type) -> bool:
    """Whether looking at how instances of `cls` are pickled runs Python code of a class."""
    for base in type.__dict__["__mro__"].__get__(cls):
        names = type.__dict__["__dict__"].__get__(base)
        if _HOOKS.isdisjoint(names) or str(names.get("__module__")).startswith(_KNOWN):
            continue
        if any(isinstance(names.get(name), _CODE) for name in _HOOKS):
            return True
    return False


#: Whose hooks copy a dict and no more: a figure has thousands of such objects.
_KNOWN = "matplotlib."
_CODE = (FunctionType, classmethod, staticmethod, property)


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Raise in a thread at its next bytecode, or with None not any more; it does not wake what waits."""
    import ctypes

    exception = ctypes.py_object(error) if error is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), exception)
