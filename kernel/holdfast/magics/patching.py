"""New code for old functions and classes: who holds one of them runs the new code from then on.

It must never replace an object that can be changed in place: instances, subclasses, names imported into other modules
and what is pickled by name all go on to mean the same object.

Rejected: new classes for old instances (`obj.__class__ = new`): every reference to the old class, in subclasses,
registries and `isinstance`, then means another one.  The old class stays and takes on what the new one has.
"""

from __future__ import annotations

import enum
import functools
from contextlib import suppress
from types import FunctionType, MemberDescriptorType, MethodType
from typing import Any

#: Of a class: what belongs to that one object.
_OWN = frozenset({"__dict__", "__weakref__", "_abc_impl", "__abstractmethods__", "__slots__"})
_ENUM = frozenset({"_member_map_", "_member_names_", "_value2member_map_", "_unhashable_values_", "_hashable_values_"})


class Patcher:
    """One reload of one module: `patched` maps each new object's id to the old one that took its place."""

    def __init__(self) -> None:
        self.patched: dict[int, Any] = {}
        #: The new objects, kept alive so that their ids mean them, and classes among them.
        self._new: list[Any] = []
        self.classes: dict[type, type] = {}

    def patch(self, old: Any, new: Any) -> bool:
        """Give `old` what `new` has; False where that cannot be."""
        if old is new or id(new) in self.patched:
            return True
        if isinstance(old, FunctionType) and isinstance(new, FunctionType):
            done = self._function(old, new)
        elif isinstance(old, type) and isinstance(new, type):
            done = self._class(old, new)
        elif type(old) is type(new) and isinstance(old, functools._lru_cache_wrapper):
            done = self.patch(old.__wrapped__, new.__wrapped__)
            old.cache_clear()
        elif type(old) is type(new) and isinstance(old, staticmethod | classmethod | MethodType):
            return self.patch(old.__func__, new.__func__)
        else:
            return False
        if done:
            self.patched[id(new)] = old
            self._new.append(new)
        return done

    def _function(self, old: FunctionType, new: FunctionType) -> bool:
        cells, others = old.__closure__ or (), new.__closure__ or ()
        if old.__code__.co_freevars != new.__code__.co_freevars or old.__globals__ is not new.__globals__:
            return False
        self.patched[id(new)] = old  # a function may hold itself in a cell
        for name, cell, other in zip(old.__code__.co_freevars, cells, others, strict=True):
            try:
                value = other.cell_contents
            except ValueError:  # not bound yet
                continue
            # What a decorator wraps is a function, too: whoever holds that one is served as well.
            if name == "__class__" or self.patch(_contents(cell), value):
                continue
            cell.cell_contents = value
        old.__code__ = new.__code__
        for name in ("__defaults__", "__kwdefaults__", "__doc__", "__annotations__", "__name__", "__qualname__"):
            setattr(old, name, getattr(new, name))
        wrapped = old.__dict__.get("__wrapped__")
        old.__dict__.clear()
        old.__dict__.update(new.__dict__)
        if wrapped is not None and "__wrapped__" in new.__dict__ and self.patch(wrapped, new.__dict__["__wrapped__"]):
            old.__dict__["__wrapped__"] = wrapped
        return True

    def _class(self, old: type, new: type) -> bool:
        if type(old) is not type(new) or _slots(old) != _slots(new):
            return False
        bases = tuple(self.patched.get(id(base), base) for base in new.__bases__)
        if bases != old.__bases__:
            try:
                old.__bases__ = bases
            except TypeError:  # of another layout
                return False
        self.classes[new] = old
        self.patched[id(new)] = old
        skipped = _OWN | _ENUM if issubclass(old, enum.Enum) else _OWN
        if issubclass(old, enum.Enum):
            skipped |= _members(old, new)
        before, after = dict(vars(old)), dict(vars(new))
        for name in before.keys() - after.keys() - skipped:
            type.__delattr__(old, name)
        for name, value in after.items():
            if name in skipped or isinstance(value, MemberDescriptorType):
                continue
            _belongs_to(value, new, old)
            if name not in before or not self._attribute(before[name], value):
                with suppress(TypeError, AttributeError):  # Python's own, and of this one object
                    type.__setattr__(old, name, value)
        if "__abstractmethods__" in vars(new):
            old.__abstractmethods__ = new.__abstractmethods__  # type: ignore[attr-defined]
        return True

    def _attribute(self, old: Any, new: Any) -> bool:
        """Patch what a class holds; functions behind a property are patched, and the new one is taken."""
        if isinstance(old, property) and isinstance(new, property):
            for way in ("fget", "fset", "fdel"):
                self.patch(getattr(old, way), getattr(new, way))
            return False
        if isinstance(old, functools.cached_property) and isinstance(new, functools.cached_property):
            return self.patch(old.func, new.func)
        return self.patch(old, new) if old is not new else True


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _slots(cls: type) -> object:
    """The layout that a class adds to that of its bases."""
    slots = vars(cls).get("__slots__")
    return (slots,) if isinstance(slots, str) else tuple(slots) if slots is not None else None


def _belongs_to(value: Any, new: type, old: type) -> None:
    """`super()` in a method of the new class means the old one: that is whose method it becomes."""
    functions = [value]
    if isinstance(value, staticmethod | classmethod):
        functions = [value.__func__]
    elif isinstance(value, property):
        functions = [value.fget, value.fset, value.fdel]
    elif isinstance(value, functools.cached_property):
        functions = [value.func]
    for function in functions:
        while isinstance(function, FunctionType):
            for cell in function.__closure__ or ():
                if _contents(cell) is new:
                    cell.cell_contents = old
            function = function.__dict__.get("__wrapped__")


def _members(old: Any, new: Any) -> frozenset[str]:
    """Make the members of an Enum those of the new one; one that stays is the same object.  The names of all."""
    ours, theirs = dict(old._member_map_), dict(new._member_map_)
    members: dict[str, Any] = {}
    for name, member in theirs.items():
        kept = ours.get(name)
        # A member that is a text or a number itself cannot become another one.
        is_free = old._member_type_ is object or (kept is not None and kept._value_ == member._value_)
        if kept is not None and name == kept._name_ and is_free:
            kept._value_ = member._value_
            kept.__dict__.update({key: value for key, value in vars(member).items() if key != "__objclass__"})
        else:
            # An alias names a member that is there already.
            kept = members.get(member._name_) or member
            if kept is member:
                object.__setattr__(member, "__class__", old)
        members[name] = kept
        type.__setattr__(old, name, kept)
    for name in ours.keys() - theirs.keys():
        if name in vars(old):
            type.__delattr__(old, name)
    old._member_map_.clear()
    old._member_map_.update(members)
    old._member_names_[:] = new._member_names_
    old._value2member_map_.clear()
    for member in members.values():
        try:
            old._value2member_map_[member._value_] = member
        except TypeError:  # a value that cannot be hashed is found by looking at all
            continue
    return frozenset(ours) | frozenset(theirs)
