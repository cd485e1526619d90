"""What the reducers of opaque objects store of them, so that the walk sees what they share with other variables.

It must never run user code, and never lead to what no reducer stores: from a logger to every other logger.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_MRO = type.__dict__["__mro__"]


def stored_of(obj: Any) -> list[object]:
    """The parts of an opaque object that go into a stream with it."""
    for base in _MRO.__get__(type(obj)):
        found = _TABLE.get(f"{base.__module__}.{base.__qualname__}")
        if found is not None:
            return found(obj)
    return []


def storage_of(tensor: Any) -> int:
    """The address of the memory that a tensor, or a storage, of torch shows; 0 for those without."""
    try:
        return int(tensor.untyped_storage().data_ptr() if hasattr(tensor, "layout") else tensor.data_ptr())
    except Exception:
        return 0


def _attributes(obj: Any) -> list[object]:
    state = getattr(obj, "__dict__", None)
    return list(state.values()) if type(state) is dict else []


def _handler(obj: Any) -> list[object]:
    return [value for name, value in obj.__dict__.items() if name != "lock"]


def _logger(obj: Any) -> list[object]:
    return [*obj.handlers, *obj.filters]


def _file(obj: Any) -> list[object]:
    """Whatever a file of the user's own class has; what a reader or writer in memory is over."""
    if type(obj).__module__ == "_io":
        inner = getattr(obj, "buffer", None) or getattr(obj, "raw", None)
        return [inner] if inner is not None else []
    return _attributes(obj) if type(obj).__module__.partition(".")[0] != "holdfast" else []


def _future(obj: Any) -> list[object]:
    return [obj._result, obj._exception]


def _variable(obj: Any) -> list[object]:
    return [obj.get(None)]


def _mapping(obj: Any) -> list[object]:
    return [part for item in obj.items() for part in item]


def _callbacks(obj: Any) -> list[object]:
    """Those that matplotlib pickles: of its own."""
    kept = obj._pickled_cids
    proxies = [proxy() for called in obj.callbacks.values() for number, proxy in called.items() if number in kept]
    return [obj.exception_handler, *proxies]


_TABLE: dict[str, Callable[[Any], list[object]]] = {
    "logging.Handler": _handler,
    "logging.Logger": _logger,
    "_io._IOBase": _file,
    "sqlite3.Cursor": lambda obj: [obj.connection, obj.row_factory],
    "sqlite3.Connection": lambda obj: [obj.row_factory, obj.text_factory],
    "concurrent.futures._base.Future": _future,
    "_contextvars.ContextVar": _variable,
    "weakref.WeakKeyDictionary": _mapping,
    "weakref.WeakValueDictionary": _mapping,
    "_weakrefset.WeakSet": list,
    "matplotlib.cbook.CallbackRegistry": _callbacks,
    "matplotlib.backend_bases.FigureCanvasBase": lambda obj: [obj.figure],
}
