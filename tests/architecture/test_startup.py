"""The kernel process loads what `1+1` needs and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from helpers import source

# Each costs a kernel start milliseconds or megabytes, or is of the other side of the wire.
HEAVY = (
    "IPython",
    "aiohttp",
    "blake3",
    "cloudpickle",
    "dataclasses",
    "debugpy",
    "html",
    "ipykernel",
    "jedi",
    "jinja2",
    "jsonschema",
    "jupyter_client",
    "jupyter_core",
    "matplotlib",
    "mimetypes",
    "multiprocessing",
    "nbclient",
    "nbformat",
    "numpy",
    "pandas",
    "parso",
    "prompt_toolkit",
    "psutil",
    "pydoc",
    "pygments",
    "resonate",
    "rich",
    "sqlite3",
    "tornado",
    "traitlets",
    "typer",
    "unittest",
    "urllib.request",
    "zmq.asyncio",
    "holdfast.cli",
)


def _loaded_by(statement: str) -> set[str]:
    """Return what a fresh interpreter has loaded after a statement, beyond what it starts with."""
    program = (
        "import sys; before = set(sys.modules)\n"
        f"{statement}\n"
        "loaded = sorted(set(sys.modules) - before)\n"
        "import json; print(json.dumps(loaded))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True, cwd=source.ROOT
    )
    return set(json.loads(done.stdout))


@pytest.fixture(scope="module")
def kernel_graph() -> set[str]:
    """What importing the kernel's whole object graph loads."""
    return _loaded_by("import holdfast.app.wiring")


@pytest.mark.parametrize("module", HEAVY)
def test_the_kernel_does_not_load(module: str, kernel_graph: set[str]) -> None:
    """Importing the kernel's graph leaves out what a trivial cell does not need."""
    assert {name for name in kernel_graph if name == module or name.startswith(f"{module}.")} == set()


def test_the_package_itself_is_light() -> None:
    """`import holdfast` loads nothing of the rings: user code may import it for one name."""
    loaded = _loaded_by("import holdfast")
    assert {name for name in loaded if name.startswith("holdfast.")} == set()


def test_the_command_line_loads_its_commands_late() -> None:
    """`holdfast --version` pays for typer, not for nbclient."""
    loaded = _loaded_by("import holdfast.cli.main")
    assert loaded & {"nbclient", "nbformat", "jupyter_client", "zmq", "rich.progress"} == set()


def test_what_is_loaded_is_seen() -> None:
    """The probe reports a module that a statement loads."""
    assert "csv" in _loaded_by("import csv")
