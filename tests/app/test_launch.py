"""From the command line to a connection file, and its write-back."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.app import launch
from holdfast.errors import ConnectionFileError, HoldfastError


@pytest.mark.parametrize(
    "arguments",
    [
        ["-f", "k.json"],
        ["--connection-file", "k.json"],
        ["-f=k.json"],
        ["--f=k.json"],
        ["--connection-file=k.json"],
    ],
)
def test_the_connection_file_is_found(arguments: list[str]) -> None:
    """Every spelling that launchers use is taken."""
    assert launch._path(arguments) == "k.json"


@pytest.mark.parametrize(
    "arguments", [[], ["k.json"], ["-f"], ["-f", "a", "b"], ["--debug", "-f", "a"], ["-x", "a"], ["-h", "-f", "a"]]
)
def test_anything_else_is_refused(arguments: list[str]) -> None:
    """The error quotes what was given, and the usage."""
    with pytest.raises(HoldfastError, match="usage: python -m holdfast -f CONNECTION_FILE") as caught:
        launch._path(arguments)
    assert (" ".join(arguments) or "nothing") in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The error says which file and why."""
    with pytest.raises(ConnectionFileError, match=r"missing\.json': No such file"):
        launch._read(str(tmp_path / "missing.json"))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """The error says so."""
    with pytest.raises(ConnectionFileError, match="Is a directory"):
        launch._read(str(tmp_path))


def test_the_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    """Its owner alone can read it, as it holds the key; nothing else is left beside it."""
    path = tmp_path / "k.json"
    path.write_text("{}")
    path.chmod(0o644)
    launch._write(str(path), b'{"key": "secret"}')
    assert json.loads(path.read_bytes()) == {"key": "secret"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_refused_in_one_sentence(tmp_path: Path) -> None:
    """No traceback for a folder that is gone or closed to us."""
    with pytest.raises(ConnectionFileError, match="cannot use the connection file"):
        launch._write(str(tmp_path / "gone" / "k.json"), b"{}")


def test_a_fault_of_ours_is_told_to_the_launcher(tmp_path: Path) -> None:
    """Also where `sys.stderr` is the cells' already."""
    file = tmp_path / "kernel.json"
    file.write_text("{}")
    code = (
        "import sys; from holdfast.app import launch, wiring\n"
        "def run(kernel): sys.stderr = None; raise ZeroDivisionError('of ours')\n"
        "wiring.Kernel.run = run; launch.main()"
    )
    done = subprocess.run([sys.executable, "-c", code, "-f", str(file)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 1
    assert "[holdfast] Traceback" in done.stderr
    assert "ZeroDivisionError: of ours" in done.stderr
