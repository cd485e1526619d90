"""Reducers for type variables and aliases, which are compared by identity but belong to many streams.

They must never multiply: each has a number for life, and a stream that names a number known here gives the object.
"""

from __future__ import annotations

import weakref
from typing import Any

from holdfast.durable.pickling.modules import importable
from holdfast.durable.reducers.registry import Keeping

_numbers: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
_objects: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
#: Aliases have no weak references; there are few of them.
_aliases: dict[int, Any] = {}
_next = 1


def _number(obj: Any) -> int:
    global _next
    found = _numbers.get(obj)
    if found is None:
        found, _next = _next, _next + 1
        _numbers[obj], _objects[found] = found, obj
    return found


def _adopt(number: int, name: str, module: Any, cls: type, make: Any) -> Any:
    global _next
    known = _objects.get(number)
    if (
        known is not None
        and type(known) is cls
        and getattr(known, "__name__", None) == name
        and getattr(known, "__module__", None) == module
    ):
        return known
    made = make()
    made.__module__ = module
    if known is None:
        _numbers[made], _objects[number] = number, made
        _next = max(_next, number + 1)
    return made


def variable(number: int, cls: Any, name: str, module: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """The type variable of that number."""
    return _adopt(number, name, module, cls, lambda: cls(name, *args, **options))


def reduce_variable(obj: Any, keeping: Keeping) -> Any:
    """TypeVar, ParamSpec, TypeVarTuple."""
    if importable(obj, obj.__module__, obj.__name__):
        return str(obj.__name__)
    options: dict[str, Any] = {}
    for option in ("bound", "covariant", "contravariant", "infer_variance"):
        value = getattr(obj, f"__{option}__", None)
        if value is not None and value is not False:
            options[option] = value
    if getattr(obj, "has_default", bool)():
        options["default"] = obj.__default__
    constraints = getattr(obj, "__constraints__", ())
    return variable, (_number(obj), type(obj), obj.__name__, obj.__module__, constraints, options)


def alias(number: int, name: str, module: Any, value: Any, params: tuple[Any, ...]) -> Any:
    """The alias of that number."""
    import typing

    global _next
    known = _aliases.get(number)
    if known is not None and known.__name__ == name:
        return known
    made: Any = typing.TypeAliasType(name, value, type_params=params)
    if known is None:
        _aliases[number] = made
        _next = max(_next, number + 1)
    return made


def _alias_number(obj: Any) -> int:
    global _next
    found = next((number for number, known in _aliases.items() if known is obj), None)
    if found is None:
        found, _next = _next, _next + 1
        _aliases[found] = obj
    return found


def reduce_alias(obj: Any, keeping: Keeping) -> Any:
    """An alias made by a `type` statement; its value is computed now."""
    if importable(obj, obj.__module__, obj.__name__):
        return str(obj.__name__)
    return alias, (_alias_number(obj), obj.__name__, obj.__module__, obj.__value__, obj.__type_params__)


def reduce_newtype(obj: Any, keeping: Keeping) -> Any:
    """A NewType, attribute by attribute: its own pickle is its name."""
    if importable(obj, obj.__module__, obj.__qualname__):
        return str(obj.__qualname__)
    return newtype, (), dict(obj.__dict__)


def newtype() -> Any:
    """A NewType without attributes."""
    from typing import NewType

    return object.__new__(NewType)


def forward(text: str, settings: dict[str, Any], evaluated: tuple[Any, ...]) -> Any:
    """A reference to a type by its name: its code is compiled by this Python."""
    from typing import ForwardRef

    made: Any = ForwardRef(text, **settings)
    if evaluated:
        made.__forward_evaluated__, made.__forward_value__ = True, evaluated[0]
    return made


def reduce_forward(obj: Any, keeping: Keeping) -> Any:
    """A `typing.ForwardRef` of a Python that compiles it at once; later ones have a `__reduce__`-able state."""
    if not hasattr(obj, "__forward_code__"):
        return NotImplemented
    settings = {"is_argument": obj.__forward_is_argument__, "is_class": obj.__forward_is_class__}
    evaluated = (obj.__forward_value__,) if obj.__forward_evaluated__ else ()
    return forward, (obj.__forward_arg__, {**settings, "module": obj.__forward_module__}, evaluated)
