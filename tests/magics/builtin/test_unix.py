"""`%ls` and its kin, `%less` and `%man`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from helpers.magic import MagicKernel

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="commands of a POSIX shell")


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MagicKernel:
    """A kernel that works in a folder with one file and one folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.txt").write_text("é\ntwo\n")
    (tmp_path / "folder").mkdir()
    return MagicKernel()


@pytest.mark.parametrize(
    ("line", "seen", "unseen"),
    [("ls", "folder", "root"), ("ls *.txt", "file.txt", "folder"), ("ll", "file.txt", "nothing"),
     ("lf", "file.txt", "folder"), ("ldir", "folder", "file.txt"), ("cat file.txt", "two", "file")],
)  # fmt: skip
def test_commands_run_by_their_names(
    kernel: MagicKernel, capsys: pytest.CaptureFixture[str], line: str, seen: str, unseen: str
) -> None:
    """With what stands behind them."""
    kernel.line(line)
    shown = capsys.readouterr().out
    assert seen in shown
    assert unseen not in shown.replace("root ", "")


def test_files_are_copied_moved_and_removed(kernel: MagicKernel, tmp_path: Path) -> None:
    """As the commands of these names do it."""
    for line in ("mkdir new", "cp file.txt new/a", "mv new/a b", "rm file.txt", "rmdir new"):
        kernel.line(line)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "folder"]


@pytest.mark.parametrize("name", ["less", "more"])
def test_a_file_is_shown_in_the_pager(kernel: MagicKernel, name: str) -> None:
    """As it is."""
    kernel.line(f"{name} 'file.txt'")
    assert kernel.pages == ["é\ntwo\n"]


def test_a_manual_is_shown_in_the_pager(kernel: MagicKernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the marks of a terminal."""
    program = tmp_path / "man"
    program.write_text("#!/bin/sh\nprintf 'L\\bLS(%s)\\n' $1\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    kernel.line("man ls")
    assert kernel.pages == ["LS(ls)"]
