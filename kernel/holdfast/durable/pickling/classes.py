"""Classes of the notebook as data: what makes them exist, then their attributes.

It must never run a class body, a decorator, `__init_subclass__`, `__set_name__`, or anything of a metaclass: a
class is made by `type.__new__`, with only its slots, and its attributes are set by `type.__setattr__`.

Rejected: `types.new_class` and cloudpickle's skeletons (both run `__init_subclass__` and the metaclass); putting
attributes into the namespace given to `type.__new__` (calls `__set_name__`, and a class in a cycle does not exist yet).
"""

from __future__ import annotations

import builtins
import functools
import sys
import types
from types import FunctionType, MemberDescriptorType
from typing import Any

from holdfast.durable.kinds import ATOM, kind_of
from holdfast.durable.pickling import generated
from holdfast.durable.pickling.lost import Unkeepable, World

_DICT = type.__dict__["__dict__"]
_MODULE = type.__dict__["__module__"]
_QUALNAME = type.__dict__["__qualname__"]
_BASE = type.__dict__["__base__"]
_BASES = type.__dict__["__bases__"]
_SIZE = type.__dict__["__basicsize__"]
_NAME = type.__dict__["__name__"]
_MRO = type.__dict__["__mro__"]
#: What comes with the class, is set on its own, or is a note of `copyreg` (which pickling an instance leaves there).
_MADE = frozenset({"__dict__", "__weakref__", "_abc_impl", "__module__", "__qualname__", "__name__", "__slotnames__"})
_OFFSETS = {"__dict__": "__dictoffset__", "__weakref__": "__weakrefoffset__"}
#: Attributes under which Python 3.14 keeps what is set by another name.
_RENAMED = {"__annotate_func__": "__annotate__", "__annotations_cache__": "__annotations__"}


def module_of(cls: type) -> object:
    """Its module, past any metaclass."""
    return _MODULE.__get__(cls)


def qualname_of(cls: type) -> str:
    """Its qualified name, past any metaclass."""
    found = _QUALNAME.__get__(cls)
    assert isinstance(found, str)
    return found


def builtin_reduction(cls: type) -> Any:
    """Classes without a name of their own."""
    if cls is type(None) or cls is type(...) or cls is type(NotImplemented):
        return type, (None if cls is type(None) else ... if cls is type(...) else NotImplemented,)
    module = _MODULE.__get__(cls)
    if type(module) is str and "._" in module:
        # The same class where everybody finds it: another version has it in another private module (`pathlib._local`).
        public, name = sys.modules.get(module.partition("._")[0]), _NAME.__get__(cls)
        if public is not None and vars(public).get(name) is cls:
            return getattr, (public, name)
    if module == "functools" and cls is getattr(functools, "_CacheInfo", None):
        return getattr, (functools, "_CacheInfo")
    if module == "builtins" and not hasattr(builtins, cls.__name__):
        name = next((name for name, value in vars(types).items() if value is cls), None)
        return (getattr, (types, name)) if name is not None else (type_of, (cls.__name__,))
    return None


def type_of(name: str) -> type:
    """A built-in class that has no name anywhere, such as that of a list's iterator."""
    samples: tuple[object, ...] = (
        iter([]),
        iter(()),
        iter({}),
        iter(set()),
        iter(""),
        iter(b""),
        iter(range(0)),
        reversed([]),
        {}.keys(),
        {}.values(),
        {}.items(),
    )
    return next(type(sample) for sample in samples if type(sample).__name__ == name)


def slots_of(cls: type) -> tuple[str, ...] | None:
    """The slots that `type.__new__` has to make; None for a class that declares none."""
    attributes = _DICT.__get__(cls)
    if "__slots__" not in attributes:
        return None
    own = [
        name
        for name, value in attributes.items()
        if type(value) is MemberDescriptorType and value.__objclass__ is cls and value.__name__ == name
    ]
    return (*sorted(own), *(name for name in ("__dict__", "__weakref__") if name in attributes))


def parts(cls: object, world: World) -> tuple[tuple[object, ...], list[object]]:
    """(what makes the class exist, its state)."""
    assert isinstance(cls, type)
    slots = slots_of(cls)
    abstract = "_abc_impl" in _DICT.__get__(cls)
    made = (
        "class", type(cls), _NAME.__get__(cls), _BASES.__get__(cls), module_of(cls), qualname_of(cls), slots, abstract,
    )  # fmt: skip
    skipped = _MADE | frozenset(slots or ())
    members = [
        (_RENAMED.get(name, name), value)
        for name, value in _DICT.__get__(cls).items()
        if name not in skipped and not generated.of_this_python(name, value)
    ]
    # What instances are made and compared with comes first: the rest may hold instances.
    members.sort(key=lambda member: (not _is_plain(member[1]), not member[0].startswith("__dataclass_")))
    names = [name for name, _ in members]
    extra = _extra(cls, abstract)
    order = [name for name in _DICT.__get__(cls) if name not in skipped and not name.startswith("__")]
    if order != [name for name in names if not name.startswith("__")]:
        extra["order"] = order
    return made, [extra, names, *(value for _, value in members)]


def _is_plain(value: object) -> bool:
    """Whether a class attribute holds no instances: behaviour, and what is immutable."""
    return type(value) in (FunctionType, staticmethod, classmethod, property) or kind_of(type(value)) == ATOM


def _extra(cls: type, abstract: bool) -> dict[str, object]:
    """What is in no `__dict__`: attributes of the metaclass's own slots, and an ABC's virtual subclasses."""
    extra: dict[str, object] = {}
    if abstract:
        import _abc  # type: ignore[import-not-found]

        registered = [ref() for ref in _abc._get_dump(cls)[0]]
        found = sorted(
            (one for one in registered if one is not None), key=lambda one: (str(module_of(one)), qualname_of(one))
        )
        if found:
            extra["registered"] = found
    return extra


