"""Which reducer serves a class: ours by table, others' by the entry-point group `holdfast.reducers`.

It must never import a family, or look for entry points, before a class asks for it.

A reducer is `reduce(obj, keeping)`.  It returns what `__reduce__` may return, with importable functions only;
NotImplemented to leave the object to pickle; or raises `Unkeepable(reason)`.  See docs/reducers.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from holdfast.durable.kinds import is_machinery

GROUP = "holdfast.reducers"
Reducer = Callable[[Any, "Keeping"], Any]
#: "module.qualname" of a class to "module:function" or the function itself.
_table: dict[str, str | Reducer] = {}
_families = False
_asked = False
_OURS = "holdfast.durable.reducers."


class Keeping:
    """What a reducer may ask and say about the stream it works for."""

    def __init__(self, pickler: Any) -> None:
        self._pickler = pickler
        #: For families that write one thing once for many objects (a tensor's storage), by their own keys.
        self.shared: dict[Any, Any] = {}

    def reopened(self, obj: object, reason: str) -> None:
        """Say that `obj` is opened again rather than copied: the user is told what and how."""
        self.pickler.reopened.append((obj, self.pickler.root, type(obj).__name__, reason))

    @property
    def pickler(self) -> Any:
        """For families that share memory between values."""
        assert self._pickler is not None, "the stream is complete"
        return self._pickler

    def close(self) -> None:
        """Let go of the pickler, which holds this."""
        self._pickler = None
        self.shared.clear()


def register(name: str, reducer: str | Reducer) -> None:
    """Serve the class `name` ("module.Qualname") and its subclasses by `reducer`."""
    _table[name] = reducer


def find(cls: type, mro: tuple[type, ...]) -> Reducer | None:
    """The reducer of a class: that of the first class in its order of resolution which has one."""
    global _families
    if not _families:
        _families = True
        from holdfast.durable.reducers.families import FAMILIES, REASONS

        for name, where in FAMILIES.items():
            _table.setdefault(name, where)
        for name, reason in REASONS.items():
            _table.setdefault(name, _refusing(reason))
    for base in mro:
        module = type.__dict__["__module__"].__get__(base)
        name = f"{module}.{type.__dict__['__qualname__'].__get__(base)}"
        found = _table.get(name)
        if found is None and not _asked and _foreign(module):
            _ask()
            found = _table.get(name)
        if found is not None:
            return _loaded(name, found)
    return _refusing("it belongs to the kernel of the process that ended") if is_machinery(cls) else None


def check_of(cls: type) -> Callable[[Any], object] | None:
    """What fails for a value of the class that does not work, where there is such a check."""
    from holdfast.durable.reducers.families import CHECKS

    for base in type.__dict__["__mro__"].__get__(cls):
        where = CHECKS.get(f"{type.__dict__['__module__'].__get__(base)}.{type.__dict__['__qualname__'].__get__(base)}")
        if where is not None:
            import importlib

            module, _, function = where.partition(":")
            check: Callable[[Any], object] = getattr(importlib.import_module(_OURS + module), function)
            return check
    return None


def _loaded(name: str, found: str | Reducer) -> Reducer:
    if isinstance(found, str):
        import importlib

        module, _, function = found.partition(":")
        reducer: Reducer = getattr(importlib.import_module(_OURS + module if "." not in module else module), function)
        _table[name] = reducer
        return reducer
    return found


def _refusing(reason: str) -> Reducer:
    def refuse(obj: Any, keeping: Keeping) -> Any:
        from holdfast.durable.pickling.lost import Unkeepable

        raise Unkeepable(reason)

    return refuse


def _foreign(module: object) -> bool:
    """Whether a class may have a reducer by entry point: what is ours, standard or covered has none."""
    if not isinstance(module, str):
        return False
    top = module.partition(".")[0]
    return top not in ("__main__", "holdfast", "numpy", "pandas", "matplotlib") and top not in sys.stdlib_module_names


def _ask() -> None:
    global _asked
    _asked = True
    from holdfast.entrypoints import entry_points

    for entry in entry_points(GROUP):
        _table[entry.name] = _late(entry)


def _late(entry: Any) -> Reducer:
    def reduce(obj: Any, keeping: Keeping) -> Any:
        return entry.load()(obj, keeping)

    reduce.__module__ = "foreign"  # it runs in the care of the guard
    return reduce
