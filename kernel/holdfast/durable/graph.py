"""Which objects a value reaches: the walk that finds sharing.

It must never run user code, and never hold an object beyond the commit that walks: it asks the garbage
collector for referents and reads slots of exact built-in and numpy types only.

*Nodes* are what is stored under a key of its own: a variable, a closure cell, a result, the state of a
definition.  Two nodes that reach one mutable object are joined (union-find).  Definitions, modules and immutable
leaves never join (DESIGN 5.2); a definition or cell that is met is reported, and becomes a node itself.

Rejected: the memo of a pickler (two dumps of each joined component, and dtype singletons look shared);
`gc.is_tracked` as the sign of a leaf (a dict of arrays or bytearrays is untracked too).
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Collection, Iterable
from itertools import islice
from types import FrameType, FunctionType
from typing import Any

from holdfast.durable.kinds import (
    ARRAY,
    ATOM,
    ATOMS,
    BUILTIN,
    CELL,
    CLASS,
    FROZEN,
    FUNCTION,
    KINDS,
    LEAF,
    MEMBER,
    OPEN,
    TENSOR,
    WEAK,
    kind_of,
)
from holdfast.durable.libraries import held
from holdfast.durable.pickling.stored import is_stored
from holdfast.durable.reducers.inside import storage_of, stored_of

_referents = gc.get_referents
#: A list or dict of more large values than this is a hub: they are components of their own (DESIGN 5.2).
HUB = 64
_LARGE = 1 << 16
#: Beyond every object's id.
_MEMORY = 1 << 63
#: Ours and the event loop's: they lead to everything, and hold nothing of the notebook's that is not met elsewhere.
_MACHINERY = ("holdfast.", "asyncio.unix_events", "asyncio.base_events")


class Walk:
    """One commit's walk over nodes numbered from 0 by `add`.

    For node n, `ids[n]` are the ids of the mutable objects that it reached first; `definitions[n]`, `cells[n]` and
    `children[n]` (of hubs) what it refers to.  `crossings` are (node, node, object) where a second node met an object
    of a first.  `opaque[n]` are the leaves whose insides are only reached, never stored.
    """

    def __init__(self, namespace: dict[str, object], look: Callable[[object], bool | None] | None = None) -> None:
        #: Says of an object array whether it is unchanged, or None when it must be walked.
        self._look = look
        #: Ids of children that are known to have changed.
        self.changed: set[int] = set()
        #: Ids of children that are known not to have.
        self.unchanged: set[int] = set()
        self.parents: list[int] = []
        self.ids: list[list[int]] = []
        self.definitions: list[dict[int, object]] = []
        self.cells: list[dict[int, object]] = []
        self.children: list[dict[int, object]] = []
        self.crossings: list[tuple[int, int, object]] = []
        self.opaque: list[list[object]] = []
        self._seen: dict[int, int] = {}
        self._namespace = id(namespace)
        self._pins: list[object] = []
        self._kinds: dict[int, int] = {}

    def add(self) -> int:
        """A new node that reaches nothing yet."""
        self.parents.append(len(self.parents))
        self.ids.append([])
        self.definitions.append({})
        self.cells.append({})
        self.children.append({})
        self.opaque.append([])
        return len(self.parents) - 1

    def find(self, node: int) -> int:
        """The representative of the set that `node` belongs to."""
        parents = self.parents
        while parents[node] != node:
            parents[node] = parents[parents[node]]
            node = parents[node]
        return node

    def join(self, one: int, other: int) -> None:
        """Make two nodes one component."""
        one, other = self.find(one), self.find(other)
        if one != other:
            self.parents[max(one, other)] = min(one, other)

    def reach(self, node: int, values: Iterable[object]) -> None:
        """Walk everything that `values` hold on behalf of `node`."""
        frontier = [value for value in values if id(type(value)) not in ATOMS]
        if frontier and not self._seen:
            self._seen = {**held.ids(), self._namespace: -1}
        frozen: set[int] = set()
        seen, ids, kinds = self._seen, self.ids[node], self._kinds
        while frontier:
            inside: list[object] = []
            found: list[object] = []
            for obj in frontier:
                cls = type(obj)
                kind = KINDS.get(cls) if type(cls) is type else None
                if kind is None:
                    kind = kinds.get(id(cls))
                    if kind is None:
                        kind = kinds[id(cls)] = kind_of(cls)
                if kind == ATOM:
                    continue
                key = id(obj)
                if kind == FROZEN:
                    if key not in frozen:
                        frozen.add(key)
                        inside.append(obj)
                    continue
                if kind >= FUNCTION and self._special(node, kind, obj, found):
                    continue
                first = seen.get(key)
                if first is not None:
                    if first != node and first >= 0:
                        self.join(first, node)
                        self.crossings.append((first, node, obj))
                    continue
                seen[key] = node
                ids.append(key)
                if kind in (OPEN, BUILTIN):
                    if (cls is dict or cls is list) and self._hub(node, obj, found):
                        continue
                    inside.append(obj)
                elif kind == LEAF:
                    if not cls.__module__.startswith("matplotlib."):
                        # Those of a figure wait for clicks in its window, which never come.
                        self.opaque[node].append(obj)
                    found.extend(stored_of(obj))
                elif kind == ARRAY:
                    self._array(node, obj, found)
                    inside.append(obj)
                elif kind == TENSOR:
                    self._memory(node, storage_of(obj))
                    inside.append(obj)
            # Pinned: an id must not be taken by a new object while the walk compares ids.
            self._pins.append(frontier)
            frontier = [o for o in _referents(*inside) if id(type(o)) not in ATOMS] if inside else []
            frontier += found

    def _hub(self, node: int, obj: Any, found: list[object]) -> bool:
        """Report the large values of a hub instead of walking them; False for what is no hub."""
        if len(obj) <= HUB:
            return False
        values: Collection[object] = obj if type(obj) is list else obj.values()
        if sum(map(is_large, islice(values, HUB))) <= HUB // 4:
            return False
        large = {id(value): value for value in values if is_large(value)}
        if len(large) <= HUB:
            return False
        self.children[node].update(large)
        found.extend(value for value in values if id(value) not in large and id(type(value)) not in ATOMS)
        if type(obj) is dict:
            found.extend(key for key in obj if id(type(key)) not in ATOMS)
        return True

    def _special(self, node: int, kind: int, obj: object, found: list[object]) -> bool:
        """Handle what is referred to instead of walked; False for what is walked after all."""
        if kind in (FUNCTION, CLASS):
            self.definitions[node][id(obj)] = obj
        elif kind == MEMBER:
            # A member belongs to its class: it is stored by name.
            self.definitions[node][id(type(obj))] = type(obj)
        elif kind == CELL:
            self.cells[node][id(obj)] = obj
        elif kind == WEAK:
            self._weak(node, obj, found)
        else:
            # A method of a built-in object holds it; a function of a built-in module does not.
            owner = getattr(obj, "__self__", None)
            # What holds a function written in C++ is no value.
            return owner is None or kind_of(type(owner)) == ATOM or type(owner).__module__ == "pybind11_builtins"
        return True

    def _weak(self, node: int, obj: object, found: list[object]) -> None:
        inside, target = _referents(obj), weak_target(obj)
        # Also one that everybody gets for the same target: when that dies, nothing else tells them apart.
        self._meet(node, obj)
        # A library's own callback (a figure has a thousand) is looked at when the pickler meets it, if it ever does.
        found.extend(one for one in inside if type(one) is not FunctionType or self._notebook(one))
        if target is not None:
            found.append(target)

    def _notebook(self, function: FunctionType) -> bool:
        """Whether it may lead to the notebook: by its globals, or as what `weakref` puts around a callback."""
        return id(function.__globals__) == self._namespace or function.__module__ == "weakref"

    def _array(self, node: int, array: object, found: list[object]) -> None:
        """What numpy does not tell the collector: whose memory a view shows, and the elements of object arrays."""
        numpy = sys.modules["numpy"]
        base = numpy.ndarray.base.__get__(array)
        dtype = numpy.ndarray.dtype.__get__(array)
        if dtype.hasobject and dtype.names is None and self._pinned(node, array, base):
            return
        if base is None and "torch" in sys.modules and not dtype.hasobject:
            # A tensor made by `torch.from_numpy` holds the array where nobody sees it.
            self._memory(node, numpy.ndarray.__array_interface__.__get__(array)["data"][0])
        if base is not None:
            found.append(base)
            if type(base) is bytes:
                # Two arrays over one bytes object.
                self._meet(node, base)
        if dtype.hasobject:
            elements = numpy.ndarray.tolist(numpy.ndarray.ravel(array))
            found.extend(o for o in elements if id(type(o)) not in ATOMS)

    def _pinned(self, node: int, array: Any, base: Any) -> bool:
        """Report a large array of immutable objects that is told to be unchanged by its pointers."""
        if self._look is None or (base is not None and (type(base) is not type(array) or base.size != array.size)):
            return False
        same = self._look(array)
        if same is None:
            return False
        self.children[node][id(array)] = array
        (self.unchanged if same else self.changed).add(id(array))
        if base is not None:
            self._meet(node, base)
        return True

    def _memory(self, node: int, address: int) -> None:
        """Count memory as reached, under a number that is no object's id."""
        if address:
            key = _MEMORY | address
            first = self._seen.setdefault(key, node)
            if first == node:
                self.ids[node].append(key)
            else:
                self.join(first, node)

    def _meet(self, node: int, obj: object) -> None:
        """Count a mutable object that is not looked into as reached."""
        first = self._seen.setdefault(id(obj), node)
        if first == node:
            self.ids[node].append(id(obj))
        else:
            self.join(first, node)
            self.crossings.append((first, node, obj))


