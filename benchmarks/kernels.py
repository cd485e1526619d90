"""Which kernels there are and how each is started; it must never start one.

Ours is started with the interpreter that runs the benchmark.  The peers live in an environment of their own,
built once with uv and kept: they require IPython or ipykernel, which the project's environment must not have.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / ".cache" / "bench-peers"
REQUIREMENTS = ("ipykernel", "xeus-python", "akernel[subprocess]", "numpy", "pandas", "matplotlib")

# Name on the command line -> (name of the kernelspec in the peers' environment, distribution).
PEER_SPECS = {
    "ipykernel": ("python3", "ipykernel"),
    "xpython": ("xpython", "xeus-python"),
    "xpython-raw": ("xpython-raw", "xeus-python"),
    "akernel": ("akernel", "akernel"),
}


class NoKernel(Exception):
    """A kernel cannot be had; the text is the reason of its `n/a`."""


@dataclass(frozen=True)
class Kernel:
    """A kernel ready to be started: a command line in which `{connection_file}` is still open."""

    name: str
    argv: tuple[str, ...]
    version: str
    interrupt_mode: str = "signal"
    env: dict[str, str] = field(default_factory=dict)

    def command(self, connection_file: str) -> list[str]:
        """The command line for one connection file."""
        return [part.replace("{connection_file}", connection_file) for part in self.argv]


def find(name: str) -> Kernel:
    """The kernel of that name; `NAME=FOLDER` is any kernelspec folder.  Raises NoKernel."""
    label, equals, folder = name.partition("=")
    if equals:
        return _from_spec(label, Path(folder), Path(sys.executable), label)
    if name == "holdfast":
        return _from_spec(name, ROOT / "kernelspec", Path(sys.executable), _version(sys.executable, name))
    if name == "bare":
        return Kernel(name, (sys.executable, "-m", "benchmarks.bare", "{connection_file}"), "bare pyzmq loop")
    if name not in PEER_SPECS:
        raise NoKernel(f"no kernel of this name; there are holdfast, bare, {', '.join(PEER_SPECS)}")
    spec, distribution = PEER_SPECS[name]
    python = _peers_python()
    folder_of_spec = PEERS / "share" / "jupyter" / "kernels" / spec
    return _from_spec(name, folder_of_spec, python, _version(str(python), distribution))


def _from_spec(name: str, folder: Path, python: Path, version: str) -> Kernel:
    try:
        spec = json.loads((folder / "kernel.json").read_text())
    except (OSError, ValueError) as error:
        raise NoKernel(f"cannot read {folder / 'kernel.json'}: {error}") from None
    argv = [part.replace("{resource_dir}", str(folder)) for part in spec["argv"]]
    argv[0] = _program(argv[0], python)
    label = f"{name} ({version})" if name != version.split()[0] else version
    return Kernel(name, tuple(argv), label, spec.get("interrupt_mode", "signal"), dict(spec.get("env", {})))


def _program(program: str, python: Path) -> str:
    """The absolute path of a kernelspec's first word, which is looked for beside its interpreter."""
    if os.path.isabs(program):
        return program
    if program.startswith("python"):
        return str(python)
    found = shutil.which(program, path=str(python.parent))
    if found is None:
        raise NoKernel(f"{program} is not in {python.parent}")
    return found


def _version(python: str, distribution: str) -> str:
    code = "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))"
    done = subprocess.run([python, "-c", code, distribution], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoKernel(f"{distribution} is not installed for {python}")
    return f"{distribution} {done.stdout.strip()}"


def _peers_python() -> Path:
    """The interpreter of the peers' environment, which is built first if it is not there or is another one.

    The note with what it was built from is written last, so that an interrupted build is made again.
    """
    python = PEERS / "bin" / "python"
    note = PEERS / "built-from.txt"
    wanted = "\n".join([sys.version, *REQUIREMENTS])
    if note.is_file() and note.read_text() == wanted:
        return python
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        raise NoKernel("uv is not installed, so the peers' environment cannot be built")
    shutil.rmtree(PEERS, ignore_errors=True)
    PEERS.parent.mkdir(exist_ok=True)
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, str(PEERS)],
        [uv, "pip", "install", "--quiet", "--python", str(python), *REQUIREMENTS],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip() or "no output").splitlines()[-1]
            raise NoKernel(f"building the peers' environment failed: {last[:120]}")
    note.write_text(wanted)
    return python
