"""The end of the kernel with that of the process which started it.

It must never take a launcher's word for more than it is: a number that cannot be our parent's is ignored.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

#: Seconds between two looks.
PACE = 1.0


def watch_parent(
    environ: Mapping[str, str],
    interrupt: Callable[[], None],
    orphaned: Callable[[], None],
    later: Callable[[float, Callable[[], None]], object],
) -> None:
    """Have `orphaned` called when the process that started us dies (JPY_PARENT_PID, set by jupyter_client's launcher).

    `later` calls on the kernel thread in some seconds.
    """
    if os.name == "nt":
        from holdfast.app.windows import wait_for_handles, watch

        watch(environ, interrupt, orphaned, wait_for_handles)
        return
    text = environ.get("JPY_PARENT_PID", "")
    if not text.isdecimal() or int(text) <= 1 or not hasattr(os, "getppid"):
        return
    parent = os.getppid()

    def look() -> None:
        if os.getppid() != parent:
            orphaned()
        else:
            later(PACE, look)

    later(PACE, look)
