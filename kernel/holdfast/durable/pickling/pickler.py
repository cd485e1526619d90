"""Values to one protocol 5 stream, by the C pickler.

It must never fail as a whole for a part that cannot be pickled: that part becomes a placeholder.

A stream is several pickles with one memo: first the roots' names, then each root, last the table of what was
lost.  Whatever can fail by itself is reduced here, once and inside a `try`, so the culprit is known when it fails
and nothing is tried twice.  What still stops the C pickler (recursion, a container changed by a thread) costs its
root: the bytes and the memo go back to where the root began.

Rejected: `persistent_id` for everything (called for each int: 333 ms instead of 67 for 100,000 dicts); the pickler
of cloudpickle (copies globals, tracks classes by random ids); bisecting for the culprit (re-runs `__reduce__`).
Sets are pickled in their own order: the C pickler asks nobody before a set, and within one process an unchanged
set has one order.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterable
from copyreg import __newobj__, dispatch_table  # type: ignore[attr-defined]
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, ModuleType
from typing import Any

from msgspec.structs import replace

from holdfast.durable.definitions import qualname_of
from holdfast.durable.guard import hooked
from holdfast.durable.pickling import classes, functions, marks
from holdfast.durable.pickling.lost import Lost, LostValue, Pickled, World, fields, words
from holdfast.durable.pickling.modules import PYTHON, importable, named, versions
from holdfast.durable.pickling.spool import Spool
from holdfast.durable.reducers.registry import Keeping, find
from holdfast.errors import StoreError

#: Smaller buffers are cheaper inside the stream.
OUT_OF_BAND = 1 << 16
#: What the memo starts with, after the namespace: part of the format, so only ever appended to.
PRESET = (marks.definition, marks.reference, marks.main, marks.lost, marks.buffer, functions.module)
_MEMO = {id(obj): (i, obj) for i, obj in enumerate(PRESET, 1)}
Reduced = Any
_MRO = type.__dict__["__mro__"]
_NAME = type.__dict__["__name__"]
#: Types whose own reduce never runs user code, never fails, and needs no care: the C pickler's business.
_LEFT = frozenset({complex, bytearray, range, slice, type(...), type(NotImplemented)})


class Pickler(pickle.Pickler):
    """One stream in the making."""

    def __init__(self, world: World) -> None:
        self.file = Spool(getattr(world, "put", None))
        self.buffers: list[memoryview] = []
        super().__init__(self.file, protocol=5, buffer_callback=_collector(self.buffers))
        # Both sides start with the same memo, so the namespace (an exact dict) is a reference too.
        self.memo = {**_MEMO, id(world.namespace): (0, world.namespace)}
        self._world = world
        self._guard = getattr(world, "guard", None)
        self._how: dict[int, Callable[[Any], Reduced]] = {}
        #: The definition that this stream is about: it and its members are written out, not referred to.
        self.own: object = None
        self.keeping = Keeping(self)
        self.tokens: set[str] = set()
        self.modules: set[str] = set()
        #: (object or None, root, kind, reason, cell): in the order of their numbers in the stream.
        self.lost: list[tuple[object, str, str, str, int]] = []
        self.reopened: list[tuple[object, str, str, str]] = []
        self.root = ""
        #: Views that are the only ones of a larger base: their bytes are kept instead (see `reducers/arrays.py`).
        self.alone: frozenset[int] = frozenset()
        self.views: dict[int, tuple[object, int, int]] = {}
        self.owners: set[int] = set()

    def reducer_override(self, obj: Any) -> Reduced:
        """Called by the C pickler for everything but exact built-in containers and leaves."""
        cls = type(obj)
        how = self._how.get(id(cls))
        if how is None:
            how = self._how[id(cls)] = self._choose(cls)
        return how(obj)

    def _choose(self, cls: type) -> Callable[[Any], Reduced]:
        """How instances of `cls` are reduced."""
        if type(cls) is type and cls in _SPECIAL:
            return getattr(self, _SPECIAL[cls])  # type: ignore[no-any-return]
        mro = _MRO.__get__(cls)
        if any(base is type for base in mro):
            return self._class
        if any(base is LostValue for base in mro):
            return self._lost_before
        enum = sys.modules.get("enum")
        if enum is not None and any(base is enum.Enum for base in mro):
            return self._member
        reducer = find(cls, mro)
        if reducer is not None:
            return lambda obj: self._by(reducer, obj)
        if type(cls) is type and cls in dispatch_table:
            registered = dispatch_table[cls]
            return lambda obj: self._careful(registered, obj)
        return self._plain if self._guard is None or not hooked(cls) else self._hooked

    def _run[T](self, function: Callable[[Any], T], argument: object, cls: type) -> T:
        """Code of the user's, in the care of the guard if there is one."""
        return function(argument) if self._guard is None else self._guard.call(function, argument, cls)

    def _hooked(self, obj: Any) -> Reduced:
        """An object whose class says in Python how it is pickled."""
        return self._careful(_reduce, obj)

    def _plain(self, obj: Any) -> Reduced:
        try:
            reduced = obj.__reduce_ex__(5)
        except Exception as error:
            if not _hides_items(obj):
                return self._lose(obj, words(error))
            reduced = __newobj__, (type(obj),), obj.__getstate__(), None, iter(dict.items(obj))
        if type(reduced) is tuple and len(reduced) < 4 and len(reduced) > 1:
            return reduced
        return self._checked(obj, reduced)

    def _careful(self, reduce: Callable[[Any], Reduced], obj: Any) -> Reduced:
        try:
            return self._checked(obj, self._run(reduce, obj, type(obj)))
        except Exception as error:
            return self._lose(obj, words(error))

    def _by(self, reducer: Callable[[Any, Keeping], Reduced], obj: Any) -> Reduced:
        try:
            if self._guard is None or reducer.__module__.startswith("holdfast."):
                reduced = reducer(obj, self.keeping)
            else:
                reduced = self._guard.call(lambda one: reducer(one, self.keeping), obj, type(obj))
        except Exception as error:
            return self._lose(obj, words(error))
        return self._plain(obj) if reduced is NotImplemented else self._checked(obj, reduced)

    def _checked(self, obj: Any, reduced: Reduced) -> Reduced:
        """What the C pickler would refuse is refused here, where the culprit is known."""
        if type(reduced) is str:
            module = getattr(obj, "__module__", None) or pickle.whichmodule(obj, reduced)  # type: ignore[attr-defined]
            if importable(obj, module, reduced):
                self._note(module)
                return reduced
            return self._lose(obj, f"it is not {reduced} of module {module}")
        if type(reduced) is not tuple or not 2 <= len(reduced) <= 6 or type(reduced[1]) is not tuple:
            return self._lose(obj, "its __reduce__ returned something that pickle does not know")
        if len(reduced) > 3 and (reduced[3] is not None or (len(reduced) > 4 and reduced[4] is not None)):
            # The iterators run user code where `items` or `__iter__` are overridden.
            try:
                parts = [part if part is None else iter(self._run(list, part, type(obj))) for part in reduced[3:5]]
            except Exception as error:
                return self._lose(obj, words(error))
            reduced = (*reduced[:3], *parts, *reduced[5:])
        return reduced

    def _lose(self, obj: Any, reason: str, whole: bool = False) -> Reduced:
        # A whole variable keeps its own name, also where another one leads to the same object.
        self.lost.append((None if whole else obj, self.root, kind_of(obj), reason, getattr(self._world, "cell", 0)))
        return marks.lost, (len(self.lost) - 1,)

    def _lost_before(self, obj: Any) -> Reduced:
        name, kind, reason, cell = fields(obj)
        self.lost.append((None, name, kind, reason, cell))
        return marks.lost, (len(self.lost) - 1,)

    def _token(self, obj: Any) -> str | None:
        token = self._world.token(obj)
        if token is not None and obj is not self.own:
            self.tokens.add(token)
        return token

    def _function(self, obj: FunctionType) -> Reduced:
        token = self._token(obj)
        if token is not None:
            return marks.definition, (token,)
        found = named(obj.__module__, obj.__qualname__)
        if found is obj:
            self._note(obj.__module__)
            return NotImplemented
        if type(found) is MethodType and found.__func__ is obj:  # that of a class method
            self._note(obj.__module__)
            return functions.behind, (obj.__module__, obj.__qualname__)
        return self._lose(obj, f"it is not {obj.__qualname__} of module {obj.__module__}")

    def _class(self, obj: type) -> Reduced:
        found = classes.builtin_reduction(obj)
        if found is not None:
            return found
        token = self._token(obj)
        if token is not None:
            return marks.definition, (token,)
        module, qualname = classes.module_of(obj), classes.qualname_of(obj)
        if importable(obj, module, qualname):
            self._note(module)
            return qualname
        return self._lose(obj, f"it is not {qualname} of module {module}")

    def _builtin(self, obj: BuiltinFunctionType) -> Reduced:
        self._note(obj.__module__)
        return self._careful(_reduce, obj)

    def _module(self, obj: ModuleType) -> Reduced:
        if obj.__dict__ is self._world.namespace:
            return marks.main, ()
        name = obj.__dict__.get("__name__")
        if type(name) is not str or sys.modules.get(name) is not obj:
            name = next((n for n, module in list(sys.modules.items()) if module is obj), None)
        if name is None:
            return self._lose(obj, "it cannot be imported")
        self._note(name)
        return functions.module, (name,)

    def _cell(self, obj: CellType) -> Reduced:
        key = self._world.reference(obj)
        if key is not None:
            return marks.reference, (key,)
        try:
            return functions.cell, (obj.cell_contents,)
        except ValueError:
            return functions.cell, ()

    def _member(self, obj: Any) -> Reduced:
        try:
            return self._checked(obj, classes.reduce_member(obj, self.own))
        except Exception as error:
            return self._lose(obj, words(error))

    def release(self) -> None:
        """Let go of every object that was met: an object must not outlive its last name until a collection."""
        self.clear_memo()
        self._how.clear()
        self.views.clear()
        self.lost, self.reopened, self.own = [], [], None
        self.keeping.close()

    def _note(self, module: object) -> None:
        if isinstance(module, str):
            self.modules.add(module)

    def _left(self, obj: Any) -> Reduced:
        return NotImplemented


