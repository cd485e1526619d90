"""The image of what a piece of code can change, taken before it runs and put back into the same objects.

It must never put another object where one can be changed back: aliases, closures and views all see the old state.

Names propose, as for a commit: the image holds everything that the names in the code lead to, through containers,
attributes, closures, classes, and the names that functions mention.  Objects that C code keeps to itself are only
listed (`opaque`): whoever rolls back replaces those that changed.

Rejected: what the store has of the last commit (within a cell it is not the state at entry, and it is other objects);
recording changes while the code runs (a tracer costs every line of every transaction).
"""

from __future__ import annotations

import gc
import sys
from _thread import allocate_lock
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from holdfast.durable.aspects import ABSENT, Cell, Class, Dict, List, Saved
from holdfast.durable.bulk import Array, Bank, Frame, elements, is_frame
from holdfast.durable.candidates import DYNAMIC
from holdfast.durable.definitions import is_definition, names_of, parts
from holdfast.durable.graph import soft_reach, weak_target
from holdfast.durable.kinds import (
    ARRAY,
    ATOM,
    ATOMS,
    BUILTIN,
    CELL,
    CLASS,
    FROZEN,
    FUNCTION,
    LEAF,
    MEMBER,
    WEAK,
    is_machinery,
    kind_of,
)
from holdfast.durable.pins import Pins
from holdfast.durable.reducers.inside import stored_of
from holdfast.durable.roots import MODULE
from holdfast.durable.saving import Plan, plan
from holdfast.durable.states import Lock, Memory, State
from holdfast.namespace.namespace import Namespace
from holdfast.namespace.results import snapshot

_referents = gc.get_referents
_CACHE = type(lru_cache(len))
_LOCK = type(allocate_lock())
#: Written in Python: they are looked into like any other object, though no stream does.
_TRANSPARENT = frozenset({"weakref", "_weakrefset", "logging"})
_RUNNING = frozenset({"generator", "coroutine", "async_generator", "Task", "_Task", "Thread", "Timer"})


class PutBack(NamedTuple):
    """What a rollback did: variables put back in place, variables that were bound since, what could not be."""

    names: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    #: (variable, what it is, why).
    failed: tuple[tuple[str, str, str], ...] = ()


