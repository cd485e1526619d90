"""Functions and classes of cells in processes that `multiprocessing` starts anew (spawn, forkserver).

It must never change what travels to a forked process: that one has the notebook's functions, and large globals.

1. pickle sends a function as its name, `__main__.work`.  2. The `__main__` of a spawned process is not the notebook,
so there is no such name.  3. The worker ends with an AttributeError, its pool starts another one, and so on: the cell
waits for ever.  So from the first such process on, what cells define travels by value, as joblib and dask have it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from operator import attrgetter
from types import FunctionType
from typing import Any

#: What came here, by its bytes: the same function again is the same object.
_adopted: dict[bytes, object] = {}


def send_by_value() -> None:
    """The first such process is about to be started."""
    from multiprocessing.reduction import ForkingPickler

    setattr(ForkingPickler, "reducer_override", _reduce)


def _reduce(_pickler: object, obj: object) -> Any:
    """How `obj` travels, `NotImplemented` for "as ever"; see `pickle.Pickler.reducer_override`."""
    if not isinstance(obj, FunctionType | type) or getattr(obj, "__module__", None) != "__main__":
        return NotImplemented
    name, _, inside = obj.__qualname__.partition(".")
    top = getattr(sys.modules["__main__"], name, None)
    if inside:
        found = attrgetter(inside)
        return (found, (top,)) if _finds(found, top, obj) else NotImplemented
    if top is not obj:
        return NotImplemented
    import cloudpickle  # type: ignore[import-untyped]

    try:
        return adopt, (name, cloudpickle.dumps(obj))
    except Exception:  # a global that cannot travel: the name still can, for what it is worth
        return NotImplemented


def _finds(get: Callable[[object], object], top: object, obj: object) -> bool:
    """Whether a method or an inner class is where its name says."""
    try:
        return get(top) is obj
    except AttributeError:
        return False


def adopt(name: str, payload: bytes) -> object:
    """In another process: the function or class `name` of the notebook, put into this one's `__main__`."""
    main = vars(sys.modules["__main__"])
    if "holdfast.app.wiring" in sys.modules:  # forked from the kernel: it has the notebook
        return main[name]
    if payload not in _adopted:
        import pickle

        found = pickle.loads(payload)
        _adopted[payload] = _moved(found, main, found.__globals__) if isinstance(found, FunctionType) else found
    main[name] = _adopted[payload]
    return main[name]


def _moved(function: FunctionType, main: dict[str, Any], own: dict[str, Any]) -> FunctionType:
    """`function` with `main` as its globals, and with it those of the notebook's functions that it calls.

    Values that are there already stay: a pool's initializer may have set them.
    """
    moved = FunctionType(function.__code__, main, function.__name__, function.__defaults__, function.__closure__)
    moved.__kwdefaults__, moved.__qualname__ = function.__kwdefaults__, function.__qualname__
    moved.__module__, moved.__doc__ = function.__module__, function.__doc__
    moved.__dict__.update(function.__dict__)
    main[function.__name__] = moved
    for name, value in own.items():
        if isinstance(value, FunctionType) and value.__globals__ is own:
            if value is not function and main.get(name) is not value:
                own[name] = None  # a function may call itself by way of another
                main[name] = _moved(value, main, own)
        elif isinstance(value, type) or name not in main:
            main[name] = value
    return moved
