"""Looks at live objects without running their code: attributes, items and results, found statically.

Must never evaluate a property, call `__getattr__`, `__getattribute__`, `__getitem__`, `__repr__` or a
metaclass: the user's cell may be running in the main thread while this runs in another. The two exceptions
are methods that exist only to answer completion, `__dir__` and `_ipython_key_completions_`, called under a
guard.

Rejected:
* `getattr` with the errors caught: a property may query a database, and a proxy may block for ever.
* `isinstance`: it asks the object for `__class__`, which a proxy answers with code of its own.
* `inspect.getattr_static`: right, but it does not tell a class attribute from an instance's, and leaves every
  descriptor unresolved.
"""

from __future__ import annotations

import builtins
import functools
import sys
import types
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeGuard

MISSING = object()
_MRO: Any = type.__dict__["__mro__"].__get__
_DICT: Any = type.__dict__["__dict__"].__get__
_NAME: Any = type.__dict__["__name__"].__get__
_MODULE: Any = type.__dict__["__module__"].__get__
_MODULE_DICT: Any = vars(types.ModuleType)["__dict__"].__get__
_FUNCTIONS = (
    types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.MethodDescriptorType,
    types.WrapperDescriptorType, types.MethodWrapperType, types.ClassMethodDescriptorType,
    staticmethod, classmethod, functools.partial,
)  # fmt: skip
_FUNCTION_NAMES = frozenset(
    {
        "cython_function_or_method",
        "fused_cython_function",
        "ufunc",
        "_ArrayFunctionDispatcher",
        "_lru_cache_wrapper",
    }
)
# C getters that are known to compute nothing and to call nothing.
_QUIET_OWNERS = frozenset({"builtins", "numpy", "datetime", "types", "decimal"})
_ITEM_LIMIT = 200  # characters of an index that are read as a literal
_DIR_LIMIT = 100_000


class Ref:
    """What an expression stands for: a live `value`, or only its class `of` (then `value` is MISSING).

    `receiver` is, for a function found as an attribute, the class of the object it is bound to, else None.
    """

    __slots__ = ("of", "receiver", "value")

    def __init__(self, value: object = MISSING, of: type | None = None, *, receiver: type | None = None) -> None:
        self.value = value
        self.of = type(value) if of is None else of
        self.receiver = receiver


def mro(cls: type) -> tuple[type, ...]:
    """The method resolution order of `cls`, past any metaclass."""
    found: tuple[type, ...] = _MRO(cls)
    return found


def class_dict(cls: type) -> Mapping[str, object]:
    """A read-only view of the dictionary of `cls`, past any metaclass."""
    found: Mapping[str, object] = _DICT(cls)
    return found


def class_name(cls: type) -> str:
    """The name of `cls`, past any metaclass."""
    found: str = _NAME(cls)
    return found


def is_class(value: object) -> TypeGuard[type]:
    """Whether `value` is a class, without asking it."""
    return issubclass(type(value), type)


def is_module(value: object) -> bool:
    """Whether `value` is a module, without asking it."""
    return issubclass(type(value), types.ModuleType)


def find(cls: type, name: str) -> tuple[object, type | None]:
    """The entry `name` in the dictionaries of `cls` and its bases, and its class; or (MISSING, None)."""
    for base in mro(cls):
        entry = class_dict(base).get(name, MISSING)
        if entry is not MISSING:
            return entry, base
    return MISSING, None


def instance_dict(value: object) -> dict[str, object]:
    """The object's own dictionary, or an empty one where it has none or where reading it would run code."""
    if is_module(value):
        module: dict[str, object] = _MODULE_DICT(value)
        return module
    slot, _ = find(type(value), "__dict__")
    # A member is a field of the object in C: that of types.SimpleNamespace.
    if type(slot) in (types.GetSetDescriptorType, types.MemberDescriptorType) and not is_class(value):
        try:
            found = slot.__get__(value)  # type: ignore[attr-defined]
        except Exception:
            return {}
        if type(found) is dict:
            return found
        # A subclass (`self.__dict__ = self`, as dicts with attributes have it) may have an `__iter__` of its own.
        if issubclass(type(found), dict):
            return dict.copy(found)
    return {}


def keys(mapping: Mapping[str, object]) -> list[str]:
    """The string keys of a mapping that others may be changing: never raises, at worst comes back empty."""
    for _ in range(10):
        try:
            # One C call, so nothing changes in between where the mapping is a plain dict.
            names = list(mapping)
        except RuntimeError:
            continue
        except Exception:
            return []
        return [name for name in names if type(name) is str]
    return []


