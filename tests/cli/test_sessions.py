"""`holdfast sessions` and `holdfast log` on the command line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.stores import DATE, cell, component, flip
from holdfast.cli.main import main
from holdfast.durable.folder import Session, open_session
from holdfast.durable.store.schema import DATABASE

NAME = "/work/a.ipynb"


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A session in use in a home of its own, on a wide terminal."""
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    opened = open_session(tmp_path, NAME)
    opened.store.commit(cell(1, component(1), names={"x": 1}, code="\n# first\nx = 1"))
    opened.store.commit(cell(2, names={"x": None}, code="print('[red]\x1b[31m')  # " + "long " * 20))
    yield opened
    opened.close()


def call(*words: str) -> int:
    """Return the exit code of a command line."""
    with pytest.raises(SystemExit) as end:
        main(words)
    assert isinstance(end.value.code, int)
    return end.value.code


def test_sessions_are_shown(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """One line each, with who uses it."""
    assert call("sessions") == 0
    _, line = capsys.readouterr().out.splitlines()
    words = f"{NAME} [2] 2 2026-01-02 03:04:05 in use by process {os.getpid()}".split()
    assert [word for word in words if word not in line.split()] == []


def test_sessions_as_json(session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Other programs get the same facts."""
    assert call("sessions", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    (one,) = told["sessions"]
    assert (told["home"], told["aside"], one["name"], one["commits"]) == (str(tmp_path), [], NAME, 2)


def test_no_sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A home that is not there yet is said to be empty, and is not made."""
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path / "home"))
    assert call("sessions") == 0
    assert "no sessions in" in capsys.readouterr().out
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_an_unreadable_session_makes_the_exit_code_1(
    words: tuple[str, ...], session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others are shown, and the sentence says what is wrong."""
    other = open_session(tmp_path, "other")
    other.close()
    flip(Path(other.folder, DATABASE), 0)
    assert call("sessions", *words) == 1
    out = capsys.readouterr().out
    assert NAME in out
    assert "cannot use the session store" in out


def test_what_was_moved_aside_is_shown(session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A refused store is not forgotten."""
    session.close()
    flip(Path(session.folder, DATABASE), 0)
    open_session(tmp_path, NAME).close()
    assert call("sessions") == 0
    assert "moved aside, because it could not be used: " in capsys.readouterr().out


def test_the_log_is_shown(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """Each commit with its names and first line; nothing in the code reaches the terminal as a command."""
    assert call("log", NAME) == 0
    out = capsys.readouterr().out
    title, _, first, second = out.splitlines()
    assert title.strip() == NAME
    assert first.split() == ["1", "[1]", *DATE[:19].split("T"), "ok", "x", "#", "first", "…"]
    assert "print('[red]?[31m')" in second
    assert second.split()[5] == "-x"
    assert "\x1b" not in out


def test_the_log_names_variables_only(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """The session's own keys (results, closure cells, ambient state) are not names that people gave."""
    session.store.commit(cell(3, component(3), names={"@r1": 3, "y": 3}, code="y"))
    session.store.commit(cell(4, names={"@r1": None}, code="4"))
    assert call("log", NAME) == 0
    *_, third, fourth = capsys.readouterr().out.splitlines()
    assert (third.split()[5], "@" in third + fourth) == ("y", False)


def test_the_log_can_be_limited(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """The newest are shown, and how many are not."""
    assert call("log", "a.ipynb", "-n", "1") == 0
    out = capsys.readouterr().out
    assert "first" not in out
    assert "1 older commits" in out


def test_the_log_as_json(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole code, and what changed."""
    assert call("log", NAME, "--limit", "2", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["session"] == NAME
    assert told["commits"][0] == {
        "number": 1,
        "count": 1,
        "epoch": 1,
        "code": "\n# first\nx = 1",
        "status": "ok",
        "at": DATE,
        "bound": ["x"],
        "deleted": [],
    }


REFUSED = [
    (("log",), "Missing argument 'SESSION'"),
    (("log", "nope"), "there is no session 'nope'"),
    (("log", ""), "it is empty"),
    (("log", NAME, "-n", "0"), "--limit"),
    (("sessions", "extra"), "extra"),
]


@pytest.mark.parametrize(("words", "said"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_a_mistake_is_one_line_and_exit_code_2(
    words: tuple[str, ...], said: str, session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was asked for cannot be done: no traceback."""
    assert call(*words) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert len(captured.err.splitlines()) == 1
