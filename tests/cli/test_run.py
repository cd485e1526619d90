"""`holdfast run`: what it writes, what it prints, how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from holdfast.cli.main import main
from holdfast.cli.run import INTERRUPTED, TERMINATED, runnable

v4 = nbformat.v4
HANG_SECONDS = 120


def write(path: Path, *sources: str, tags: dict[int, str] | None = None) -> Path:
    """Write a notebook of code cells; `tags` gives some of them a tag."""
    cells = [v4.new_code_cell(source) for source in sources]
    for index, tag in (tags or {}).items():
        cells[index].metadata["tags"] = [tag]
    nbformat.write(v4.new_notebook(cells=cells), path)
    return path


def call(*words: object) -> int:
    """Return the exit code of `holdfast run`."""
    with pytest.raises(SystemExit) as end:
        main(["run", *map(str, words)])
    assert isinstance(end.value.code, int)
    return end.value.code


def outputs(path: Path) -> list[list[str]]:
    """Return, for each code cell, its outputs as short words."""
    return [[_word(output) for output in cell.outputs] for cell in nbformat.read(path, as_version=4).cells]


def _word(output: Any) -> str:
    if output.output_type == "stream":
        return str(output.text)
    if output.output_type == "error":
        return str(output.ename)
    return str(output.data["text/plain"])


def test_it_writes_the_executed_notebook_beside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run writes NAME.executed.ipynb, leaves the source alone and prints a summary."""
    source = write(tmp_path / "a.ipynb", "x = 20", "print(x)", "x + 1")
    before = source.read_bytes()
    assert call(source) == 0
    assert outputs(tmp_path / "a.executed.ipynb") == [[], ["20\n"], ["21"]]
    assert source.read_bytes() == before
    out, err = capsys.readouterr()
    assert "3 of 3" in out
    assert "a.executed.ipynb" in "".join(out.split())
    assert [line[:5] for line in err.splitlines()] == ["[1/3]", "[2/3]", "[3/3]"]


def test_a_failing_cell_ends_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, the traceback on stderr, and what ran is written."""
    source = write(tmp_path / "a.ipynb", "1", "1/0", "3")
    assert call(source, "-o", tmp_path / "b.ipynb") == 1
    assert outputs(tmp_path / "b.ipynb") == [["1"], ["ZeroDivisionError"], []]
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.rstrip().endswith("a cell failed: ZeroDivisionError: division by zero")


def test_errors_can_be_allowed(tmp_path: Path) -> None:
    """With --allow-errors the cells after a failure run, and the exit code is 0."""
    source = write(tmp_path / "a.ipynb", "1/0", "'after'")
    assert call(source, "--allow-errors", "--quiet") == 0
    assert outputs(tmp_path / "a.executed.ipynb") == [["ZeroDivisionError"], ["'after'"]]


def test_a_tagged_cell_may_fail(tmp_path: Path) -> None:
    """A cell tagged raises-exception does not end the run; one tagged skip-execution does not run."""
    source = write(tmp_path / "a.ipynb", "1/0", "'skipped'", "3", tags={0: "raises-exception", 1: "skip-execution"})
    assert call(source, "--quiet") == 0
    assert outputs(tmp_path / "a.executed.ipynb") == [["ZeroDivisionError"], [], ["3"]]


def test_quiet_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A quiet run that goes well writes its file and no word, the kernel's included."""
    assert call(write(tmp_path / "a.ipynb", "print(1)"), "--quiet") == 0
    assert tuple(capfd.readouterr()) == ("", "")


def test_parameters_reach_the_cells(tmp_path: Path) -> None:
    """-p binds after the tagged cell, with numbers as numbers."""
    source = write(tmp_path / "a.ipynb", "n = 1\nname = ''", "n * 2, name", tags={0: "parameters"})
    assert call(source, "-p", "n", "-4", "-p", "name", "Swan", "--quiet") == 0
    assert outputs(tmp_path / "a.executed.ipynb") == [[], [], ["(-8, 'Swan')"]]


