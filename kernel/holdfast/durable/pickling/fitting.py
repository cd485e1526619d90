"""Objects of libraries that were stored by another version, made to fit this one: attributes that are new in it.

It must never change what an object already has, or touch one whose class has all that its own `__init__` sets.

A version that adds an attribute sets it in `__init__`, which no stream runs.  What `__init__` would set without being
told anything (a constant, a parameter's default, an empty container) is read from its source and set on what lacks it.

Rejected: calling `__init__` (it does what it likes); comparing with a fresh instance (there may be no way to make
one); leaving the attribute out (the first call of a method fails, far from here).
"""

from __future__ import annotations

import ast
import gc
import inspect
import sys
from collections.abc import Callable, Collection, Iterable
from types import FunctionType, MemberDescriptorType
from typing import Any

_DICT = type.__dict__["__dict__"]
_MRO = type.__dict__["__mro__"]
_MODULE = type.__dict__["__module__"]
_QUALNAME = type.__dict__["__qualname__"]
#: Module to its classes, by qualified name.
Sources = dict[str, dict[str, ast.ClassDef]]
#: Attribute to what makes it; None where only the arguments of `__init__` could tell.
Makers = dict[str, Callable[[], object] | None]


def fit(classes: Iterable[type]) -> list[tuple[object, str, bool]]:
    """Set what instances of the classes, and of those made from them, lack: (object, attribute, whether it is set)."""
    sources: Sources = {}
    wanted = {cls: makers for cls in classes if (makers := _made_by_init(cls, sources))}
    if not wanted:
        return []
    found: list[tuple[object, str, bool]] = []
    kinds: dict[int, type | None] = {}
    for obj in gc.get_objects():
        cls = type(obj)
        if id(cls) not in kinds:
            kinds[id(cls)] = _initialized_by(cls, wanted)
        base = kinds[id(cls)]
        for name, make in wanted[base].items() if base is not None else ():
            if not _has(obj, name):
                found.append((obj, name, make is not None and _set(obj, name, make)))
    return found


def _initialized_by(cls: type, wanted: Collection[type]) -> type | None:
    """The class among `wanted` whose `__init__` is that of instances of `cls`: another one may not call it."""
    for base in _MRO.__get__(cls):
        if base in wanted:
            return base  # type: ignore[no-any-return]
        if "__init__" in _DICT.__get__(base):
            return None
    return None


def _made_by_init(cls: type, sources: Sources) -> Makers:
    """What the class's own `__init__`, and those of its bases, set by themselves: attribute to what makes it."""
    makers: Makers = {}
    deleted: set[str] = set()
    for base in _MRO.__get__(cls)[:-1]:
        init = _DICT.__get__(base).get("__init__")
        tree = _source(base, sources)
        if tree is None:
            continue
        # An object may be without what its class deletes.
        deleted |= {one.attr for node in ast.walk(tree) if isinstance(node, ast.Delete) for one in _attributes(node)}
        if type(init) is not FunctionType:
            continue
        defaults = _defaults(init)
        for target, value in _assignments(_body(tree)):
            if not target.startswith("__"):
                makers.setdefault(target, _maker(value, defaults, init.__globals__))
    return {name: make for name, make in makers.items() if name not in deleted}


def _attributes(node: ast.Delete) -> list[ast.Attribute]:
    return [target for target in node.targets if isinstance(target, ast.Attribute)]


def _source(cls: type, sources: Sources) -> ast.ClassDef | None:
    """The text of a class; each module is read once (`inspect` of Python 3.12 reads all of it for each class)."""
    module, qualname = _MODULE.__get__(cls), _QUALNAME.__get__(cls)
    if module not in sources:
        sources[module] = {}
        try:
            tree = ast.parse(inspect.getsource(sys.modules[module]))
        except (KeyError, OSError, TypeError, SyntaxError):
            return None
        found: list[tuple[str, ast.stmt]] = [("", node) for node in tree.body]
        for before, node in found:
            if isinstance(node, ast.ClassDef):
                sources[module].setdefault(before + node.name, node)
                found += [(f"{before}{node.name}.", inner) for inner in node.body]
    return sources[module].get(qualname)


def _body(tree: ast.ClassDef) -> list[ast.stmt]:
    """The statements of a class's `__init__`."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return node.body
    return []


def _assignments(body: list[ast.stmt]) -> Iterable[tuple[str, ast.expr]]:
    """`self.name = value` that are run whatever happens."""
    for statement in body:
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
                yield target.attr, value


def _defaults(init: FunctionType) -> dict[str, object]:
    code = init.__code__
    positional = code.co_varnames[: code.co_argcount]
    given = init.__defaults__ or ()
    return {**dict(zip(positional[len(positional) - len(given) :], given, strict=True)), **(init.__kwdefaults__ or {})}


def _maker(value: ast.expr, defaults: dict[str, object], namespace: dict[str, Any]) -> Callable[[], object] | None:
    if isinstance(value, ast.Constant):
        return lambda: value.value
    if isinstance(value, ast.Name) and value.id in defaults:
        return lambda: defaults[value.id]
    if isinstance(value, ast.List | ast.Tuple | ast.Set | ast.Dict) and not list(ast.iter_child_nodes(value))[1:]:
        empty = ast.unparse(value)
        return (lambda: ast.literal_eval(empty)) if empty in ("[]", "()", "{}") else None
    if isinstance(value, ast.Call) and not value.args and not value.keywords:
        made = _named(value.func, namespace)
        return made if isinstance(made, type) else None
    return None


def _named(node: ast.expr, namespace: dict[str, Any]) -> object:
    """What a dotted name stands for."""
    if isinstance(node, ast.Name):
        return namespace.get(node.id) or sys.modules.get(node.id)
    return getattr(_named(node.value, namespace), node.attr, None) if isinstance(node, ast.Attribute) else None


def _has(obj: Any, name: str) -> bool:
    """Whether the object has the attribute, without asking it."""
    cls = type(obj)
    for base in _MRO.__get__(cls):
        if name in _DICT.__get__(base):
            slot = _DICT.__get__(base)[name]
            if type(slot) is not MemberDescriptorType:
                return True
            try:
                slot.__get__(obj)
            except AttributeError:
                return False
            return True
    try:
        return name in object.__getattribute__(obj, "__dict__")
    except AttributeError:
        return True  # it can have none


def _set(obj: object, name: str, make: Callable[[], object]) -> bool:
    try:
        object.__setattr__(obj, name, make())
    except Exception:
        return False
    return True