def make(made: tuple[Any, ...]) -> type:
    """The class of `parts`, without its attributes.  Raises what `type.__new__` raises."""
    _, meta, name, bases, module, qualname, slots, abstract = made
    for base in (meta, *bases):
        if not isinstance(base, type):
            raise Unkeepable(f"{base!r} is missing, which it is made from")
    namespace: dict[str, Any] = {"__module__": module, "__qualname__": qualname}
    if slots is not None:
        namespace["__slots__"] = slots
    if any(map(_has_hook, bases)):
        cls = type.__new__(meta, name, (_shield(bases), *bases), namespace)
        type.__setattr__(cls, "__bases__", bases)
    else:
        cls = type.__new__(meta, name, bases, namespace)
    if slots is not None:
        type.__delattr__(cls, "__slots__")
    if abstract:
        import _abc

        _abc._abc_init(cls)
    assert isinstance(cls, type)
    return cls


def _shield(bases: tuple[type, ...]) -> type:
    """A base that keeps `type.__new__` from calling `__init_subclass__` of the real ones; taken out at once.

    Bases can only be assigned between equal layouts, so it adds to the same class what the first of them adds.
    """

    def __init_subclass__(cls: type, **_: object) -> None:  # noqa: N807
        """Nothing."""

    like = bases[0]
    while like is not object and _layout(like) == _layout(_BASE.__get__(like)):
        like = _BASE.__get__(like)
    under: type = object if like is object else _BASE.__get__(like)
    if _has_hook(under):  # making one below it would call it
        under = object
    slots = [name for name in ("__dict__", "__weakref__") if _offset(like, name) and not _offset(under, name)]
    made: Any = classmethod(__init_subclass__)  # type: ignore[arg-type]
    return type.__new__(type(under), "Shield", (under,), {"__slots__": tuple(slots), "__init_subclass__": made})


def _layout(cls: type) -> tuple[object, ...]:
    return _SIZE.__get__(cls), *(bool(_offset(cls, name)) for name in _OFFSETS)


def _has_hook(cls: type) -> bool:
    return any("__init_subclass__" in _DICT.__get__(one) for one in _MRO.__get__(cls)[:-1])


def _offset(cls: type, name: str) -> int:
    """Where instances of `cls` have their `__dict__` or `__weakref__`; 0 for nowhere."""
    found = type.__dict__[_OFFSETS[name]].__get__(cls)
    assert isinstance(found, int)
    return found


def begin(cls: type, names: list[str]) -> None:
    """Phase two begins: only `names` stay."""
    known = _DICT.__get__(cls)
    for name in [
        name
        for name in known
        if name not in _MADE and name != "__doc__" and name not in names and not _is_slot(cls, name)
    ]:
        # `type.__new__` adds `__hash__ = None`, `__doc__` and the like, which the original may not have had.
        type.__delattr__(cls, name)


def put(cls: type, name: str, value: object) -> None:
    """Phase two, one attribute: at once, since the next one may hold an instance."""
    try:
        type.__setattr__(cls, name, value)
    except (AttributeError, TypeError):
        if name not in ("__firstlineno__", "__static_attributes__"):
            raise


def end(cls: type, extra: dict[str, Any]) -> None:
    """Phase two ends: the attributes are put into their order, and what the class's Python writes is there."""
    known = _DICT.__get__(cls)
    if "__dataclass_params__" in known:
        generated.mend(cls)
        generated.add(cls)
    for name in extra.get("order", ()):
        value = known[name]
        type.__delattr__(cls, name)
        type.__setattr__(cls, name, value)
    if extra.get("registered"):
        import _abc

        for one in extra["registered"]:
            if isinstance(one, type):
                _abc._abc_register(cls, one)


def _is_slot(cls: type, name: str) -> bool:
    found = _DICT.__get__(cls)[name]
    return type(found) is MemberDescriptorType and found.__objclass__ is cls


def reduce_member(member: Any, own: object) -> Any:
    """An enum's member: by name, but written out within its own class's stream."""
    cls = type(member)
    if cls is own:
        data = _DICT.__get__(cls).get("_member_type_", object)
        args = () if data is object else _data_args(member, data)
        return new_member, (cls, data, args), dict(member.__dict__)
    name = member._name_
    if name is not None and _DICT.__get__(cls).get("_member_map_", {}).get(name) is member:
        return member_of, (cls, name)
    return member_for, (cls, member._value_)


def _data_args(member: Any, data: Any) -> tuple[Any, ...]:
    """Arguments of the data type's `__new__` that give its part of the member."""
    if data in (int, float, complex, str, bytes, tuple, frozenset):
        plain = data.__getitem__(member, slice(None)) if data in (str, bytes, tuple) else member
        return (data.__new__(data, plain),)
    reduced = data.__reduce_ex__(member, 2)
    if isinstance(reduced, tuple) and len(reduced) > 1 and reduced[1] and reduced[1][0] is type(member):
        return tuple(reduced[1][1:])
    return tuple(reduced[1])


def new_member(cls: type, data: type, args: tuple[Any, ...]) -> object:
    """A member as it is before its class knows it."""
    return data.__new__(cls, *args) if data is not object else object.__new__(cls)


def member_of(cls: Any, name: str) -> object:
    """The member of that name; of a changed enum, whatever it has."""
    found = _DICT.__get__(cls).get("_member_map_", {}).get(name) if isinstance(cls, type) else None
    return found if found is not None else getattr(cls, name)


def member_for(cls: Any, value: object) -> object:
    """The member of that value, combinations of flags included."""
    return cls(value)
