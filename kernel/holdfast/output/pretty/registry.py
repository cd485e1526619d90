"""Which printer shows which class: by type, or by name for classes whose module need not be imported yet.

It must never import the module of a class that is registered by name.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, UserList, defaultdict, deque
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MappingProxyType, NoneType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from holdfast.output.pretty import containers, objects

if TYPE_CHECKING:
    from holdfast.output.pretty.layout import Layout

__all__ = ["REGISTRY", "Printer", "Registry"]

#: `printer(obj, p, cycle)` lays out `obj` on `p`; `cycle` says that `obj` is being shown further out already.
#: Any: each printer takes objects of its own class, and nothing but the registry can promise that.
type Printer = Callable[[Any, Layout, bool], object]

#: Shown by their `repr`, which is one line and cannot run a user's code.
_VERBATIM: frozenset[type] = frozenset({int, float, complex, str, bytes, bool, NoneType})

#: Laid out without the engine when nothing but these and verbatim values is inside (see `plain.py`).
_PLAIN: frozenset[type] = frozenset({list, tuple, dict, set, frozenset})

_BUILT_IN: dict[type, Printer] = {
    # The first three have a `__repr__` of their own; so a printer for `object` cannot replace it.
    int: objects.repr_printer,
    float: objects.repr_printer,
    str: objects.repr_printer,
    list: containers.sequence_printer("[", "]"),
    tuple: containers.sequence_printer("(", ")"),
    dict: containers.mapping_printer("{", "}"),
    set: containers.set_printer("{", "}"),
    frozenset: containers.set_printer("frozenset({", "})"),
    MappingProxyType: containers.mapping_printer("mappingproxy({", "})"),
    defaultdict: containers.defaultdict_printer,
    OrderedDict: containers.ordereddict_printer,
    Counter: containers.counter_printer,
    deque: containers.deque_printer,
    UserList: containers.userlist_printer,
    type: objects.type_printer,
    FunctionType: objects.function_printer,
    BuiltinFunctionType: objects.function_printer,
    BaseException: objects.exception_printer,
    super: objects.super_printer,
    SimpleNamespace: objects.namespace_printer,
}

_BUILT_IN_BY_NAME: dict[tuple[str, str], Printer] = {
    ("re", "Pattern"): objects.pattern_printer,
    ("os", "_Environ"): containers.mapping_printer("environ{", "}"),
}


class Registry:
    """Printers by class.

    `verbatim` and `plain` are the exact types that need no look-up; a type leaves them when
    somebody registers a printer for it. `custom` holds the types that somebody registered.
    """

    __slots__ = ("custom", "deferred", "plain", "types", "verbatim")

    def __init__(self) -> None:
        self.types: dict[type, Printer] = dict(_BUILT_IN)
        self.deferred: dict[tuple[str, str], Printer] = dict(_BUILT_IN_BY_NAME)
        self.custom: set[type] = set()
        self.verbatim: frozenset[type] = _VERBATIM
        self.plain: frozenset[type] = _PLAIN

    def for_type(self, kind: type, printer: Printer | None) -> Printer | None:
        """Register `printer` for `kind` and its subclasses, and return the one registered before.

        With None, nothing changes: so a printer that was returned can be put back without a test.
        """
        before = self.types.get(kind)
        if printer is not None:
            self.types[kind] = printer
            self.custom.add(kind)
            self._sort_out()
        return before

    def for_type_by_name(self, module: str, name: str, printer: Printer | None) -> Printer | None:
        """Like `for_type` for the class `name` of the module called `module`, which is not imported."""
        before = self.deferred.get((module, name))
        if printer is not None:
            self.deferred[module, name] = printer
        return before

    def forget(self, kind: type) -> None:
        """Undo what was registered for `kind`; built-in types get their own printers again."""
        self.custom.discard(kind)
        if kind in _BUILT_IN:
            self.types[kind] = _BUILT_IN[kind]
        else:
            self.types.pop(kind, None)
        self._sort_out()

    def forget_name(self, module: str, name: str) -> None:
        """Undo what was registered by name, also when the class has been met since."""
        self.deferred.pop((module, name), None)
        for kind in [kind for kind in self.custom if (kind.__module__, kind.__name__) == (module, name)]:
            self.forget(kind)

    def own(self, kind: type) -> Printer | None:
        """The printer registered for exactly this class; one found by name is kept from now on."""
        printer = self.types.get(kind)
        if printer is not None or not self.deferred:
            return printer
        # A metaclass may answer with anything, or raise.
        try:
            key = (kind.__module__, kind.__name__)
            printer = self.deferred.pop(key, None)
        except Exception:
            return None
        if printer is not None:
            self.types[kind] = printer
            if printer is not _BUILT_IN_BY_NAME.get(key):
                self.custom.add(kind)
        return printer

    def find(self, kind: type) -> Printer | None:
        """The printer registered for `kind` or the nearest of its base classes."""
        for base in kind.__mro__:
            printer = self.own(base)
            if printer is not None:
                return printer
        return None

    def is_custom(self, kind: type) -> bool:
        """Whether the printer that `find` gives was registered by somebody, not built in."""
        for base in kind.__mro__:
            if self.own(base) is not None:
                return base in self.custom
        return False

    def copy(self) -> Registry:
        """A registry that starts with the same printers and goes its own way."""
        other = Registry()
        other.types = dict(self.types)
        other.deferred = dict(self.deferred)
        other.custom = set(self.custom)
        other._sort_out()
        return other

    def _sort_out(self) -> None:
        self.verbatim = _VERBATIM - self.custom
        self.plain = _PLAIN - self.custom


#: The registry of this process: what `pretty` and the kernel's text/plain use.
REGISTRY = Registry()
