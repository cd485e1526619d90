"""The state of library objects that say how they stand and can be told: streams in memory, random numbers, caches.

It must never be asked of an object whose class is not named in `durable/saving`: its methods are those of that class.
"""

from __future__ import annotations

import sys
from typing import Any

from holdfast.durable.aspects import Saved


class Memory(Saved):
    """A StringIO or BytesIO: its text or bytes, and where it stands."""

    __slots__ = ()

    def _base(self) -> Any:
        io = sys.modules["_io"]
        return io.StringIO if issubclass(type(self.obj), io.StringIO) else io.BytesIO

    def now(self) -> Any:
        """See `Saved`; None once it is closed."""
        base = self._base()
        return None if base.closed.__get__(self.obj) else (base.getvalue(self.obj), base.tell(self.obj))

    def differs(self) -> bool:
        """See `Saved`."""
        return bool(self.now() != self.was)

    def put(self) -> None:
        """See `Saved`."""
        base, (content, place) = self._base(), self.was
        base.seek(self.obj, 0)
        base.truncate(self.obj)
        base.write(self.obj, content)
        base.seek(self.obj, place)


class State(Saved):
    """Where a generator of random numbers stands."""

    __slots__ = ()

    def now(self) -> Any:
        """See `Saved`."""
        if hasattr(self.obj, "bit_generator"):
            return self.obj.bit_generator.state
        if hasattr(self.obj, "get_state"):
            return self.obj.get_state()
        return sys.modules["_random"].Random.getstate(self.obj)

    def differs(self) -> bool:
        """See `Saved`."""
        return repr(self.now()) != repr(self.was)

    def put(self) -> None:
        """See `Saved`."""
        if hasattr(self.obj, "bit_generator"):
            self.obj.bit_generator.state = self.was
        elif hasattr(self.obj, "get_state"):
            self.obj.set_state(self.was)
        else:
            sys.modules["_random"].Random.setstate(self.obj, self.was)


class Cache(Saved):
    """What `lru_cache` remembers: it is emptied when anything was added, for it may know of what never was."""

    __slots__ = ()

    def now(self) -> tuple[Any, ...]:
        """See `Saved`."""
        return tuple(self.obj.cache_info())

    def differs(self) -> bool:
        """See `Saved`."""
        return bool(self.now()[1:] != self.was[1:])

    def put(self) -> None:
        """See `Saved`."""
        self.obj.cache_clear()


class Lock(Saved):
    """Whether a lock is held."""

    __slots__ = ()

    def now(self) -> tuple[bool]:
        """See `Saved`."""
        return (self.obj.locked(),)

    def put(self) -> None:
        """See `Saved`: taken by code that was rolled back, it is free again."""
        if self.was[0]:
            self.obj.acquire(False)
        else:
            self.obj.release()
