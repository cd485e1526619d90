"""A kernel whose disk takes large values as slowly as a test wants.

Run as a program, in the place of `python -m holdfast`: a MiB that is stored beside the user waits until the file
SLOW_GATE is there.  Every other write is as fast as ever, and whatever is large is taken for too slow to wait for.
CRASH_POINT is that of `crash_kernel`.

It must never change what is written, or in which order.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from helpers import crash_kernel
from holdfast.app import session
from holdfast.durable import patience
from holdfast.durable.store.sqlite import SqliteStore
from holdfast.durable.writer import Writer


def slow_down(gate: Path) -> None:
    """Let the writer, and the process that goes on after the kernel, wait for the gate."""
    put, kernel, stop, stopping = SqliteStore.put, os.getpid(), Writer.stop, threading.Event()

    def slowly(store: SqliteStore, data: memoryview, *given: object, **more: object) -> bytes:
        beside, after = threading.current_thread().name == "holdfast-writer", os.getpid() != kernel
        while (after or (beside and not stopping.is_set())) and not gate.exists():
            time.sleep(0.002)
        return put(store, data, *given, **more)  # type: ignore[arg-type]

    def stop_now(writer: Writer) -> bool:
        stopping.set()
        return stop(writer)

    setattr(SqliteStore, "put", slowly)
    setattr(Writer, "stop", stop_now)
    patience.__dict__["STORING"] = 1.0
    session.__dict__["FLUSH"] = 0.2


if __name__ == "__main__":
    slow_down(Path(os.environ["SLOW_GATE"]))
    crash_kernel.main()
