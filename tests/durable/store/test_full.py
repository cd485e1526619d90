"""Disks that are full or take no writes, and stores of other formats: nothing is lost, and a sentence helps."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers.stores import MIB, cell, component, noise, stored
from holdfast.durable.faults import NotKept
from holdfast.durable.folder import ASIDE, Session, open_session
from holdfast.durable.retention import Limits
from holdfast.durable.store import cleaning, upkeep
from holdfast.durable.store.schema import DATABASE, FORMAT

ROOM = 12 * MIB


def may_mount() -> bool:
    """Whether a disk can be made for the test."""
    return os.geteuid() == 0 and not subprocess.run(["mount", "--version"], capture_output=True).returncode and _tried()


def _tried() -> bool:
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], capture_output=True).returncode:
            return False
        return not subprocess.run(["umount", place], capture_output=True).returncode


@contextmanager
def small_disk(place: Path) -> Iterator[Callable[[], object]]:
    """A disk of its own, on which something else lies that can be removed."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM + 4 * MIB}", "tmpfs", place], check=True)
    other = place / "other"
    other.write_bytes(bytes(4 * MIB))
    try:
        yield other.unlink
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@contextmanager
def file_limit(place: Path) -> Iterator[Callable[[], object]]:
    """The system lets no file of this process grow beyond a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, hard))
    try:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM + 4 * MIB, hard))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


DISKS = {"a limit on files": file_limit, **({"a small disk": small_disk} if may_mount() else {})}


@pytest.mark.parametrize("make", DISKS.values(), ids=DISKS.keys())
def test_a_disk_that_fills_up_costs_the_commit_in_flight(make: Callable[[Path], object], tmp_path: Path) -> None:
    """The sentence says to make room; when there is some the next commit succeeds, and the next start finds it all."""
    buffers = []
    with make(tmp_path) as make_room:  # type: ignore[attr-defined]
        session = open_session(tmp_path, "s")
        with pytest.raises(NotKept, match="make room on that disk; the next cell tries again"):
            for number in range(1, 20):
                buffers.append(stored(session.store, noise(MIB, number)))
                session.store.commit(cell(number, component(number, noise(40_000), (buffers[-1],))))
        head = session.store.head()
        assert head is not None
        assert 5 < head.number < 15
        with pytest.raises(NotKept, match="make room"):
            stored(session.store, noise(3 * MIB, 50))
        make_room()
        last = head.number + 1
        again = stored(session.store, noise(MIB, last))
        assert session.store.commit(cell(last, component(last, b"", (again,)))) == last
        session.close()
        after = open_session(tmp_path, "s")
        assert after.notices == ()
        assert len(after.store.log()) == last
        for number in range(1, last + 1):
            (buffer,) = after.store.record(number).buffers
            assert after.store.read(buffer, writable=False) == noise(MIB, number)
        after.close()


@pytest.mark.parametrize("make", DISKS.values(), ids=DISKS.keys())
def test_a_disk_without_room_for_a_copy_keeps_all(
    make: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Letting old commits go on a full disk may give nothing back, and hurts nothing."""
    monkeypatch.setattr(cleaning, "SLACK", (MIB, 100))
    with make(tmp_path):  # type: ignore[attr-defined]
        session = open_session(tmp_path, "s", "process")
        session.store.limit(Limits(commits=9))
        with pytest.raises(NotKept):
            for number in range(1, 20):
                buffer = stored(session.store, noise(MIB, number))
                session.store.commit(cell(number, component(number, b"", (buffer,))))
        last = session.store.log()[-1].number
        while not session.store.tidy():
            pass
        for number in range(last - 8, last + 1):
            (buffer,) = session.store.record(number).buffers
            assert session.store.verify(buffer)
        session.close()


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """An open session."""
    opened = open_session(tmp_path, "s")
    yield opened
    opened.close()


def test_a_disk_that_takes_no_writes_any_more_is_named(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was kept can be read; the commits fail, and succeed when it is writable again."""
    store = session.store
    old = stored(store, noise(MIB, 1))
    store.commit(cell(1, component(1, b"one", (old,))))

    def refuse(descriptor: int, data: memoryview, offset: int) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "pwrite", refuse)
    assert store._db is not None
    store._db.execute("pragma query_only = 1")
    for act in (lambda: stored(store, noise(MIB, 2)), lambda: store.commit(cell(2, component(2)))):
        with pytest.raises(
            NotKept, match=r"[Rr]ead-?only.*; make the folder writable again; the next cell tries again"
        ):
            act()
    assert store.tidy()
    assert store.record(1).stream == b"one"
    assert store.read(old, writable=False) == noise(MIB, 1)
    monkeypatch.undo()
    store._db.execute("pragma query_only = 0")
    assert store.commit(cell(2, component(2, b"two", (stored(store, noise(MIB, 2)),)))) == 2


def test_a_disk_that_does_not_tell_its_size_is_written_to(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the write says whether there was room; idle time leaves everything as it is."""

    def away(folder: str) -> tuple[int, int]:
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(upkeep, "disk", away)
    assert session.store.room(100) > 1 << 40
    assert session.store.commit(cell(1, component(1, b"", (stored(session.store, noise(MIB, 1)),)))) == 1
    assert session.store.tidy()


@pytest.mark.parametrize(("written", "age"), [(FORMAT - 1, "older"), (FORMAT + 1, "newer")])
def test_a_store_of_another_format_stays_for_who_can_read_it(written: int, age: str, tmp_path: Path) -> None:
    """A fresh session beside it is used, the sentence says how to get the old one back, and that works."""
    import sqlite3

    def mark(folder: str, number: int) -> None:
        db = sqlite3.connect(Path(folder, DATABASE))
        db.execute(f"pragma user_version = {number}")
        db.close()

    first = open_session(tmp_path, "s")
    first.store.commit(cell(1, component(1, b"old")))
    first.close()
    mark(first.folder, written)
    second = open_session(tmp_path, "s")
    assert second.fresh
    (notice,) = second.notices
    assert f"its format is {written}, {age} than format {FORMAT} of this Holdfast" in notice
    assert "it was left untouched, and a fresh one is used beside it; to get it back, open it with the" in notice
    second.store.commit(cell(1, component(1, b"new")))
    second.close()
    assert not (tmp_path / ASIDE).exists()
    mark(first.folder, FORMAT)
    third = open_session(tmp_path, "s")
    assert third.notices == ()
    assert third.store.record(1).stream == b"old"
    third.close()