def attribute(ref: Ref, name: str) -> Ref | None:
    """What `ref.name` stands for, or None where only running code could tell."""
    value = ref.value
    if value is not MISSING and is_module(value):
        return _module_attribute(value, name)
    if value is not MISSING and is_class(value):
        entry, owner = find(value, name)
        if entry is MISSING:
            entry, owner = find(type(value), name)
            return None if entry is MISSING else _entry(entry, owner, ref, of_class=False)
        return _entry(entry, owner, ref, of_class=True)
    entry, owner = find(ref.of, name)
    own = instance_dict(value).get(name, MISSING) if value is not MISSING else MISSING
    if own is not MISSING and not (entry is not MISSING and _is_data(entry)):
        return Ref(own)
    if entry is MISSING:
        return _column(ref, name)
    return _entry(entry, owner, ref, of_class=False)


def _module_attribute(module: object, name: str) -> Ref | None:
    names = instance_dict(module)
    if name in names:
        return Ref(names[name])
    # A module with lazy attributes: only a submodule that is loaded already can be had without running code.
    package = names.get("__name__")
    found = sys.modules.get(f"{package}.{name}") if type(package) is str else None
    return None if found is None else Ref(found)


def _is_data(entry: object) -> bool:
    return find(type(entry), "__set__")[0] is not MISSING or find(type(entry), "__delete__")[0] is not MISSING


def _entry(entry: object, owner: type | None, ref: Ref, *, of_class: bool) -> Ref | None:
    """What reading the class entry gives, where that is known without calling the descriptor."""
    kind = type(entry)
    if kind is staticmethod or kind is classmethod:
        receiver = (ref.value if of_class else ref.of) if kind is classmethod else None
        return Ref(entry.__func__, receiver=receiver)  # type: ignore[attr-defined,arg-type]
    if kind in _FUNCTIONS:
        return Ref(entry, receiver=None if of_class or kind is functools.partial else ref.of)
    if of_class:
        return Ref(entry) if find(kind, "__get__")[0] is MISSING or kind is property else None
    if kind is types.MemberDescriptorType or (
        kind is types.GetSetDescriptorType and owner is not None and module_of(owner) in _QUIET_OWNERS
    ):
        return _read(entry, ref)
    if kind is property or kind is functools.cached_property:
        getter = entry.fget if kind is property else entry.func  # type: ignore[attr-defined]
        returned = returns(getter, ref.of)
        return None if returned is None else Ref(of=returned)
    if module_of(kind).startswith("pandas."):
        if class_name(kind) == "AxisProperty":  # `index` and `columns`, which pandas keeps ready
            return _read(entry, ref)
        accessor = instance_dict(entry).get("_accessor")
        if accessor is not None and is_class(accessor):
            return Ref(of=accessor)
    return Ref(entry) if find(kind, "__get__")[0] is MISSING else None


def _read(entry: object, ref: Ref) -> Ref | None:
    if ref.value is MISSING:
        return None
    try:
        return Ref(entry.__get__(ref.value, ref.of))  # type: ignore[attr-defined]
    except Exception:
        return None


def module_of(cls: type) -> str:
    """The module that `cls` says it was defined in, "" where it says something else than a name."""
    # The type's own getter: of the class attribute `__module__` there may be a descriptor.
    name = _MODULE(cls)
    return name if type(name) is str else ""


def returns(function: object, receiver: type | None) -> type | None:
    """The class that a Python function says it returns, if it says so simply (`X`, `X | None`, `Self`)."""
    if type(function) is not types.FunctionType or sys.version_info >= (3, 14):
        return None  # 3.14 evaluates annotations when they are read (PEP 649), which runs code.
    said = function.__annotations__.get("return")
    if is_class(said):
        return said
    if type(said) is not str:
        return None
    names = [part.strip() for part in said.split("|")]
    names = [name for name in names if name != "None"]
    if len(names) != 1 or not names[0].isidentifier():
        return None
    if names[0] == "Self":
        return receiver
    found = function.__globals__.get(names[0], MISSING)
    if found is MISSING:
        found = vars(builtins).get(names[0])
    if found is None:
        found = _for_type_checking(function.__module__, names[0])
    return found if is_class(found) else None


def _for_type_checking(module: object, name: str) -> object:
    """The class that a module names in annotations only, found among the loaded modules of its package."""
    if type(module) is not str or not name[0].isupper():
        return None
    start = module.partition(".")[0] + "."
    for loaded in [key for key in list(sys.modules) if type(key) is str and key.startswith(start)]:
        found = instance_dict(sys.modules.get(loaded)).get(name)
        if is_class(found) and module_of(found).startswith(start):
            return found
    return None


