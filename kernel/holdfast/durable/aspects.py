"""What of an object can be saved and put back into the same object.

It must never run user code: containers are read and written by the methods of their built-in classes, attributes by
descriptors, classes by `type`'s own.

A `Saved` holds one aspect of one object (the elements of a list, the attributes of an instance) and shares what is
in it: a deep image is one `Saved` for each object that is reached.  Rejected: `copy.deepcopy` (user code, other
identities) and pickles (what a name leads to would be another object than what its aliases lead to).
"""

from __future__ import annotations

import sys
from collections import OrderedDict, deque
from collections.abc import Iterable
from operator import is_
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any

_MRO = type.__dict__["__mro__"]
_DICT = type.__dict__["__dict__"]
_BASES = type.__dict__["__bases__"]
#: What a class gets when it is made, and cannot be set.
_MADE = frozenset({"__dict__", "__weakref__", "_abc_impl", "__slotnames__", "__mro__"})
_FUNCTION = ("__code__", "__defaults__", "__kwdefaults__", "__name__", "__qualname__", "__doc__", "__module__")
_ERROR = ("args", "__traceback__", "__context__", "__cause__", "__suppress_context__")
#: Members that tell where something lies in an instance.
_LAYOUT = frozenset({"__dict__", "__weakref__", "__dictoffset__", "__weaklistoffset__", "__vectorcalloffset__"})
ABSENT = object()


class Saved:
    """One aspect of `obj` as it was when this was made."""

    __slots__ = ("obj", "was")

    def __init__(self, obj: Any) -> None:
        self.obj = obj
        self.was: Any = self.now()

    def now(self) -> Any:
        """The aspect as it is."""
        raise NotImplementedError

    def differs(self) -> bool:
        """Whether it is another than it was, by identity of what is in it."""
        return not _alike(self.now(), self.was)

    def put(self) -> None:
        """Make it what it was; raises where that cannot be."""
        raise NotImplementedError

    def inside(self) -> Iterable[object]:
        """What it leads to, beyond what the collector tells."""
        return ()


def _alike(one: Any, other: Any) -> bool:
    return len(one) == len(other) and all(map(is_, one, other))


class List(Saved):
    """The elements of a list."""

    __slots__ = ()

    def now(self) -> list[Any]:
        """See `Saved`."""
        return list.copy(self.obj)

    def differs(self) -> bool:
        """See `Saved`."""
        was = self.was
        return list.__len__(self.obj) != len(was) or not all(map(is_, list.__iter__(self.obj), was))

    def put(self) -> None:
        """See `Saved`."""
        list.__setitem__(self.obj, slice(None), self.was)


class Dict(Saved):
    """The items of a dict, in order."""

    __slots__ = ()

    def now(self) -> dict[Any, Any]:
        """See `Saved`."""
        if type(self.obj).__iter__ is not dict.__iter__:
            # `dict.copy` asks the user's `keys` of such a class.
            return dict(dict.items(self.obj))
        return dict.copy(self.obj)

    def differs(self) -> bool:
        """See `Saved`."""
        now, was = self.obj, self.was
        if len(dict.keys(now)) != len(was):
            return True
        return not (all(map(is_, dict.values(now), was.values())) and all(map(is_, dict.keys(now), was)))

    def put(self) -> None:
        """See `Saved`."""
        dict.clear(self.obj)
        # From one exact dict into an empty one: no key is hashed again.
        dict.update(self.obj, self.was)


class Ordered(Saved):
    """The items of an OrderedDict, whose order is not that of the dict in it."""

    __slots__ = ()

    def now(self) -> list[Any]:
        """See `Saved`."""
        return [part for item in OrderedDict.items(self.obj) for part in item]

    def put(self) -> None:
        """See `Saved`."""
        OrderedDict.clear(self.obj)
        for key, value in zip(self.was[::2], self.was[1::2], strict=True):
            OrderedDict.__setitem__(self.obj, key, value)


class Set(Saved):
    """The elements of a set."""

    __slots__ = ()

    def now(self) -> set[Any]:
        """See `Saved`."""
        return set(self.obj)

    def differs(self) -> bool:
        """See `Saved`."""
        return len(self.obj) != len(self.was) or set(map(id, self.now())) != set(map(id, self.was))

    def put(self) -> None:
        """See `Saved`."""
        set.clear(self.obj)
        set.update(self.obj, self.was)


class Deque(Saved):
    """The elements of a deque."""

    __slots__ = ()

    def now(self) -> list[Any]:
        """See `Saved`."""
        return list(deque.__iter__(self.obj))

    def put(self) -> None:
        """See `Saved`."""
        deque.clear(self.obj)
        deque.extend(self.obj, self.was)


class Bytes(Saved):
    """The bytes of a bytearray, the numbers of an `array.array`."""

    __slots__ = ()

    def _base(self) -> Any:
        base = bytearray if issubclass(type(self.obj), bytearray) else sys.modules["array"].array
        return base

    def now(self) -> Any:
        """See `Saved`."""
        return self._base().__getitem__(self.obj, slice(None))

    def differs(self) -> bool:
        """See `Saved`."""
        return bool(self.now() != self.was)

    def put(self) -> None:
        """See `Saved`; where a view holds it and its size is another, a BufferError."""
        self._base().__setitem__(self.obj, slice(None), self.was)


