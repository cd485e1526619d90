"""Reducers for weak references: to what is kept elsewhere, or dead; they must never keep their target alive.

The target is in the stream once; after loading only its other holders keep it, as before.
"""

from __future__ import annotations

import weakref
from typing import Any

from holdfast.durable.pickling.lost import Unkeepable
from holdfast.durable.reducers.registry import Keeping


class _Target:
    """Lives only as long as a reference to it is made."""


def ref(cls: Any, target: Any, callback: Any) -> Any:
    """A reference, dead if there is no target."""
    return cls(_Target() if target is None else target, *(() if callback is None else (callback,)))


def weak_proxy(target: Any) -> Any:
    """A proxy, dead if there is no target."""
    return weakref.proxy(_Target() if target is None else target)


def dictionary(cls: Any, items: list[tuple[Any, Any]]) -> Any:
    """A weak dictionary."""
    made = cls()
    for key, value in items:
        made[key] = value
    return made


def weak_set(cls: Any, items: list[Any]) -> Any:
    """A weak set."""
    return cls(items)


def reduce_ref(obj: Any, keeping: Keeping) -> Any:
    """A reference with its callback."""
    if type(obj) is not weakref.ref and type(obj).__module__ == "weakref":
        raise Unkeepable("it belongs to a weak container or method of its own")
    return ref, (type(obj), weakref.ref.__call__(obj), obj.__callback__)


def reduce_weak_proxy(obj: Any, keeping: Keeping) -> Any:
    """A proxy; its target is what its bound methods are bound to."""
    try:
        target = object.__getattribute__(obj, "__repr__") and obj.__reduce_ex__.__self__
    except ReferenceError:
        target = None
    return weak_proxy, (target,)


def reduce_dictionary(obj: Any, keeping: Keeping) -> Any:
    """A weak dictionary of living entries."""
    return dictionary, (type(obj), list(obj.items()))


def reduce_set(obj: Any, keeping: Keeping) -> Any:
    """A weak set of living members."""
    return weak_set, (type(obj), list(obj))
