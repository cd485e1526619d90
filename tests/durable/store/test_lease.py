"""Two machines and one session on a file system whose locks hold on one machine only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from helpers.stores import MIB, cell, component, noise, stored
from holdfast.durable import folder, lock
from holdfast.durable.faults import Locked, NotKept
from holdfast.durable.folder import Session, open_session
from holdfast.durable.store import lease

Open = Callable[[str], Session]


class Wall:
    """A clock that all machines share."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        """See `Clock.wall`."""
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Let time go."""
        self.now += round(seconds * 1000)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    """The clock of the leases; none renews itself meanwhile."""
    clock = Wall()
    monkeypatch.setattr(lease.Lease.__init__, "__defaults__", (clock,))
    return clock


@pytest.fixture
def open_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wall: Wall) -> Iterator[Open]:
    """Opens the session as a kernel on some machine does, without ever branching."""
    sessions: list[Session] = []
    monkeypatch.setattr(folder, "on_network", lambda place: True)
    monkeypatch.setattr(lock, "_claim", lambda descriptor, local: None)

    def open_(host: str) -> Session:
        monkeypatch.setattr(lease, "host", lambda: host)
        sessions.append(open_session(tmp_path, "s", branch=False))
        return sessions[-1]

    yield open_
    for session in sessions:
        session.close()


def test_another_machine_is_refused_while_the_lease_lasts(open_on: Open, wall: Wall) -> None:
    """And told who has the session, and since when it was not heard of."""
    open_on("north").store.commit(cell(1))
    wall.pass_by(50)
    with pytest.raises(Locked, match=r"process id \d+ on north is using it, or was 50 s ago"):
        open_on("south")


def test_a_second_machine_gets_a_branch(open_on: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With everything up to the last commit, and a lease of its own."""
    open_on("north").store.commit(cell(1, component(1)))
    monkeypatch.setattr(lease, "host", lambda: "south")
    branch = open_session(tmp_path, "s")
    assert branch.branch_of == "s"
    assert "on north is using it" in branch.notices[0]
    branch.store.commit(cell(2, component(2)))
    assert [entry.count for entry in branch.store.log()] == [1, 2]
    branch.close()


def test_a_session_on_the_network_says_so_once(open_on: Open) -> None:
    """With what to do about it."""
    first = open_on("north")
    (notice,) = first.notices
    assert "lies on a file system of the network" in notice
    assert "set HOLDFAST_HOME to a local folder" in notice
    first.store.commit(cell(1))
    first.close()
    assert open_on("north").notices == ()


def test_a_lease_that_is_renewed_lasts(open_on: Open, wall: Wall) -> None:
    """However long the kernel runs."""
    session = open_on("north")
    for _ in range(5):
        wall.pass_by(100)
        assert session.store._lease is not None
        session.store._lease.renew()
    with pytest.raises(Locked):
        open_on("south")


def test_a_closed_session_is_free_at_once(open_on: Open) -> None:
    """For any machine."""
    session = open_on("north")
    session.store.commit(cell(1))
    session.close()
    assert open_on("south").store.commit(cell(2)) == 2


def test_the_next_kernel_of_a_machine_does_not_wait(open_on: Open) -> None:
    """Whether one of its own was killed is known by the lock, not by the lease."""
    killed = open_on("north")
    killed.store.commit(cell(1))
    assert open_on("north").store.commit(cell(2)) == 2


def test_who_lost_the_lease_commits_nothing_any_more(open_on: Open, wall: Wall) -> None:
    """Neither a cell nor what idle time does; a sentence says who has the session now, and nothing of that is hurt."""
    lost = open_on("north").store
    first = stored(lost, noise(MIB, 1))
    lost.commit(cell(1, component(1, buffers=(first,))))
    wall.pass_by(lease.SECONDS + 1)
    taken = open_on("south").store
    second = stored(taken, noise(MIB, 2))
    assert taken.commit(cell(2, component(2, buffers=(second,)))) == 2
    late = stored(lost, noise(MIB, 3))
    with pytest.raises(NotKept, match=r"a kernel on south \(process id \d+\) has taken this session over"):
        lost.commit(cell(2, component(3, buffers=(late,))))
    with pytest.raises(NotKept, match="has taken this session over"):
        lost.tidy()
    third = stored(taken, noise(MIB, 4))
    taken.commit(cell(3, component(4, buffers=(third,))))
    for seed, buffer in ((1, first), (2, second), (4, third)):
        assert taken.read(buffer, writable=False) == noise(MIB, seed)
    assert [entry.count for entry in taken.log()] == [1, 2, 3]


def test_the_lease_is_renewed_by_itself(open_on: Open, wall: Wall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the cells, while the session is open."""
    monkeypatch.setattr(lease, "RENEWED", 0.001)
    session = open_on("north")
    wall.pass_by(lease.SECONDS + 1)
    for _ in range(5000):
        (until,) = session.store.rows("select until from lease")[0]
        if until > wall.now:
            break
    assert until > wall.now
