"""Libraries that bring or bend event loops: uvloop, anyio and nest_asyncio, each made to work inside a cell.

It must never change what they do where no cell runs, in threads of the user's for instance, and imports none of them.

* anyio refuses to run where it sees a running loop, uvloop's loop is no subclass of asyncio's: both run with the
  kernel's loop set aside, as `asyncio.run` does.
* nest_asyncio rewrites asyncio for the whole process, so that loops can run inside themselves and each other.  The
  kernel's own would lose what it does at each step: so `apply` asks the kernel to let them nest, and changes nothing.
* trio leaves an interrupt to whoever has taken SIGINT, and it is raised in the midst of trio's own work: for as long
  as it runs, the signal is Python's.
"""

from __future__ import annotations

import functools
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from typing import Any

    type Aside = Callable[[Callable[..., Any]], Callable[..., Any]]


def adopt(module: ModuleType, aside: Aside, nest: Callable[[], None]) -> None:
    """`module` was imported; `aside` makes a function run with the loop set aside, `nest` lets all loops nest."""
    if module.__name__ == "uvloop":
        _wrap(module.Loop, ("run_forever", "run_until_complete"), aside)
    elif module.__name__ == "anyio":
        _wrap(module, ("run",), aside)
    elif module.__name__ == "trio":
        _wrap(module, ("run",), _with_signals)
    else:  # nest_asyncio, or nest_asyncio2, which goes on where that one has ended
        _replace_apply(module, nest)


def _wrap(owner: object, names: tuple[str, ...], aside: Aside) -> None:
    for name in names:
        setattr(owner, name, aside(getattr(owner, name)))


def _with_signals(run: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(run)
    def run_with_signals(*args: Any, **kwargs: Any) -> Any:
        import signal
        import threading

        if threading.current_thread() is not threading.main_thread():
            return run(*args, **kwargs)
        wakeup, handler = signal.set_wakeup_fd(-1), signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return run(*args, **kwargs)
        finally:
            signal.signal(signal.SIGINT, handler)
            signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)

    return run_with_signals


def _replace_apply(module: ModuleType, nest: Callable[[], None]) -> None:
    apply = module.apply

    @functools.wraps(apply)
    def apply_to_all(loop: asyncio.AbstractEventLoop | None = None, *args: Any, **kwargs: Any) -> None:
        import asyncio

        if loop is None or isinstance(loop, asyncio.BaseEventLoop):
            nest()
        else:
            apply(loop, *args, **kwargs)  # it says what it cannot do

    module.apply = apply_to_all  # type: ignore[attr-defined]
