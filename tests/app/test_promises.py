"""Cells as promises: ids, what the last process left open, and the engine that is opened late."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from helpers.messages import cell as cell_message
from holdfast.app.promises import CellPromises
from holdfast.clock import Clock
from holdfast.durable.folder import Session, open_session
from holdfast.durable.store.port import Commit
from holdfast.engine.embedded import EmbeddedEngine
from holdfast.engine.memory import MemoryEngine
from holdfast.executor.outcome import Job
from holdfast.stdin.prompts import Prompts
from holdfast.wire.message import Message

EXTERNAL = {"resonate:external": "true"}


class Side:
    """What a kernel has of promises, on a session or on none."""

    def __init__(self, session: Session | None, epoch: int = 1, count: int = 0) -> None:
        self.said: list[str] = []
        self.told: list[str] = []
        self.promises = CellPromises("0f" * 16, "process", Clock(), self.said.append)
        self.promises.prompts = Prompts(self.promises.engine, lambda: (None, False, ""), lambda *_: None)
        self.promises.open(session, epoch, count, self.told.append)

    def left(self, count: int, code: str, prompt: str) -> str:
        """A cell that asks and is killed; the id of its promise."""
        cell = self.promises.id(job(count, code))
        engine = self.promises.engine()
        engine.create(cell)
        engine.create(f"{cell}-i1", {"prompt": prompt, "password": False}, EXTERNAL)
        return cell


class Looked:
    """Notes what the store is asked for."""

    def __init__(self, real: Callable[[str], object]) -> None:
        self._real = real
        self.ids: list[str] = []

    def __call__(self, name: str) -> object:
        """See `Store.promise`."""
        self.ids.append(name)
        return self._real(name)


def job(count: int, code: str, *, stored: bool = True) -> Job:
    """A cell."""
    return Job(cell_message("x"), code, count, stored)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], Session]]:
    """Open the session, as each life of it does."""
    sessions: list[Session] = []

    def start(name: str = "s") -> Session:
        for one in sessions:
            one.close()
        sessions.append(open_session(tmp_path, name, "process"))
        return sessions[-1]

    yield start
    for one in sessions:
        one.close()


# ---------------------------------------------------------------- ids


def test_the_id_of_a_cell_says_session_epoch_count_and_code(opened: Callable[[], Session]) -> None:
    """The same in every life of the session, another one where any of them differs; no `.` and no `:`."""
    first = Side(opened(), epoch=2).promises.id(job(3, "x = 1"))
    again = Side(opened(), epoch=2).promises
    assert first == again.id(job(3, "x = 1"))
    lineage, epoch, count, digest = first.split("-")
    assert (lineage[0], len(lineage), epoch, count, len(digest)) == ("k", 17, "e2", "c3", 16)
    others = [
        again.id(job(4, "x = 1")),
        again.id(job(3, "x = 2")),
        Side(opened(), epoch=3).promises.id(job(3, "x = 1")),
        Side(opened("other"), epoch=2).promises.id(job(3, "x = 1")),  # type: ignore[call-arg]
    ]
    assert len({first, *others}) == 5


def test_a_request_that_does_not_count_is_a_promise_of_its_own(opened: Callable[[], Session]) -> None:
    """Two of them have the same count and may have the same code."""
    promises = Side(opened()).promises
    assert promises.id(job(3, "x", stored=False)) != promises.id(job(3, "x", stored=False))


@pytest.mark.parametrize("code", ["", "\ud800", "x" * 1_000_000])
def test_any_code_has_an_id(code: str) -> None:
    """What cannot be encoded is a cell all the same."""
    assert len(Side(None).promises.id(job(1, code))) < 200


@pytest.mark.parametrize(("failed", "state"), [(False, "resolved"), (True, "rejected")])
def test_the_row_of_a_commit_says_how_the_cell_ended(failed: bool, state: str) -> None:
    """Its value is small JSON."""
    promises = Side(None).promises
    cell = job(1, "x")
    assert promises.row(cell, failed)[:2] == (promises.id(cell), state)
    assert promises.row(cell, failed)[2].startswith(b'{"status":')


def test_a_thread_that_asks_for_a_cell_that_is_over_finds_no_answers() -> None:
    """While the cell runs, its prompts belong to it."""
    promises = Side(None).promises
    cell = job(1, "x")
    promises.before(cell)
    assert promises.of(cell.token) == promises.id(cell)  # type: ignore[arg-type]
    promises.after(cell, False)
    assert promises.of(cell.token) != promises.id(cell)  # type: ignore[arg-type]


# ---------------------------------------------------------------- the engine


def test_nothing_is_kept_without_a_session() -> None:
    """Durability is off, or the session could not be opened."""
    assert isinstance(Side(None).promises.engine(), MemoryEngine)


def test_without_a_key_prompts_live_in_memory(opened: Callable[[], Session], tmp_path: Path) -> None:
    """It is gone since the session was opened: the person is told, and asked all the same."""
    side = Side(opened())
    (tmp_path / "key").unlink()
    assert side.promises.engine().create("a").state == "pending"
    assert [str(tmp_path / "key") in said for said in side.said] == [True]


def test_committed_cells_are_promises_of_the_engine(opened: Callable[[], Session]) -> None:
    """It finds them in the store; a cell that runs now and its prompts are not looked for there."""
    session = opened()
    side = Side(session)
    first, now = job(1, "x"), job(2, "y")
    side.promises.before(first)
    session.store.commit(Commit(1, 1, "x", "ok", "", (), {}, {}, b"{}", side.promises.row(first, False)))
    side.promises.after(first, False)
    side.promises.before(now)
    session.store.promise = looked = Looked(session.store.promise)  # type: ignore[method-assign, assignment]
    engine = side.promises.engine()
    assert engine.create(side.promises.id(first)).value == {"status": "ok"}
    assert engine.create(side.promises.id(now)).state == "pending"
    assert engine.create(f"{side.promises.id(now)}-i1").state == "pending"
    assert set(looked.ids) == {side.promises.id(first)}
    side.promises.close()


# ---------------------------------------------------------------- what the last process left


def test_what_the_next_cell_may_ask_again_is_told(opened: Callable[[], Session]) -> None:
    """Prompts of this epoch and of a cell that was not replied to."""
    before = Side(opened(), count=2)
    cell = before.left(3, "input()", "name? ")
    before.promises.close()
    side = Side(opened(), count=2)
    assert side.promises.waiting == ((3, "name? "),)
    assert ["cell [3] was waiting for input: 'name? '" in told for told in side.told] == [True]
    assert side.promises.engine().wait(f"{cell}-i1", 0).state == "pending"
    side.promises.close()


@pytest.mark.parametrize(("epoch", "count"), [(1, 3), (2, 0), (2, 2)], ids=["passed by", "new epoch", "both"])
def test_what_nobody_will_ask_again_is_cancelled(opened: Callable[[], Session], epoch: int, count: int) -> None:
    """The session went on without it; promises that are no prompts of cells are left alone."""
    before = Side(opened(), count=2)
    cell = before.left(3, "input()", "name? ")
    before.promises.engine().create("job-1")
    before.promises.close()
    side = Side(opened(), epoch, count)
    assert (side.promises.waiting, side.told) == ((), [])
    engine = side.promises.engine()
    assert [engine.wait(name, 0).state for name in (cell, f"{cell}-i1", "job-1")] == [
        "rejected_canceled",
        "rejected_canceled",
        "pending",
    ]
    side.promises.close()


def test_a_cell_killed_between_its_commit_and_its_reply_ends_as_it_was_committed(
    opened: Callable[[], Session],
) -> None:
    """The store's word is the truth, not that the engine was not told."""
    session = opened()
    before = Side(session)
    cell = before.left(1, "input()", "name? ")
    row = before.promises.row(job(1, "input()"), False)
    session.store.commit(Commit(1, 1, "input()", "ok", "", (), {}, {}, b"{}", row))
    before.promises.close()
    side = Side(opened(), count=1)
    assert side.promises.engine().wait(cell, 0).value == {"status": "ok"}
    assert side.promises.engine().list_open() == []
    side.promises.close()


