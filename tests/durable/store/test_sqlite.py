"""What only the store on disk can suffer: full disks, failing flushes, interrupts, forks, full packs."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from helpers import store_process
from helpers.stores import MIB, cell, component, noise, stored
from holdfast.durable import folder
from holdfast.durable.faults import Absent, NotKept
from holdfast.durable.folder import Session, open_session
from holdfast.durable.store import files, packs
from holdfast.durable.store.points import Point
from holdfast.durable.store.schema import DATABASE


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """An open session."""
    opened = open_session(tmp_path, "s")
    yield opened
    opened.close()


def at(point: Point, act: Callable[[], None]) -> Callable[[Point], None]:
    """Do something once, at a point."""
    left = [act]

    def crash(here: Point) -> None:
        if here is point and left:
            left.pop()()

    return crash


def interrupt() -> None:
    """What the interrupt button does at an unlucky instant."""
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("point", "kept"),
    [
        (Point.CHUNK_TORN, False),
        (Point.PACK_SYNCED, False),
        (Point.RECORDS_INSERTED, False),
        (Point.CELL_INSERTED, False),
        (Point.COMMITTED, True),
    ],
)
def test_an_interrupt_within_a_commit_leaves_old_or_new(point: Point, kept: bool, tmp_path: Path) -> None:
    """The next commit works, whichever side of the transaction it hit."""
    session = open_session(tmp_path, store_process.NAME, crash=at(point, interrupt))
    with pytest.raises(KeyboardInterrupt):
        store_process.commit(session.store, 1, None)
    head = session.store.head()
    assert (head.number if head else 0) == int(kept)
    if not kept:
        store_process.commit(session.store, 1, None)
    store_process.commit(session.store, 2, None)
    assert store_process.check(session.store) == 2
    session.close()


def test_a_full_disk_fails_one_commit_and_the_next_works(session: Session) -> None:
    """SQLite's own limit stands in for the disk; the sentence says to make room."""
    db = session.store._db
    assert db is not None
    pages = db.execute("pragma page_count").fetchone()[0]
    db.execute(f"pragma max_page_count = {pages + 4}")
    with pytest.raises(NotKept, match=r"disk is full; make room"):
        session.store.commit(cell(1, component(1, noise(60_000)), code="x" * 60_000))
    assert session.store.head() is None
    db.execute("pragma max_page_count = 1000000")
    assert session.store.commit(cell(1, component(1, noise(60_000)))) == 1


