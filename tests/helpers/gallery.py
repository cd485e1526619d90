"""The notebooks of `notebooks/gallery/`, run by nbclient, and what ipykernel showed for each of their cells.

It must never take what Holdfast shows for what is expected: the facts in `tests/notebooks/golden/` are ipykernel's,
recorded by `python tests/notebooks/record.py`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from helpers.compat_environments import environment, reference, variables
from helpers.compat_facts import Fact, loosened, stored
from helpers.notebooks import CELL_SECONDS, MAY_FAIL
from helpers.source import ROOT
from holdfast.cli import document, launch
from holdfast.cli.watchful import WatchfulClient

if TYPE_CHECKING:
    from nbformat import NotebookNode

FOLDER: Final = ROOT / "notebooks" / "gallery"
GOLDEN: Final = ROOT / "tests" / "notebooks" / "golden"

#: These need what depends on IPython; all others run where it is not installed.
WITH_IPYTHON: Final = frozenset({"canvas", "report_of_versions", "tuning_widgets"})

#: What these show, no other kernel does: they are not compared.
OWN: Final = frozenset({"beyond"})

#: (notebook, cell or "*"): facts that are compared as being there only, as in the scripts of `tests/compat`.
LOOSE: Final[dict[tuple[str, str], set[str]]] = {
    # Which line is running is told, not which one the frame has come to meanwhile.
    ("captured_output", "fails"): {"lines"},
    ("errors", "chained"): {"lines"},
    ("errors", "note"): {"lines"},
    ("errors", "promise"): {"lines"},
    ("files_and_scripts", "run_broken"): {"lines"},
    ("timing", "fails"): {"lines", "stdout"},
    # ipykernel brings what a child wrote some time later.
    ("processes", "prints"): {"order"},
    ("processes", "straight"): {"order"},
    ("shell_commands", "system"): {"order"},
    # Words of the kernel, which says the same in its own.
    ("asking_for_help", "definition"): {"stdout"},
    ("asking_for_help", "magics"): {"text"},
    ("asking_for_help", "unknown"): {"stdout"},
    **{("debugging", cell): {"stdout"} for cell in ("plain", "minimal", "verbose", "context", "pdb", "switch")},
    **{("files_and_scripts", cell): {"stdout"} for cell in ("write", "arguments", "append", "broken", "file")},
    ("files_and_scripts", "interactive"): {"stdout"},
    ("formulas_and_text", "frame"): {"text"},
    ("formulas_and_text", "video"): {"text"},
    ("own_magics", "module"): {"stdout"},
    ("questions", "unanswered"): {"value"},
    ("reloading", "write"): {"stdout"},
    ("reloading", "change"): {"stdout"},
    ("reloading", "unknown"): {"value"},
    ("report_of_versions", "python"): {"stdout"},
    ("report_of_versions", "packages"): {"stdout"},
    ("shell_commands", "failing"): {"value"},
    ("sound", "*"): {"html"},
    ("timing", "*"): {"stdout"},
    ("variables", "store"): {"stdout"},
    ("variables", "whos"): {"stdout"},
    ("without_percent", "off"): {"stdout"},
    ("without_percent", "on"): {"stdout"},
    # How fast a bar was, and how many steps of it were drawn.
    ("progress_bars", "*"): {"stderr"},
}

_LOOP = "ipykernel refuses a loop of one's own; here it runs"
#: (notebook, cell): why something else is seen than on ipykernel.
DIFFERS: Final[dict[tuple[str, str], str]] = {
    ("async_work", "group"): "ipykernel writes a group of errors to stderr, as text",
    ("asyncio_scripts", "run"): _LOOP,
    ("asyncio_scripts", "until_complete"): _LOOP,
    ("asyncio_scripts", "beside"): _LOOP,
    ("errors", "group"): "ipykernel writes a group of errors to stderr, as text",
    ("formulas_and_text", "geo"): "the value of a cell has its number; IPython's GeoJSON displays itself without one",
    ("own_magics", "unknown"): "ipykernel writes a line to stderr; here it is an error that names the nearest magic",
    ("timing", "await"): "ipykernel cannot await within %time",
    ("timing", "prun"): "ipykernel prints an empty line",
}


def names() -> list[str]:
    """The notebooks there are."""
    return sorted(path.stem for path in FOLDER.glob("*.ipynb") if not path.stem.endswith(".executed"))


def where(name: str) -> str:
    """The environment that a notebook runs in."""
    return "ipython" if name in WITH_IPYTHON else "plain"


class _Spec(KernelSpecManager):
    """Answers every name with one command line."""

    def __init__(self, argv: list[str]) -> None:
        super().__init__()
        self._argv = argv

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(argv=self._argv, display_name=kernel_name, language="python", env={})


def _run(notebook: NotebookNode, argv: list[str], folder: Path, *, allow_errors: bool) -> None:
    # nbclient adds flags of ipykernel's for a kernel that is called python.
    manager = AsyncKernelManager(kernel_name=launch.NAME, kernel_spec_manager=_Spec(argv))
    client = WatchfulClient(
        notebook,
        km=manager,
        timeout=CELL_SECONDS,
        allow_errors=allow_errors,
        resources={"metadata": {"path": str(folder)}},
    )
    # ipykernel does not catch what children write while pytest says in the environment that a test runs.
    own = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    asyncio.run(client.async_execute(cleanup_kc=True, env={**own, **variables()}))


def on_holdfast(name: str, folder: Path, place: str = "") -> NotebookNode:
    """The notebook as Holdfast leaves it, in its own or another environment; raises for a cell that fails untagged."""
    notebook = document.read(FOLDER / f"{name}.ipynb")
    _run(notebook, launch.command(str(environment(place or where(name)).python)), folder, allow_errors=False)
    return notebook


def on_ipykernel(name: str, folder: Path, place: str = "") -> NotebookNode:
    """The notebook as ipykernel leaves it, with whatever fails there."""
    notebook = document.read(FOLDER / f"{name}.ipynb")
    argv = [str(reference(place or where(name)).python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    _run(notebook, argv, folder, allow_errors=True)
    return notebook


def code(notebook: NotebookNode) -> list[Any]:
    """Its cells of code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def facts(name: str, notebook: NotebookNode, folder: Path) -> dict[str, list[Fact]]:
    """What is seen below each cell, without what is not compared."""
    everywhere = LOOSE.get((name, "*"), set())
    return {
        cell.id: loosened(stored(cell.outputs, str(folder)), everywhere | LOOSE.get((name, cell.id), set()))
        for cell in code(notebook)
    }


