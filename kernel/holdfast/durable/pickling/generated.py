"""Methods that `dataclasses` writes by itself: they have no text, and another Python makes others.

It must never change a method that the user wrote, run code of the user's, or touch a class that lacks none of them.

Under the Python that made them they are code like any other.  Elsewhere each first exists hollow (it raises when it is
called), since it may be needed before its class has its fields.  When the class is there, a twin of it with the same
fields and parameters gives the code: the function stays the same object, with its own closure.

Rejected: taking the twin's functions in all cases (`g = D.__init__` would not be `D.__init__` any more); writing the
text of the methods here (it is not the same in all versions of the library, which knows best).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

from holdfast.durable.pickling.lost import Unkeepable

_DICT = type.__dict__["__dict__"]
_MRO = type.__dict__["__mro__"]
_NAME = type.__dict__["__name__"]
_QUALNAME = type.__dict__["__qualname__"]
_PARAMETERS, _FIELDS = "__dataclass_params__", "__dataclass_fields__"
_WRITTEN = "__create_fn__.<locals>."
#: What they put around a `__repr__`: in 3.12 their own, later that of `reprlib`.
_AROUND = ("_recursive_repr.<locals>.wrapper", "recursive_repr.<locals>.decorating_function.<locals>.wrapper")
_MARK = "a method of a dataclass that was written by another Python, and is not made again yet"


def is_written(known: tuple[Any, ...]) -> bool:
    """Whether code of that shape (see `functions.shape`) is a method that `dataclasses` wrote."""
    name, qualname, _, parameters = known[:4]
    return qualname == _WRITTEN + name or (qualname in _AROUND and parameters[3] == ("self",))


def hollow(known: tuple[Any, ...]) -> CodeType:
    """Code of that name and closure which refuses to be called."""
    name, qualname, free = known[:3]
    text = (
        f"def outer({', '.join(free)}):\n"
        f" def {name}(*_, **__):\n  raise TypeError({_MARK!r})\n  {', '.join(free) or None}\n"
    )
    outer = next(one for one in compile(text, "<string>", "exec", dont_inherit=True).co_consts if _is_code(one))
    code: CodeType = next(one for one in outer.co_consts if _is_code(one))
    if code.co_freevars != free:
        raise Unkeepable("it was compiled by another Python, and its source is not recorded")
    return code.replace(co_qualname=qualname)


def _is_code(constant: object) -> bool:
    return type(constant) is CodeType


def is_hollow(value: object) -> bool:
    """Whether it is a function that waits for its code."""
    return type(value) is FunctionType and _MARK in value.__code__.co_consts


def mend(cls: type) -> list[str]:
    """Give the hollow methods of a dataclass their code; the names of those for which there is none."""
    own = _DICT.__get__(cls)
    waiting = {name: value for name, value in own.items() if is_hollow(value)}
    if not waiting or not {_PARAMETERS, _FIELDS} <= own.keys():
        return sorted(waiting)
    try:
        twin = _DICT.__get__(_twin(cls))
    except Exception:  # fields that came back in part
        return sorted(waiting)
    for name, function in waiting.items():
        made = twin.get(name)
        if type(made) is not FunctionType:
            continue
        inner = list(_inside(function))
        for one in _inside(made):
            for old in inner:
                if old.__code__.co_qualname == one.__code__.co_qualname and _fits(old, one):
                    old.__code__ = one.__code__
        if is_hollow(function):
            type.__setattr__(cls, name, _instead(function, made, cls))
    return sorted(name for name in waiting if is_hollow(_DICT.__get__(cls)[name]))


def _fits(old: FunctionType, made: FunctionType) -> bool:
    # What is around a method holds another function, which is perhaps not there yet.
    alone = is_hollow(old) and old.__code__.co_qualname not in _AROUND
    return alone and old.__code__.co_freevars == made.__code__.co_freevars


def _inside(function: FunctionType) -> Iterator[FunctionType]:
    """A function, and those that it is put around."""
    yield function
    for cell in function.__closure__ or ():
        try:
            if type(cell.cell_contents) is FunctionType:
                yield from _inside(cell.cell_contents)
        except ValueError:
            continue


def _instead(old: FunctionType, made: FunctionType, cls: type) -> FunctionType:
    """The twin's method as one of the class's own: where this Python closes over other things."""
    for cell in made.__closure__ or ():
        if isinstance(cell.cell_contents, type) and _QUALNAME.__get__(cell.cell_contents) == _QUALNAME.__get__(cls):
            cell.cell_contents = cls
    made.__qualname__, made.__module__, made.__doc__ = old.__qualname__, old.__module__, old.__doc__
    made.__annotations__ = old.__annotations__
    return made


def _twin(cls: Any) -> type:
    """A class of the same fields, alone: bases have given it theirs, so they need not be there."""
    import dataclasses

    parameters, fields = _DICT.__get__(cls)[_PARAMETERS], _DICT.__get__(cls)[_FIELDS]
    attributes: dict[str, Any] = {"__module__": cls.__module__, "__qualname__": _QUALNAME.__get__(cls)}
    annotations = attributes["__annotations__"] = {}
    for field in fields.values():
        kind = field._field_type.name
        if kind == "_FIELD_CLASSVAR":
            continue
        annotations[field.name] = dataclasses.InitVar[object] if kind == "_FIELD_INITVAR" else object
        attributes[field.name] = _copied(field)
    if any("__post_init__" in _DICT.__get__(base) for base in _MRO.__get__(cls)):
        attributes["__post_init__"] = None
    words = ("init", "repr", "eq", "order", "unsafe_hash", "frozen", "match_args", "slots", "weakref_slot")
    chosen = {word: getattr(parameters, word) for word in words if hasattr(parameters, word)}
    twin: type = dataclasses.dataclass(**chosen)(type(_NAME.__get__(cls), (), attributes))
    return twin


def _copied(field: Any) -> Any:
    import dataclasses

    given = {word: getattr(field, word) for word in ("init", "repr", "hash", "compare", "kw_only")}
    for word in ("default", "default_factory"):
        if getattr(field, word) is not dataclasses.MISSING:
            given[word] = getattr(field, word)
    return dataclasses.field(**given)


def of_this_python(name: str, value: object) -> bool:
    """Whether a class has that attribute from its Python's `dataclasses`, so that another one need not find it."""
    library = sys.modules.get("dataclasses")
    return name == "__replace__" and library is not None and value is getattr(library, "_replace", library)


def add(cls: type) -> None:
    """Give a dataclass what this Python gives to each, and streams leave out."""
    if _PARAMETERS in _DICT.__get__(cls) and "__replace__" not in _DICT.__get__(cls):
        replace = getattr(sys.modules.get("dataclasses"), "_replace", None)
        if replace is not None:
            type.__setattr__(cls, "__replace__", replace)
