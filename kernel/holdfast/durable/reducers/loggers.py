"""Reducers for loggers and handlers; they must never give a logger that has handlers a second set."""

from __future__ import annotations

from typing import Any

from holdfast.durable.reducers.registry import Keeping


def logger(name: str) -> Any:
    """The logger of that name."""
    import logging

    return logging.getLogger(name) if name else logging.getLogger()


def set_logger(obj: Any, state: tuple[int, bool, bool, list[Any], list[Any]]) -> None:
    """Its level, and its handlers and filters where this process has none yet."""
    level, propagate, disabled, handlers, filters = state
    obj.setLevel(level)
    obj.propagate, obj.disabled = propagate, disabled
    for handler in handlers if not obj.handlers else ():
        obj.addHandler(handler)
    for one in filters if not obj.filters else ():
        obj.addFilter(one)


def reduce_logger(obj: Any, keeping: Keeping) -> Any:
    """A logger by name."""
    import logging

    name = "" if isinstance(obj, logging.RootLogger) else obj.name
    if (logging.getLogger(name) if name else logging.getLogger()) is not obj:
        return NotImplemented
    state = (obj.level, obj.propagate, obj.disabled, list(obj.handlers), list(obj.filters))
    return logger, (name,), state, None, None, set_logger


def set_handler(obj: Any, state: dict[str, Any]) -> None:
    """Its attributes; from now on `logging.shutdown` flushes it."""
    import logging

    obj.__dict__.update(state)
    obj.createLock()
    logging._addHandlerRef(obj)  # type: ignore[attr-defined]


def handler(cls: Any) -> Any:
    """A handler without its `__init__`, which would open files anew."""
    return cls.__new__(cls)


def reduce_handler(obj: Any, keeping: Keeping) -> Any:
    """A handler with its stream."""
    state = {name: value for name, value in obj.__dict__.items() if name != "lock"}
    return handler, (type(obj),), state, None, None, set_handler
