"""Libraries that bring or bend event loops: uvloop, anyio and nest_asyncio, each made to work inside a cell.

It must never change what they do where no cell runs, in threads of the user's for instance, and imports none of them.

* anyio refuses to run where it sees a running loop, uvloop's loop is no subclass of asyncio's: both run with the
  kernel's loop set aside, as `asyncio.run` does.
* nest_asyncio rewrites asyncio for the whole process, so that a loop can run inside itself.  The kernel's own can
  anyhow, and would lose what it does at each step: for it nothing is left to do.  Other loops get what it gives.
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


def adopt(module: ModuleType, loop: asyncio.AbstractEventLoop, aside: Aside) -> None:
    """`module` was imported; `aside` makes a function run with `loop`, the kernel's, set aside."""
    if module.__name__ == "uvloop":
        _wrap(module.Loop, ("run_forever", "run_until_complete"), aside)
    elif module.__name__ == "anyio":
        _wrap(module, ("run",), aside)
    else:  # nest_asyncio, or nest_asyncio2, which goes on where that one has ended
        _leave_alone(module, loop)


def _wrap(owner: object, names: tuple[str, ...], aside: Aside) -> None:
    for name in names:
        setattr(owner, name, aside(getattr(owner, name)))


def _leave_alone(module: ModuleType, own: asyncio.AbstractEventLoop) -> None:
    apply = module.apply

    @functools.wraps(apply)
    def apply_to_others(loop: asyncio.AbstractEventLoop | None = None, *args: Any, **kwargs: Any) -> None:
        import asyncio

        if loop is None:
            try:
                loop = asyncio.get_event_loop()
            except RuntimeError:  # a thread without one
                return
        if loop is not own:
            apply(loop, *args, **kwargs)

    module.apply = apply_to_others  # type: ignore[attr-defined]