class Attributes(Saved):
    """The `__dict__` of an instance, by identity and items, and its class."""

    __slots__ = ()

    def now(self) -> tuple[type, dict[str, Any] | None, dict[str, Any]]:
        """See `Saved`."""
        found = dict_of(self.obj)
        return type(self.obj), found, dict.copy(found) if found is not None else {}

    def differs(self) -> bool:
        """See `Saved`."""
        (cls, found, items), (old, before, was) = self.now(), self.was
        return not (cls is old and found is before and _alike(items, was) and _alike(items.values(), was.values()))

    def put(self) -> None:
        """See `Saved`."""
        cls, found, items = self.was
        if type(self.obj) is not cls:
            object.__setattr__(self.obj, "__class__", cls)
        if found is None:
            return
        if dict_of(self.obj) is not found:
            descriptor_of(type(self.obj)).__set__(self.obj, found)
        dict.clear(found)
        dict.update(found, items)

    def inside(self) -> Iterable[object]:
        """See `Saved`."""
        yield from self.was[2].values()


def descriptor_of(cls: type) -> Any:
    """What gives the instances of a class their `__dict__`, or None."""
    for base in _MRO.__get__(cls):
        found = _DICT.__get__(base).get("__dict__")
        if type(found) in (GetSetDescriptorType, MemberDescriptorType):
            return found
    return None


def dict_of(obj: object) -> dict[str, Any] | None:
    """The `__dict__` of an instance, whatever its class says about attributes."""
    descriptor = descriptor_of(type(obj))
    found = descriptor.__get__(obj) if descriptor is not None else None
    return found if type(found) is dict else None


class Slots(Saved):
    """The slots of an instance, in the order of its classes."""

    __slots__ = ()

    def now(self) -> list[Any]:
        """See `Saved`."""
        return [_slot(one, self.obj) for one in slots_of(type(self.obj))]

    def put(self) -> None:
        """See `Saved`."""
        for one, value in zip(slots_of(type(self.obj)), self.was, strict=True):
            now = _slot(one, self.obj)
            if now is value:
                continue
            if value is ABSENT:
                one.__delete__(self.obj)
            else:
                one.__set__(self.obj, value)

    def inside(self) -> Iterable[object]:
        """See `Saved`."""
        return (value for value in self.was if value is not ABSENT)


def slots_of(cls: type) -> list[Any]:
    """The descriptors of the slots of a class and of those it comes from."""
    return [one for base in _MRO.__get__(cls) for one in _DICT.__get__(base).values() if _is_slot(one)]


def _is_slot(one: object) -> bool:
    return type(one) is MemberDescriptorType and one.__name__ not in _LAYOUT


def _slot(descriptor: Any, obj: object) -> object:
    try:
        return descriptor.__get__(obj)
    except AttributeError:
        return ABSENT


class Named(Saved):
    """Attributes with fixed names: those of a function, of an exception."""

    __slots__ = ()
    names: tuple[str, ...] = ()

    def now(self) -> list[Any]:
        """See `Saved`."""
        return [object.__getattribute__(self.obj, name) for name in self.names]

    def put(self) -> None:
        """See `Saved`."""
        for name, value in zip(self.names, self.was, strict=True):
            if object.__getattribute__(self.obj, name) is not value:
                object.__setattr__(self.obj, name, value)


class Function(Named):
    """Code, defaults and names of a function; its dicts are objects of their own."""

    __slots__ = ()
    names = _FUNCTION


class Error(Named):
    """What an exception says of itself."""

    __slots__ = ()
    names = _ERROR

    def inside(self) -> Iterable[object]:
        """See `Saved`: the frames of its traceback are over."""
        yield from self.was[0]


class Class(Saved):
    """The namespace and the bases of a class."""

    __slots__ = ()

    def now(self) -> dict[str, Any]:
        """See `Saved`."""
        found = {name: value for name, value in _DICT.__get__(self.obj).items() if name not in _MADE}
        return {**found, "__bases__": _BASES.__get__(self.obj)}

    def differs(self) -> bool:
        """See `Saved`."""
        now = self.now()
        return now.keys() != self.was.keys() or any(now[name] is not value for name, value in self.was.items())

    def put(self) -> None:
        """See `Saved`."""
        now = self.now()
        for name in now.keys() - self.was.keys():
            type.__delattr__(self.obj, name)
        for name, value in self.was.items():
            if now.get(name, ABSENT) is not value:
                type.__setattr__(self.obj, name, value)


class Cell(Saved):
    """What a closure variable is bound to."""

    __slots__ = ()

    def now(self) -> tuple[Any]:
        """See `Saved`."""
        try:
            return (self.obj.cell_contents,)
        except ValueError:
            return (ABSENT,)

    def put(self) -> None:
        """See `Saved`."""
        if self.was[0] is ABSENT:
            del self.obj.cell_contents
        else:
            self.obj.cell_contents = self.was[0]