def test_it_runs_in_the_notebooks_folder(tmp_path: Path) -> None:
    """The working folder is the notebook's, and what lies beside it can be imported."""
    (tmp_path / "beside_the_notebook.py").write_text("here = True")
    source = write(tmp_path / "a.ipynb", "import os; os.getcwd()", "import beside_the_notebook as b; b.here")
    assert call(source, "--quiet") == 0
    assert outputs(tmp_path / "a.executed.ipynb") == [[repr(str(tmp_path))], ["True"]]


def test_it_runs_in_another_folder(tmp_path: Path) -> None:
    """--cwd chooses the working folder."""
    other = tmp_path / "other"
    other.mkdir()
    source = write(tmp_path / "a.ipynb", "import os; os.getcwd()")
    assert call(source, "--cwd", other, "--quiet") == 0
    assert outputs(tmp_path / "a.executed.ipynb") == [[repr(str(other))]]


def test_a_prompt_fails_as_clients_expect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`input()` in a batch run raises StdinNotImplementedError."""
    source = write(tmp_path / "a.ipynb", "input('who? ')")
    assert call(source, "--quiet") == 1
    assert outputs(tmp_path / "a.executed.ipynb") == [["StdinNotImplementedError"]]
    assert "StdinNotImplementedError" in capsys.readouterr().err


def test_a_slow_cell_is_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--timeout ends a run whose cell takes too long; what ran before is written."""
    source = write(tmp_path / "a.ipynb", "'quick'", "import time; time.sleep(600)")
    assert call(source, "--timeout", "4", "--quiet") == 1
    assert outputs(tmp_path / "a.executed.ipynb")[0] == ["'quick'"]
    assert "more than 4 s" in capsys.readouterr().err


def test_a_dying_kernel_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A cell that kills its kernel ends the run with 1; what ran before is written."""
    source = write(tmp_path / "a.ipynb", "'before'", "import os; os.kill(os.getpid(), 9)", "'after'")
    assert call(source, "--quiet") == 1
    assert outputs(tmp_path / "a.executed.ipynb") == [["'before'"], [], []]
    assert "the kernel died" in capsys.readouterr().err


SIGNALS = [(signal.SIGINT, INTERRUPTED, "interrupted"), (signal.SIGTERM, TERMINATED, "terminated")]


@pytest.mark.parametrize(("number", "code", "said"), SIGNALS, ids=["ctrl-c", "term"])
def test_a_signal_ends_the_run_and_keeps_what_ran(number: signal.Signals, code: int, said: str, tmp_path: Path) -> None:
    """Ctrl-C and SIGTERM in a cell: what ran before is written, the exit code is the shell's."""
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    source = write(tmp_path / "a.ipynb", "'before'", f"open({str(ready)!r}, 'w').close()\nwhile True: pass")
    command = [sys.executable, "-m", "holdfast.cli.main", "run", str(source), "--quiet"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        ready.read_text()  # returns when the cell has opened the other end
        process.send_signal(number)
        _, err = process.communicate(timeout=HANG_SECONDS)
    assert process.returncode == code
    assert said in err
    assert outputs(tmp_path / "a.executed.ipynb")[0] == ["'before'"]


def test_ctrl_c_keeps_the_traceback_of_the_cell(tmp_path: Path) -> None:
    """An interrupted cell's KeyboardInterrupt is part of what is written, also where errors are allowed."""
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    source = write(tmp_path / "a.ipynb", f"open({str(ready)!r}, 'w').close()\nwhile True: pass", "'never'")
    command = [sys.executable, "-m", "holdfast.cli.main", "run", str(source), "--quiet", "--allow-errors"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        ready.read_text()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=HANG_SECONDS)
    assert outputs(tmp_path / "a.executed.ipynb") == [["KeyboardInterrupt"], []]


COUNTED = [
    ([], 0),
    (["a", ""], 1),
    (["a", "  \n"], 1),
    (["a", "b"], 2),
]


@pytest.mark.parametrize(("sources", "expected"), COUNTED)
def test_how_many_cells_run(sources: list[str], expected: int) -> None:
    """Empty cells do not count."""
    assert runnable(v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources])) == expected


def test_text_and_skipped_cells_do_not_run() -> None:
    """Markdown and cells tagged skip-execution do not count."""
    cells = [v4.new_markdown_cell("a"), v4.new_code_cell("b", metadata={"tags": ["skip-execution"]})]
    assert runnable(v4.new_notebook(cells=cells)) == 0