def _reduce(obj: Any) -> Reduced:
    return obj.__reduce_ex__(5)


def _collector(buffers: list[memoryview]) -> Callable[[pickle.PickleBuffer], bool]:
    """Takes what is large enough out of band; no method, since the pickler would then hold itself."""

    def collect(data: pickle.PickleBuffer) -> bool:
        view = data.raw()
        if view.nbytes < OUT_OF_BAND:
            return True
        buffers.append(view)
        return False

    return collect


class Asking(Pickler):
    """The pickler for a world in which exact containers may belong to other streams."""

    def persistent_id(self, obj: object) -> str | None:
        """The key, or None to pickle the object."""
        cls = type(obj)
        if cls is str or cls is int or cls is float or cls is CellType:
            return None
        return self._world.reference(obj)


_SPECIAL: dict[type, str] = {
    FunctionType: "_function",
    type: "_class",
    BuiltinFunctionType: "_builtin",
    ModuleType: "_module",
    CellType: "_cell",
    **dict.fromkeys(_LEFT, "_left"),
}


def kind_of(obj: object) -> str:
    """What the user would call it."""
    return str(_NAME.__get__(type(obj)))


def _start(world: World) -> Pickler:
    return (Pickler if not getattr(world, "shared", True) else Asking)(world)


def dump(values: dict[str, object], world: World) -> Pickled:
    """One stream for the variables of one component.  Raises only what is no Exception (KeyboardInterrupt)."""
    pickler = _values(values, world, frozenset())
    alone = _lonely(pickler)
    if alone:
        # Only now does it show whether something holds the base itself: whoever met it as a base comes first.
        other = _values(values, world, alone)
        pickler, other = (pickler, other) if alone & other.owners else (other, pickler)
        other.release()
    return finish(pickler, values)


