"""Reducers for what the interpreter makes and pickle refuses; it must never run code of the user's to ask."""

from __future__ import annotations

import gc
import sys
import warnings
from functools import lru_cache
from itertools import chain
from types import MappingProxyType, MemberDescriptorType, MethodType
from typing import Any

from holdfast.durable.pickling.functions import magic, record, shape
from holdfast.durable.pickling.lost import Unkeepable
from holdfast.durable.reducers.registry import Keeping


def reduce_method(obj: MethodType, keeping: Keeping) -> Any:
    """A bound method, by its function: `getattr` would run `__getattr__` and find what the class has now."""
    return MethodType, (obj.__func__, obj.__self__)


def wrapped(cls: Any, function: object, attributes: dict[str, Any]) -> object:
    """A staticmethod or classmethod with its attributes."""
    made = cls(function)
    made.__dict__.update(attributes)
    return made


def reduce_wrapped(obj: Any, keeping: Keeping) -> Any:
    """A staticmethod or classmethod."""
    own = {name: value for name, value in obj.__dict__.items() if getattr(obj.__func__, name, keeping) is not value}
    return wrapped, (type(obj), obj.__func__, own)


def reduce_property(obj: property, keeping: Keeping) -> Any:
    """A property; of subclasses, with their attributes."""
    state = getattr(obj, "__dict__", None)
    args = (obj.fget, obj.fset, obj.fdel, obj.__doc__)
    if type(obj) is not property:
        # A subclass's own `__init__` (that of `enum.property`, say) may want something else.
        return subclass_of_property, (type(obj), *args), state
    name = getattr(obj, "__name__", None) if sys.version_info >= (3, 13) else None
    return plain_property, (*args, name if type(name) is str else None)


def plain_property(fget: Any, fset: Any, fdel: Any, doc: Any, name: str | None) -> property:
    """A property."""
    made = property(fget, fset, fdel, doc)
    if name is not None and getattr(fget, "__name__", None) != name and hasattr(property, "__set_name__"):
        made.__set_name__(None, name)  # type: ignore[attr-defined]
    return made


def subclass_of_property(cls: Any, fget: Any, fset: Any, fdel: Any, doc: Any) -> Any:
    """An instance of a subclass of property, without its `__init__`."""
    made = cls.__new__(cls)
    property.__init__(made, fget, fset, fdel, doc)
    return made


def code(stamp: bytes, data: bytes, source: tuple[str, int, str] | None = None, known: tuple[Any, ...] = ()) -> Any:
    """A code object; under another Python than the one that made it, that of a function from its source."""
    import marshal

    if stamp == magic():
        return marshal.loads(data)
    if source is None:
        raise Unkeepable("it was compiled by another Python")
    from holdfast.durable.pickling.source import compiled

    return compiled(source, known, shape)


def reduce_code(obj: Any, keeping: Keeping) -> Any:
    """A code object by itself (functions keep theirs with its source)."""
    import marshal

    return code, (magic(), marshal.dumps(obj, 2), record(obj), shape(obj))


def reduce_proxy(obj: Any, keeping: Keeping) -> Any:
    """A read-only view of a mapping."""
    return MappingProxyType, (gc.get_referents(obj)[0],)


def view(name: str, mapping: dict[Any, Any]) -> object:
    """`keys`, `values` or `items` of a dict."""
    return getattr(dict, name)(mapping)


def ordered_view(name: str, mapping: Any) -> object:
    """The same of an OrderedDict."""
    from collections import OrderedDict

    return getattr(OrderedDict, name)(mapping)


def reduce_view(obj: Any, keeping: Keeping) -> Any:
    """A dict's view."""
    kind, _, name = type(obj).__name__.partition("_")
    return view if kind == "dict" else ordered_view, (name, gc.get_referents(obj)[0])


def descriptor(cls: type, name: str) -> object:
    """What a class has under a name, itself."""
    return type.__dict__["__dict__"].__get__(cls)[name]


def reduce_descriptor(obj: Any, keeping: Keeping) -> Any:
    """A slot."""
    return descriptor, (obj.__objclass__, obj.__name__)


def exception(cls: Any, args: tuple[Any, ...]) -> BaseException:
    """An exception as `__new__` leaves it: a user's `__init__` may want other arguments."""
    made = cls.__new__(cls, *args)
    assert isinstance(made, BaseException)
    BaseException.args.__set__(made, args)  # type: ignore[attr-defined]
    return made


def native_exception(function: Any, args: tuple[Any, ...]) -> Any:
    """An exception by its own reduce."""
    return function(*args)


class Linked:
    """Sets the state of an exception with what raised it."""

    @staticmethod
    def link(obj: BaseException, state: tuple[Any, ...]) -> None:
        """Attributes, cause, context, and what its class keeps elsewhere."""
        attributes, cause, context, suppress, own = state
        if attributes:
            obj.__dict__.update(attributes)
        obj.__context__ = context
        obj.__cause__ = cause
        obj.__suppress_context__ = suppress
        for name, value in own.items():
            try:
                setattr(obj, name, value)
            except (AttributeError, TypeError):
                continue  # those of a group are read only, and came with its arguments


link = Linked.link


def reduce_exception(obj: BaseException, keeping: Keeping) -> Any:
    """An exception, without its traceback but with cause and context."""
    cls = type(obj)
    own = _members(obj)
    state = (obj.__dict__ or None, obj.__cause__, obj.__context__, obj.__suppress_context__, own)
    base = next(one for one in cls.__mro__ if one.__module__ == "builtins")
    if (
        base.__basicsize__ == BaseException.__basicsize__
        and "__reduce__" not in _own(cls)
        and "__getstate__" not in _own(cls)
    ):
        return exception, (cls, obj.args), state, None, None, link
    reduced = obj.__reduce_ex__(5)
    if len(reduced) > 2 and type(reduced[2]) is not dict and reduced[2] is not None:
        return reduced
    return native_exception, (reduced[0], reduced[1]), state, None, None, link


