"""`%run` over the kernel in memory: files, modules and notebooks as programs."""

from __future__ import annotations

import json
import sys
import textwrap
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.magic import MagicKernel
from holdfast.magics.notebook import NoNotebook
from holdfast.magics.words import BadWords

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Put a file into the working folder."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(textwrap.dedent(text))
        return path

    return write


@pytest.fixture
def kernel() -> MagicKernel:
    """With one variable."""
    return MagicKernel(mine=5)


def test_names_of_the_file_come_here(kernel: MagicKernel, write: Write) -> None:
    """But those of every module; and the commit is told."""
    write("a.py", "import sys\nvalue = 1\ndef f():\n    return value + 1\n")
    kernel.line("run a.py")
    value, f = kernel.namespace["value"], kernel.namespace["f"]
    kernel.namespace["value"] = 100
    assert (value, f(), "__file__" in kernel.namespace) == (1, 2, False)
    assert kernel.touches == [("sys", "value", "f")]


def test_the_file_is_the_main_module(kernel: MagicKernel, write: Write) -> None:
    """While it runs; with its arguments, globbed, and its folder first among those of modules."""
    path = write("b.py", "import sys, __main__\nseen = __name__, __file__, sys.argv, __main__.__file__, sys.path[0]\n")
    before = sys.argv, list(sys.path), sys.modules["__main__"]
    kernel.line("run b.py one 'two three' *.py")
    name = str(path)
    assert kernel.namespace["seen"] == (
        "__main__", name, ["b.py", "one", "two three", "b.py"], name, str(path.parent)
    )  # fmt: skip
    assert (sys.argv, sys.path, sys.modules["__main__"]) == before


def test_the_ending_can_be_left_out(kernel: MagicKernel, write: Write) -> None:
    """`%run a` is `%run a.py`; -G leaves arguments as they are."""
    write("a.py", "import sys\nseen = sys.argv\n")
    kernel.line("run -G a *.py")
    assert kernel.namespace["seen"] == ["a.py", "*.py"]


def test_variables_of_the_session_are_not_the_files(kernel: MagicKernel, write: Write) -> None:
    """Unless -i says so; then it can change them."""
    write("c.py", "mine = mine + 1\n")
    with pytest.raises(NameError):
        kernel.line("run c.py")
    kernel.line("run -i c.py")
    assert kernel.namespace["mine"] == 6
    assert "__file__" not in kernel.namespace


def test_n_means_that_it_is_not_main(kernel: MagicKernel, write: Write) -> None:
    """As if it were imported."""
    write("d.py", "seen = __name__\n")
    kernel.line("run -n d.py")
    assert kernel.namespace["seen"] == "d"


def test_an_error_points_into_the_file(kernel: MagicKernel, write: Write) -> None:
    """What was bound until then is here."""
    path = write("e.py", "kept = 1\n\n1/0\n")
    with pytest.raises(ZeroDivisionError) as caught:
        kernel.line("run e.py")
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (last.filename, last.lineno, last.line, kernel.namespace["kept"]) == (str(path), 3, "1/0", 1)


@pytest.mark.parametrize(("options", "call", "raises"), [("", "3", True), ("", "", False), ("-e ", "3", False)])
def test_an_exit_ends_the_file(kernel: MagicKernel, write: Write, options: str, call: str, raises: bool) -> None:
    """One that says that something was wrong is an error, unless -e."""
    write("f.py", f"kept = 1\nimport sys\nsys.exit({call})\n")
    if raises:
        with pytest.raises(SystemExit):
            kernel.line("run f.py")
    else:
        kernel.line(f"run {options}f.py")
    assert kernel.namespace["kept"] == 1


def test_a_module_is_run_by_its_name(kernel: MagicKernel, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package by its `__main__`, which can import what stands beside it."""
    package = write("x", "").parent / "pack_of_run"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "beside.py").write_text("there = 7\n")
    (package / "__main__.py").write_text("import sys\nfrom .beside import there\nseen = sys.argv[1:]\n")
    monkeypatch.syspath_prepend(str(package.parent))
    try:
        kernel.line("run -m pack_of_run --flag x")
    finally:
        for name in [name for name in sys.modules if name.startswith("pack_of_run")]:
            del sys.modules[name]
    assert (kernel.namespace["there"], kernel.namespace["seen"]) == (7, ["--flag", "x"])


def test_a_notebook_runs_on_the_variables_of_the_session(
    kernel: MagicKernel, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cell by cell, magics and all, up to the first error."""
    sources = ["mine += 1", ["%time there = 1\n", "print(mine)"], "1/0", "never = 1"]
    cells = [{"cell_type": "markdown", "source": "# x"}, *({"cell_type": "code", "source": one} for one in sources)]
    write("n.ipynb", json.dumps({"nbformat": 4, "cells": cells}))
    with pytest.raises(ZeroDivisionError):
        kernel.line("run n.ipynb")
    assert (kernel.namespace["mine"], kernel.namespace["there"], "never" in kernel.namespace) == (6, 1, False)
    assert capsys.readouterr().out.endswith("6\n")


def test_a_notebook_that_is_none_is_said(kernel: MagicKernel, write: Write) -> None:
    """With the file's name."""
    write("n.ipynb", "[1]")
    with pytest.raises(NoNotebook, match=r"n\.ipynb"):
        kernel.line("run n.ipynb")


def test_it_can_be_timed_and_repeated(kernel: MagicKernel, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """-t and -N."""
    write("g.py", "print('ran')\n")
    kernel.line("run -t -N 3 g.py")
    out = capsys.readouterr().out
    assert out.startswith("ran\nran\nran\n\nCPU timings (estimated):\nTotal runs performed: 3\n")


def test_it_can_be_profiled(kernel: MagicKernel, write: Write) -> None:
    """-p; the table opens in the pager."""
    write("h.py", "def of_the_file():\n    pass\nof_the_file()\n")
    kernel.line("run -p h.py")
    assert "(of_the_file)" in kernel.pages[0]


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("", "name of a file"),
        ("none.py", "no file 'none.py'"),
        ("-m none_of_run", "no module"),
        ("-d x.py", "breakpoint"),
    ],
)
def test_what_cannot_be_run_is_said(kernel: MagicKernel, write: Write, rest: str, said: str) -> None:
    """With what to do."""
    with pytest.raises(BadWords, match=said):
        kernel.line(f"run {rest}")
