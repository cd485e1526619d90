"""The census sees each kind of leak, and nothing where there is none."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import pytest

from helpers import leaks


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left on purpose is not waited for."""
    monkeypatch.setattr(leaks, "GRACE_SECONDS", 0.0)


@contextmanager
def a_thread() -> Iterator[None]:
    """A thread that waits until it is let go."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    yield
    end.set()
    thread.join()


@contextmanager
def a_file() -> Iterator[None]:
    """An open file."""
    with Path(__file__).open():
        yield


@contextmanager
def a_child() -> Iterator[None]:
    """A child process that waits for its stdin."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield
        process.communicate(b"\n")


@contextmanager
def a_task() -> Iterator[None]:
    """A pending task of a loop that does not run."""
    with asyncio.Runner() as runner:
        task = runner.get_loop().create_task(asyncio.sleep(60))
        yield
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            runner.get_loop().run_until_complete(task)


@contextmanager
def a_block() -> Iterator[None]:
    """A block of shared memory."""
    block = SharedMemory(create=True, size=64)
    yield
    block.close()
    block.unlink()


LEAKS = [
    ("threads", a_thread),
    ("fds", a_file),
    ("processes", a_child),
    ("tasks", a_task),
    ("shm", a_block),
]


@pytest.mark.parametrize(("kind", "leak"), LEAKS, ids=[kind for kind, _ in LEAKS])
def test_a_leak_is_seen_while_it_lasts(kind: str, leak: object) -> None:
    """Something left behind is reported under its kind, and is gone once it is."""
    assert callable(leak)
    before = leaks.Census.take()
    with leak():
        assert kind in leaks.left_behind(before)
        assert kind not in leaks.left_behind(before, frozenset({kind}))
    assert kind not in leaks.left_behind(before)


def test_nothing_is_seen_where_nothing_is_left() -> None:
    """A clean stretch of code leaves an empty report."""
    before = leaks.Census.take()
    asyncio.run(asyncio.sleep(0))
    assert leaks.left_behind(before) == {}
