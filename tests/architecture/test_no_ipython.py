"""The project lives without IPython and ipykernel, in its source and in its environment."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import json
from pathlib import Path

import pytest

from helpers import source

ABSENT = ("IPython", "ipykernel")
FOREIGN = frozenset({"IPython", "ipykernel", "traitlets"})


@pytest.mark.parametrize("module", ABSENT)
def test_the_environment_has_none(module: str) -> None:
    """Neither the module nor its distribution is installed where the tests run."""
    assert importlib.util.find_spec(module) is None
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version(module)


def test_the_kernel_imports_none() -> None:
    """No module of the package imports IPython, ipykernel or traitlets, not even lazily."""
    found = {
        f"{name}:{line}"
        for name, path in source.modules().items()
        for imported, line in source.imports(name, path)
        if imported.partition(".")[0] in FOREIGN
    }
    assert found == set()


def _notebook_imports(path: Path) -> set[str]:
    """Return the top-level names that a notebook's code cells import."""
    found = set()
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        try:
            code = compile(
                "".join(cell["source"]), str(path), "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            )
        except SyntaxError:  # a cell that shows one
            continue
        for node in ast.walk(code):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize("path", sorted((source.ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_example_notebooks_import_none(path: Path) -> None:
    """The example notebooks need no IPython either."""
    if path.stem.endswith(".executed"):
        pytest.skip("written by a run")
    assert _notebook_imports(path) & FOREIGN == set()


def test_no_distribution_of_ours_requires_them() -> None:
    """The package's own requirements, extras apart, do not bring them in."""
    requires = importlib.metadata.requires("holdfast") or []
    core = {entry.lower() for entry in requires if "extra ==" not in entry}
    assert {entry for entry in core if entry.startswith(("ipython", "ipykernel", "traitlets"))} == set()
