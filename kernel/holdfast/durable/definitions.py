"""Functions and classes of the notebook: their tokens, what each consists of, and which names they mention.

It must never take a definition for another of the same name: identity is the object's, told by its token.

A *definition* is a function or class written in Python that `import` would not find under its module and name.
So it covers cells, what library decorators and factories make out of them, and old versions of a redefined class.
Its state is held weakly: a definition that dies takes its token, and the cells only it used, out of the session.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MemberDescriptorType, MethodWrapperType

from holdfast.durable.kinds import ATOM, CLASS, FUNCTION, is_class, kind_of

_BOUND = (BuiltinFunctionType, MethodWrapperType)
_HEAP, _IMMUTABLE = 1 << 9, 1 << 8
_MODULE = type.__dict__["__module__"]
_QUALNAME = type.__dict__["__qualname__"]
_DICT = type.__dict__["__dict__"]
_BASES = type.__dict__["__bases__"]
_NAME = type.__dict__["__name__"]
_FLAGS = type.__dict__["__flags__"]
#: What a class body gets from the interpreter and what is made anew with the class.
_MADE = frozenset({"__dict__", "__weakref__", "_abc_impl", "__static_attributes__", "__firstlineno__", "__slotnames__"})

#: What `lru_cache` hangs on each function, and weak containers on themselves: made again with them.
_INTERNAL = frozenset(
    {
        ("functools", "CacheInfo"),
        ("functools", "lru_cache.<locals>.decorating_function.<locals>.<lambda>"),
        ("weakref", "WeakKeyDictionary.__init__.<locals>.remove"),
        ("weakref", "WeakValueDictionary.__init__.<locals>.remove"),
        ("_weakrefset", "WeakSet.__init__.<locals>._remove"),
    }
)


class Definition:
    """One function or class: `token` for life, `version` of its stored record (0: none yet)."""

    __slots__ = ("token", "_ref", "version", "digest", "parts", "code", "cells", "hoists", "lost", "meta")

    def __init__(self, token: str, ref: weakref.ref[FunctionType | type] | None) -> None:
        self.token = token
        #: None for one that is stored and that nothing leads to.
        self._ref = ref
        self.version = 0
        self.digest = b""
        #: The parts as of the stored version, compared by identity; None when they must be pickled to tell.
        self.parts: tuple[object, ...] | None = None
        #: Of a function: what it mentions is asked once more when it has died, after its last call.
        self.code: CodeType | None = None
        self.cells: tuple[str, ...] = ()
        #: Keys of mutable objects that it shares with variables.
        self.hoists: frozenset[str] = frozenset()
        self.lost: tuple[tuple[str, str, str], ...] = ()
        self.meta: dict[str, object] = {}

    def ref(self) -> FunctionType | type | None:
        """The function or class, while it lives."""
        return self._ref() if self._ref is not None else None


def is_definition(obj: object) -> bool:
    """Whether `obj` is a Python function or class that cannot be imported by its name."""
    if type(obj) is FunctionType:
        module, qualname = obj.__module__, obj.__qualname__
    elif is_class(obj):
        flags = _FLAGS.__get__(obj)
        if not flags & _HEAP or flags & _IMMUTABLE:
            return False
        module, qualname = _MODULE.__get__(obj), _QUALNAME.__get__(obj)
    else:
        return False
    if (module, qualname) in _INTERNAL:
        return False
    if module == "__main__" or type(module) is not str or type(qualname) is not str:
        return True
    found: object = sys.modules.get(module)
    if found is None:
        return True
    for part in qualname.split("."):
        if isinstance(found, type):
            found = _DICT.__get__(found).get(part)
            if isinstance(found, staticmethod | classmethod):
                found = found.__func__
        else:
            found = getattr(found, "__dict__", {}).get(part)
    return found is not obj


def qualname_of(definition: object) -> str:
    """The qualified name of a function or class; of something else a question mark.  Never runs a metaclass's code."""
    if type(definition) is FunctionType:
        return definition.__qualname__
    return str(_QUALNAME.__get__(definition)) if is_class(definition) else "?"


