"""What a test leaves behind in this process: threads, files, children, tasks, shared memory.

It must never cost a clean test more than a few hundred microseconds: everything is read from tables that
exist anyway, and garbage is collected only once something looks left behind.
"""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from pathlib import Path
from typing import Final, NamedTuple

KINDS: Final = ("threads", "fds", "processes", "tasks", "shm")
GRACE_SECONDS: Final = 30.0
PAUSE_SECONDS: Final = 0.02

_created_shm: set[str] = set()


class Census(NamedTuple):
    """Names of what is alive, by kind; each entry maps an identity to words for people."""

    threads: dict[object, str]
    fds: dict[object, str]
    processes: dict[object, str]
    tasks: dict[object, str]
    shm: dict[object, str]

    @classmethod
    def take(cls) -> Census:
        """Return what is alive now."""
        return cls(_threads(), _fds(), _processes(), _tasks(), _shm())

    def new_since(self, before: Census, ignored: frozenset[str]) -> dict[str, list[str]]:
        """Return what is here and was not `before`, by kind, leaving out the `ignored` kinds."""
        result = {}
        for kind in KINDS:
            old, now = getattr(before, kind), getattr(self, kind)
            words = [text for identity, text in now.items() if identity not in old]
            if words and kind not in ignored:
                result[kind] = words
        return result


def left_behind(before: Census, ignored: frozenset[str] = frozenset()) -> dict[str, list[str]]:
    """Return what appeared since `before` and does not go away within the grace period.

    The grace is for ends that nothing announces: ZeroMQ closes descriptors in a thread of its own, and a
    killed child stays until it is reaped.  A clean test does not wait at all.
    """
    deadline = time.monotonic() + GRACE_SECONDS
    while left := Census.take().new_since(before, ignored):
        gc.collect()
        if time.monotonic() > deadline:
            return left
        time.sleep(PAUSE_SECONDS)
    return {}


def watch_shared_memory() -> None:
    """Note the name of every shared memory block that this process creates from now on.

    /dev/shm belongs to the whole machine; without the names, a neighbour's block would look like ours.
    """
    try:
        import _posixshmem
    except ImportError:  # no POSIX shared memory on this platform
        return
    original = _posixshmem.shm_open

    def shm_open(path: str, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_CREAT:
            _created_shm.add(path.lstrip("/"))
        return int(original(path, flags, mode=mode))

    _posixshmem.shm_open = shm_open


def _threads() -> dict[object, str]:
    return {thread: thread.name for thread in threading.enumerate()}


def _fds() -> dict[object, str]:
    result: dict[object, str] = {}
    try:
        names = os.listdir("/proc/self/fd")
    except OSError:
        return result
    for name in names:
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except OSError:  # the descriptor of this very listing
            continue
        if int(name) != _tracker_fd():
            result[name, target] = f"{name} -> {target}"
    return result


def _tracker_fd() -> int | None:
    """Return the pipe to multiprocessing's resource tracker, which lives as long as the process by design."""
    import sys

    tracker = sys.modules.get("multiprocessing.resource_tracker")
    return None if tracker is None else tracker._resource_tracker._fd


def _processes() -> dict[object, str]:
    result: dict[object, str] = {}
    for path in Path("/proc/self/task").glob("*/children"):
        try:
            pids = path.read_text().split()
        except OSError:  # the thread ended meanwhile
            continue
        for pid in pids:
            words = _command(pid)
            if "resource_tracker" not in words:
                result[pid] = f"{pid} {words}"
    return result


def _command(pid: str) -> str:
    try:
        text = Path("/proc", pid, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "(gone)"
    return text.strip()[:120] or "(a zombie: nobody waited for it)"


def _tasks() -> dict[object, str]:
    known = getattr(asyncio.tasks, "_scheduled_tasks", ())
    return {id(task): repr(task) for task in list(known) if not task.done()}


def _shm() -> dict[object, str]:
    return {name: name for name in _created_shm if Path("/dev/shm", name).exists()}
