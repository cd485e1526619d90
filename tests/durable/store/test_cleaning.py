"""Space that old commits took is given back, and nothing that is kept notices."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from helpers.store_process import TIDYING
from helpers.stores import MIB, cell, component, noise, stored
from holdfast.durable import folder
from holdfast.durable.folder import Session, open_session
from holdfast.durable.retention import Limits
from holdfast.durable.store import cleaning, shelf
from holdfast.durable.store.points import Point
from holdfast.durable.store.port import Buffer
from holdfast.durable.store.sqlite import SqliteStore

ARRAY = 17 * MIB + 11


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packs are copied for a few MiB of garbage."""
    monkeypatch.setattr(cleaning, "SLACK", (MIB, 8))


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """An open session that keeps two commits."""
    opened = open_session(tmp_path, "s", "process")
    opened.store.limit(Limits(commits=2))
    yield opened
    opened.close()


def arrays(store: SqliteStore, first: int, last: int, size: int = 2 * MIB) -> list[Buffer]:
    """Commits with an array each, all under one name but the first."""
    buffers = []
    for number in range(first, last + 1):
        buffers.append(stored(store, noise(size, number)))
        name = "first" if number == 1 else "x"
        store.commit(cell(number, component(number, buffers=(buffers[-1],)), names={name: number}))
    return buffers


def size_of(session: Session) -> int:
    """The bytes of all packs."""
    return sum(path.stat().st_size for path in Path(session.folder, "packs").iterdir())


def test_the_space_of_old_values_is_given_back(session: Session, tmp_path: Path) -> None:
    """What is kept comes back from the new pack, also after a restart, and new values go on behind it."""
    buffers = arrays(session.store, 1, 10)
    assert size_of(session) > 20 * MIB
    assert session.store.tidy()
    for _ in range(2):
        assert size_of(session) < 7 * MIB
        for number in (1, 9, 10):
            assert session.store.read(buffers[number - 1], writable=False) == noise(2 * MIB, number)
            assert session.store.verify(buffers[number - 1])
        session.close()
        session = open_session(tmp_path, "s", "process")
        assert session.notices == ()
    more = arrays(session.store, 11, 12)
    assert session.store.read(more[1], writable=False) == noise(2 * MIB, 12)
    session.close()


def test_a_mapped_value_outlives_its_pack(session: Session) -> None:
    """An array that is mapped from a pack which is copied and removed keeps its bytes, and may be changed."""
    first = stored(session.store, noise(ARRAY, 1))
    session.store.commit(cell(1, component(1, buffers=(first,)), names={"first": 1}))
    view = session.store.read(first, writable=True)
    arrays(session.store, 2, 12)
    session.store.tidy()
    assert not Path(session.folder, "packs", "00000001.pack").exists()
    assert view == noise(ARRAY, 1)
    view[:3] = b"new"
    assert session.store.read(first, writable=False) == noise(ARRAY, 1)


def test_a_branch_keeps_what_its_origin_gives_back(session: Session, tmp_path: Path) -> None:
    """They share packs by hard links: each removes its own."""
    buffers = arrays(session.store, 1, 10)
    branch = open_session(tmp_path, "s", "process")
    assert branch.branch_of == "s"
    session.store.tidy()
    assert size_of(session) < 7 * MIB
    for number, buffer in enumerate(buffers, 1):
        assert branch.store.read(buffer, writable=False) == noise(2 * MIB, number)
    branch.store.limit(Limits(commits=1))
    branch.store.tidy()
    assert branch.store.read(buffers[9], writable=False) == noise(2 * MIB, 10)
    branch.close()
    assert session.store.read(buffers[0], writable=False) == noise(2 * MIB, 1)


