"""`holdfast sessions`, `log`, `diff` and `checkout` on the command line."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from helpers.durable import Notebook
from helpers.stores import DATE, cell, component, flip
from holdfast.cli.main import main
from holdfast.durable.folder import Session, open_session
from holdfast.durable.restore import Restorer
from holdfast.durable.store.schema import DATABASE

NAME = "/work/a.ipynb"


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A session in use in a home of its own, on a wide terminal."""
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    opened = open_session(tmp_path, NAME)
    opened.store.commit(cell(1, component(1), names={"x": 1}, code="\n# first\nx = 1"))
    opened.store.commit(cell(2, names={"x": None}, code="print('[red]\x1b[31m')  # " + "long " * 20))
    yield opened
    opened.close()
    monkeypatch.undo()
    time.tzset()


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
    assert first.split() == ["│", "@1", "[1]", *DATE[:19].split("T"), "ok", "x", "#", "first", "…"]
    assert "print('[red]?[31m')" in second
    assert second.split()[6] == "-x"
    assert "\x1b" not in out


def test_the_log_names_variables_only(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """The session's own keys (results, closure cells, ambient state) are not names that people gave."""
    session.store.commit(cell(3, component(3), names={"@r1": 3, "y": 3}, code="y"))
    session.store.commit(cell(4, names={"@r1": None}, code="4"))
    assert call("log", NAME) == 0
    *_, third, fourth = capsys.readouterr().out.splitlines()
    assert (third.split()[6], "@r1" in third + fourth) == ("y", False)


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
        "parent": 0,
    }


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A session that nobody uses, of real cells; its home."""
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    opened = open_session(tmp_path, NAME)
    notebook = Notebook(opened.store)
    for code in ("x = [1]; gone = 'text'; same = 5", "x.append(2); del gone; fresh = (1,)", "x = 'end'"):
        notebook.run(code)
    opened.close()
    return tmp_path


def test_a_difference_is_shown(played: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names with their values before and after; to the newest commit when only one place is given."""
    assert call("diff", NAME, "1", "2") == 0
    _, _, *rows = capsys.readouterr().out.splitlines()
    assert [row.strip().split(None, 2) for row in rows] == [
        ["fresh", "added", "(1,)"], ["gone", "removed", "'text'"], ["x", "changed", "[1]     [1, 2]"],
    ]  # fmt: skip
    assert call("diff", NAME, "2", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "session": NAME,
        "changes": [{"name": "x", "what": "changed", "before": "[1, 2]", "after": "'end'"}],
    }
    assert call("diff", NAME, "@3") == 0
    assert capsys.readouterr().out.strip() == "nothing differs"


def test_a_session_that_nobody_uses_is_turned(played: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The next kernel starts there; one can come back; the log shows the branch."""
    assert call("checkout", NAME, "1") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "1 variable changed (x), 1 back (gone), 1 gone (fresh); the next kernel starts there;" in said
    assert f"`holdfast checkout {NAME} @3` to come back" in said
    opened = open_session(played, NAME)
    notebook = Notebook(opened.store)
    report = Restorer(notebook.committer, opened.store, notebook.codec).restore()
    assert report is not None
    assert (report.count, report.epoch, notebook.namespace.dict["x"], notebook.namespace.dict["gone"]) == (
        3,
        1,
        [1],
        "text",
    )
    opened.close()
    assert call("checkout", NAME, "@3", "--json") == 0
    assert json.loads(capsys.readouterr().out)["checkout"]["changed"] == ["x"]
    assert call("log", NAME) == 0
    _, head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["commit", "cell", "epoch", "when", "status", "from", "names", "code"]
    assert [row.split()[:2] for row in rows] == [["│", "@1"], ["│", "@2"], ["│", "@3"], ["@4", "[3]"], ["→", "@5"]]
    assert "@1" in rows[3].split()[2:]


def test_a_session_in_use_is_not_turned(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """The sentence says what to do instead; nothing changes."""
    assert call("checkout", NAME, "1") == 2
    said = capsys.readouterr().err
    assert f"the kernel of process {os.getpid()} uses the session" in said
    assert "run %checkout 1 in a cell of it" in said
    assert len(session.store.log()) == 2


def test_what_cannot_be_read_is_shown_as_lost(played: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A record that was changed is named, the others are compared."""
    folder = played / "sessions" / os.listdir(played / "sessions")[0]
    opened = open_session(played, NAME)
    version = opened.store.at(1).names["x"]
    opened.close()
    with closing(sqlite3.connect(folder / DATABASE)) as database, database:
        database.execute("update records set stream = x'00' where version = ?", (version,))
    assert call("diff", NAME, "1", "2", "--json") == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["changes"]}
    assert {name: row["what"] for name, row in rows.items()} == {"fresh": "added", "gone": "removed", "x": "lost"}
    assert (rows["x"]["before"][:6], rows["x"]["after"]) == ("lost: ", "[1, 2]")


REFUSED = [
    (("log",), "Missing argument 'SESSION'"),
    (("log", "nope"), "there is no session 'nope'"),
    (("log", ""), "it is empty"),
    (("log", NAME, "-n", "0"), "--limit"),
    (("sessions", "extra"), "extra"),
    (("diff", NAME, "99"), "there is no cell [99] in this session"),
    (("diff", NAME), "Missing argument 'A'"),
    (("checkout", NAME), "Missing argument 'CELL'"),
    (("checkout", "nope", "1"), "there is no session 'nope'"),
    (("checkout", NAME, "x"), "'x' is no place in a session"),
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
