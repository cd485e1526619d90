"""Looking at sessions beside the kernels that own them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.stores import DATE, cell, component, flip
from holdfast.durable.faults import KeyUnusable, NoSession, SeveralSessions, Tampered
from holdfast.durable.folder import Session, open_session
from holdfast.durable.keys import KEY_NAME, user_key
from holdfast.durable.listing import history, ledger_of, moved_aside, summaries, whole_name
from holdfast.durable.retention import Limits
from holdfast.durable.store.schema import DATABASE
from holdfast.errors import StoreError

NAME = "/work/a.ipynb"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A session in use, with two commits."""
    opened = open_session(tmp_path, NAME)
    opened.store.commit(cell(1, component(1), code="x = 1"))
    opened.store.commit(cell(2, names={"v1": None}, code="del x"))
    yield opened
    opened.close()


def test_a_session_in_use_is_listed(session: Session, tmp_path: Path) -> None:
    """With its last cell, its owner and its size; the owner goes on."""
    (one,) = summaries(tmp_path)
    assert (one.name, one.folder, one.commits, one.count, one.at) == (NAME, session.folder, 2, 2, DATE)
    assert (one.owner, one.problem) == (os.getpid(), "")
    assert one.size >= session.store.size() - 100_000
    assert session.store.commit(cell(3)) == 3


def test_a_history_is_of_one_instant(session: Session, tmp_path: Path) -> None:
    """Commits that the owner lets go while somebody reads are still in what is read, and not in the next look."""
    for number in range(3, 12):
        session.store.commit(cell(number))
    db, _, ledger = ledger_of(Path(session.folder), user_key(tmp_path))
    session.store.limit(Limits(commits=2))
    assert session.store.tidy()
    assert [entry.number for entry in ledger.log(None)] == list(range(1, 12))
    db.close()
    assert [entry.number for entry in history(tmp_path, NAME)[1]] == [10, 11]
    (one,) = summaries(tmp_path)
    assert (one.commits, one.count) == (11, 11)


def test_a_closed_session_is_listed(session: Session, tmp_path: Path) -> None:
    """Nobody owns it then, and the next kernel finds it as it was."""
    session.close()
    (one,) = summaries(tmp_path)
    assert (one.owner, one.commits) == (0, 2)
    again = open_session(tmp_path, NAME)
    assert (again.notices, again.branch_of) == ((), "")
    again.close()


def test_the_session_used_last_comes_first(session: Session, tmp_path: Path) -> None:
    """Sessions without a commit come last."""
    for name, at in (("old", "2020"), ("new", "2030"), ("none", "")):
        other = open_session(tmp_path, name)
        if at:
            other.store.commit(type(cell(1))(1, 1, "", "ok", at, (), {}, {}, b"", ("", "", b"")))
        other.close()
    assert [one.name for one in summaries(tmp_path)] == ["new", NAME, "old", "none"]


def test_nothing_is_there_before_the_first_session(tmp_path: Path) -> None:
    """Looking makes no folder and no key."""
    home = tmp_path / "home"
    assert (summaries(home), moved_aside(home)) == ([], [])
    with pytest.raises(NoSession):
        history(home, NAME)
    assert not home.exists()


def test_a_store_that_cannot_be_read_says_why_and_stays(session: Session, tmp_path: Path) -> None:
    """The others are listed; looking moves nothing aside."""
    other = open_session(tmp_path, "other")
    other.close()
    flip(Path(other.folder, DATABASE), 0)
    found = {one.name: one for one in summaries(tmp_path)}
    assert found[NAME].problem == ""
    assert "cannot be read" in found[Path(other.folder).name].problem
    assert moved_aside(tmp_path) == []


def test_without_the_key_nothing_is_shown(session: Session, tmp_path: Path) -> None:
    """And no new key is made for looking."""
    (tmp_path / KEY_NAME).unlink()
    with pytest.raises(KeyUnusable):
        summaries(tmp_path)
    assert not (tmp_path / KEY_NAME).exists()


def test_what_was_moved_aside_is_told(session: Session, tmp_path: Path) -> None:
    """The folders of refused stores are listed."""
    session.close()
    flip(Path(session.folder, DATABASE), 0)
    open_session(tmp_path, NAME).close()
    (folder,) = moved_aside(tmp_path)
    assert Path(folder, DATABASE).is_file()


@pytest.mark.parametrize("name", [NAME, "a.ipynb", "../work/a.ipynb"])
def test_history_is_found_by_name_path_or_last_part(
    name: str, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the session is in use."""
    monkeypatch.chdir("/usr")
    whole, entries = history(tmp_path, name)
    assert (whole, [entry.code for entry in entries]) == (NAME, ["x = 1", "del x"])


def test_a_last_part_that_two_sessions_share_is_not_guessed(session: Session, tmp_path: Path) -> None:
    """The whole name is needed then."""
    open_session(tmp_path, "/elsewhere/a.ipynb").close()
    with pytest.raises(SeveralSessions, match="give more of the name"):
        history(tmp_path, "a.ipynb")
    assert history(tmp_path, "/elsewhere/a.ipynb") == ("/elsewhere/a.ipynb", [])


def test_a_history_that_was_changed_is_not_shown(session: Session, tmp_path: Path) -> None:
    """One commit in it is enough."""
    db = session.store._db
    assert db is not None
    db.execute("update commits set code = x'00' where number = 1")
    with pytest.raises(Tampered, match="commit 1"):
        history(tmp_path, NAME)


def test_a_copied_session_folder_is_no_second_session(session: Session, tmp_path: Path) -> None:
    """A copy made by hand is listed under the name it has inside, and disturbs nothing."""
    session.close()
    shutil.copytree(session.folder, Path(session.folder).with_name("copy"))
    assert [one.name for one in summaries(tmp_path)] == [NAME, NAME]
    assert history(tmp_path, NAME)[0] == NAME
    with pytest.raises(StoreError):
        history(tmp_path, "a.ipynb")


@pytest.mark.parametrize("name", [NAME, "a.ipynb", "/work/a", "a.ip", "/wo"])
def test_a_part_of_a_name_leads_to_the_session(name: str, session: Session, tmp_path: Path) -> None:
    """The whole, its last part, or the beginning of either."""
    open_session(tmp_path, "b.ipynb").close()
    assert whole_name(tmp_path, name) == NAME


def test_a_part_that_several_have_is_refused(session: Session, tmp_path: Path) -> None:
    """The error names them; the last part of one comes before the beginning of others."""
    for name in ("/work/a.ipynb~2", "/elsewhere/abc"):
        open_session(tmp_path, name).close()
    with pytest.raises(SeveralSessions, match="give more of the name") as caught:
        whole_name(tmp_path, "a")
    assert sorted(caught.value.names) == ["/elsewhere/abc", NAME, f"{NAME}~2"]
    assert whole_name(tmp_path, "a.ipynb") == NAME


def test_a_name_that_leads_nowhere(session: Session, tmp_path: Path) -> None:
    """Is said to."""
    with pytest.raises(NoSession, match="nowhere"):
        whole_name(tmp_path, "nowhere")