def _values(values: dict[str, object], world: World, alone: frozenset[int]) -> Pickler:
    pickler = _start(world)
    pickler.alone = alone
    pickler.dump(tuple(values))
    for name, value in values.items():
        pickler.root = name
        write(pickler, value)
    return pickler


def write(pickler: Pickler, value: object) -> None:
    """One more pickle; what stops the pickler turns the whole value into a placeholder."""
    pickler.file.mark()
    before = len(pickler.lost), len(pickler.reopened), len(pickler.buffers)
    # The list is the first thing that the memo gets, so its number there tells where the value begins.
    box = [value]
    try:
        pickler.dump(box)
        return
    except StoreError:
        raise  # the disk failed, not the value
    except Exception as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else words(error)
    memo = pickler.memo.copy()
    first = memo[id(box)][0]
    pickler.memo = {key: entry for key, entry in memo.items() if entry[0] < first}
    pickler.file.back()
    del pickler.lost[before[0] :], pickler.reopened[before[1] :], pickler.buffers[before[2] :]
    pickler.dump([_Refused(pickler, value, reason)])


class _Refused:
    """Pickled as the placeholder of a value that the pickler stopped at."""

    def __init__(self, pickler: Pickler, value: object, reason: str) -> None:
        pickler._how[id(_Refused)] = lambda _: pickler._lose(value, reason, whole=True)