class Image:
    """What names led to, as of the first `take` that reached it.  Holds every object that it saved."""

    def __init__(self, namespace: Namespace, bank: Bank, pins: Pins | None = None) -> None:
        self._namespace = namespace
        self._bank = bank
        self._pins = pins
        #: As it was, ours included: which of them are the user's is asked of those that changed.
        self._names = snapshot(namespace.dict)
        self._results = namespace.results.mark()
        #: By id of the object: its aspects, and the variable that led to it first.
        self._saved: dict[int, tuple[Sequence[Saved], str]] = {}
        self._plans: dict[int, Plan] = {}
        #: Objects that only a replacement brings back, with the variable that led to them.
        self.opaque: dict[int, tuple[object, str]] = {}
        #: Names that were looked at, whether they were bound or not.
        self._looked_at: set[str] = set()

    def _is_the_users(self, name: object, value: object) -> bool:
        namespace = self._namespace
        if (
            type(name) is not str
            or name in MODULE
            or is_handle(type(value))
            or namespace.injected.get(name, ABSENT) is value
        ):
            return False
        return not name.startswith("_i") and name not in ("In", "Out") if namespace.results.owns(name) else True

    # ------------------------------------------------------------ taking

    def take(self, codes: Iterable[CodeType], objects: Iterable[object] = ()) -> None:
        """Save what the code can reach that was not saved before; `objects` are roots without a name."""
        walk = _Walk(self, self._namespace)
        # A million objects that all live on: looking for garbage among them would take ten times as long.
        collects = gc.isenabled()
        gc.disable()
        try:
            walk.take(codes, objects)
        finally:
            if collects:
                gc.enable()
        self._looked_at = self._looked_at | walk.names

    def save(self, obj: object, root: str) -> Sequence[Saved]:
        """The aspects of an object, saved now if they were not."""
        known = self._saved.get(id(obj))
        if known is not None:
            return known[0]
        cls = type(obj)
        found = self._plans.get(id(cls))
        if found is None:
            found = self._plans[id(cls)] = plan(cls, self._bank)
        aspects = [make(obj) for make in found.make]
        self._saved[id(obj)] = aspects, root
        if not found.whole:
            self.add_opaque(obj, root)
        return aspects

    def add_opaque(self, obj: object, root: str) -> None:
        """Note an object that cannot be put back in place, unless it came since the image was begun.

        What a name leads to for the first time at a later look, code that the image knows put there.
        """
        if root not in self._looked_at and (not root or root in self._names):
            self.opaque[id(obj)] = obj, root

    def save_as(self, aspect: type[Saved], obj: object, root: str) -> bool:
        """Save one aspect of an object; False when it was saved before."""
        if id(obj) in self._saved:
            return False
        self._saved[id(obj)] = (aspect(obj),), root
        return True

    def holds(self, obj: object) -> bool:
        """Whether an object is put back in place."""
        return id(obj) not in self.opaque and id(obj) in self._saved and bool(self._saved[id(obj)][0])

    def held(self, number: int) -> object:
        """The object of an id that is put back in place."""
        return self._saved[number][0][0].obj

    def everything(self) -> Iterator[Saved]:
        """All that was saved."""
        for aspects, _ in list(self._saved.values()):
            yield from aspects

    def is_plain(self, array: object) -> bool:
        """Whether an array was found to hold immutable objects only."""
        return self._pins is not None and self._pins.has(array)

    # ------------------------------------------------------------ putting back

    def put_back(self) -> PutBack:
        """Make every object and every name what it was; never raises for one of them."""
        back: set[str] = set()
        with self._namespace.lock:
            saved = list(self._saved.values())
            failed = _put(((aspect, root) for aspects, root in saved for aspect in aspects), back)
            removed = self._put_names(back)
            # A bytearray keeps its size while a view of it is there: that of a variable has gone with it.
            failed = _put(((aspect, root) for aspect, root, _ in failed), back)
            self._namespace.results.put_back(self._results)
        back.discard("")
        broken: dict[tuple[str, str], str] = {}
        for aspect, root, reason in failed:
            broken.setdefault((root, type(aspect.obj).__name__), reason)
        return PutBack(
            tuple(sorted(back - {root for root, _ in broken})),
            tuple(sorted(removed)),
            tuple((root, kind, reason) for (root, kind), reason in broken.items()),
        )

    def _put_names(self, back: set[str]) -> list[str]:
        ns, names, owns = self._namespace.dict, self._names, self._namespace.results.owns
        new = [name for name in list(ns) if name not in names and self._is_the_users(name, ns[name])]
        for name in new:
            del ns[name]
        get = ns.get
        for name, value in [item for item in names.items() if get(item[0], ABSENT) is not item[1]]:
            if not self._is_the_users(name, value) or is_handle(type(get(name))):
                continue
            ns[name] = value
            if not owns(name):
                back.add(name)
        return [name for name in new if not owns(name)]


def _put(saved: Iterable[tuple[Saved, str]], back: set[str]) -> list[tuple[Saved, str, str]]:
    """Put aspects back that differ and note their variables in `back`; those that could not be, and why."""
    failed: list[tuple[Saved, str, str]] = []
    for aspect, root in saved:
        try:
            if aspect.differs():
                aspect.put()
                back.add(root)
        except Exception as error:
            failed.append((aspect, root, f"{error}" or type(error).__name__))
    return failed


