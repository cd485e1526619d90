"""A session in use, opened by a second kernel."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from helpers import store_process
from helpers.stores import cell, flip
from holdfast.durable import seen
from holdfast.durable.branch import numbered, renamed
from holdfast.durable.faults import Locked
from holdfast.durable.folder import Session, folder_of, open_session
from holdfast.durable.keys import user_key
from holdfast.durable.store.schema import DATABASE

NAME = store_process.NAME


def origin(home: Path, cells: int = 4) -> Session:
    """A session with some commits, open."""
    session = open_session(home, NAME)
    kept = None
    for number in range(1, cells + 1):
        kept = store_process.commit(session.store, number, kept)
    return session


def test_a_second_kernel_gets_a_branch_with_everything(tmp_path: Path) -> None:
    """It holds the last commit, has a name of its own and says why it is one."""
    first = origin(tmp_path)
    second = open_session(tmp_path, NAME)
    assert (second.name, second.branch_of, second.fresh) == (f"{NAME}~2", NAME, False)
    (notice,) = second.notices
    assert f"process id {os.getpid()} is using it" in notice
    assert f"a branch of {NAME!r}" in notice
    assert store_process.check(second.store) == 4
    second.close()
    first.close()


def test_origin_and_branch_go_their_own_ways(tmp_path: Path) -> None:
    """What either commits, with chunks, the other never sees, also after both are opened again."""
    first = origin(tmp_path)
    second = open_session(tmp_path, NAME)
    for number in range(5, 8):
        store_process.commit(first.store, number, None)
        store_process.commit(second.store, number, None)
    store_process.commit(second.store, 8, None)
    for session in (second, first):
        session.close()
    for name, number in ((NAME, 7), (f"{NAME}~2", 8)):
        again = open_session(tmp_path, name)
        assert (store_process.check(again.store), again.notices, again.branch_of) == (number, (), "")
        again.close()


def test_orphans_of_either_are_cut_without_harm_to_the_other(tmp_path: Path) -> None:
    """The packs are shared, and each cuts only what is its own."""
    first = origin(tmp_path)
    first.store.put(memoryview(b"orphan" * 10_000))
    second = open_session(tmp_path, NAME)
    second.store.put(memoryview(b"another" * 10_000))
    first.close()
    second.close()
    for name in (NAME, f"{NAME}~2"):
        again = open_session(tmp_path, name)
        assert store_process.check(again.store) == 4
        store_process.commit(again.store, 5, None)
        again.close()
    for name in (NAME, f"{NAME}~2"):
        again = open_session(tmp_path, name)
        assert store_process.check(again.store) == 5
        again.close()


def test_the_branch_outlives_its_origin(tmp_path: Path) -> None:
    """Removing the first session's folder leaves the branch whole."""
    import shutil

    first = origin(tmp_path)
    second = open_session(tmp_path, NAME)
    first.close()
    shutil.rmtree(folder_of(tmp_path, NAME))
    assert store_process.check(second.store) == 4
    second.close()


def test_each_further_kernel_gets_a_branch_of_its_own(tmp_path: Path) -> None:
    """Branches are numbered; one that is free again is not taken over."""
    sessions = [origin(tmp_path, 1), *(open_session(tmp_path, NAME) for _ in range(3))]
    assert [one.name for one in sessions] == [NAME, f"{NAME}~2", f"{NAME}~3", f"{NAME}~4"]
    for session in sessions:
        session.close()


def test_a_branch_of_a_branch(tmp_path: Path) -> None:
    """A branch in use is branched like any session."""
    sessions = [origin(tmp_path, 3)]
    sessions.append(open_session(tmp_path, NAME))
    sessions.append(open_session(tmp_path, sessions[-1].name))
    assert sessions[-1].name == f"{NAME}~2~2"
    store_process.commit(sessions[-1].store, 4, None)
    assert store_process.check(sessions[-1].store) == 4
    for session in sessions:
        session.close()


def test_a_session_without_commits_is_branched(tmp_path: Path) -> None:
    """The branch is empty and works."""
    first = open_session(tmp_path, NAME)
    second = open_session(tmp_path, NAME)
    assert second.fresh
    second.store.commit(cell(1))
    first.close()
    second.close()


def test_an_origin_that_cannot_be_read_gives_an_empty_branch(tmp_path: Path) -> None:
    """The second kernel starts; its notice says why it has nothing."""
    first = origin(tmp_path)
    first.store.close()  # its log is folded into the file; the lock is still held
    flip(Path(first.folder, DATABASE), 0)
    second = open_session(tmp_path, NAME)
    assert second.fresh
    assert "an empty branch: " in second.notices[0]
    second.store.commit(cell(1))
    second.close()
    first.close()


def test_a_session_under_another_name(tmp_path: Path) -> None:
    """Everything is in its new place, with its name in the store and beside it; the old place is free."""
    session = origin(tmp_path)
    key, lineage = user_key(tmp_path), session.lineage
    seen.write(session.folder, key, seen.Known(NAME, NAME, ("1",)), durable=False)
    session.close()
    assert renamed(session.folder, key, ["other"], folder_of) == "other"
    anew, again = open_session(tmp_path, NAME), open_session(tmp_path, "other")
    assert anew.fresh
    assert (again.store.about.name, again.branch_of, again.notices, again.lineage) == ("other", "", (), lineage)
    assert store_process.check(again.store) == 4
    assert seen.read(again.folder, key) == seen.Known("other", NAME, ("1",))
    store_process.commit(again.store, 5, None)
    anew.close()
    again.close()


def test_names_that_are_taken_are_passed_over(tmp_path: Path) -> None:
    """The next free one is taken, and nothing is written over."""
    for name in ("a", "a~2", "b"):
        open_session(tmp_path, name).close()
    assert renamed(folder_of(tmp_path, "b"), user_key(tmp_path), numbered("a"), folder_of) == "a~3"


def test_what_a_kernel_uses_is_not_renamed(tmp_path: Path) -> None:
    """It stays where it is, and goes on."""
    session = origin(tmp_path)
    with pytest.raises(Locked, match=f"process id {os.getpid()}"):
        renamed(session.folder, user_key(tmp_path), ["other"], folder_of)
    assert not os.path.exists(folder_of(tmp_path, "other"))
    store_process.commit(session.store, 5, None)
    session.close()


def test_what_is_damaged_is_said(tmp_path: Path) -> None:
    """By whoever opens it under its new name, as under the old one."""
    session = origin(tmp_path)
    session.close()
    flip(Path(session.folder, DATABASE), 0)
    renamed(session.folder, user_key(tmp_path), ["other"], folder_of)
    again = open_session(tmp_path, "other")
    assert "it was moved to" in again.notices[0]
    again.close()


def test_each_session_and_each_branch_has_a_lineage(tmp_path: Path) -> None:
    """Their promises are told apart, though a branch has its origin's seal."""
    first = origin(tmp_path, 1)
    sessions = [first, open_session(tmp_path, NAME), open_session(tmp_path, NAME), open_session(tmp_path, "other")]
    assert len({session.lineage for session in sessions}) == 4
    for session in sessions:
        session.close()
