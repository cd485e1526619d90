"""The command line: what it refuses, in one line, and what it passes on."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from holdfast.cli import main as command_line
from holdfast.cli.main import joined, main
from holdfast.cli.refusal import Refusal


def call(*words: str) -> int:
    """Return the exit code of a command line."""
    with pytest.raises(SystemExit) as end:
        main(words)
    assert isinstance(end.value.code, int)
    return end.value.code


def write_notebook(path: Path, **metadata: object) -> Path:
    """Write an empty notebook with some metadata."""
    path.write_text(json.dumps({"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))
    return path


REFUSED = [
    (["run"], "Missing argument 'NOTEBOOK'"),
    (["run", "--fro", "x.ipynb"], "No such option: --fro"),
    (["frobnicate"], "No such command 'frobnicate'"),
    (["run", "missing.ipynb"], "there is no notebook at 'missing.ipynb'"),
    (["run", "folder"], "'folder' is a folder"),
    (["run", "text.ipynb"], "'text.ipynb' is not a notebook"),
    (["run", "list.ipynb"], "'list.ipynb' is not a notebook"),
    (["run", "cells.ipynb"], "'cells.ipynb' is not a notebook"),
    (["run", "bytes.ipynb"], "'bytes.ipynb' is not a notebook"),
    (["run", "r.ipynb"], "'r.ipynb' is written in R"),
    (["run", "good.ipynb", "--kernel", "nonesuch"], "no kernel is named 'nonesuch'"),
    (["run", "good.ipynb", "--cwd", "nowhere"], "there is no folder 'nowhere'"),
    (["run", "good.ipynb", "-o", "nowhere/x.ipynb"], "there is no folder 'nowhere'"),
    (["run", "good.ipynb", "--timeout", "soon"], "'--timeout'"),
    (["run", "good.ipynb", "--timeout", "0"], "--timeout"),
    (["run", "good.ipynb", "-p", "x"], "-p takes a name and a value"),
    (["run", "good.ipynb", "-p", "x y", "1"], "'x y' cannot be the name of a parameter"),
    (["run", "good.ipynb", "-p", "class", "1"], "'class' cannot be the name of a parameter"),
    (["install", "--user", "--sys-prefix"], "exclude each other"),
    (["install", "--prefix", "p", "--name", "a/b"], "'a/b' cannot name a kernel"),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with files of every wrong kind, and one right one."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.ipynb").write_text("# not JSON\n")
    (tmp_path / "list.ipynb").write_text("[1, 2]")
    (tmp_path / "cells.ipynb").write_text('{"cells": 3, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    (tmp_path / "bytes.ipynb").write_bytes(b"\xff\xfe\x00\x80")
    write_notebook(tmp_path / "r.ipynb", kernelspec={"name": "ir", "display_name": "R", "language": "R"})
    write_notebook(tmp_path / "good.ipynb")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("words", "said"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_it_refuses_in_one_line(words: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot begin ends with exit code 2 and one line on stderr that names the thing."""
    before = sorted(folder.iterdir())
    assert call(*words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.startswith("holdfast: ")
    assert err.count("\n") == 1
    assert sorted(folder.iterdir()) == before


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` prints name and version."""
    assert call("--version") == 0
    assert capsys.readouterr().out == f"holdfast {version('holdfast')}\n"


def test_no_words_are_a_question(capsys: pytest.CaptureFixture[str]) -> None:
    """`holdfast` alone prints what it can do."""
    assert call() == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("run", "install", "doctor"))


def test_an_error_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in the command ends with its traceback: only what the user typed is put in one line."""

    def broken(*args: object, **options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(command_line, "app", broken)
    with pytest.raises(ZeroDivisionError):
        main(["doctor"])


JOINED = [
    ([], []),
    (["run", "a.ipynb"], ["run", "a.ipynb"]),
    (["-p", "x", "1"], ["-p", "x=1"]),
    (["-p", "x", "-1", "-p", "y", "--z"], ["-p", "x=-1", "-p", "y=--z"]),
    (["--parameter", "x", "a=b"], ["--parameter", "x=a=b"]),
    (["-p", "x", "", "--quiet"], ["-p", "x=", "--quiet"]),
]


@pytest.mark.parametrize(("words", "expected"), JOINED)
def test_parameters_are_two_words(words: list[str], expected: list[str]) -> None:
    """`-p NAME VALUE` becomes one word for typer; the value may look like an option."""
    assert joined(words) == expected


@pytest.mark.parametrize("words", [["-p"], ["-p", "x"], ["run", "--parameter", "x"]])
def test_a_parameter_without_value_is_refused(words: list[str]) -> None:
    """A parameter needs both words."""
    with pytest.raises(Refusal, match="takes a name and a value"):
        joined(words)


def test_a_refusal_is_one_line() -> None:
    """Line breaks in a reason do not break the line."""
    assert str(Refusal("two\nlines", "do\tthis")) == "two lines; do this"
