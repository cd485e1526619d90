"""The second environment: JupyterLab, jupyter console and nbclient, built with uv and kept in `.cache/peers`.

It must never put anything into the environment that runs the tests: that one has no IPython and no
ipykernel, and a test says so. The two meet in one place only, the kernelspec written by
`Household.add_kernelspec`, whose interpreter is the one running pytest.

Rejected: a kernelspec inside the cached environment (a second test process with another interpreter would
rewrite it under the first one's feet); a build beside the final place and a rename (the scripts of a virtual
environment hold its absolute path); `jupyter kernelspec install` (0.5 s to copy four files).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
KERNELSPEC = ROOT / "kernelspec"

# Set to `python3` for a reference run against ipykernel: the same tests, only the kernel differs.
KERNEL = os.environ.get("HOLDFAST_TEST_KERNEL", "holdfast")

# Server 2.21 is the first one known to read the port back when it is asked for port 0.
FRONTENDS = (
    "jupyterlab>=4.4,<5",
    "jupyter-server>=2.21,<3",
    "jupyter-console>=6.6.3,<7",
    "ipykernel>=7,<8",
    "nbclient>=0.10.2,<0.12",
)
# The reference kernel runs in the second environment, so it needs there what the cells of the tests import.
REFERENCE = ("matplotlib>=3.10",)

BUILD_TIMEOUT_S = 1800.0
COMPLETE = "complete.json"
_TYING = ("PYTHON", "VIRTUAL_ENV", "JUPYTER", "JPY_", "IPYTHON", "MPL", "HOLDFAST_", "PYTEST_", "UV_PROJECT")


class PeerEnvironmentError(RuntimeError):
    """The second environment could not be built; the text ends with what to do about it."""


@dataclass(frozen=True, kw_only=True)
class PeerEnvironment:
    """A complete virtual environment of other people's Jupyter programs."""

    root: Path
    python: Path

    def command(self, module: str, *arguments: str) -> list[str]:
        """The command line that runs `module` of this environment, isolated from the working folder."""
        return [str(self.python), "-P", "-m", module, *arguments]


