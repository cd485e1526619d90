"""A process that a cell forked and that comes back from the cell's code: it ends as a script would.

It must never run anything of the kernel's: it shares the kernel's sockets, its loop's selector and its store, so a
step more would answer a request twice, commit a cell twice or take bytes that the kernel waits for.

A child of `multiprocessing` never gets here (it ends within its own code), and neither does one that calls
`os._exit` or `os.exec*`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

_forked = False


def is_here() -> bool:
    """Whether this process is such a child."""
    return _forked


def _after_fork() -> None:
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _show(error: BaseException) -> None:
    sys.__excepthook__(type(error), error, error.__traceback__)


def leave(error: BaseException | None, show: Callable[[BaseException], None] = _show) -> NoReturn:
    """End this process with the status that Python would give it; `show` writes a traceback.

    Exit handlers do not run: those there are belong to the kernel and to the pools of its process.
    """
    status = 0
    try:
        if isinstance(error, SystemExit):
            status = _status(error.code)
        elif error is not None:
            status = 1
            show(error)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        if isinstance(error, KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        os._exit(status)


def _status(code: object) -> int:
    """What `sys.exit(code)` means."""
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def display(msg_type: str, content: Mapping[str, Any]) -> None:
    """What a child displays: as text, since it has no way to a client but the descriptors that the kernel reads."""
    data = content.get("data")
    if msg_type in ("display_data", "execute_result") and isinstance(data, Mapping) and "text/plain" in data:
        print(data["text/plain"])
