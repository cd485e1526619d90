"""Which aspects of an object are saved, by its class, and whether they are all of it.

It must never call an object whole whose class keeps memory of its own that is not known here: what C code changes in
there cannot be put back, only replaced.
"""

from __future__ import annotations

import sys
from collections import OrderedDict, deque
from collections.abc import Callable
from types import CellType, FunctionType, MemberDescriptorType, MethodType
from typing import Any

from holdfast.durable.aspects import (
    Attributes,
    Bytes,
    Cell,
    Deque,
    Dict,
    Error,
    Function,
    List,
    Ordered,
    Saved,
    Set,
    Slots,
    descriptor_of,
    slots_of,
)
from holdfast.durable.bulk import Bank, Frame, aspects_of
from holdfast.durable.states import Cache, Memory, State

_MRO = type.__dict__["__mro__"]
_DICT = type.__dict__["__dict__"]
_SIZE = type.__dict__["__basicsize__"]
_BASE = type.__dict__["__base__"]
_DICTOFFSET = type.__dict__["__dictoffset__"]
#: By the class that has the contents: what to save.  Of several in an order of resolution the first counts.
_ASPECTS: dict[type, type[Saved]] = {
    list: List, OrderedDict: Ordered, dict: Dict, set: Set, deque: Deque, bytearray: Bytes, CellType: Cell,
    FunctionType: Function, BaseException: Error,
}  # fmt: skip
_ELSEWHERE: dict[tuple[str, str], type[Saved]] = {
    ("array", "array"): Bytes, ("_io", "StringIO"): Memory, ("_io", "BytesIO"): Memory, ("_random", "Random"): State,
    ("numpy.random", "Generator"): State, ("numpy.random", "RandomState"): State,
}  # fmt: skip
#: Nothing in them ever changes, beyond attributes and what they hold.
_FIXED: frozenset[type] = frozenset({object, tuple, frozenset, str, bytes, int, float, complex, MethodType, property})
_FIXED_ELSEWHERE = (
    ("functools", "partial"), ("types", "MappingProxyType"), ("operator", "itemgetter"), ("operator", "attrgetter"),
    ("operator", "methodcaller"), ("builtins", "staticmethod"), ("builtins", "classmethod"), ("builtins", "super"),
    ("types", "SimpleNamespace"), ("weakref", "ref"), ("builtins", "memoryview"), ("_collections_abc", "dict_keys"),
    ("_collections_abc", "dict_values"), ("_collections_abc", "dict_items"), ("types", "MethodWrapperType"),
    ("types", "ClassMethodDescriptorType"), ("re", "Match"), ("functools", "_lru_cache_wrapper"),
)  # fmt: skip


class Plan:
    """What is saved of the instances of a class; `whole` says that nothing else of them can change."""

    __slots__ = ("make", "whole")

    def __init__(self, make: tuple[Callable[[Any], Saved], ...], whole: bool) -> None:
        self.make = make
        self.whole = whole


def plan(cls: type, bank: Bank) -> Plan:
    """The aspects of the instances of `cls`."""
    mro = _MRO.__get__(cls)
    bulk = aspects_of(cls, bank)
    if bulk is not None:
        more = [Attributes] if bulk != [Frame] and _DICTOFFSET.__get__(cls) else []
        return Plan((*bulk, *more), True)
    make: list[Callable[[Any], Saved]] = []
    aspects = {**_ASPECTS, **{_known(name): aspect for name, aspect in _ELSEWHERE.items() if _known(name) is not None}}
    ends = {id(one) for one in _FIXED} | {id(one) for one in map(_known, _FIXED_ELSEWHERE) if one is not None}
    found = next((base for base in mro if _at(aspects, base) is not None), None)
    if found is not None:
        make.append(_at(aspects, found))  # type: ignore[arg-type]
        ends.add(id(found))
    cached = _known(("functools", "_lru_cache_wrapper"))
    if cached is not None and any(base is cached for base in mro):
        make.append(Cache)
    # Asking a stream in memory for its attributes would make them, and its pickle another.
    if _DICTOFFSET.__get__(cls) and Memory not in make and descriptor_of(cls) is not None:
        make.append(Attributes)
    if found is not FunctionType and slots_of(cls):
        make.append(Slots)
    # What C code keeps of an exception says where it came from, and stays.
    return Plan(tuple(make), found is BaseException or _is_whole(cls, ends))


def _at(table: dict[Any, type[Saved]], cls: type) -> type[Saved] | None:
    # By identity: a metaclass may define `==` and hash.
    return next((aspect for key, aspect in table.items() if key is cls), None)


def _known(name: tuple[str, str]) -> Any:
    module = sys.modules.get(name[0])
    return vars(module).get(name[1]) if module is not None else None


def _is_whole(cls: Any, ends: set[int]) -> bool:
    """Whether each class down to one whose contents are known adds slots only, and no memory of its own."""
    while cls is not None and id(cls) not in ends:
        base = _BASE.__get__(cls)
        if base is None:
            return False
        members = sum(type(one) is MemberDescriptorType for one in _DICT.__get__(cls).values())
        if _SIZE.__get__(cls) - _SIZE.__get__(base) != 8 * members:
            return False
        cls = base
    return True
