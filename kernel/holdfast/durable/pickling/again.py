"""A live class or function in the state that another version of it had (a checkout asks for it).

It must never make a new object: instances keep their class, and whoever holds the function holds it still.

It is the only exception to the rule that a stream fills nothing but objects that were made for it; an `Image` of
each, taken before, puts them back as they were should the checkout not come to its end.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Sequence
from types import CellType, FunctionType
from typing import Any

from holdfast.durable.kinds import is_class
from holdfast.durable.pickling import classes, functions
from holdfast.durable.pickling.answers import Answers
from holdfast.durable.pickling.lost import World
from holdfast.durable.pickling.unpickler import Unpickler, fill

_DICT = type.__dict__["__dict__"]
_BASES = type.__dict__["__bases__"]
_NAME = type.__dict__["__name__"]
#: What a function has besides its `__dict__`.
_PARTS = (
    "__code__", "__defaults__", "__kwdefaults__", "__annotations__", "__doc__", "__module__", "__name__",
    "__qualname__", "__type_params__",
)  # fmt: skip
_EMPTY = object()


def refill(definition: object, stream: bytes, buffers: Sequence[memoryview], world: World) -> None:
    """Give a live definition the state of one of its records; what raises leaves it half way."""
    made = Unpickler(stream, buffers, Answers(world)).load()
    if type(definition) is FunctionType:
        if made[1] == functions.magic() and made[2] != _marshalled(definition):
            definition.__code__ = marshal.loads(made[2])
        definition.__name__ = made[4]
        definition.__type_params__ = ()
        definition.__dict__.clear()
    elif is_class(definition):
        _, _, name, bases, module, qualname, _, abstract = made
        for attribute, value in (("__name__", name), ("__qualname__", qualname), ("__module__", module)):
            type.__setattr__(definition, attribute, value)
        if _BASES.__get__(definition) != bases:
            type.__setattr__(definition, "__bases__", bases)
        if abstract:
            import _abc  # type: ignore[import-not-found]

            _abc._reset_registry(definition)
            _abc._reset_caches(definition)
    fill(definition, stream, buffers, world)


def _marshalled(function: FunctionType) -> bytes:
    try:
        return marshal.dumps(function.__code__, 2)
    except ValueError:
        return marshal.dumps(function.__code__)


class Images:
    """How live definitions and closure cells were, so that they can be so again."""

    def __init__(self) -> None:
        self._back: dict[int, Callable[[], None]] = {}

    def take(self, obj: object) -> None:
        """Remember a function, class or cell as it is now, unless it is remembered already."""
        if id(obj) in self._back:
            return
        if type(obj) is FunctionType:
            parts = {name: getattr(obj, name) for name in _PARTS}
            self._back[id(obj)] = lambda: _put_function(obj, parts, attributes)
            attributes = dict(obj.__dict__)
        elif type(obj) is CellType:
            contents = _contents(obj)
            self._back[id(obj)] = lambda: put_cell(obj, contents)
        elif is_class(obj):
            base = _BASES.__get__(obj)
            members = dict(_DICT.__get__(obj))
            named = {"__name__": _NAME.__get__(obj), "__qualname__": classes.qualname_of(obj)}
            self._back[id(obj)] = lambda: _put_class(obj, named, base, members)

    def put_back(self) -> None:
        """Make all of them as they were."""
        back, self._back = self._back, {}
        for put in back.values():
            put()


def _contents(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return _EMPTY


def put_cell(cell: CellType, *contents: object) -> None:
    """Set the contents of a cell, or without any empty it."""
    if contents and contents[0] is not _EMPTY:
        cell.cell_contents = contents[0]
    elif _contents(cell) is not _EMPTY:
        del cell.cell_contents


def _put_function(function: FunctionType, parts: dict[str, Any], attributes: dict[str, Any]) -> None:
    for name, value in parts.items():
        setattr(function, name, value)
    function.__dict__.clear()
    function.__dict__.update(attributes)


def _put_class(cls: type, named: dict[str, object], bases: tuple[type, ...], members: dict[str, Any]) -> None:
    if _BASES.__get__(cls) != bases:
        type.__setattr__(cls, "__bases__", bases)
    for name, value in named.items():
        type.__setattr__(cls, name, value)
    now = _DICT.__get__(cls)
    if list(now.items()) == list(members.items()):
        return
    for name in [name for name in now if name not in members and name not in ("__dict__", "__weakref__")]:
        type.__delattr__(cls, name)
    for name, value in members.items():
        if name not in ("__dict__", "__weakref__", "__doc__") and now.get(name, _EMPTY) is not value:
            type.__setattr__(cls, name, value)
    if "__doc__" in members:
        type.__setattr__(cls, "__doc__", members["__doc__"])
