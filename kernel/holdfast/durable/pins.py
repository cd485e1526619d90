"""Large arrays of strings and numbers as Python objects: told to be unchanged by their pointers.

It must never compare values: an element that is another object counts as changed.

Pickling two million strings takes a second, comparing the pointers of two million elements 3 ms.  The copy holds
the elements, so no other object can take the address of one; they are immutable, so the same pointer is the same
value.  Rejected: pickling 64 k-row slices (0.4 s to find that nothing changed), a hash of the strings.
"""

from __future__ import annotations

import sys
import weakref
from typing import Any

from holdfast.durable.kinds import ATOM, kind_of

#: Elements from which on it pays.
LARGE = 8192

_NOTHING: tuple[Any, Any] = (lambda: Pins, None)


class Pins:
    """Copies of the pointers of arrays, by the array's id; each lives as long as its array."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[weakref.ref[Any], Any]] = {}

    def look(self, array: Any) -> bool | None:
        """Whether an object array is as at the last look; None for one whose elements must be walked."""
        numpy: Any = sys.modules["numpy"]
        if type(array) is not numpy.ndarray or array.dtype != object or array.size < LARGE:
            return None
        if not array.flags.c_contiguous:
            return None
        ref, before = self._kept.get(id(array), _NOTHING)
        if ref() is array and before.shape == array.shape:
            now, then = (numpy.ndarray(one.shape, numpy.uintp, buffer=one) for one in (array, before))
            if (now == then).all():
                return True
        elements = array.ravel().tolist()
        try:
            classes = set(map(type, elements))
        except TypeError:  # a class without a hash
            return None
        if any(kind_of(cls) != ATOM for cls in classes):
            self._kept.pop(id(array), None)
            return None
        key = id(array)
        self._kept[key] = (weakref.ref(array, lambda _: self._kept.pop(key, None)), array.copy())
        return False

    def has(self, array: Any) -> bool:
        """Whether the array was found to hold immutable elements only."""
        return self._kept.get(id(array), _NOTHING)[0]() is array

    def forget(self) -> None:
        """Compare nothing with what a failed commit saw."""
        self._kept.clear()
