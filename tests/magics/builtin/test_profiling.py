"""`%prun` and `%%prun` over the kernel in memory."""

from __future__ import annotations

import os
import pstats
from pathlib import Path

import pytest

import helpers.magic
from helpers.magic import MagicKernel
from holdfast.magics.builtin import profiling
from holdfast.magics.words import BadWords

CODE = "def slow():\n    return sum(range(1000))\ndef fast():\n    return 1"


@pytest.fixture
def kernel() -> MagicKernel:
    """With two functions."""
    kernel = MagicKernel()
    kernel.run(CODE)
    return kernel


def test_the_table_opens_in_the_pager(kernel: MagicKernel) -> None:
    """It names the functions that ran."""
    assert kernel.line("prun slow()") is None
    assert "(slow)" in kernel.pages[0]
    assert "Ordered by: internal time" in kernel.pages[0]


def test_a_cell_is_profiled_and_binds_its_names(kernel: MagicKernel) -> None:
    """`%%prun` is around the cell's own code."""
    kernel.run("%%prun -s cumulative\nvalue = slow() + fast()")
    assert kernel.namespace["value"] == 499501
    assert all(text in kernel.pages[0] for text in ("(slow)", "(fast)", "Ordered by: cumulative time"))


def test_functions_of_the_kernel_are_not_counted(kernel: MagicKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that run the code, and what only they call."""
    twin = os.path.dirname(helpers.magic.__file__)
    monkeypatch.setattr(profiling, "_OURS", (profiling._OURS, twin))
    stats = kernel.line("prun -q -r fast()")
    assert isinstance(stats, pstats.Stats)
    names = {name for _file, _line, name in stats.stats}  # type: ignore[attr-defined]
    assert {"fast", "<module>"} <= names
    assert names <= {"fast", "<module>", "<built-in method builtins.exec>", "<built-in method builtins.eval>"}
    assert kernel.pages == []


def test_the_table_can_be_cut(kernel: MagicKernel) -> None:
    """-l takes a number, or what a line must match."""
    kernel.line("prun -l slow slow()")
    assert "(slow)" in kernel.pages[0]
    assert "{built-in method builtins.sum}" not in kernel.pages[0]


def test_files_are_written(kernel: MagicKernel, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """-T the table, -D the data."""
    kernel.line(f"prun -q -T {tmp_path}/table.txt -D {tmp_path}/data.bin slow()")
    assert "(slow)" in (tmp_path / "table.txt").read_text()
    assert pstats.Stats(str(tmp_path / "data.bin")).total_calls >= 2  # type: ignore[attr-defined]
    assert "saved to text file" in capsys.readouterr().out


def test_an_error_comes_through(kernel: MagicKernel) -> None:
    """Without a table; and the profiler is off, so that the next one works."""
    with pytest.raises(ZeroDivisionError):
        kernel.line("prun 1/0")
    kernel.line("prun fast()")
    assert len(kernel.pages) == 1


def test_a_key_that_there_is_not_is_said(kernel: MagicKernel) -> None:
    """With those that there are."""
    with pytest.raises(BadWords, match="cumulative"):
        kernel.line("prun -s nothing fast()")