def called(ref: Ref) -> Ref | None:
    """What calling `ref` gives: an instance of a class, or what a function says it returns."""
    if ref.value is MISSING:
        return None
    if is_class(ref.value):
        plain = find(type(ref.value), "__call__")[1] is type
        return Ref(of=ref.value) if plain else None
    returned = returns(ref.value, ref.receiver)
    return None if returned is None else Ref(of=returned)


def item(ref: Ref, text: str) -> Ref | None:
    """What `ref[text]` stands for, where the index is a literal and the container a plain built-in one."""
    if len(text) > _ITEM_LIMIT:
        return None
    import ast

    try:
        index = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if type(index) is str and is_frame(ref.of) and index in columns(ref):
        return Ref(of=_sibling(ref.of, "Series"))
    value = ref.value
    try:
        if issubclass(ref.of, dict) and value is not MISSING and find(ref.of, "__getitem__")[1] is dict:
            return Ref(dict.__getitem__(cast("dict[object, object]", value), index))
        if type(value) in (list, tuple, str, bytes) and type(index) is int:
            return Ref(value[index])  # type: ignore[index]
    except (LookupError, TypeError):
        return None
    return None


# ---------------------------------------------------------------------------------------------------------
# Data frames: the one kind of library object whose contents people complete all day


def is_frame(cls: type) -> bool:
    """Whether `cls` is pandas' DataFrame or a subclass of it, without importing pandas."""
    return any(class_name(base) == "DataFrame" and module_of(base).startswith("pandas") for base in mro(cls))


def _sibling(cls: type, name: str) -> type:
    """The class `name` of the pandas that `cls` comes from."""
    module = sys.modules.get("pandas")
    found = instance_dict(module).get(name) if module is not None else None
    return found if is_class(found) else cls


def columns(ref: Ref) -> list[str]:
    """The columns of a data frame that are strings; [] for everything else."""
    if ref.value is MISSING or not is_frame(ref.of):
        return []
    base = next(base for base in mro(ref.of) if class_name(base) == "DataFrame")
    try:
        # Pandas' own getter, so that a subclass's property of that name is not run.
        labels = class_dict(base)["columns"].__get__(ref.value, base)  # type: ignore[attr-defined]
        return [label for label in labels[:_DIR_LIMIT].tolist() if type(label) is str]
    except Exception:
        return []


def _column(ref: Ref, name: str) -> Ref | None:
    return Ref(of=_sibling(ref.of, "Series")) if name in columns(ref) else None


# ---------------------------------------------------------------------------------------------------------
# Lists of names, and words for kinds


def names(ref: Ref) -> list[str]:
    """The attribute names of `ref`, unsorted, each once.

    A `__dir__` written for the class is called, guarded, since answering this question is all it is for.
    """
    value = ref.value
    if value is not MISSING and is_module(value):
        own = instance_dict(value)
        return (_ask(value) if "__dir__" in own else None) or keys(own)
    custom = find(ref.of, "__dir__")[1]
    if value is not MISSING and custom not in (object, type, types.ModuleType, None):
        told = _ask(value)
        if told is not None:
            return told
    found: dict[str, None] = {}
    if value is not MISSING and is_class(value):
        bases = mro(value)
    else:
        bases = mro(ref.of)
        found.update(dict.fromkeys(keys(instance_dict(value)) if value is not MISSING else ()))
    for base in bases:
        found.update(dict.fromkeys(keys(class_dict(base))))
    found.update(dict.fromkeys(columns(ref)))
    return list(found)


def _ask(value: object) -> list[str] | None:
    try:
        told = dir(value)
    except BaseException:  # The user's code on a pool thread: whatever it raises is not meant for us.
        return None
    return [name for name in told[:_DIR_LIMIT] if type(name) is str]


def type_word(value: object) -> str:
    """jedi's word for a value: module, class, function or instance."""
    kind = type(value)
    if issubclass(kind, types.ModuleType):
        return "module"
    if issubclass(kind, type):
        return "class"
    if kind in _FUNCTIONS or class_name(kind) in _FUNCTION_NAMES:
        return "function"
    return "instance"


def member(ref: Ref, name: str) -> tuple[str, object]:
    """The word for the attribute `name`, and its raw value or descriptor (MISSING where it is not found)."""
    value = ref.value
    if value is not MISSING:
        own = instance_dict(value)
        if name in own:
            found = own.get(name, MISSING)
            return type_word(found), found
        if is_class(value):
            entry = find(value, name)[0]
            return ("property" if type(entry) is property else type_word(entry)), entry
    entry = find(ref.of, name)[0]
    if entry is MISSING:
        return "instance", MISSING
    word = type_word(entry)
    if word == "instance" and find(type(entry), "__get__")[0] is not MISSING:
        word = "property"
    return word, entry
