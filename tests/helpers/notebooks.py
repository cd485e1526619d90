"""The example notebooks, executed on the kernel by nbclient in this process.

It must never need an installed kernelspec: kernels are started with the interpreter that runs the tests.
"""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from helpers.source import ROOT
from holdfast.cli import document, launch
from holdfast.cli.watchful import WatchfulClient

if TYPE_CHECKING:
    from nbformat import NotebookNode

FOLDER: Final = ROOT / "notebooks"
MAY_FAIL: Final = "raises-exception"
CELL_SECONDS: Final = 240


def names() -> list[str]:
    """Return the stems of the example notebooks."""
    return sorted(path.stem for path in FOLDER.glob("*.ipynb") if not path.stem.endswith(".executed"))


def execute(path: Path) -> NotebookNode:
    """Return a notebook as nbclient leaves it; raises for a cell that fails and is not tagged to."""
    notebook = document.read(path)
    client = WatchfulClient(
        notebook,
        km=launch.manager(),
        timeout=CELL_SECONDS,
        resources={"metadata": {"path": str(path.parent)}},
    )
    asyncio.run(client.async_execute(cleanup_kc=True))
    return notebook


@functools.cache
def executed(name: str) -> NotebookNode:
    """Return an example notebook, executed once for all tests of this process."""
    return execute(FOLDER / f"{name}.ipynb")


def outputs(name: str, cell_id: str) -> list[Any]:
    """Return the outputs of one cell of an example notebook."""
    return list(next(cell for cell in executed(name).cells if cell.id == cell_id).outputs)


def stream(name: str, cell_id: str, which: str = "stdout") -> str:
    """Return what a cell wrote to one of its streams."""
    return "".join(
        output.text for output in outputs(name, cell_id) if output.output_type == "stream" and output.name == which
    )


def data(name: str, cell_id: str) -> list[dict[str, Any]]:
    """Return the mime bundles that a cell displayed or gave as its value, in order."""
    return [dict(output.data) for output in outputs(name, cell_id) if "data" in output]


def value(name: str, cell_id: str) -> str:
    """Return the text/plain of a cell's value."""
    results = [o for o in outputs(name, cell_id) if o.output_type == "execute_result"]
    return str(results[-1].data["text/plain"]) if results else ""


def error(name: str, cell_id: str) -> Any:
    """Return the error output of a cell; None where it has none."""
    return next((o for o in outputs(name, cell_id) if o.output_type == "error"), None)