def build(
    requirements: tuple[str, ...], *, cache: Path = CACHE / "peers", interpreter: str = sys.executable
) -> PeerEnvironment:
    """Build the environment of `requirements` for an interpreter, or take the complete one that is cached.

    Two test processes may call this at the same time: the second waits for the first and takes its result.
    What a build that died left behind is removed and built anew.

    Raises:
        PeerEnvironmentError: uv is not there, or it could not install the packages.
    """
    interpreter = os.path.realpath(interpreter)
    described = json.dumps([sorted(requirements), interpreter, sys.version, platform.platform()])
    root = cache / hashlib.sha256(described.encode()).hexdigest()[:16]
    environment = PeerEnvironment(root=root, python=root / "bin" / "python")
    if not (root / COMPLETE).is_file():
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(root.with_suffix(".lock")):
            if not (root / COMPLETE).is_file():
                shutil.rmtree(root, ignore_errors=True)
                _uv("venv", "--quiet", "--python", interpreter, str(root))
                if requirements:
                    _uv("pip", "install", "--quiet", "--python", str(environment.python), *requirements)
                (root / COMPLETE).write_text(described, encoding="utf-8")
    return environment


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path`; the system releases it when the process dies, however it dies."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _uv(*arguments: str) -> None:
    # `uv run` exports its own path; a plain pytest has to find it.
    program = os.environ.get("UV") or shutil.which("uv")
    if program is None:
        raise PeerEnvironmentError("the tests build a second environment with uv, which was not found: pip install uv")
    done = subprocess.run(
        [program, *arguments], env=_without_project(), capture_output=True, text=True, timeout=BUILD_TIMEOUT_S
    )
    if done.returncode != 0:
        raise PeerEnvironmentError(
            f"`uv {' '.join(arguments)}` ended with {done.returncode}: {done.stderr.strip()}; "
            f"when the network is back, run the tests again"
        )


def _without_project() -> dict[str, str]:
    """The variables of this process without those that tie a program to one Python or one Jupyter."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(_TYING)}
    # A registry that is slow, or not there for a moment, is waited for.
    return {"UV_HTTP_TIMEOUT": "300", "UV_HTTP_RETRIES": "10", **own}


class Household:
    """Every folder that Jupyter programs read and write, in one place, and the processes living there.

    A process belongs to the household when its environment or its command line names the folder: that also
    finds kernels, which jupyter_client starts in sessions of their own, after their parent died.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.config = self.root / "config"
        self.data = self.root / "data"
        self.runtime = self.root / "runtime"
        self.work = self.root / "work"
        #: Variables for all programs, beside those that keep them here.
        self.variables: dict[str, str] = {}
        for folder in (self.config, self.data, self.runtime, self.work, self.root / "home"):
            folder.mkdir(parents=True)

    def environment(self) -> dict[str, str]:
        """The environment variables for a program that lives here."""
        home = self.root / "home"
        return _without_project() | {
            "HOME": str(home),
            "HOLDFAST_HOME": str(home / "holdfast"),
            "IPYTHONDIR": str(home / "ipython"),
            "JUPYTER_CONFIG_DIR": str(self.config),
            "JUPYTER_DATA_DIR": str(self.data),
            "JUPYTER_RUNTIME_DIR": str(self.runtime),
            "JUPYTER_PLATFORM_DIRS": "1",
            # Shared by all runs: building the font list takes longer than all of a test.
            "MPLCONFIGDIR": str(CACHE / "matplotlib"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_STATE_HOME": str(home / "state"),
            **self.variables,
        }

    def add_kernelspec(
        self, name: str = "holdfast", python: str | Path = sys.executable, variables: Mapping[str, str] | None = None
    ) -> None:
        """Install the project's kernelspec, pointed at the interpreter that runs the tests, or at another one."""
        folder = self.data / "kernels" / name
        shutil.copytree(KERNELSPEC, folder, dirs_exist_ok=True)
        spec = json.loads((folder / "kernel.json").read_text(encoding="utf-8"))
        spec["argv"][0] = str(python)
        if variables:
            spec["env"] = {**spec.get("env", {}), **(variables or {})}
        (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")

    def processes(self, word: str = "") -> list[psutil.Process]:
        """The living processes of this household; those with a word in their command line."""
        return [process for process in psutil.process_iter() if self._is_home_of(process, word)]

    def _is_home_of(self, process: psutil.Process, word: str) -> bool:
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                return False
            words = process.cmdline()
            named = [*words, *process.environ().values()]
        except psutil.Error:  # it ends just now, as browsers' processes do all the time
            return False
        if word not in " ".join(words):
            return False
        # With the separator, so that a sibling folder whose name only begins the same is not ours.
        return any(f"{self.root}{os.sep}" in text for text in named)

    def clear(self, *, timeout_s: float = 60.0) -> list[str]:
        """Wait until every process has left; end those that have not, and return their command lines."""
        _, staying = psutil.wait_procs(self.processes(), timeout=timeout_s)
        described = []
        for process in staying:
            try:
                described.append(f"{process.pid}: {' '.join(process.cmdline())}")
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(staying, timeout=60)
        return described


@cache
def frontends() -> PeerEnvironment:
    """The environment with JupyterLab and jupyter console, and what a reference run needs if this is one."""
    return build(FRONTENDS if KERNEL == "holdfast" else FRONTENDS + REFERENCE)


@pytest.fixture(scope="session")
def peers() -> PeerEnvironment:
    """JupyterLab, jupyter console, nbclient and ipykernel in an environment of their own."""
    return frontends()


@pytest.fixture(scope="module")
def household(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Household]:
    """Folders for one module's Jupyter programs, with the kernelspec; no process may outlive the module."""
    home = Household(tmp_path_factory.mktemp("household") / "jupyter")
    home.add_kernelspec()
    yield home
    stayed = home.clear()
    assert stayed == [], f"these processes had to be killed at the end of the tests: {stayed}"
