"""Notebook files: parameters, destinations, writing in one step."""

from __future__ import annotations

import math
import os
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from holdfast.cli import document
from holdfast.cli.refusal import Refusal

v4 = nbformat.v4


def notebook(*cells: tuple[str, str]) -> NotebookNode:
    """Return a notebook of code cells, each a source and a tag."""
    built = [v4.new_code_cell(source, metadata={"tags": [tag] if tag else []}) for source, tag in cells]
    made = v4.new_notebook(cells=built)
    assert isinstance(made, NotebookNode)
    return made


VALUES = [
    ("1", 1),
    ("-3", -3),
    ("1_000", 1000),
    ("0.5", 0.5),
    ("1e3", 1000.0),
    ("True", True),
    ("false", False),
    ("None", None),
    ("null", None),
    ("", ""),
    ("0x10", "0x10"),
    ("word", "word"),
    ("it's", "it's"),
    ("[1, 2]", "[1, 2]"),
]


@pytest.mark.parametrize(("text", "expected"), VALUES)
def test_what_a_value_means(text: str, expected: object) -> None:
    """Numbers, booleans and None are recognised; all else is text."""
    found = document.value_of(text)
    assert (found, type(found)) == (expected, type(expected))


def test_not_a_number_is_one() -> None:
    """`nan` is a float."""
    found = document.value_of("nan")
    assert isinstance(found, float)
    assert math.isnan(found)


INJECTED = [
    ("after the tagged cell", [("import x", ""), ("a = 1", "parameters"), ("a", "")], 2),
    ("first without a tagged cell", [("a", ""), ("b", "")], 0),
    ("in place of an earlier one", [("a = 1", "parameters"), ("a = 9", "injected-parameters"), ("a", "")], 1),
]


@pytest.mark.parametrize(("case", "cells", "place"), INJECTED, ids=lambda part: str(part)[:30])
def test_where_parameters_go(case: str, cells: list[tuple[str, str]], place: int) -> None:
    """The injected cell stands where papermill puts it."""
    made = notebook(*cells)
    document.inject(made, [("a", "2")])
    assert made.cells[place].source == "# Parameters\na = 2"
    assert made.cells[place].metadata.tags == ["injected-parameters"]
    assert [cell.source for cell in made.cells].count("# Parameters\na = 2") == 1


def test_injected_source_is_python_of_the_same_value() -> None:
    """Running the injected cell binds what the command line said, also quotes and infinity."""
    made = notebook()
    document.inject(made, [("quote", 'it\'s \\ "so"'), ("far", "inf"), ("sum", "-0.5"), ("naïve", "ja")])
    names: dict[str, object] = {}
    exec(made.cells[0].source, names)
    names.pop("__builtins__")
    assert names == {"quote": 'it\'s \\ "so"', "far": math.inf, "sum": -0.5, "naïve": "ja"}


def test_no_parameters_change_nothing() -> None:
    """Without parameters the notebook stays as it is."""
    made = notebook(("a", "parameters"))
    document.inject(made, [])
    assert len(made.cells) == 1


def test_an_older_format_stays_valid() -> None:
    """A notebook of format 4.4 gets an injected cell without an id, which that format does not know."""
    made = notebook()
    made.nbformat_minor = 4
    document.inject(made, [("a", "1")])
    nbformat.validate(made)


def test_old_outputs_are_removed(tmp_path: Path) -> None:
    """Reading drops the outputs of earlier runs."""
    made = notebook(("1", ""))
    made.cells[0].outputs = [v4.new_output("stream", text="old")]
    made.cells[0].execution_count = 7
    path = tmp_path / "a.ipynb"
    nbformat.write(made, path)
    read = document.read(path)
    assert (read.cells[0].outputs, read.cells[0].execution_count) == ([], None)


def test_cells_without_ids_are_read(tmp_path: Path) -> None:
    """A file whose cells lack ids is repaired without a word."""
    path = tmp_path / "a.ipynb"
    path.write_text(
        '{"cells": [{"cell_type": "code", "source": "1", "metadata": {}, "outputs": [], '
        '"execution_count": null}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    )
    assert document.read(path).cells[0].source == "1"


def test_another_language_is_allowed_for_its_kernel(tmp_path: Path) -> None:
    """A notebook in R is refused, except where a kernel is named."""
    made = notebook()
    made.metadata["language_info"] = {"name": "R"}
    path = tmp_path / "r.ipynb"
    nbformat.write(made, path)
    with pytest.raises(Refusal, match="written in R"):
        document.read(path)
    assert document.read(path, any_language=True).metadata.language_info.name == "R"


def test_streams_are_joined_where_they_neighbour() -> None:
    """Pieces of one stream become one output; what stands between them keeps its place."""
    pieces = [("stdout", "a"), ("stdout", "b\r"), ("stderr", "e"), ("stdout", "c")]
    made = notebook(("", ""))
    made.cells.append(v4.new_markdown_cell("text"))
    shown = v4.new_output("display_data", data={"text/plain": "1"})
    made.cells[0].outputs = [v4.new_output("stream", name=name, text=text) for name, text in pieces] + [shown, shown]
    document.join_streams(made)
    words = [output.get("text", output.output_type) for output in made.cells[0].outputs]
    assert words == ["ab\r", "e", "c", "display_data", "display_data"]


def test_a_line_of_a_megabyte_is_joined_at_once() -> None:
    """Joining takes time linear in the text: quadratic time on this line would outlast the test's limit."""
    made = notebook(("", ""))
    made.cells[0].outputs = [v4.new_output("stream", name="stdout", text="x" * 2_000_000 + end) for end in ("\r", "\n")]
    document.join_streams(made)
    assert [len(output.text) for output in made.cells[0].outputs] == [4_000_002]


def test_the_default_destination_is_beside(tmp_path: Path) -> None:
    """Without -o the result goes beside the notebook."""
    assert document.destination(tmp_path / "a.b.ipynb", None) == tmp_path / "a.b.executed.ipynb"


def test_a_folder_takes_the_name_of_the_notebook(tmp_path: Path) -> None:
    """-o with a folder writes into it under the notebook's name."""
    (tmp_path / "out").mkdir()
    assert document.destination(tmp_path / "a.ipynb", tmp_path / "out") == tmp_path / "out" / "a.ipynb"


def test_writing_replaces_in_one_step(tmp_path: Path) -> None:
    """A failing write leaves the old file and nothing else."""
    path = tmp_path / "a.ipynb"
    path.write_text("old")
    made = notebook(("\udc80", ""))  # cannot be encoded
    with pytest.raises(UnicodeEncodeError):
        document.write(made, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """A written notebook reads as the same notebook."""
    path = tmp_path / "a.ipynb"
    made = notebook(("a = 'ü'", "parameters"))
    document.write(made, path)
    assert document.read(path).cells == made.cells


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664])
def test_permissions_of_an_existing_file_stay(tmp_path: Path, mode: int) -> None:
    """Writing over a file keeps its mode."""
    path = tmp_path / "a.ipynb"
    path.touch()
    path.chmod(mode)
    document.write(notebook(), path)
    assert path.stat().st_mode & 0o777 == mode


def test_permissions_of_a_new_file_follow_the_umask(tmp_path: Path) -> None:
    """A new file has the mode that `open` would give it, not that of a temporary file."""
    old = os.umask(0o027)
    try:
        document.write(notebook(), tmp_path / "a.ipynb")
    finally:
        os.umask(old)
    assert (tmp_path / "a.ipynb").stat().st_mode & 0o777 == 0o640
