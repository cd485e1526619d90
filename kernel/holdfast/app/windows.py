"""Interrupt and parent watch on Windows, where both come as handles in the environment.

It must never be imported elsewhere.  Source: jupyter_client's launcher (`JPY_INTERRUPT_EVENT`, `JPY_PARENT_PID`).
No Windows machine tests this here: the waiting is handed in, and tests hand in a fake.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from holdfast.threads import OwnThread

#: Waits for one of the handles; its index.
Wait = Callable[[list[int]], int]


def watch(environ: Mapping[str, str], interrupt: Callable[[], None], orphaned: Callable[[], None], wait: Wait) -> bool:
    """Start a thread that calls `interrupt` or `orphaned`; whether there was anything to watch."""
    handles: list[tuple[int, Callable[[], None]]] = []
    for name, call in (("JPY_INTERRUPT_EVENT", interrupt), ("JPY_PARENT_PID", orphaned)):
        text = environ.get(name, "")
        if text.isdecimal() and int(text) > 1:
            handles.append((int(text), call))
    if not handles:
        return False

    def run() -> None:
        while True:
            call = handles[wait([handle for handle, _call in handles])][1]
            call()
            if call is orphaned:
                return

    OwnThread(target=run, name="holdfast-windows", daemon=True).start()
    return True


def wait_for_handles(handles: list[int]) -> int:
    """`WaitForMultipleObjects`, for ever; an interrupt event resets itself when it has been seen."""
    import ctypes

    kernel32 = ctypes.windll.kernel32  # type: ignore[attr-defined]
    array = (ctypes.c_void_p * len(handles))(*handles)
    return int(kernel32.WaitForMultipleObjects(len(handles), array, False, 0xFFFFFFFF))