def _members(obj: BaseException) -> dict[str, Any]:
    """What built-in exceptions keep beside their arguments: the name of an ImportError, the line of a SyntaxError."""
    found: dict[str, Any] = {}
    for base in type(obj).__mro__:
        if base.__module__ == "builtins" and base not in (BaseException, Exception, object):
            for name, member in vars(base).items():
                value = member.__get__(obj) if type(member) is MemberDescriptorType else None
                if value is not None and not name.startswith("_"):
                    found[name] = value
    return found


def _own(cls: type) -> set[str]:
    return {name for base in cls.__mro__ if base.__module__ != "builtins" for name in vars(base)}


def cached(function: Any, parameters: dict[str, Any]) -> Any:
    """A function behind an empty cache."""
    return lru_cache(**parameters)(function)


def reduce_cached(obj: Any, keeping: Keeping) -> Any:
    """A function behind `lru_cache`; what it had cached is computed again when it is asked for."""
    from holdfast.durable.pickling.modules import importable

    if importable(obj, obj.__module__, obj.__qualname__):
        return str(obj.__qualname__)
    state = {name: value for name, value in obj.__dict__.items() if name not in ("__wrapped__", "cache_parameters")}
    own = {
        name: value
        for name, value in state.items()
        if getattr(obj.__wrapped__, "__dict__", {}).get(name, keeping) is not value
    }
    return cached, (obj.__wrapped__, obj.cache_parameters()), own or None


def sentinel(name: str) -> object:
    """One of the marks of `dataclasses`."""
    import dataclasses

    return getattr(dataclasses, name)


def reduce_sentinel(obj: object, keeping: Keeping) -> Any:
    """A mark that is compared by identity."""
    for name, value in vars(sys.modules["dataclasses"]).items():
        if value is obj:
            return sentinel, (name,)
    return NotImplemented


def new_field(names: tuple[str, ...], values: tuple[Any, ...]) -> object:
    """A field of a dataclass."""
    import dataclasses

    made = object.__new__(dataclasses.Field)
    for name, value in zip(names, values, strict=True):
        setattr(made, name, value)
    return made


def set_field(obj: object, state: tuple[tuple[str, ...], tuple[Any, ...]]) -> None:
    """Its attributes."""
    for name, value in zip(*state, strict=True):
        setattr(obj, name, value)


def reduce_field(obj: Any, keeping: Keeping) -> Any:
    """A field of a dataclass, slot by slot; the empty metadata is one object for all."""
    from dataclasses import Field

    names = [name for name in Field.__slots__ if hasattr(obj, name)]
    if not obj.metadata and "metadata" in names:
        names.remove("metadata")
        return bare_field, (), (tuple(names), tuple(getattr(obj, n) for n in names)), None, None, set_field
    return new_field, ((), ()), (tuple(names), tuple(getattr(obj, n) for n in names)), None, None, set_field


def bare_field() -> object:
    """A field without metadata."""
    from dataclasses import field

    made: object = field()
    return made


def matched(pattern: Any, how: str, string: Any, start: int, end: int) -> Any:
    """A match, found again."""
    found = getattr(pattern, how)(string, start, end)
    if found is None:
        raise Unkeepable("the pattern does not match any more")
    return found


def reduce_match(obj: Any, keeping: Keeping) -> Any:
    """A match of a regular expression: the call that gives it again, among those that may have given it."""
    for how, start in (
        ("search", obj.pos),
        ("match", obj.pos),
        ("fullmatch", obj.pos),
        ("search", obj.start()),
        ("match", obj.start()),
    ):
        found = getattr(obj.re, how)(obj.string, start, obj.endpos)
        if found is not None and found.regs == obj.regs:
            return matched, (obj.re, how, obj.string, start, obj.endpos)
    raise Unkeepable("no call on its pattern gives it again")


def new_hash(name: str) -> object:
    """A hash that has seen nothing."""
    import hashlib

    return hashlib.new(name)


def reduce_hash(obj: Any, keeping: Keeping) -> Any:
    """A hash that was not fed yet; the state of others cannot be read out of the library."""
    import hashlib

    name = obj.name
    try:
        fresh = hashlib.new(name)
        same = fresh.digest() == obj.digest()
    except (ValueError, TypeError):
        same = False
    if not same:
        raise Unkeepable("what a hash has seen cannot be read out of it; feed it again")
    return new_hash, (name,)


def ended_chain() -> Any:
    """A chain that has come to its end."""
    made: chain[Any] = chain()
    next(made, None)
    return made


def list_iterator(items: list[Any], index: int) -> Any:
    """An iterator at a place of a list, which is not filled yet when the iterator lies in it."""
    length = len(items)
    list.extend(items, [None] * (index - length))
    made: Any = list.__iter__(items)
    made.__setstate__(index)
    list.__delitem__(items, slice(length, None))
    return made


def reduce_list_iterator(obj: Any, keeping: Keeping) -> Any:
    """Python's own would take a place for the end of a list that is not filled yet."""
    reduced = obj.__reduce__()
    return (list_iterator, (reduced[1][0], reduced[2])) if len(reduced) == 3 else reduced


def reduce_iterator(obj: Any, keeping: Keeping) -> Any:
    """An iterator of itertools, where this Python still tells its state."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            reduced = obj.__reduce__()
        except TypeError:
            raise Unkeepable("this Python cannot save where an iterator of itertools stands") from None
    # Python's own would make one that has not begun.
    return (ended_chain, ()) if reduced == (chain, ()) else reduced
