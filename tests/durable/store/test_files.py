"""Files as each system has them: what one lacks is done in another way."""

from __future__ import annotations

import errno
import fcntl
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from helpers.stores import MIB, cell, component, flip, noise, stored
from holdfast.durable.folder import open_session
from holdfast.durable.store import files
from holdfast.durable.store.schema import DATABASE


@pytest.fixture
def _without(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows: no reading and writing at a place."""
    for name in ("pread", "preadv", "pwrite", "pwritev"):
        monkeypatch.delattr(os, name)


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    """A new file."""
    opened = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield opened
    os.close(opened)


@pytest.mark.usefixtures("_without")
def test_files_are_read_and_written_at_places_everywhere(descriptor: int) -> None:
    """Past the end, over what is there, and beyond what is there."""
    files.write_at(descriptor, memoryview(b"world"), 6)
    files.write_at(descriptor, memoryview(b"hello "), 0)
    into = memoryview(bytearray(20))
    assert files.read_at(descriptor, into, 0) == 11
    assert bytes(into[:11]) == b"hello world"
    assert files.read_at(descriptor, into, 11) == 0


@pytest.mark.usefixtures("_without")
def test_a_store_works_without_reading_at_a_place(tmp_path: Path) -> None:
    """Also read by many threads at once, which share one position in the file."""
    session = open_session(tmp_path, "s", "process")
    buffers = [stored(session.store, noise(3 * MIB, seed)) for seed in range(4)]
    session.store.commit(cell(1, component(1, buffers=tuple(buffers))))
    with ThreadPoolExecutor(4) as pool:
        views = list(pool.map(lambda buffer: session.store.read(buffer, writable=False), buffers * 4))
    assert [view == noise(3 * MIB, number % 4) for number, view in enumerate(views)] == [True] * 16
    session.close()


def test_windows_moves_a_store_aside_when_nothing_of_it_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the database nor the lock."""
    session = open_session(tmp_path, "s")
    session.store.commit(cell(1))
    session.close()
    flip(Path(session.folder, DATABASE), 3)
    real = os.rename

    def rename(source: str, target: str) -> None:
        if any(os.readlink(f"/proc/self/fd/{one}").startswith(source) for one in _descriptors()):
            raise PermissionError(13, "The process cannot access the file", source)
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    again = open_session(tmp_path, "s")
    assert again.fresh
    assert "was moved to" in again.notices[0]
    again.close()


def _descriptors() -> list[str]:
    """Those that are open: the list itself has one that is not."""
    return [one for one in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{one}")]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(0, ["full"]), (errno.ENOTSUP, ["full", "fsync"]), (errno.EINVAL, ["full", "fsync"])],
)
def test_macos_flushes_the_disk_too(
    answer: int, expected: list[str], descriptor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With F_FULLFSYNC; where the file system has none, as well as it can."""
    seen: list[str] = []

    def control(file: int, command: int) -> int:
        seen.append("full" if (file, command) == (descriptor, 51) else "?")
        if answer:
            raise OSError(answer, "no")
        return 0

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", control)
    monkeypatch.setattr(os, "fsync", lambda file: seen.append("fsync"))
    files.flush(descriptor)
    assert seen == expected


def test_a_flush_that_fails_is_told(descriptor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that lost what it was given is no file system without F_FULLFSYNC."""

    def control(file: int, command: int) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", control)
    with pytest.raises(OSError, match="Input/output"):
        files.flush(descriptor)