def test_cells_may_be_committed_between_two_steps(session: Session, tmp_path: Path) -> None:
    """Each of many steps is followed by a commit, with new chunks and with chunks that no commit needed any more."""
    first = noise(2 * MIB, 1)
    buffers = arrays(session.store, 1, 12)
    for last in range(13, 51):
        session.store.tidy(lambda: True)
        again = stored(session.store, noise(2 * MIB, 2 + last % 10))
        session.store.commit(cell(last, component(last, buffers=(again,)), names={"x": last}))
        assert session.store.verify(again)
    session.close()
    after = open_session(tmp_path, "s", "process")
    assert after.store.read(buffers[0], writable=False) == first
    for number in range(after.store.log()[0].number, last + 1):
        for version in after.store.at(number).names.values():
            assert all(after.store.verify(buffer) for buffer in after.store.record(version).buffers)
    after.close()


def test_chunks_put_before_a_pass_and_committed_after_it_are_there(session: Session) -> None:
    """Those that are new, and those of an old commit that went meanwhile."""
    old = noise(2 * MIB, 3)
    arrays(session.store, 1, 10)
    new, again = stored(session.store, noise(MIB, 99)), stored(session.store, old)
    session.store.tidy()
    session.store.commit(cell(11, component(11, buffers=(new, again)), names={"y": 11}))
    session.store.tidy()
    assert session.store.read(again, writable=False) == old
    assert session.store.read(new, writable=False) == noise(MIB, 99)