class _Walk:
    """One walk over what code can reach, on behalf of an image."""

    def __init__(self, image: Image, namespace: Namespace) -> None:
        self._image = image
        self._namespace = namespace.dict
        self._results = namespace.results
        self._seen = {id(namespace.dict)}
        self._pinned: list[object] = []
        #: Every name that code mentions.
        self.names: set[str] = set()
        self._names: list[str] = []
        self._kinds: dict[int, int] = {}

    def take(self, codes: Iterable[CodeType], objects: Iterable[object]) -> None:
        """See `Image.take`."""
        for code in codes:
            self._mention(code)
        self._reach("", list(objects))
        while self._names:
            name = self._names.pop()
            self._reach(name, [self._namespace[name]])

    def _mention(self, code: CodeType) -> None:
        names: set[str] = set()
        names_of(code, names)
        wanted: Iterable[object] = names if DYNAMIC.isdisjoint(names) else list(self._namespace)
        for name in wanted:
            if type(name) is not str or name in self.names:
                continue
            self.names.add(name)
            # Inputs stay.
            if name in self._namespace and not (self._results.owns(name) and name.startswith(("_i", "I"))):
                self._names.append(name)

    def _reach(self, root: str, frontier: list[Any]) -> None:
        seen, kinds, save_as = self._seen, self._kinds, self._image.save_as
        while frontier:
            found: list[object] = []
            inside: list[object] = []
            for obj in frontier:
                cls = type(obj)
                if id(cls) in ATOMS or id(obj) in seen:
                    continue
                seen.add(id(obj))
                if cls is dict or cls is list:
                    save_as(Dict if cls is dict else List, obj, root)
                    inside.append(obj)
                    continue
                kind = kinds.get(id(cls))
                if kind is None:
                    # Ours lead to the whole kernel, and hold nothing of the notebook's that is not met elsewhere.
                    kind = kinds[id(cls)] = ATOM if is_machinery(cls) or is_handle(cls) else kind_of(cls)
                if kind == ATOM:
                    continue
                self._visit(obj, kind, root, inside, found)
            self._pinned.append(frontier)
            frontier = [o for o in _referents(*inside) if id(type(o)) not in ATOMS] if inside else []
            frontier += found

    def _visit(self, obj: Any, kind: int, root: str, inside: list[object], found: list[object]) -> None:
        """Save what can change of an object, and note where to go on."""
        image = self._image
        if kind == FUNCTION:
            if is_definition(obj):
                self._function(obj, root, found)
        elif kind == CLASS:
            if is_definition(obj):
                image.save_as(Class, obj, root)
                found.extend(parts(obj))
        elif kind == MEMBER:
            found.append(type(obj))
        elif kind == CELL:
            image.save_as(Cell, obj, root)
            inside.append(obj)
        elif kind == WEAK:
            found.append(weak_target(obj))
            inside.append(obj)
        elif kind in (BUILTIN, FROZEN):
            inside.append(obj)
        elif kind == LEAF and type(obj).__module__ not in _TRANSPARENT:
            self._leaf(obj, root, found)
        elif type(obj) is memoryview:
            # What it shows is another's.
            found.append(obj.obj)
        else:
            self._open(obj, kind, root, inside, found)

    def _open(self, obj: Any, kind: int, root: str, inside: list[object], found: list[object]) -> None:
        """Save an object that is looked into."""
        image, cls = self._image, type(obj)
        found.append(cls)
        for aspect in image.save(obj, root):
            if type(aspect) is Array and image.is_plain(obj):
                continue
            if type(aspect) is not Frame:
                found.extend(aspect.inside())
                continue
            for part in aspect.inside():
                if kind_of(type(part)) == ARRAY and aspect.is_guarded:
                    found.extend(() if image.is_plain(part) else elements(part))
                else:
                    found.append(part)
        if kind == LEAF:
            found.extend(stored_of(obj))
        elif cls is _CACHE:
            found.extend(_remembered(obj))
        elif kind != ARRAY and not is_frame(cls) and not self._is_told(obj):
            inside.append(obj)

    def _is_told(self, obj: object) -> bool:
        """Whether its aspects say all that it leads to: what the collector tells besides is its own machinery."""
        return isinstance(obj, BaseException) or any(type(one) in (Memory, State) for one in self._image.save(obj, ""))

    def _function(self, function: FunctionType, root: str, found: list[object]) -> None:
        self._image.save(function, root or function.__name__)
        found.extend(parts(function))
        found.extend(function.__closure__ or ())
        globals_ = function.__globals__
        if globals_ is self._namespace:
            self._mention(function.__code__)
        elif not _is_of_a_module(globals_):
            found.append(globals_)

    def _leaf(self, obj: object, root: str, found: list[object]) -> None:
        """What no stream descends into; the frames of generators and the like lead to what their code can change."""
        if type(obj) is _LOCK:
            self._image.save_as(Lock, obj, root)
            return
        self._image.add_opaque(obj, root)
        found.extend(stored_of(obj))
        if type(obj).__name__ in _RUNNING:
            found.extend(one for one in soft_reach((obj,), self._namespace) if one is not obj)


def is_handle(cls: type) -> bool:
    """Whether it is what `with holdfast.transaction() as t` gives: it says afterwards what became of the block."""
    return cls.__module__ == "holdfast.transacting"


def _remembered(cached: object) -> list[object]:
    """The results in an `lru_cache`; the dict around them is C code's own."""
    found: list[object] = []
    for part in _referents(cached):
        found += part.values() if type(part) is dict else [part]
    return [one for one in found if type(one).__name__ != "_lru_list_elem"]


def _is_of_a_module(globals_: dict[str, object]) -> bool:
    name = globals_.get("__name__")
    return type(name) is str and getattr(sys.modules.get(name), "__dict__", None) is globals_
