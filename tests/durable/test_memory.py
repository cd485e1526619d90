"""The committer that keeps nothing keeps the port's promises."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.durable.memory import MemoryCommitter


def _commit(committer: MemoryCommitter, count: int) -> list[tuple[Mapping[str, object], str]]:
    called: list[tuple[Mapping[str, object], str]] = []
    committer.commit(count, lambda note, reason: called.append((note, reason)))
    return called


def test_done_is_called_once() -> None:
    """With nothing to say and no reason to fail."""
    assert _commit(MemoryCommitter(), 1) == [({}, "")]


def test_it_fails_the_commits_it_was_told_to_fail() -> None:
    """With the reason given, and no other commit."""
    committer = MemoryCommitter({2: "the disk is full"})
    assert [_commit(committer, n) for n in (1, 2, 3)] == [[({}, "")], [({}, "the disk is full")], [({}, "")]]


def test_it_does_not_grow() -> None:
    """It keeps the newest commit only."""
    committer = MemoryCommitter()
    for n in range(1, 100):
        _commit(committer, n)
    assert committer.committed == [99]
