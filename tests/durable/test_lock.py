"""One owner at a time, however the last one ended."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import types
from pathlib import Path

import pytest

from holdfast.durable import lock as lock_module
from holdfast.durable.faults import Locked
from holdfast.durable.lock import LOCK_NAME, Lock, owner

HOLD = """
import sys; from pathlib import Path
from holdfast.durable.lock import Lock
lock = Lock(Path(sys.argv[1])); print("held", flush=True)
"""


def hold(folder: Path, then: str) -> subprocess.Popen[str]:
    """Return a process that holds the lock and then does something."""
    words = [sys.executable, "-P", "-c", HOLD + then, str(folder)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_owner_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    """Within a process and across processes; afterwards the lock is free."""
    process = hold(tmp_path, "sys.stdin.read()")
    with pytest.raises(Locked, match=f"process id {process.pid} "):
        Lock(tmp_path)
    assert owner(tmp_path) == process.pid
    process.communicate()
    lock = Lock(tmp_path)
    with pytest.raises(Locked):
        Lock(tmp_path)
    lock.release()
    lock.release()
    Lock(tmp_path).release()
    assert owner(tmp_path) == 0


@pytest.mark.parametrize("local", [True, False])
def test_a_lock_outlives_a_look_at_its_file(local: bool, tmp_path: Path) -> None:
    """Closing the file elsewhere in the process does not free it, on the network neither."""
    lock = Lock(tmp_path, local=local)
    assert owner(tmp_path) == os.getpid()
    with pytest.raises(Locked, match=f"process id {os.getpid()} "):
        Lock(tmp_path, local=local)
    lock.release()
    Lock(tmp_path, local=local).release()


def test_a_range_of_bytes_is_locked_on_the_network(tmp_path: Path) -> None:
    """Far behind what the file says; another process is refused."""
    lock = Lock(tmp_path, local=False)
    code = "import sys; from holdfast.durable.lock import Lock; Lock(sys.argv[1], local=False)"
    done = subprocess.run([sys.executable, "-P", "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert f"process id {os.getpid()} is using it" in done.stderr
    lock.release()


@pytest.mark.parametrize("local", [True, False])
def test_a_file_system_without_locks_is_left_to_the_lease(
    local: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the network it has one; elsewhere a kernel must not go on without a lock."""

    def none(descriptor: int, local: bool) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock_module, "_claim", none)
    if local:
        with pytest.raises(Locked):
            Lock(tmp_path, local=True)
    else:
        Lock(tmp_path, local=False).release()


def test_windows_locks_a_byte_far_behind_the_pid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others may read what is not locked."""
    seen: list[tuple[int, int, int]] = []

    def locking(descriptor: int, mode: int, size: int) -> None:
        seen.append((os.lseek(descriptor, 0, os.SEEK_CUR), mode, size))

    fake = types.ModuleType("msvcrt")
    fake.locking, fake.LK_NBLCK = locking, 2  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "msvcrt", fake)
    descriptor = os.open(tmp_path / LOCK_NAME, os.O_RDWR | os.O_CREAT)
    with monkeypatch.context() as windows:
        windows.setattr(os, "name", "nt")
        lock_module._claim(descriptor, True)
    os.close(descriptor)
    assert seen == [(1 << 20, 2, 1)]


def test_a_killed_owner_leaves_no_lock(tmp_path: Path) -> None:
    """`kill -9` frees it, and nobody is named as the owner."""
    process = hold(tmp_path, "sys.stdin.read()")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert owner(tmp_path) == 0
    Lock(tmp_path).release()


def test_a_forked_child_does_not_keep_the_lock(tmp_path: Path) -> None:
    """A worker that outlives its killed parent does not stop the next kernel; the living parent keeps its lock."""
    fork = """
import os, signal
child = os.fork()
if not child:
    print("child", flush=True); sys.stdin.read(); os._exit(0)
sys.stdout.flush(); os.waitpid(child, os.WNOHANG); signal.pause()
"""
    process = hold(tmp_path, fork)
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "child\n"
    with pytest.raises(Locked):
        Lock(tmp_path)
    process.kill()
    process.wait()
    Lock(tmp_path).release()
    process.communicate()


def test_a_folder_that_is_moved_meanwhile_is_not_owned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock of a folder that another kernel just moved aside is not the lock of the new one."""
    lock = Lock(tmp_path)
    lock.release()
    real = os.open

    def moved(path: Path, *rest: int) -> int:
        descriptor = real(path, *rest)
        os.replace(path, tmp_path / "aside")
        os.close(real(path, *rest))
        return descriptor

    monkeypatch.setattr(os, "open", moved)
    with pytest.raises(Locked, match="moved it aside"):
        Lock(tmp_path)


@pytest.mark.parametrize("content", [b"", b"none", b"-1", b"0", b"99999999999999999999"])
def test_an_odd_lock_file_names_no_owner(content: bytes, tmp_path: Path) -> None:
    """What is not a living process id is nobody."""
    (tmp_path / LOCK_NAME).write_bytes(content)
    assert owner(tmp_path) == 0