def parts(definition: object) -> Iterator[object]:
    """What a definition consists of, apart from its closure cells: the edges of the walk."""
    if type(definition) is FunctionType:
        yield definition.__code__
        yield definition.__defaults__
        yield definition.__kwdefaults__
        yield definition.__dict__
        yield definition.__annotations__
        yield definition.__doc__
        yield definition.__module__
        yield definition.__name__
        yield definition.__qualname__
        yield getattr(definition, "__type_params__", ())
        yield own_globals(definition)
    elif is_class(definition):
        yield type(definition)
        yield _BASES.__get__(definition)
        yield _NAME.__get__(definition)
        yield _QUALNAME.__get__(definition)
        for name, value in _DICT.__get__(definition).items():
            if name not in _MADE:
                yield name
                if not _is_borrowed(value):
                    yield value


def own_globals(function: FunctionType) -> tuple[object, ...]:
    """What a function mentions of globals that are no module's: such as `exec` ran it in, or `runpy`."""
    found = function.__globals__
    module = sys.modules.get(name) if type(name := found.get("__name__")) is str else None
    if getattr(module, "__dict__", None) is found or found.get("__name__") == "__main__":
        return ()
    mentioned: set[str] = set()
    names_of(function.__code__, mentioned)
    values = [found[one] for one in sorted(mentioned & found.keys()) if one != "__builtins__"]
    # `tuple.__new__`, say, is everybody's: what is shared is data.
    return tuple(value for value in values if type(value) not in _BOUND)


def _is_borrowed(value: object) -> bool:
    """Whether a class attribute is a library's function: all enums, say, share `object.__new__` and a static method."""
    if type(value) is BuiltinFunctionType:
        return isinstance(value.__self__, type)
    return type(value) is staticmethod and type(value.__func__) is FunctionType and not is_definition(value.__func__)


def signature(definition: object, find: Callable[[object], Definition | None]) -> tuple[object, ...] | None:
    """Parts to be compared by identity, or None where something mutable lies inside (then pickles decide).

    Other definitions stand in it by their tokens, and slots by their names: holding a method or a slot would keep its
    class alive for ever.
    """
    flat: list[object] = []
    for part in parts(definition):
        if type(part) is dict:
            for key, value in part.items():
                flat += (key, value)
        elif type(part) is tuple:
            flat += part
            flat.append(None)
        elif isinstance(part, staticmethod | classmethod):
            flat += (type(part), part.__func__)
        elif type(part) is property:
            flat += (property, part.fget, part.fset, part.fdel)
        elif type(part) is MemberDescriptorType and part.__objclass__ is definition:
            flat += (MemberDescriptorType, part.__name__)
        else:
            flat.append(part)
    for i, value in enumerate(flat):
        kind = kind_of(type(value))
        if kind in (FUNCTION, CLASS):
            found = find(value)
            if found is not None:
                flat[i] = found
        elif kind != ATOM:
            return None
    return tuple(flat)


def same(one: tuple[object, ...] | None, other: tuple[object, ...] | None) -> bool:
    """Whether two signatures are there and hold the same objects."""
    return (
        one is not None
        and other is not None
        and len(one) == len(other)
        and all(a is b or (type(a) is str is type(b) and a == b) for a, b in zip(one, other, strict=True))
    )


def names_of(code: CodeType, into: set[str]) -> None:
    """Add every global and attribute name that `code` and the code inside it mention."""
    into.update(code.co_names)
    for const in code.co_consts:
        if type(const) is CodeType:
            names_of(const, into)


