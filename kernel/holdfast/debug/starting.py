"""Brings debugpy into this process and has it trace the user's threads.

It must never leave its traces in what cells start: no environment variable stays, no child process is followed, and
a forked child runs untraced (nobody would ever let it go on from a breakpoint).
"""

from __future__ import annotations

import os
import sys
import threading
from types import FrameType

from holdfast.errors import DebugError

#: debugpy warns of the standard library's frozen modules, in which nobody sets breakpoints, unless told not to.
_QUIET = "PYDEVD_DISABLE_FILE_VALIDATION"
#: pydevd's STATE_RUN.
_RUNNING = 1
_hooked = False


def trace(port: int, secret: str) -> None:
    """Import debugpy and connect; returns when all threads are traced.

    Blocks until `configurationDone` has come: for a thread of its own.  Raises `DebugError`.
    """
    before = set(os.environ)
    os.environ.setdefault(_QUIET, "1")
    try:
        import debugpy  # noqa: T100

        debugpy.configure(subProcess=False)
    except ImportError as error:
        raise DebugError(f"debugpy cannot be imported ({error}): pip install debugpy") from None
    finally:
        for name in [name for name in os.environ if name.startswith("PYDEVD_") and name not in before]:
            del os.environ[name]
    _hook_forks()
    try:
        debugpy.connect(("127.0.0.1", port), access_token=secret)
    except Exception as error:
        raise DebugError(f"debugpy does not start: {error}") from None


def let_go() -> bool:
    """The calling thread neither stands still nor steps any more; False where it evaluates something standing still.

    For signal handlers too, so it takes no lock: pydevd looks at these fields when it wakes up, and at each step.
    """
    info = getattr(threading.current_thread(), "additional_info", None)
    if info is None:
        return True
    if _evaluates():
        return False
    info.pydev_step_cmd = info.pydev_original_step_cmd = -1
    info.pydev_step_stop = None
    info.pydev_state = _RUNNING
    return True


def _evaluates() -> bool:
    """Whether the calling thread stands still and is at work all the same: on what somebody wants to see."""
    frame: FrameType | None = sys._getframe()
    inside = False
    while frame is not None:
        name = frame.f_code.co_name
        if name == "_do_wait_suspend":
            return inside
        inside = inside or name == "do_it"
        frame = frame.f_back
    return False


def _hook_forks() -> None:
    global _hooked
    if not _hooked and hasattr(os, "register_at_fork"):
        _hooked = True
        os.register_at_fork(after_in_child=_untrace)


def _untrace() -> None:
    """PEP 669: without callbacks a tool sees nothing, whatever events it had asked for."""
    monitoring = sys.monitoring
    if monitoring.get_tool(monitoring.DEBUGGER_ID) is None:
        return
    events = monitoring.events
    for event in (getattr(events, name) for name in dir(events) if name.isupper()):
        if event and event != events.BRANCH:
            monitoring.register_callback(monitoring.DEBUGGER_ID, event, None)
    monitoring.set_events(monitoring.DEBUGGER_ID, 0)
