"""Reducers for single classes of the standard library that pickle refuses or gets wrong.

They must never keep an address: a handle or pointer of the process that ended crashes the next.
"""

from __future__ import annotations

import gc
from typing import Any

from holdfast.durable.reducers.registry import Keeping

_ABSENT = object()


def context_variable(name: str, defaults: tuple[Any, ...]) -> Any:
    """A context variable."""
    from contextvars import ContextVar

    return ContextVar(name, default=defaults[0]) if defaults else ContextVar(name)


def set_context_variable(obj: Any, state: tuple[Any, ...]) -> None:
    """What cells see in it."""
    for value in state:
        obj.set(value)


def reduce_context_variable(obj: Any, keeping: Keeping) -> Any:
    """A context variable with its default, which only the garbage collector tells, and its value."""
    defaults = tuple(gc.get_referents(obj)[1:])
    value = obj.get(_ABSENT)
    own = () if value is _ABSENT or (defaults and value is defaults[0]) else (value,)
    return context_variable, (obj.name, defaults), own, None, None, set_context_variable


def key(compare: Any, obj: tuple[Any, ...]) -> Any:
    """What `cmp_to_key` makes: a key function, or a key that it made."""
    from functools import cmp_to_key

    made = cmp_to_key(compare)
    return made(*obj) if obj else made


def reduce_key(obj: Any, keeping: Keeping) -> Any:
    """A key function with the comparison that it was made of."""
    _, compare, *rest = gc.get_referents(obj)
    return key, (compare, tuple(rest))


def struct(form: str) -> Any:
    """A compiled format."""
    from struct import Struct

    return Struct(form)


def reduce_struct(obj: Any, keeping: Keeping) -> Any:
    """A compiled format."""
    return struct, (obj.format,)


def library(cls: Any, name: Any) -> Any:
    """A shared library, loaded again."""
    return cls(name)


def reduce_library(obj: Any, keeping: Keeping) -> Any:
    """A shared library, by name: its handle is an address."""
    keeping.reopened(obj, str(obj._name or "this process"))
    return library, (type(obj), obj._name)


def scanner(options: dict[str, Any]) -> Any:
    """The part of a JSONDecoder that is written in C."""
    from json.scanner import make_scanner
    from types import SimpleNamespace

    return make_scanner(SimpleNamespace(**options))  # type: ignore[arg-type]


def reduce_scanner(obj: Any, keeping: Keeping) -> Any:
    """The same, with what it calls."""
    names = ("strict", "object_hook", "object_pairs_hook", "parse_float", "parse_int", "parse_constant")
    return scanner, ({name: getattr(obj, name) for name in names},)
