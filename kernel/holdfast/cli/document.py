"""Notebook files: read, given parameters, written.

It must never leave half a file: what is written replaces the old file in one step.
"""

from __future__ import annotations

import contextlib
import keyword
import os
import tempfile
import warnings
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

from holdfast.cli.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbformat import NotebookNode

PARAMETERS = "parameters"
INJECTED = "injected-parameters"


def read(path: Path, *, any_language: bool = False) -> NotebookNode:
    """Return the notebook at `path` in format 4, without outputs of earlier runs.

    Raises `Refusal` for what is missing, unreadable, not a notebook, or (unless `any_language`) not Python.
    Old outputs are removed so that a run that stops half-way shows no results it did not make.
    """
    if not path.exists():
        raise Refusal(f"there is no notebook at {str(path)!r}", "check the path")
    if path.is_dir():
        raise Refusal(f"{str(path)!r} is a folder", "name one of its notebooks")
    try:
        with warnings.catch_warnings():
            # Old files lack cell ids; nbformat adds them and warns, which helps nobody who only runs one.
            warnings.simplefilter("ignore")
            notebook: NotebookNode = nbformat.read(path, as_version=4)
            nbformat.validate(notebook)
    except OSError as error:
        raise Refusal(f"cannot read {str(path)!r}: {error.strerror}") from None
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise Refusal(f"{str(path)!r} is not a notebook: {reason[:200]}") from None
    if not any_language:
        _refuse_other_language(path, notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
    return notebook


def _refuse_other_language(path: Path, notebook: NotebookNode) -> None:
    """Raise for a notebook whose own metadata says that its cells are not Python."""
    metadata = notebook.metadata
    language = metadata.get("language_info", {}).get("name") or metadata.get("kernelspec", {}).get("language")
    if isinstance(language, str) and language and language.lower() not in {"python", "ipython"}:
        raise Refusal(f"{str(path)!r} is written in {language}", "name a kernel for it with --kernel")


def value_of(text: str) -> object:
    """Return what a parameter's text means: None, a bool, an int, a float, else the text itself."""
    named: dict[str, object] = {"None": None, "null": None, "True": True, "False": False}
    named |= {"true": True, "false": False}
    if text in named:
        return named[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def inject(notebook: NotebookNode, parameters: Sequence[tuple[str, str]]) -> None:
    """Add a cell that binds `parameters` after the cell tagged `parameters`, as papermill does.

    A cell that an earlier run injected is replaced; without a tagged cell the new one comes first.  Raises
    `Refusal` for a name that Python could not bind.
    """
    if not parameters:
        return
    lines = ["# Parameters"]
    for name, text in parameters:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise Refusal(f"{name!r} cannot be the name of a parameter", "use a Python name: -p NAME VALUE")
        lines.append(f"{name} = {_literal(value_of(text))}")
    cell = nbformat.v4.new_code_cell("\n".join(lines), metadata={"tags": [INJECTED]})
    if notebook.nbformat_minor < 5:  # earlier formats have no cell ids
        cell.pop("id", None)
    places = {tag: _tagged(notebook, tag) for tag in (INJECTED, PARAMETERS)}
    if (old := places[INJECTED]) is not None:
        notebook.cells[old] = cell
    elif (declared := places[PARAMETERS]) is not None:
        notebook.cells.insert(declared + 1, cell)
    else:
        notebook.cells.insert(0, cell)


def _literal(value: object) -> str:
    """Return Python source for a parameter; `nan` and `inf` have no literal."""
    if isinstance(value, float) and repr(value) in {"nan", "inf", "-inf"}:
        return f"float({repr(value)!r})"
    return repr(value)


def _tagged(notebook: NotebookNode, tag: str) -> int | None:
    """Return the index of the first code cell with a tag."""
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and tag in cell.metadata.get("tags", ()):
            return index
    return None


def join_streams(notebook: NotebookNode) -> None:
    """Join neighbouring pieces of one stream, so that a long output is one output.

    Only once the run is over: until then nbclient finds displays to update by their place among the outputs.
    Rejected: nbclient's own `coalesce_streams`.  Its regular expression for carriage returns takes time
    quadratic in the length of a line (a line of a megabyte: hours), and frontends handle them anyway.
    """
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        joined: list[NotebookNode] = []
        for (kind, name), run in groupby(cell.outputs, lambda o: (o.output_type, o.get("name"))):
            if kind == "stream":
                texts = [output.text for output in run]
                joined.append(nbformat.v4.new_output("stream", name=name, text="".join(texts)))
            else:
                joined += run
        cell.outputs = joined


def destination(source: Path, out: Path | None) -> Path:
    """Return where the executed notebook goes: `out`, by default `NAME.executed.ipynb` beside the source.

    Raises `Refusal` now for a folder that is missing or cannot be written, rather than after an hour's run.
    """
    path = source.with_name(f"{source.stem}.executed.ipynb") if out is None else out
    if path.is_dir():
        path = path / source.name
    if not path.parent.is_dir():
        raise Refusal(f"cannot write {str(path)!r}: there is no folder {str(path.parent)!r}", "make it first")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise Refusal(f"cannot write {str(path)!r}: permission denied", "choose another place with -o")
    return path


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook so that readers see the old file or the new one, never a part."""
    text = nbformat.writes(notebook)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text if text.endswith("\n") else text + "\n")
        part.chmod(_mode(path))
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def _mode(path: Path) -> int:
    """Return the permission bits for a file at `path`: those it has, else those the umask gives."""
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
