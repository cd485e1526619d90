"""Where in the variables a part lies, as the user would write it: `x['a'].conn`.

It must never run user code: it reads exact containers, `__dict__`s and slots.  One walk serves all parts that
were lost in a stream.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from types import CellType, FunctionType, MemberDescriptorType
from typing import Any

#: Objects looked at, per stream: a path is a comfort.
LIMIT = 200_000
_DICT = type.__dict__["__dict__"]
_MRO = type.__dict__["__mro__"]
_LEAVES = frozenset({int, float, str, bytes, bool, type(None), complex})


def paths(values: Mapping[str, object], wanted: Sequence[tuple[object, str]]) -> list[str]:
    """A path for each (object, root); the root where nothing leads to the object."""
    found: dict[int, str] = {}
    missing = {id(obj) for obj, _ in wanted if obj is not None}
    seen: set[int] = set()
    pins: list[object] = []
    queue: deque[tuple[str, object]] = deque(values.items())
    while queue and missing and len(seen) < LIMIT:
        path, obj = queue.popleft()
        if type(obj) in _LEAVES or id(obj) in seen:
            continue
        seen.add(id(obj))
        pins.append(obj)
        if id(obj) in missing:
            missing.discard(id(obj))
            found[id(obj)] = path
            continue
        queue.extend(_inside(path, obj))
    return [found.get(id(obj), root) if obj is not None else root for obj, root in wanted]


def _inside(path: str, obj: Any) -> Iterator[tuple[str, object]]:
    cls = type(obj)
    if cls is FunctionType:
        return
    bases = [id(base) for base in _MRO.__get__(cls)]
    if id(type) in bases:
        return
    if id(dict) in bases:
        yield from ((f"{path}[{_key(key)}]", value) for key, value in list(dict.items(obj)))
        yield from ((f"a key of {path}", key) for key in list(dict.keys(obj)))
    elif id(list) in bases or id(tuple) in bases:
        how = list if id(list) in bases else tuple
        yield from ((f"{path}[{i}]", value) for i, value in enumerate(how.__iter__(obj)))
    elif id(set) in bases or id(frozenset) in bases:
        how_set = set if id(set) in bases else frozenset
        yield from ((f"a member of {path}", value) for value in list(how_set.__iter__(obj)))
    elif id(deque) in bases:
        yield from ((f"{path}[{i}]", value) for i, value in enumerate(list(deque.__iter__(obj))))
    elif cls is CellType:
        try:
            yield path, obj.cell_contents
        except ValueError:
            return
    yield from ((f"{path}.{name}", value) for name, value in attributes(obj))
    if cls.__module__ in ("functools", "builtins", "weakref", "itertools", "types"):
        import gc

        yield from ((path, one) for one in gc.get_referents(obj) if not isinstance(one, type))


def attributes(obj: object) -> Iterator[tuple[str, object]]:
    """What the `__dict__` and the slots of an instance hold."""
    cls = type(obj)
    if cls.__dictoffset__:
        try:
            state = object.__getattribute__(obj, "__dict__")
        except AttributeError:
            state = None
        if type(state) is dict:
            yield from ((str(name), value) for name, value in list(state.items()))
    for base in _MRO.__get__(cls):
        for name, value in list(_DICT.__get__(base).items()):
            if type(value) is MemberDescriptorType and base.__module__ not in ("builtins",):
                try:
                    yield name, value.__get__(obj)
                except AttributeError:
                    continue


def _key(key: object) -> str:
    return repr(key)[:40] if type(key) in _LEAVES or type(key) is tuple else type(key).__name__
