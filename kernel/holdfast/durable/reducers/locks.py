"""Reducers for locks, threads and futures; a lock must never come back held by a thread that is gone."""

from __future__ import annotations

import threading
from typing import Any

from holdfast.durable.pickling.lost import Unkeepable
from holdfast.durable.reducers.registry import Keeping


def lock(kind: str) -> Any:
    """A new lock."""
    return threading.RLock() if kind == "RLock" else threading.Lock()


def reduce_lock(obj: Any, keeping: Keeping) -> Any:
    """A lock; conditions, events, semaphores and barriers are plain objects around one."""
    held = obj.locked() if hasattr(obj, "locked") else obj._is_owned()
    if held:
        keeping.reopened(obj, "it was held, and is free now")
    return lock, (type(obj).__name__,)


def local(cls: Any, state: dict[str, Any]) -> Any:
    """A thread-local object with the main thread's values."""
    made = cls.__new__(cls)
    made.__dict__.update(state)
    return made


def reduce_local(obj: Any, keeping: Keeping) -> Any:
    """A thread-local object: what this thread has in it."""
    return local, (type(obj), dict(obj.__dict__))


def refuse_thread(obj: threading.Thread, keeping: Keeping) -> Any:
    """A thread cannot be kept."""
    state = "had ended" if not obj.is_alive() and obj.ident else "was not started" if not obj.ident else "was running"
    raise Unkeepable(f"a thread belongs to its process (it {state})")


def future(cls: Any, result: Any, error: Any) -> Any:
    """A future that is done."""
    made = cls()
    if error is not None:
        made.set_exception(error)
    else:
        made.set_result(result)
    return made


def reduce_future(obj: Any, keeping: Keeping) -> Any:
    """A future of `concurrent.futures` that is done, with what came of it."""
    if not obj.done():
        raise Unkeepable("what computes it belongs to the process that ended")
    if obj.cancelled():
        raise Unkeepable("it was cancelled")
    return future, (type(obj), obj._result, obj._exception)
