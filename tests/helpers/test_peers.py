"""The second environment is built once, whole, and its folders' processes are found and ended."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import pytest

from helpers import peers
from helpers.peers import Household, PeerEnvironment, PeerEnvironmentError, build

REQUIREMENTS = ("one", "two>=2")


class RecordedUv:
    """Notes what uv is asked for, and makes the folder that `uv venv` makes."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, *arguments: str) -> None:
        self.asked.append(arguments[0])
        if arguments[0] == "venv":
            (Path(arguments[-1]) / "bin").mkdir(parents=True)


@pytest.fixture
def uv(monkeypatch: pytest.MonkeyPatch) -> RecordedUv:
    """A uv that is only recorded."""
    recorded = RecordedUv()
    monkeypatch.setattr(peers, "_uv", recorded)
    return recorded


def test_a_complete_environment_is_taken_as_it_is(uv: RecordedUv, tmp_path: Path) -> None:
    """The second build of the same requirements asks uv for nothing."""
    first = build(REQUIREMENTS, cache=tmp_path)
    assert build(REQUIREMENTS, cache=tmp_path) == first
    assert uv.asked == ["venv", "pip"]


def test_other_requirements_make_another_environment(uv: RecordedUv, tmp_path: Path) -> None:
    """Requirements name the environment; their order does not."""
    first = build(REQUIREMENTS, cache=tmp_path)
    assert build(REQUIREMENTS[::-1], cache=tmp_path) == first
    assert build(REQUIREMENTS[:1], cache=tmp_path) != first


def test_what_an_unfinished_build_left_is_removed(uv: RecordedUv, tmp_path: Path) -> None:
    """An environment without the mark of completeness is built anew, from nothing."""
    environment = build(REQUIREMENTS, cache=tmp_path)
    (environment.root / peers.COMPLETE).unlink()
    (environment.root / "half").touch()
    assert build(REQUIREMENTS, cache=tmp_path) == environment
    assert not (environment.root / "half").exists()


def test_two_builds_at_once_make_one_environment(
    uv: RecordedUv, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The build that comes second waits for the first one's lock and takes its result."""
    at_the_lock = threading.Barrier(3, timeout=120)
    lock = fcntl.flock

    def flock(descriptor: IO[str], operation: int) -> None:
        at_the_lock.wait()
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    with ThreadPoolExecutor(2) as pool:
        builds = [pool.submit(build, REQUIREMENTS, cache=tmp_path) for _ in range(2)]
        at_the_lock.wait()
        first, second = (done.result(30) for done in builds)
    assert first == second
    assert uv.asked == ["venv", "pip"]


def test_a_failed_build_says_which_command_and_is_not_complete(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The error names uv's command and its exit code; nothing is taken for complete afterwards."""
    monkeypatch.setenv("UV", "/bin/false")
    with pytest.raises(PeerEnvironmentError, match=r"uv venv .* ended with 1"):
        build(REQUIREMENTS, cache=tmp_path)
    assert not list(tmp_path.rglob(peers.COMPLETE))


def test_a_missing_uv_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without uv the error says what to install."""
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PeerEnvironmentError, match="pip install uv"):
        build(REQUIREMENTS, cache=tmp_path / "cache")


def test_a_command_names_the_interpreter_of_the_environment(tmp_path: Path) -> None:
    """A peer's module is run by its own interpreter, without the working folder on its path."""
    environment = PeerEnvironment(root=tmp_path, python=tmp_path / "python")
    assert environment.command("jupyterlab", "-h") == [f"{tmp_path}/python", "-P", "-m", "jupyterlab", "-h"]


def test_the_kernelspec_starts_the_interpreter_of_the_tests(tmp_path: Path) -> None:
    """The installed kernelspec is the project's own but for the interpreter, and has its logos beside it."""
    home = Household(tmp_path / "home")
    home.add_kernelspec()
    installed = home.data / "kernels" / "holdfast"
    spec = json.loads((installed / "kernel.json").read_text(encoding="utf-8"))
    ours = json.loads((peers.KERNELSPEC / "kernel.json").read_text(encoding="utf-8"))
    assert spec == ours | {"argv": [sys.executable, *ours["argv"][1:]]}
    assert {path.name for path in installed.iterdir()} == {path.name for path in peers.KERNELSPEC.iterdir()}


def test_programs_are_kept_from_the_folders_of_whoever_runs_the_tests(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Variables that point a program at another Jupyter or Python do not reach it."""
    monkeypatch.setenv("JUPYTER_PATH", "/elsewhere")
    monkeypatch.setenv("HOLDFAST_SESSION", "elsewhere")
    monkeypatch.setenv("MPLBACKEND", "elsewhere")
    assert "elsewhere" not in " ".join(Household(tmp_path / "home").environment().values())


def test_a_process_that_stays_is_ended_and_named(tmp_path: Path) -> None:
    """Clearing the household ends a process that does not leave by itself, and tells which one it was."""
    home = Household(tmp_path / "home")
    command = [sys.executable, "-c", "import signal; print(flush=True); signal.pause()"]
    with subprocess.Popen(command, env=home.environment(), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert home.clear(timeout_s=0.1) == [f"{process.pid}: {' '.join(command)}"]
    assert home.processes() == []
