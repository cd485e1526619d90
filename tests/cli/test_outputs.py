"""`holdfast outputs`: what a cell showed, on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.recorded import Written
from helpers.stores import cell
from holdfast.cli.main import main
from holdfast.durable.folder import Session, open_session
from holdfast.durable.keys import Seal, user_key

NAME = "/work/a.ipynb"


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A session in use whose first cell showed something of each kind."""
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))
    opened = open_session(tmp_path, NAME)
    opened.store.commit(cell(1))
    opened.store.commit(cell(2))
    written = Written(Path(opened.folder), Seal(user_key(tmp_path), opened.store.about.ident))
    pen = written.pen()
    pen.stream(1, "printed\n")
    pen.display(1, "shown")
    pen.picture(1, "iVBOR" * 1000)
    pen.show(1, "error", {"ename": "E", "evalue": "v", "traceback": ["Traceback", "E: v"]})
    yield opened
    written.close()
    opened.close()


def call(*words: str) -> int:
    """Return the exit code of a command line."""
    with pytest.raises(SystemExit) as end:
        main(words)
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.mark.parametrize("words", [["1"], ["1:1"], []])
def test_outputs_are_shown(session: Session, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """As text; what a terminal cannot show is named; without a cell, the last that showed anything."""
    assert call("outputs", "a.ipynb", *words) == 0
    assert capsys.readouterr().out == "printed\nshown\n[image/png]\nTraceback\nE: v\n"


def test_outputs_as_json(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """Other programs get what a notebook would hold."""
    assert call("outputs", NAME, "1", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    kinds = [output["output_type"] for output in told["outputs"]]
    assert (told["session"], told["cell"], kinds) == (NAME, "1:1", ["stream", "display_data", "display_data", "error"])


def test_a_cell_that_showed_nothing(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, and said."""
    assert call("outputs", NAME, "2") == 1
    assert capsys.readouterr().out == "nothing is kept of what cell [2] showed\n"


@pytest.mark.parametrize("words", [[NAME, "x"], ["another", "1"]])
def test_what_cannot_be_found(session: Session, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """A cell or a session that there is not: exit code 2 and one line."""
    assert call("outputs", *words) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