def test_a_full_disk_fails_a_put(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of a chunk fits: nothing is kept of it, and later ones come whole."""
    real = os.pwrite

    def full(descriptor: int, data: memoryview, offset: int) -> int:
        if offset > MIB:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data, offset)

    first, second = noise(MIB, 1), noise(MIB, 2)
    monkeypatch.setattr(os, "pwrite", full)
    kept = stored(session.store, first[: MIB // 2])
    with pytest.raises(NotKept, match=r"No space left.*make room"):
        stored(session.store, second)
    monkeypatch.undo()
    again = stored(session.store, second)
    session.store.commit(cell(1, component(1, buffers=(kept, again))))
    assert session.store.verify(kept)
    assert session.store.read(again, writable=False) == second


def test_after_a_failed_flush_nothing_pending_is_believed(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commit fails; a later one must put its chunks again, and they go into another pack."""
    data = noise(2 * MIB)
    buffer = stored(session.store, data)

    def fails(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(packs, "flush", fails)
    with pytest.raises(NotKept, match="Input/output error"):
        session.store.commit(cell(1, component(1, buffers=(buffer,))))
    monkeypatch.undo()
    with pytest.raises(Absent, match="store the value again"):
        session.store.commit(cell(1, component(1, buffers=(buffer,))))
    assert stored(session.store, data) == buffer
    session.store.commit(cell(1, component(1, buffers=(buffer,))))
    session.close()
    again = open_session(Path(session.folder).parents[1], "s")
    assert again.store.read(buffer, writable=False) == data
    again.close()


@pytest.mark.parametrize(("mode", "expected"), [("full", ["flush", "begin"]), ("process", ["begin"])])
def test_the_pack_is_on_the_disk_before_the_transaction_begins(
    mode: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In mode full; in mode process nothing is flushed at all."""
    seen: list[str] = []
    session = open_session(tmp_path, "s", mode)  # type: ignore[arg-type]
    buffer = stored(session.store, noise(MIB))
    real = files.flush

    def flush(descriptor: int) -> None:
        seen.append("flush")
        real(descriptor)

    monkeypatch.setattr(packs, "flush", flush)
    assert session.store._db is not None
    session.store._db.set_trace_callback(lambda sql: seen.append("begin") if sql == "begin immediate" else None)
    session.store.commit(cell(1, component(1, buffers=(buffer,))))
    assert seen == expected
    session.close()


MODES = {"full": 2, "process": 1}


@pytest.mark.parametrize(("mode", "level"), MODES.items())
def test_the_mode_decides_what_a_commit_waits_for(mode: str, level: int, tmp_path: Path) -> None:
    """`full` waits for the disk at each commit, `process` does not."""
    session = open_session(tmp_path, "s", mode)  # type: ignore[arg-type]
    assert session.store._db is not None
    assert session.store._db.execute("pragma synchronous").fetchone() == (level,)
    session.close()


@pytest.mark.parametrize(("network", "journal"), [(False, "wal"), (True, "truncate")])
def test_the_file_system_decides_how_the_database_recovers(
    network: bool, journal: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shared memory and mapping are for local disks; a big buffer is read where it cannot be mapped."""
    monkeypatch.setattr(folder, "on_network", lambda place: network)
    session = open_session(tmp_path, "s")
    assert session.store._db is not None
    assert session.local == (not network)
    assert session.store._db.execute("pragma journal_mode").fetchone() == (journal,)
    session.store.read(stored(session.store, noise(17 * MIB)), writable=True)
    assert session.store._packs._maps == (not network)
    session.close()


def test_a_full_pack_is_followed_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of one buffer may lie in several packs, before and after a restart."""
    monkeypatch.setattr(packs, "FULL", 2 * MIB)
    for cells in (3, 6):
        session = open_session(tmp_path, store_process.NAME)
        kept = None
        for number in range(cells - 2, cells + 1):
            kept = store_process.commit(session.store, number, kept)
        assert store_process.check(session.store) == cells
        session.close()
    assert len(list(Path(session.folder, "packs").iterdir())) > 2
    big = noise(20 * MIB)
    session = open_session(tmp_path, "big")
    buffer = stored(session.store, big)
    session.store.commit(cell(1, component(1, buffers=(buffer,))))
    assert session.store.read(buffer, writable=True) == big
    session.close()


def test_orphans_are_cut_at_the_next_start(session: Session, tmp_path: Path) -> None:
    """A pack that no commit refers to goes, one with committed chunks ends with the last of them."""
    stored(session.store, noise(2 * MIB))
    session.close()
    again = open_session(tmp_path, "s")
    assert list(Path(again.folder, "packs").iterdir()) == []
    again.store.commit(cell(1, component(1, buffers=(stored(again.store, noise(MIB)),))))
    (pack,) = Path(again.folder, "packs").iterdir()
    size = pack.stat().st_size
    stored(again.store, noise(2 * MIB, 1))
    again.close()
    assert pack.stat().st_size > size
    open_session(tmp_path, "s").close()
    assert pack.stat().st_size == size


def test_a_forked_child_can_neither_commit_nor_put(session: Session) -> None:
    """The parent's session is the parent's; closing it in the child harms nobody."""
    session.store.commit(cell(1, component(1)))
    read, write = os.pipe()
    child = os.fork()
    if not child:
        said = []
        for act in (lambda: session.store.commit(cell(2)), lambda: session.store.put(memoryview(b"x"))):
            try:
                act()
                said.append("kept")
            except NotKept as error:
                said.append(error.reason)
        session.close()
        os.write(write, "|".join(said).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 1000).decode() == "|".join(["a forked process does not own its parent's session"] * 2)
    os.close(read)
    os.close(write)
    assert session.store.commit(cell(2, component(2))) == 2


def test_puts_of_many_threads_are_all_kept(session: Session) -> None:
    """Threads may put at once; each digest leads to its own bytes."""
    values = [noise(200_000, seed) for seed in range(16)]
    with ThreadPoolExecutor(8) as pool:
        buffers = list(pool.map(lambda data: stored(session.store, data), values))
    session.store.commit(cell(1, component(1, buffers=tuple(buffers))))
    assert [bytes(session.store.read(buffer, writable=False)) for buffer in buffers] == values


def test_the_engine_may_write_between_commits(session: Session) -> None:
    """Another connection's tables in the same file disturb neither commits nor the next opening."""
    other = sqlite3.connect(Path(session.folder, DATABASE), isolation_level=None)
    other.execute("create table engine_log (seq integer primary key, request blob)")
    for number in range(1, 20):
        other.execute("insert into engine_log values (?, ?)", (number, b"x"))
        session.store.commit(cell(number, component(number)))
    other.close()
    session.close()
    again = open_session(Path(session.folder).parents[1], "s")
    assert (again.notices, len(again.store.log())) == ((), 19)
    again.close()


def test_opening_reads_no_more_than_the_last_deltas(tmp_path: Path) -> None:
    """After 1,000 commits an opening verifies at most 65 rows of the chain, after 10 it verifies 10."""
    rows = []
    for commits in (10, 1000):
        session = open_session(tmp_path, f"s{commits}", "process")
        for number in range(1, commits + 1):
            session.store.commit(cell(number, component(number), names={f"n{number % 9}": number}))
        session.close()
        again = open_session(tmp_path, f"s{commits}")
        rows.append(again.store._ledger._since)
        again.close()
    assert rows[0] == 10
    assert rows[1] <= 65
