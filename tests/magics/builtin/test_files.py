"""`%%writefile`, `%load` and `%save` over the kernel in memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers.magic import MagicKernel
from holdfast.magics.words import BadWords


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def kernel(here: Path) -> MagicKernel:
    """With two cells in its history, and the one that asks."""
    kernel = MagicKernel()
    for code in ("a = 1", "b = 2\n", "%load"):
        kernel.cell(code)
    (here / "code.py").write_text("import sys\n\n\n@property\ndef f(x):\n    return x\n\n\nclass C:\n    y = 1\n")
    return kernel


@pytest.mark.parametrize("magic", ["writefile", "file"])
def test_a_cell_becomes_a_file(kernel: MagicKernel, here: Path, magic: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It says whether there was one; -a appends."""
    kernel.magics.cell(magic, "new.txt", "one\n")
    kernel.magics.cell(magic, "new.txt", "two\n")
    kernel.magics.cell(magic, "-a new.txt", "{three} é\n")
    assert (here / "new.txt").read_text(encoding="utf-8") == "two\n{three} é\n"
    assert capsys.readouterr().out == "Writing new.txt\nOverwriting new.txt\nAppending to new.txt\n"


@pytest.mark.parametrize("rest", ["", "a b", "-x a"])
def test_a_file_needs_one_name(kernel: MagicKernel, rest: str) -> None:
    """Else nothing is written."""
    with pytest.raises(BadWords, match="%%writefile"):
        kernel.magics.cell("writefile", rest, "x")


CODE = "import sys\n\n\n@property\ndef f(x):\n    return x\n\n\nclass C:\n    y = 1\n"


@pytest.mark.parametrize(
    ("rest", "text"),
    [
        ("code.py", CODE),
        ("code", CODE),
        ("-r 1,5-6 code.py", "import sys\ndef f(x):\n    return x"),
        ("-r 9: code.py", "class C:\n    y = 1"),
        ("-r 9:10 code.py", "class C:"),
        ("-s C,f code.py", "class C:\n    y = 1\n\n@property\ndef f(x):\n    return x\n"),
        ("1-2", "a = 1\nb = 2"),
        ("2", "b = 2"),
        ("", "a = 1\nb = 2"),
    ],
)
def test_code_is_put_into_this_cell(kernel: MagicKernel, rest: str, text: str) -> None:
    """Of a file, parts of it, or cells of the history; the line itself becomes a comment."""
    kernel.line(f"load {rest}")
    assert kernel.next_inputs == [(f"# %load {rest}\n{text}", True)]


def test_a_notebook_and_a_text_are_loaded(kernel: MagicKernel, here: Path) -> None:
    """The notebook's code cells; a variable that is a text, or has a source."""
    cells = [{"cell_type": "code", "source": ["x = 1\n", "y"]}, {"cell_type": "code", "source": "z"}]
    (here / "n.ipynb").write_text(json.dumps({"cells": cells}))
    kernel.namespace["text"] = "some code"
    kernel.line("load n.ipynb")
    kernel.line("load text")
    assert kernel.next_inputs == [("# %load n.ipynb\nx = 1\ny\n\nz", True), ("# %load text\nsome code", True)]


def test_names_that_are_not_there_are_said(kernel: MagicKernel, capsys: pytest.CaptureFixture[str]) -> None:
    """What is there is loaded."""
    kernel.line("load -s C,nothing code.py")
    assert "nothing" in capsys.readouterr().err
    assert kernel.next_inputs[0][0].endswith("class C:\n    y = 1\n")


def test_what_cannot_be_loaded_is_said(kernel: MagicKernel) -> None:
    """A name that means nothing, and a range that is none."""
    with pytest.raises(BadWords, match="no file"):
        kernel.line("load nothing.py")
    with pytest.raises(BadWords, match="no range"):
        kernel.line("load -r x code.py")


def test_a_long_text_is_asked_about(here: Path) -> None:
    """Who says no gets nothing."""
    (here / "long.py").write_text("#" * 200_001)
    kernel = MagicKernel(answers=["n"])
    kernel.line("load long.py")
    assert (len(kernel.asked), kernel.next_inputs) == (1, [])


def test_cells_are_saved(kernel: MagicKernel, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """To a file with the ending .py."""
    kernel.line("save notes 1-2")
    assert (here / "notes.py").read_text() == "# coding: utf-8\na = 1\nb = 2\n"
    assert "were written to file `notes.py`" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("option", "answer", "text"),
    [
        ("", "n", "old\n"),
        ("", "y", "# coding: utf-8\na = 1\n"),
        ("-f ", "", "# coding: utf-8\na = 1\n"),
        ("-a ", "", "old\na = 1\n"),
    ],
)
def test_a_file_is_overwritten_only_with_consent(here: Path, option: str, answer: str, text: str) -> None:
    """-f is one; -a needs none."""
    kernel = MagicKernel(answers=[answer])
    kernel.cell("a = 1")
    (here / "there.py").write_text("old\n")
    kernel.line(f"save {option}there.py 1")
    assert (here / "there.py").read_text() == text