def is_large(obj: object) -> bool:
    """Whether a value is worth being stored on its own: an array of 64 KiB or more, a frame."""
    cls = type(obj)
    kind = kind_of(cls)
    if kind == ARRAY:
        array: Any = obj
        return array.nbytes >= _LARGE and not array.dtype.hasobject and (array.base is None or is_stored(array.base))
    return kind == OPEN and cls.__name__ in ("DataFrame", "Series") and cls.__module__.startswith("pandas")


def weak_target(obj: object) -> object:
    """What a weak reference or proxy leads to, or None."""
    import weakref

    weak: Any = obj
    try:
        if issubclass(type(obj), weakref.ref):
            return weakref.ref.__call__(weak)
        # A proxy hands out methods bound to its target; those of a class are not bound.
        method = weak.__reduce_ex__
        return method.__self__ if hasattr(method, "__self__") else weak.__mro__[0]
    except Exception:
        return None


def soft_reach(opaque: Iterable[object], namespace: dict[str, object], limit: int = 20_000) -> list[object]:
    """What opaque objects (generators, tasks, threads, handlers) hold: only to be looked at, never joined through.

    Stops at modules, at library classes and after `limit` objects; what lies beyond is the audit's to find.
    """
    seen = {id(namespace)}
    result: list[object] = []
    frontier = list(opaque)
    while frontier and len(result) < limit:
        inside: list[object] = []
        found: list[object] = []
        for obj in frontier:
            kind = kind_of(type(obj))
            if kind == ATOM or id(obj) in seen:
                continue
            seen.add(id(obj))
            if kind == WEAK:
                found.append(weak_target(obj))
                continue
            if type(obj) is FrameType:
                # The frames around a cell's are ours: only those of the notebook's own code are looked into.
                if obj.f_globals is namespace:
                    found.extend(o for o in _referents(obj) if type(o) is not FrameType)
                continue
            if kind == FUNCTION and str(getattr(obj, "__module__", "")).startswith(_MACHINERY):
                continue
            result.append(obj)
            if kind not in (CLASS, FUNCTION, MEMBER) and not str(type(obj).__module__).startswith(_MACHINERY):
                inside.append(obj)
        frontier = [o for o in _referents(*inside) if id(type(o)) not in ATOMS] if inside else []
        frontier += found
    return result