def _lonely(pickler: Pickler) -> frozenset[int]:
    """Bases that one view alone leads to and that are much larger than it: only the view is kept."""
    seen: dict[int, list[tuple[int, int]]] = {}
    for base, nbytes, whole in pickler.views.values():
        seen.setdefault(id(base), []).append((nbytes, whole))
    return frozenset(
        key for key, views in seen.items() if len(views) == 1 and views[0][1] > max(OUT_OF_BAND, 2 * views[0][0])
    )


def finish(pickler: Pickler, values: dict[str, object]) -> Pickled:
    """The table of the lost, and everything the world wants to know."""
    lost: tuple[Lost, ...] = ()
    reopened: tuple[Lost, ...] = ()
    table: list[tuple[str, str, str, int]] = []
    if pickler.lost or pickler.reopened:
        from holdfast.durable.pickling.paths import paths

        wanted = [(entry[0], entry[1]) for entry in pickler.lost] + [(entry[0], entry[1]) for entry in pickler.reopened]
        # A variable's name says more than the key of a result.
        found = paths(dict(sorted(values.items(), key=lambda item: item[0].startswith("@"))), wanted)
        count = len(pickler.lost)
        table = [(path, *entry[2:]) for path, entry in zip(found, pickler.lost, strict=False)]
        lost = tuple(Lost(*entry[:3]) for entry in table)
        reopened = tuple(Lost(p, k, r) for p, (_, _, k, r) in zip(found[count:], pickler.reopened, strict=True))
    pickler.lost = []
    pickler.dump(table)
    pickler.release()
    modules = versions(pickler.modules)
    stream, lead = pickler.file.rest(), tuple(pickler.file.pieces)
    return Pickled(stream, tuple(pickler.buffers), frozenset(pickler.tokens), modules, lost, reopened, lead)


def dump_definition(definition: object, world: World) -> Pickled:
    """The stream of a function or class: what makes it exist, then its state.  Raises where it cannot be made."""
    pickler = _start(world)
    pickler.own = definition
    pickler.root = qualname_of(definition)
    made, state = (functions if type(definition) is FunctionType else classes).parts(definition, world)
    pickler.dump(made)
    if type(definition) is FunctionType:
        pickler.modules.add(PYTHON)
    parts: Iterable[object] = state
    for part in parts:
        write(pickler, part)
    token = world.token(definition)
    pickled = finish(pickler, {pickler.root: state})
    if token in pickled.tokens:
        pickled = replace(pickled, tokens=pickled.tokens - {token})
    return pickled


def _hides_items(obj: object) -> bool:
    """Whether it is a dict whose class has something else under `items`, which Python calls to pickle a dict."""
    cls = type(obj)
    hooks = ("__reduce_ex__", "__reduce__", "__getstate__")
    usual = all(getattr(cls, hook) is getattr(object, hook) for hook in hooks)
    return isinstance(obj, dict) and usual and not callable(getattr(obj, "items", None))
