"""Reducers for pandas and polars: blocks that share memory keep telling each other so, bytes lie beside the stream.

They must never let two frames share memory without pandas knowing: a write to one would reach the other, where
copy-on-write promises a copy.  Frames, series and extension arrays themselves are left to their own pickle.
"""

from __future__ import annotations

import pickle
from typing import Any

from holdfast.durable.reducers.registry import Keeping


def refs() -> Any:
    """A list of who shares one block of memory, empty."""
    from pandas._libs.internals import BlockValuesRefs

    return BlockValuesRefs()


def join_block(block: Any, shared: Any) -> None:
    """Put a block on the list."""
    block.refs = shared
    shared.add_reference(block)


def join_index(index: Any, shared: Any) -> None:
    """Put an index on the list."""
    index._references = shared
    shared.add_index_reference(index)


def reduce_refs(obj: Any, keeping: Keeping) -> Any:
    """The list itself: the blocks put themselves on it."""
    return refs, ()


def reduce_block(obj: Any, keeping: Keeping) -> Any:
    """A block, with the list where it shares memory."""
    reduced = obj.__reduce_ex__(5)
    shared = getattr(obj, "refs", None)
    if shared is None or not shared.has_reference() or len(reduced) != 2:
        return reduced
    return (*reduced, shared, None, None, join_block)


def reduce_series_manager(obj: Any, keeping: Keeping) -> Any:
    """What is inside a series, by its block: its own pickle takes the bare values out of it."""
    return type(obj), (obj.blocks[0], obj.axes[0])


def reduce_index(obj: Any, keeping: Keeping) -> Any:
    """An index, the same."""
    reduced = obj.__reduce_ex__(5)
    shared = vars(obj).get("_references")
    if shared is None or not shared.has_reference() or (len(reduced) > 2 and reduced[2] is not None):
        return reduced
    return (*reduced[:2], shared, None, None, join_index)


def from_state(cls: Any, state: Any) -> Any:
    """A frame or series of polars from its own serialized form."""
    made = cls.__new__(cls)
    made.__setstate__(bytes(state))
    return made


def reduce_polars(obj: Any, keeping: Keeping) -> Any:
    """A frame or series of polars: its own pickle, but beside the stream where it is large."""
    state = obj.__getstate__()
    return (from_state, (type(obj), pickle.PickleBuffer(state))) if type(state) is bytes else NotImplemented


def check(obj: Any) -> None:
    """Raise what a frame, series or index raises that does not fit this pandas: all of it is looked at, lazily."""
    copied = obj.copy()
    if not copied.equals(obj) or copied.shape != obj.shape or len(repr(obj[:1])) == 0:
        raise ValueError("a copy of it is not equal to it")