class Definitions:
    """The definitions that are alive, by object and by token."""

    def __init__(self) -> None:
        #: Number of the next token; a session never gives one twice.
        self.next = 1
        self._by_id: dict[int, Definition] = {}
        self.by_token: dict[str, Definition] = {}
        #: Definitions that died since the last commit.
        self.dead: dict[str, Definition] = {}
        self._names: dict[int, tuple[CodeType, frozenset[str]]] = {}
        self.cells = Cells()

    def find(self, obj: object) -> Definition | None:
        """The definition that `obj` is, made known now if it was not; None for what can be imported."""
        known = self._by_id.get(id(obj))
        if known is not None and known.ref() is obj:
            return known
        if not is_definition(obj):
            return None
        token = f"t{self.next}"
        self.next += 1
        return self.adopt(token, obj)

    def adopt(self, token: str, obj: object) -> Definition:
        """Make `obj` known under `token` (a restore does, and `find`)."""
        assert type(obj) is FunctionType or is_class(obj)
        definition = Definition(token, weakref.ref(obj, self._farewell(id(obj), token)))
        self._by_id[id(obj)] = self.by_token[token] = definition
        if type(obj) is FunctionType:
            definition.code = obj.__code__
        if type(obj) is FunctionType and obj.__closure__:
            definition.cells = tuple(self.cells.used(cell, obj, i) for i, cell in enumerate(obj.__closure__))
        return definition

    def _farewell(self, key: int, token: str) -> Callable[[object], None]:
        """What is done when the definition of that id and token dies."""

        def gone(_: object) -> None:
            known = self._by_id.get(key)
            if known is not None and known.token == token:
                del self._by_id[key]
            dead = self.by_token.pop(token, None)
            if dead is not None:
                self.dead[token] = dead

        return gone

    def mentioned(self, obj: object) -> frozenset[str]:
        """Global names that a function may use when called; the methods of a class are definitions of their own."""
        return self.mentioned_by(obj.__code__) if type(obj) is FunctionType else frozenset()

    def mentioned_by(self, code: CodeType) -> frozenset[str]:
        """The same of a function's code."""
        known = self._names.get(id(code))
        if known is not None and known[0] is code:
            return known[1]
        names: set[str] = set()
        names_of(code, names)
        if len(self._names) > 10_000:
            self._names.clear()
        self._names[id(code)] = (code, frozenset(names))
        return self._names[id(code)][1]


class Cells:
    """Closure cells, each stored as a variable of its own under the key `@c<number>`.

    A function's closure cannot be replaced after it is made, and two functions may share a cell: so cells are
    made empty first, functions around them, and the contents come last.  A cell is found through the functions
    that use it: holding it here would keep alive a function that refers to itself.
    """

    def __init__(self) -> None:
        self.next = 1
        self._by_id: dict[int, str] = {}
        self._users: dict[str, list[tuple[weakref.ref[FunctionType], int]]] = {}
        #: Cells met outside any function, and cells of a restore whose functions are still to be made.
        self.held: dict[str, CellType] = {}

    def get(self, key: str) -> CellType | None:
        """The live cell of that key."""
        for ref, index in self._users.get(key, ()):
            function = ref()
            if function is not None and function.__closure__ is not None:
                return function.__closure__[index]
        return self.held.get(key)

    def key(self, cell: CellType) -> str:
        """The cell's key, given now if it had none."""
        known = self._by_id.get(id(cell))
        if known is None or self.get(known) is not cell:
            known = f"@c{self.next}"
            self.next += 1
            self._by_id[id(cell)] = known
            self.held[known] = cell
        return known

    def used(self, cell: CellType, function: FunctionType, index: int) -> str:
        """The cell's key; from now on `function` leads to it."""
        key = self.key(cell)
        self._users.setdefault(key, []).append((weakref.ref(function), index))
        self.held.pop(key, None)
        return key

    def made(self, key: str) -> CellType:
        """The cell `key`, made empty when it is not there yet (a restore)."""
        cell = self.get(key)
        if cell is None:
            cell = self.held[key] = CellType()
            self._by_id[id(cell)] = key
        return cell

    def forget(self, key: str) -> None:
        """Forget a cell that was made for a restore which came to nothing."""
        self._by_id.pop(id(self.held.pop(key, None)), None)

    def drop(self, key: str) -> bool:
        """Forget a cell that no living function uses; False while one does."""
        if self.get(key) is not None:
            return False
        self._users.pop(key, None)
        for number in [number for number, known in self._by_id.items() if known == key]:
            del self._by_id[number]
        return True