def failing(notebook: NotebookNode) -> set[str]:
    """The cells that ended with an error."""
    return {cell.id for cell in code(notebook) if any(output.output_type == "error" for output in cell.outputs)}


def tagged(notebook: NotebookNode) -> set[str]:
    """The cells that say that they fail."""
    return {cell.id for cell in code(notebook) if MAY_FAIL in cell.metadata.get("tags", ())}


def content_hash(name: str) -> str:
    """Changes when the facts have to be recorded again."""
    cells = code(document.read(FOLDER / f"{name}.ipynb"))
    return hashlib.sha256(json.dumps([[cell.id, cell.source] for cell in cells]).encode()).hexdigest()[:16]


@cache
def golden(name: str) -> dict[str, Any]:
    """What was recorded: the hash of the notebook, and the facts of its cells."""
    path = GOLDEN / f"{name}.json"
    kept: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {"notebook": "", "cells": {}}
    return kept


def expected(name: str) -> dict[str, list[Fact]]:
    """What ipykernel showed below each cell."""
    assert golden(name)["notebook"] == content_hash(name), (
        f"{name} was changed: python tests/notebooks/record.py {name}"
    )
    everywhere = LOOSE.get((name, "*"), set())
    cells: dict[str, list[Fact]] = golden(name)["cells"]
    return {cell: loosened(seen, everywhere | LOOSE.get((name, cell), set())) for cell, seen in cells.items()}
