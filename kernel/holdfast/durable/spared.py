"""Large arrays that a cell cannot have written to: they are not hashed again when the frame around them changes.

It must never spare memory that may belong to another array by now, or that something else than this process's own
code can write: only arrays that own their memory, and what the store mapped.  What is spared without proof is named
under `unchecked` and compared by the audit.

A column is added to a frame of 300 MB: 290 MB of it are the same arrays as before, and the cell's code shows that
it wrote into none of them.  Rejected: write-protecting pages (`userfaultfd`: not in containers, a fault for each
page that the user writes), a hash in threads (xxhash keeps the interpreter's lock), trust in pandas' own
copy-on-write (an array can be opened for writing again).
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

from holdfast.durable.pickling.stored import is_stored

#: Bytes of a component's buffers from which on it pays.
WORTH = 1 << 24
#: Whether a component's memory is as it was: no; yes, by the cell's code; yes, if what it calls wrote nothing.
NO, SURE, LIKELY = 0, 1, 2
#: Says so of the roots of a component.
Spare = Callable[[frozenset[str]], int]


class Place(NamedTuple):
    """Memory: whose, where, how much."""

    owner: weakref.ref[Any]
    address: int
    size: int

    def same(self, other: Place) -> bool:
        """Whether it is the same memory, held by the same object all the time."""
        return self[1:] == other[1:] and self.owner() is not None and self.owner() is other.owner()


def place(view: memoryview) -> Place | None:
    """Where a buffer of a stream lies; None for memory that is not known to belong to an array alone."""
    numpy: Any = sys.modules.get("numpy")
    array: Any = view.obj
    if numpy is None or type(array) is not numpy.ndarray:
        return None
    owner = array
    while type(owner) is numpy.ndarray and owner.base is not None:
        owner = owner.base
    if not (owner.flags.owndata if type(owner) is numpy.ndarray else is_stored(owner)):
        return None
    return Place(weakref.ref(owner), int(array.__array_interface__["data"][0]), view.nbytes)
