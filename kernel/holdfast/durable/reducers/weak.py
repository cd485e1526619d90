"""Reducers for weak references: to what is kept elsewhere, or dead; they must never keep their target alive.

The target is in the stream once; after loading only its other holders keep it, as before.
"""

from __future__ import annotations

import weakref
from typing import Any

from holdfast.durable.graph import weak_target
from holdfast.durable.pickling.lost import LostValue, Unkeepable
from holdfast.durable.reducers.registry import Keeping


class _Target:
    """Lives only as long as a reference to it is made."""

    def method(self) -> None:
        """For a reference to a method."""


def ref(cls: Any, target: Any, callback: Any) -> Any:
    """A reference, dead if there is no target."""
    if target is None or type(target) is LostValue:
        # Without the callback: it was called when the target died.
        return cls(_Target())
    return cls(target, *(() if callback is None else (callback,)))


def weak_proxy(target: Any) -> Any:
    """A proxy, dead if there is no target."""
    return weakref.proxy(_Target() if target is None else target)


def weak_method(method: Any, callback: Any) -> Any:
    """A reference to a method, dead if there is none."""
    return weakref.WeakMethod(_Target().method if method is None else method, callback)


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
    if type(obj) is weakref.WeakMethod:
        inner: Any = obj.__callback__
        cells = dict(zip(inner.__code__.co_freevars, inner.__closure__, strict=True)) if inner is not None else {}
        return weak_method, (obj(), cells["callback"].cell_contents if "callback" in cells else None)
    if type(obj) is not weakref.ref and type(obj).__module__ == "weakref":
        raise Unkeepable("it belongs to a weak container of its own")
    return ref, (type(obj), weakref.ref.__call__(obj), obj.__callback__)


def reduce_weak_proxy(obj: Any, keeping: Keeping) -> Any:
    """A proxy; its target is what its bound methods are bound to."""
    return weak_proxy, (weak_target(obj),)


def reduce_dictionary(obj: Any, keeping: Keeping) -> Any:
    """A weak dictionary of living entries."""
    return dictionary, (type(obj), list(obj.items())), _beside(obj)


def reduce_set(obj: Any, keeping: Keeping) -> Any:
    """A weak set of living members."""
    return weak_set, (type(obj), list(obj)), _beside(obj)


def _beside(obj: Any) -> dict[str, Any] | None:
    """What a class of the user's has beside the entries."""
    base = next(one for one in type(obj).__mro__ if one.__module__ in ("weakref", "_weakrefset"))
    if type(obj) is base:
        return None
    return {name: value for name, value in vars(obj).items() if name not in vars(base())} or None