def test_a_branch_starts_without_promises(opened: Callable[[], Session], tmp_path: Path) -> None:
    """Those in its copy of the file are asked and answered by the session it was copied from."""
    origin = Side(opened())
    cell = origin.left(1, "input()", "name? ")
    branch = open_session(tmp_path, "s", "process")
    assert branch.branch_of == "s"
    side = Side(branch)
    assert (side.promises.waiting, side.promises.engine().list_open()) == ((), [])
    assert origin.promises.engine().wait(f"{cell}-i1", 0).state == "pending"
    side.promises.close()
    branch.close()
    origin.promises.close()


def test_promises_that_cannot_be_read_do_not_keep_a_kernel_from_starting(opened: Callable[[], Session]) -> None:
    """It is told, and the session goes on."""
    before = Side(opened())
    before.left(1, "input()", "name? ")
    engine = before.promises._embedded
    assert isinstance(engine, EmbeddedEngine)
    engine.ledger._open().execute("UPDATE engine_promises SET body = x'00'")
    before.promises.close()
    side = Side(opened())
    assert ["cannot be read" in told for told in side.told] == [True]


def test_a_checkout_begins_an_epoch_for_the_cells_after_it() -> None:
    """The promise of the cell that asked is that with which it began; those of later cells are others."""
    side = Side(None)
    asks = job(3, "%checkout 1")
    side.promises.before(asks)
    began = side.promises.id(asks)
    side.promises.begin_epoch(7)
    assert side.promises.row(asks, False)[0] == began == side.promises.of(cast(Message, asks.token))
    side.promises.after(asks, False)
    later = job(4, "x")
    side.promises.before(later)
    assert "-e7-c4-" in side.promises.row(later, False)[0]
