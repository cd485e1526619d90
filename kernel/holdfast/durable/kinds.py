"""What the walk does with an object, by its class.

It must never run user code: classes are told apart by the identity of their bases, never by `isinstance`,
`==` or a hash that a metaclass could have replaced.
"""

from __future__ import annotations

import sys
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodDescriptorType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import TypeGuard

#: ATOM is never looked into and never joins; FROZEN joins only through what it holds; OPEN is mutable and looked
#: into; LEAF is mutable and opaque; the others are explained where the walk handles them.
ATOM, FROZEN, OPEN, LEAF, ARRAY, FUNCTION, CLASS, CELL, WEAK, MEMBER, BUILTIN = range(11)
#: A tensor: known by its memory, which no object stands for.
TENSOR = -1

KINDS: dict[type, int] = {
    **dict.fromkeys((int, float, complex, bool, str, bytes, range, type(None), type(...), type(NotImplemented)), ATOM),
    **dict.fromkeys((ModuleType, CodeType, GetSetDescriptorType, MemberDescriptorType), ATOM),
    **dict.fromkeys((MethodDescriptorType, WrapperDescriptorType), ATOM),
    **dict.fromkeys((tuple, frozenset, slice), FROZEN),
    **dict.fromkeys((list, dict, set, bytearray, object), OPEN),
    FunctionType: FUNCTION,
    type: CLASS,
    CellType: CELL,
    BuiltinFunctionType: BUILTIN,
}
#: By id: a metaclass may have no hash.
ATOMS = frozenset(id(cls) for cls, kind in KINDS.items() if kind == ATOM)

#: Their values never change; joining on one (a time zone, say) would join strangers.
_CONSTANT = {
    "datetime": "date time timedelta tzinfo",
    "decimal": "Decimal Context",
    "fractions": "Fraction",
    "uuid": "UUID",
    "pathlib": "PurePath",
    "re": "Pattern",
    "zoneinfo": "ZoneInfo",
    "ipaddress": "_IPAddressBase",
    "numpy": "generic dtype ufunc",
    "pandas": "Index Timestamp Timedelta Period Interval DateOffset",
    "pandas.api.extensions": "ExtensionDtype",
    "pandas._libs.internals": "BlockValuesRefs BlockPlacement",
    "types": "GenericAlias UnionType",
    "typing": "_Final TypeVar ParamSpec TypeVarTuple TypeAliasType",
    "torch": "dtype device Size",
    "holdfast.compat.ipython.parts": "Part",
}
#: No stream descends into these: kept by a reopener, or not at all.
_OPAQUE = {
    "types": "GeneratorType CoroutineType AsyncGeneratorType FrameType TracebackType",
    "_asyncio": "Future",
    "asyncio": "Future AbstractEventLoop",
    "threading": "Thread _RLock",
    "_thread": "LockType RLock",
    "_io": "_IOBase",
    "socket": "socket",
    "sqlite3": "Connection Cursor",
    "logging": "Logger Handler",
    "mmap": "mmap",
    "subprocess": "Popen",
    "concurrent.futures": "Executor Future",
    "contextvars": "ContextVar Context Token",
    "ctypes": "CDLL",
    "weakref": "WeakKeyDictionary WeakValueDictionary WeakSet",
    "ipywidgets.widgets.widget": "Widget",
    "comm.base_comm": "BaseComm",
    "matplotlib.cbook": "CallbackRegistry",
    "matplotlib.backend_bases": "FigureCanvasBase FigureManagerBase",
    "multiprocessing.process": "BaseProcess",
}
#: A StringIO is read and written like a list.
_IN_MEMORY = {"_io": "StringIO BytesIO"}
_WEAK = {"weakref": "ref ProxyType CallableProxyType"}
_PLAIN = {"builtins": "tuple frozenset"}
_TENSORS = {"torch": "Tensor UntypedStorage"}
_TABLES = ((_IN_MEMORY, OPEN), (_WEAK, WEAK), (_CONSTANT, ATOM), (_OPAQUE, LEAF), (_TENSORS, TENSOR))
#: Ours that are values; all else of ours belongs to the running kernel, and leads to all of it.
_VALUES = (
    "holdfast.output.mime.", "holdfast.output.display", "holdfast.namespace.results", "holdfast.errors",
    "holdfast.durable.pickling.", "holdfast.durable.reducers.", "holdfast.durable.reports", "holdfast.durable.tables",
    "holdfast.durable.rows", "holdfast.current", "holdfast.transacting", "holdfast.compat.ipython.values",
    "holdfast.magics.slist", "holdfast.output.capturing", "holdfast.magics.builtin.repeating",
)  # fmt: skip
_CYTHON = frozenset({"cython_function_or_method", "fused_cython_function", "_abc_data"})
_MRO = type.__dict__["__mro__"]
_NAME = type.__dict__["__name__"]
#: Kinds of library classes that have a metaclass, whose `__hash__` nobody knows: by id, with the class.
_OF_METACLASSES: dict[int, tuple[int, type]] = {}


def kind_of(cls: type) -> int:
    """How the walk treats instances of `cls`, remembered for library classes."""
    plain = type(cls) is type
    kind = KINDS.get(cls) if plain else _OF_METACLASSES.get(id(cls), (None,))[0]
    if kind is None:
        kind = _classify(cls)
        # Notebook classes come and go: remembering one would keep it alive.
        if plain and cls.__module__ != "__main__" and cls.__module__ in sys.modules:
            KINDS[cls] = kind
        elif not plain and _is_librarys(cls):
            _OF_METACLASSES[id(cls)] = kind, cls
    return kind


def _is_librarys(cls: type) -> bool:
    """Whether a module that is not the notebook has the class under its name, and so keeps it alive anyway."""
    name, module = _NAME.__get__(cls), type.__dict__["__module__"].__get__(cls)
    if type(module) is not str or module == "__main__":
        return False
    return getattr(sys.modules.get(module), "__dict__", {}).get(name) is cls


def is_class(obj: object) -> TypeGuard[type]:
    """Whether it is a class, by its own class: `isinstance` may ask the user's metaclass, which may raise."""
    return issubclass(type(obj), type)


def is_machinery(cls: type) -> bool:
    """Whether instances belong to the kernel of this process rather than to the notebook."""
    module = type.__dict__["__module__"].__get__(cls)
    return type(module) is str and module.startswith("holdfast.") and not module.startswith(_VALUES)


def _classify(cls: type) -> int:
    bases = {id(base) for base in _MRO.__get__(cls)}
    if id(type) in bases:
        return CLASS
    if id(ModuleType) in bases or _NAME.__get__(cls) in _CYTHON:
        return ATOM
    numpy, enum = sys.modules.get("numpy"), sys.modules.get("enum")
    if numpy is not None and id(getattr(numpy, "ndarray", None)) in bases:
        return ARRAY
    if enum is not None and id(enum.Enum) in bases:
        return MEMBER
    for table, kind in _TABLES:
        for module_name, names in table.items():
            module = sys.modules.get(module_name)
            if module is not None and any(id(module.__dict__.get(name, table)) in bases for name in names.split()):
                return kind
    if (id(tuple) in bases or id(frozenset) in bases) and not cls.__dictoffset__:
        return FROZEN
    return LEAF if is_machinery(cls) else OPEN
