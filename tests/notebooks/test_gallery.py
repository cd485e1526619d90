"""The notebooks of the gallery run, and show what ipykernel shows.

What is expected was recorded with the real ipykernel (`tests/notebooks/record.py`); `helpers.gallery` lists, with a
reason each, the few cells that show something else.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from helpers import gallery
from helpers.compat_facts import Fact, difference

COMPARED = sorted(set(gallery.names()) - gallery.OWN)


@pytest.mark.timeout(900)  # the first time, the environment is built
@pytest.mark.parametrize("name", gallery.names())
def test_a_notebook_runs_and_shows_what_ipykernel_shows(name: str, tmp_path: Path) -> None:
    """Exactly the cells that say so fail, and each shows the same outputs as on ipykernel unless that is listed."""
    notebook = gallery.on_holdfast(name, tmp_path)
    nbformat.validate(notebook)
    assert gallery.failing(notebook) == gallery.tagged(notebook)
    assert [cell.execution_count for cell in gallery.code(notebook)] == list(range(1, len(gallery.code(notebook)) + 1))
    if name not in gallery.OWN:
        lines = _differences(name, gallery.expected(name), gallery.facts(name, notebook, tmp_path))
        same = {cell for listed, cell in gallery.DIFFERS if listed == name} - lines.keys()
        assert not same, f"these cells do not differ any more: {same}; take them out of helpers/gallery.py"


@pytest.mark.nightly
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", sorted(set(COMPARED) - gallery.WITH_IPYTHON))
def test_a_notebook_shows_the_same_where_ipython_is_installed(name: str, tmp_path: Path) -> None:
    """Run by both kernels in one environment, that of somebody who has JupyterLab and ipywidgets in it."""
    folders = [tmp_path / "ipykernel", tmp_path / "holdfast"]
    for folder in folders:
        folder.mkdir()
    expected = gallery.facts(name, gallery.on_ipykernel(name, folders[0], "ipython"), folders[0])
    found = gallery.facts(name, gallery.on_holdfast(name, folders[1], "ipython"), folders[1])
    _differences(name, expected, found)


def _differences(name: str, expected: dict[str, list[Fact]], found: dict[str, list[Fact]]) -> dict[str, str]:
    """What differs, by cell; fails the test where that is not listed."""
    lines = {cell: line for cell, seen in expected.items() if (line := difference(seen, found[cell]))}
    wrong = [f"{cell}\n{line}" for cell, line in lines.items() if (name, cell) not in gallery.DIFFERS]
    assert not wrong, "cells that differ (- ipykernel, + Holdfast): " + "\n".join(wrong)
    return lines


@pytest.mark.parametrize("name", gallery.names())
def test_a_notebook_is_stored_clean(name: str) -> None:
    """It is valid, has cell ids and words between its cells, names our kernel, and holds no outputs."""
    stored = nbformat.read(gallery.FOLDER / f"{name}.ipynb", as_version=nbformat.NO_CONVERT)
    nbformat.validate(stored)
    assert (stored.nbformat, stored.nbformat_minor) == (4, 5)
    assert stored.metadata.kernelspec.name == "holdfast"
    assert [cell.id for cell in gallery.code(stored) if cell.outputs or cell.execution_count is not None] == []
    words = [cell.source for cell in stored.cells if cell.cell_type == "markdown"]
    assert words[0].startswith("# ")
    assert sum(len(text.split()) for text in words) >= 20


def test_there_are_at_least_forty() -> None:
    """The gallery is what newcomers bring: many different notebooks."""
    assert len(gallery.names()) >= 40


def test_the_index_names_each() -> None:
    """Its README leads to every notebook, and to nothing else."""
    links = re.findall(r"\]\((\w+)\.ipynb\)", (gallery.FOLDER / "README.md").read_text("utf-8"))
    assert sorted(links) == gallery.names()


def test_what_is_listed_is_there() -> None:
    """Listed cells exist, and each difference has its reason."""
    cells = {(name, cell) for name in COMPARED for cell in gallery.expected(name)}
    listed = {*gallery.DIFFERS, *((name, cell) for name, cell in gallery.LOOSE if cell != "*")}
    assert listed - cells == set()
    assert all(len(reason.split()) > 3 for reason in gallery.DIFFERS.values())
    assert {name for name, _ in gallery.LOOSE} | gallery.WITH_IPYTHON <= set(gallery.names())
    assert {path.stem for path in gallery.GOLDEN.glob("*.json")} == set(COMPARED)
