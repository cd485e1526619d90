"""The ids of a notebook's cells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from holdfast.app import notebook
from holdfast.app.notebook import cell_ids


def cell(id: str, kind: str = "code") -> dict[str, object]:
    """A cell as nbformat has it."""
    return {"cell_type": kind, "id": id, "metadata": {}, "source": ["x\n"], "outputs": [{"data": {"a": [1]}}]}


def whole(*cells: dict[str, object], minor: object = 5, major: object = 4) -> str:
    """A notebook."""
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": major, "nbformat_minor": minor})


LAB, HEX = "1e9aac6b-cee9-4786-813b-df30c0debc38", "0f3a9c1e"
CASES = {
    "code cells": (whole(cell(LAB), cell(HEX)), frozenset((LAB, HEX))),
    "text is no cell to run": (whole(cell(LAB), cell(HEX, "markdown")), frozenset((LAB,))),
    "none yet": (whole(), frozenset()),
    "text only": (whole(cell(LAB, "markdown")), frozenset()),
    "before ids": (whole(cell(""), minor=4), None),
    "ids that are not there": (whole(cell("")), None),
    "cells that a tool has numbered": (whole(cell("0"), cell("1")), None),
    "some that a tool has numbered": (whole(cell("0"), cell(HEX)), frozenset((HEX,))),
    "no ids of nbformat": (whole(cell("a b c d e f"), cell("ü" * 10), cell("a" * 65)), None),
    "a later format": (whole(cell(LAB), major=5, minor=0), frozenset((LAB,))),
    "an empty file": ("", None),
    "broken": ('{"cells": [', None),
    "another thing": ("[1]", None),
    "fields of other types": (whole(cell("a"), minor="5"), None),
    "half of a character": ('{"cells": [{"id": "\\ud800", "cell_type": "code"}], "nbformat": 5}', None),
    "deeper than we go": ('{"cells": ' + "[" * 100_000, None),
}


@pytest.mark.parametrize(("text", "ids"), CASES.values(), ids=CASES.keys())
def test_the_ids_of_its_code(text: str, ids: frozenset[str] | None, tmp_path: Path) -> None:
    """None where the notebook can only be known by its path."""
    path = tmp_path / "a.ipynb"
    path.write_text(text)
    assert cell_ids(str(path)) == ids


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Has no ids."""
    assert cell_ids(str(tmp_path / "a.ipynb")) is None


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes by its path."""
    path = tmp_path / "a.ipynb"
    path.write_text(whole(cell("a")))
    monkeypatch.setattr(notebook, "LARGEST", 10)
    assert cell_ids(str(path)) is None
