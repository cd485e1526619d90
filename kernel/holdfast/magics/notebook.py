"""The code of a notebook file, for `%run` and `%load`.

It must never run or change the notebook.
"""

from __future__ import annotations

import json

from holdfast.errors import CellError


class NoNotebook(CellError):
    """A file with a notebook's name that is none."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot read the notebook {self.path}: {self.reason}"


def code_cells(path: str) -> list[str]:
    """The code cells of a notebook of format 3 or 4, in order; OSError, `NoNotebook`."""
    with open(path, encoding="utf-8") as file:
        try:
            notebook = json.load(file)
            sheets = notebook.get("worksheets") or [notebook]
            cells = [cell for sheet in sheets for cell in sheet["cells"] if cell["cell_type"] == "code"]
            return [_text(cell.get("source", cell.get("input", ""))) for cell in cells]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NoNotebook(path, f"it is not as a notebook should be ({type(error).__name__}: {error})") from None


def _text(source: object) -> str:
    return "".join(source) if isinstance(source, list) else str(source)
