"""What of a store goes, and what stays: on disk and in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from helpers.stores import cell, component
from holdfast.durable.faults import Absent, NoCommit
from holdfast.durable.folder import Session, open_session
from holdfast.durable.retention import Limits, left, oldest
from holdfast.durable.store.memory import MemoryStore
from holdfast.durable.store.sqlite import SqliteStore

Limited = SqliteStore | MemoryStore
Find = Callable[[], Limited]


@pytest.fixture(params=["disk", "memory"])
def find(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Find]:
    """The store of one session; each call but the first closes it and finds it again."""
    sessions: list[Session] = []
    twins: list[MemoryStore] = []

    def again() -> Limited:
        if request.param == "memory":
            twins.append(twins[-1].reopened() if twins else MemoryStore())
            return twins[-1]
        if sessions:
            sessions.pop().close()
        sessions.append(open_session(tmp_path, "s", "process"))
        return sessions[-1].store

    yield again
    for session in sessions:
        session.close()


def fill(store: Limited, last: int, first: int = 1) -> None:
    """Commits that each store one version, under three names."""
    for number in range(first, last + 1):
        store.commit(cell(number, component(number, b"%d" % number), names={f"n{number % 3}": number}))


def kept(store: Limited, last: int) -> list[int]:
    """The versions that are there."""
    found = []
    for version in range(1, last + 1):
        try:
            assert store.record(version).stream == b"%d" % version
            found.append(version)
        except Absent:
            continue
    return found


def test_the_newest_commits_are_kept(find: Find) -> None:
    """The others go, with the values that only they referred to; what stays is as it was, also after a restart."""
    store = find()
    fill(store, 200)
    heads = [store.at(number) for number in range(181, 201)]
    promises = list(store.promise_rows())[180:]
    store.limit(Limits(commits=20))
    assert store.tidy()
    for _ in range(2):
        assert [entry.number for entry in store.log()] == list(range(181, 201))
        assert [entry.number for entry in store.log(3)] == [198, 199, 200]
        assert [number for number, _ in store.states(190)] == list(range(191, 201))
        assert [store.at(number) for number in range(181, 201)] == heads
        assert list(store.promise_rows()) == promises
        assert store.promise(promises[0].id) == promises[0]
        # Commit 181 has the versions of the two before it, under the other names.
        assert kept(store, 200) == list(range(179, 201))
        store = find()


def test_a_commit_that_was_let_go_is_absent(find: Find) -> None:
    """And the sentence says which is the oldest that is there."""
    store = find()
    fill(store, 30)
    store.limit(Limits(commits=10))
    store.tidy()
    for _ in range(2):
        with pytest.raises(NoCommit, match="commit 20 was let go to make room; the oldest that is kept is commit 21"):
            store.at(20)
        with pytest.raises(NoCommit, match="no commit 31 in this session: they go from 21 to 30"):
            store.at(31)
        store = find()


def test_commits_go_on_after_some_were_let_go(find: Find) -> None:
    """Numbers and versions go on; letting go again works, and whole manifests are written as ever."""
    store = find()
    for last in range(100, 500, 100):
        fill(store, last, last - 99)
        store.limit(Limits(commits=50))
        store.tidy()
        store = find()
        assert [entry.count for entry in store.log()] == list(range(last - 49, last + 1))
        head = store.head()
        assert head is not None
        assert (head.number, head.version, head.names) == (
            last,
            last,
            {f"n{n % 3}": n for n in range(last - 2, last + 1)},
        )


def test_what_a_later_commit_brought_back_stays(find: Find) -> None:
    """A checkout refers to versions of commits that have gone since."""
    store = find()
    fill(store, 40)
    store.commit(replace(cell(41, names={"n1": 1, "n2": 5}), parent=7))
    fill(store, 45, 42)
    store.limit(Limits(commits=3))
    store.tidy()
    assert [entry.parent for entry in store.log()] == [42, 43, 44]
    assert kept(store, 45) == [5, 42, 43, 44, 45]
    store = find()
    assert store.at(43).names == {"n0": 42, "n1": 43, "n2": 5}


@pytest.mark.parametrize("commits", [1, 2])
def test_the_newest_commit_always_stays(commits: int, find: Find) -> None:
    """With all that it needs, whatever the limits say."""
    store = find()
    fill(store, 9)
    old = (datetime.now(UTC) - timedelta(days=900)).isoformat()
    store.commit(replace(cell(10, component(10, b"10"), names={"n1": 10}), at=old))
    store.limit(Limits(commits=commits, days=0.001))
    store.tidy()
    for _ in range(2):
        head = store.head()
        assert head is not None
        assert head.names == {"n1": 10, "n2": 8, "n0": 9}
        assert store.at(10) == head
        assert [entry.number for entry in store.log()] == [10]
        assert kept(store, 10) == [8, 9, 10]
        store = find()


def test_old_commits_go_by_their_date(find: Find) -> None:
    """Those of the last days stay, however few."""
    store = find()
    now = datetime.now(UTC)
    for number in range(1, 31):
        at = (now - timedelta(days=30.5 - number)).isoformat()
        store.commit(replace(cell(number, component(number, b"%d" % number)), at=at))
    store.limit(Limits(days=7))
    store.tidy()
    assert [entry.number for entry in store.log()] == list(range(24, 31))


CHOICES: list[tuple[Limits, int, int, int]] = [
    (Limits(), 1, 10_000, 1),
    (Limits(), 1, 11_251, 1252),
    (Limits(commits=8), 1, 9, 1),
    (Limits(commits=8), 1, 10, 3),
    (Limits(commits=1), 5, 6, 6),
    (Limits(days=3), 1, 9, 7),
    (Limits(days=3.5), 1, 9, 6),
    (Limits(days=0), 1, 9, 9),
    (Limits(days=100), 1, 9, 1),
    (Limits(commits=2, days=5), 1, 9, 8),
    (Limits(commits=5, days=2), 1, 9, 8),
]


@pytest.mark.parametrize(("limits", "first", "last", "expected"), CHOICES)
def test_which_commits_stay(limits: Limits, first: int, last: int, expected: int) -> None:
    """Commit 1 is of the first of a month at noon, each of the day after; it is the ninth, at noon and a bit."""
    dates = [f"2026-02-{number:02d}T12:00:00+00:00" for number in range(1, 29)]
    at = lambda number: dates[min(number, 28) - 1]
    assert oldest(limits, first, last, at, lambda: "2026-02-09T12:00:01+00:00") == expected


GB = 1 << 30
ROOMS = [
    (0.1, 0, 1000 * GB, 900 * GB, 100 * GB),
    (0.1, 40 * GB, 1000 * GB, 900 * GB, 60 * GB),
    (0.1, 101 * GB, 1000 * GB, 900 * GB, -GB),
    (0.1, 0, 1000 * GB, 12 * GB, 10 * GB),
    (0.1, 0, 1000 * GB, GB, -GB),
    (5 * GB, 2 * GB, 1000 * GB, 900 * GB, 3 * GB),
    (5 * GB, 0, 4 * GB, 2 * GB, GB),
]


@pytest.mark.parametrize(("store", "used", "total", "free", "expected"), ROOMS)
def test_the_room_is_what_budget_and_disk_allow(store: float, used: int, total: int, free: int, expected: int) -> None:
    """A tenth of the disk, or so many bytes; never the last 2 GiB, or a quarter of a small disk."""
    assert left(Limits(store=store), used, total, free) == expected