def test_chunks_that_are_put_over_many_commits_stay_until_their_own(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large value is written beside the cells, whose commits do not refer to it; given up, it is garbage in time."""
    buffers = arrays(session.store, 1, 3)
    beside = stored(session.store, noise(3 * MIB, 50))
    given_up = stored(session.store, noise(3 * MIB, 51))
    for last in range(4, 9):
        arrays(session.store, last, last)
        session.store.tidy()
    assert session.store.verify(given_up)
    session.store.commit(cell(9, component(9, buffers=(beside,)), names={"y": 9}))
    session.store.tidy()
    assert session.store.read(beside, writable=False) == noise(3 * MIB, 50)
    monkeypatch.setattr(shelf, "GRACE", 0.0)
    arrays(session.store, 10, 10)
    session.store.tidy()
    assert session.store.read(beside, writable=False) == noise(3 * MIB, 50)
    assert session.store.verify(buffers[0])
    assert not session.store.verify(given_up)


def test_readers_in_other_threads_are_not_disturbed(session: Session) -> None:
    """A value that is read all the time while its pack is copied and removed is always whole."""
    first, *_ = arrays(session.store, 1, 10)
    wrong: list[str] = []
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            if session.store.read(first, writable=False) != noise(2 * MIB, 1) or not session.store.verify(first):
                wrong.append("bytes")

    thread = threading.Thread(target=read)
    thread.start()
    last = 10
    for _ in range(4):
        while not session.store.tidy(lambda: True):
            pass
        arrays(session.store, last + 1, last + 5)
        last += 5
    over.set()
    thread.join()
    assert wrong == []


def test_garbage_of_a_process_that_died_is_found_by_the_next(session: Session, tmp_path: Path) -> None:
    """The commits had gone, their values had not."""
    arrays(session.store, 1, 10)
    assert not session.store.tidy(lambda: True)
    assert session.store.log()[0].number == 9
    session.close()
    again = open_session(tmp_path, "s", "process")
    assert size_of(again) > 20 * MIB
    again.store.tidy()
    assert size_of(again) < 7 * MIB
    again.close()


def act_at(point: Point, act: Callable[[], None]) -> Callable[[Point], None]:
    """Do something whenever a point is passed."""

    def crash(here: Point) -> None:
        if here is point:
            act()

    return crash


@pytest.mark.parametrize("point", TIDYING)
def test_an_interrupt_within_a_step_costs_nothing(point: Point, tmp_path: Path) -> None:
    """Whatever was under way, everything that is kept is there, in this process and the next."""

    def interrupt() -> None:
        left.pop()
        raise KeyboardInterrupt

    left = [1]
    session = open_session(tmp_path, "s", "process", crash=act_at(point, lambda: interrupt() if left else None))
    session.store.limit(Limits(commits=2))
    buffers = arrays(session.store, 1, 12)
    with pytest.raises(KeyboardInterrupt):
        session.store.tidy()
    arrays(session.store, 13, 90, size=100)
    session.store.tidy()
    for _ in range(2):
        assert [entry.number for entry in session.store.log()] == [89, 90]
        assert session.store.read(buffers[0], writable=False) == noise(2 * MIB, 1)
        assert size_of(session) < 5 * MIB
        session.close()
        session = open_session(tmp_path, "s", "process")
        assert session.notices == ()
    session.close()


def test_a_disk_that_is_too_full_for_a_copy_changes_nothing(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """The half copy goes, the old packs stay, cells are committed as before, and later it is tried again."""
    buffers = arrays(session.store, 1, 10)

    def full(descriptor: int, data: memoryview, offset: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cleaning, "write_at", full)
    assert session.store.tidy()
    assert [path.name for path in Path(session.folder, "packs").iterdir()] == ["00000001.pack"]
    assert session.store.read(buffers[9], writable=False) == noise(2 * MIB, 10)
    monkeypatch.undo()
    monkeypatch.setattr(cleaning, "SLACK", (MIB, 8))
    arrays(session.store, 11, 11)
    session.store.tidy()
    assert session.store.read(buffers[0], writable=False) == noise(2 * MIB, 1)
    arrays(session.store, 12, 90, size=100)
    session.store.tidy()
    assert size_of(session) < 6 * MIB
    assert session.store.read(buffers[0], writable=False) == noise(2 * MIB, 1)


def test_a_pack_that_cannot_be_removed_goes_at_the_next_start(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows refuses while one of its arrays is mapped."""

    def refuse(path: str) -> None:
        raise PermissionError(13, "The process cannot access the file", path)

    arrays(session.store, 1, 10)
    monkeypatch.setattr(os, "unlink", refuse)
    assert session.store.tidy()
    assert size_of(session) > 25 * MIB
    monkeypatch.undo()
    session.close()
    again = open_session(tmp_path, "s", "process")
    assert again.notices == ()
    assert size_of(again) < 7 * MIB
    again.close()


def test_a_branch_that_is_made_while_packs_are_copied_is_whole(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pack of the snapshot may be gone when it is linked: then a new snapshot is taken."""
    buffers = arrays(session.store, 1, 10)
    real, passes = os.link, [1]

    def link(source: str, target: str) -> None:
        if passes:
            passes.pop()
            session.store.tidy()
        real(source, target)

    monkeypatch.setattr(os, "link", link)
    branch = open_session(tmp_path, "s", "process")
    assert (branch.branch_of, passes) == ("s", [])
    assert "empty" not in branch.notices[0]
    assert branch.store.read(buffers[9], writable=False) == noise(2 * MIB, 10)
    branch.close()


def test_a_step_is_short_whatever_was_kept(session: Session) -> None:
    """What is done at once is bounded: so many commits, records, chunks and bytes."""
    for number in range(1, 1201):
        session.store.commit(cell(number, component(number, b"x" * 100), names={f"n{number % 50}": number}))
    changed = []
    db = session.store._db
    assert db is not None
    before = db.total_changes
    while not session.store.tidy(lambda: True):
        changed.append(db.total_changes - before)
        before = db.total_changes
    assert len(changed) > 10
    # Rows of commits, with those of whole manifests.
    assert max(changed) < cleaning.COMMITS * 1.2


def test_nothing_is_done_where_nothing_is_due(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at a session whose commits all stay reads no history."""
    session.store.limit(Limits())
    arrays(session.store, 1, 100, size=100)
    session.store.tidy()
    seen: list[str] = []
    assert session.store._db is not None
    session.store._db.set_trace_callback(seen.append)
    assert session.store.tidy()
    assert not [one for one in seen if "pragma" not in one]


def test_a_store_on_the_network_gives_space_back_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a shared log and without maps."""
    monkeypatch.setattr(folder, "on_network", lambda place: True)
    session = open_session(tmp_path, "s")
    session.store.limit(Limits(commits=2))
    buffers = arrays(session.store, 1, 8)
    session.store.tidy()
    assert size_of(session) < 7 * MIB
    assert session.store.read(buffers[7], writable=False) == noise(2 * MIB, 8)
    session.close()
