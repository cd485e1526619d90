"""`%history`, `%recall`, `%rerun` and `%notebook`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers.magic import MagicKernel
from holdfast.language.history import Entry, History
from holdfast.magics.words import BadWords

EARLIER = [[Entry(1, "old = 1"), Entry(2, "old + 1", "2")], [Entry(1, "newer = 1")]]


@pytest.fixture
def kernel() -> MagicKernel:
    """A kernel with two earlier sessions, three cells and a fourth that runs."""
    kernel = MagicKernel(_="the last")
    kernel.history = History(EARLIER)
    kernel.cell("x = 1")
    kernel.cell("def f():\n    return x\nf()", "1")
    kernel.cell("x = 1")
    kernel.scope.begin(4, "%history")
    return kernel


@pytest.mark.parametrize(
    ("rest", "shown"),
    [
        ("1", "x = 1"),
        ("2", "def f():\n    return x\nf()"),
        ("1-3", "x = 1\ndef f():\n    return x\nf()\nx = 1"),
        ("1:3", "x = 1\ndef f():\n    return x\nf()"),
        ("3-", "x = 1\n%history"),
        ("4 1", "%history\nx = 1"),
        ("~1/", "newer = 1"),
        ("~2/1-2", "old = 1\nold + 1"),
        ("1/2", "old + 1"),
        ("~2/2-~1/1", "old + 1\nnewer = 1"),
        ("-u 1-3", "def f():\n    return x\nf()\nx = 1"),
        ("-o 1-2", "x = 1\ndef f():\n    return x\nf()\n1"),
        ("-n 1-2", "   1: x = 1\n   2:\ndef f():\n    return x\nf()"),
        ("-p 1-2", ">>> x = 1\n>>> def f():\n...     return x\n... f()\n..."),
        ("-np 1", "   1: >>> x = 1"),
        ("-l 2", "def f():\n    return x\nf()\nx = 1"),
        ("-g old", " 1/1: old = 1\n 1/2: old + 1"),
        ("-g new*1", " 2/1: newer = 1"),
        ("-g x = 1", "   1: x = 1\n   3: x = 1"),
        ("99", ""),
    ],
)
def test_history_prints_cells(kernel: MagicKernel, capsys: pytest.CaptureFixture[str], rest: str, shown: str) -> None:
    """Of this session and of others, as it is asked to."""
    kernel.line(f"history {rest}")
    assert capsys.readouterr().out == (f"{shown}\n" if shown else "")


def test_history_alone_is_this_session(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """The running cell included."""
    kernel.line("hist")
    assert capsys.readouterr().out == "x = 1\ndef f():\n    return x\nf()\nx = 1\n%history\n"


def test_history_goes_into_a_file(kernel: MagicKernel, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Instead of below the cell."""
    kernel.line(f"history -f {tmp_path / 'past.py'} 1")
    assert (tmp_path / "past.py").read_text() == "x = 1\n"
    assert "x = 1" not in capsys.readouterr().out


@pytest.mark.parametrize("rest", ["foo", "-x", "1-2-3"])
def test_what_is_no_range_is_refused(kernel: MagicKernel, rest: str) -> None:
    """With what is one."""
    with pytest.raises(BadWords):
        kernel.line(f"history {rest}")


@pytest.mark.parametrize(
    ("rest", "text"),
    [("", "the last"), ("1", "x = 1"), ("1 ~1/1", "x = 1\nnewer = 1"), ("return", "def f():\n    return x\nf()")],
)
def test_recall_fills_the_next_cell(kernel: MagicKernel, rest: str, text: str) -> None:
    """By number, by a word, or with the last result."""
    kernel.line(f"recall {rest}")
    assert kernel.next_inputs == [(text, False)]


def test_recall_says_when_there_is_none(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """And leaves the next cell alone."""
    kernel.line("recall nosuchword")
    assert kernel.next_inputs == []
    assert "nosuchword" in capsys.readouterr().out


def test_rerun_runs_again(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """Cells as one; the value of the last is the value, and what ran is said."""
    assert kernel.line("rerun 1-2") == 1
    assert "return x" in capsys.readouterr().out


def test_rerun_alone_is_the_cell_before(kernel: MagicKernel) -> None:
    """Not this one."""
    kernel.line("rerun")
    assert kernel.namespace["x"] == 1


def test_rerun_needs_a_cell(kernel: MagicKernel) -> None:
    """That was run."""
    with pytest.raises(BadWords):
        kernel.line("rerun 77")


def test_notebook_writes_a_notebook(kernel: MagicKernel, tmp_path: Path) -> None:
    """The cells of this session with their results, and without the one that asks; a valid file."""
    import nbformat

    kernel.line(f"notebook {tmp_path / 'made.ipynb'}")
    path = tmp_path / "made.ipynb"
    nbformat.validate(nbformat.read(path, as_version=4))
    cells = json.loads(path.read_text())["cells"]
    assert [cell["source"] for cell in cells] == ["x = 1", "def f():\n    return x\nf()", "x = 1"]
    assert cells[1]["outputs"][0]["data"] == {"text/plain": "1"}


def test_cells_of_before_a_crash_are_of_this_session(capsys: pytest.CaptureFixture[str]) -> None:
    """The inputs come back with the variables; the record of this process begins later."""
    kernel = MagicKernel()
    for count, code in enumerate(["a = 1", "b = 2"], 1):
        kernel.scope.begin(count, code)
    kernel.cell("%history")
    kernel.line("history")
    assert capsys.readouterr().out == "a = 1\nb = 2\n%history\n"
