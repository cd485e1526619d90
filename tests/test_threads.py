"""Threads of the kernel's own, which a debugger leaves alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from holdfast.threads import OwnThread, disown


def _marks(thread: threading.Thread) -> list[object]:
    return [getattr(thread, name, False) for name in ("pydev_do_not_trace", "is_pydev_daemon_thread")]


def test_they_are_marked_before_they_run() -> None:
    """pydevd looks once, when a thread begins."""
    seen: list[list[object]] = []
    thread = OwnThread(target=lambda: seen.append(_marks(threading.current_thread())))
    assert _marks(thread) == [True, True]
    thread.start()
    thread.join()
    assert seen == [[True, True]]


def test_a_pool_that_a_library_made_is_ours_too() -> None:
    """And the threads of the user's are not."""
    with ThreadPoolExecutor(1, initializer=disown) as pool:
        assert pool.submit(lambda: _marks(threading.current_thread())).result() == [True, True]
    assert _marks(threading.Thread()) == [False, False]
