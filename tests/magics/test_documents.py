"""docs/magics.md says what there is."""

from __future__ import annotations

import pytest

from helpers import magic_table

MAGICS = magic_table.magics()
NAMES = [*(f"%{name}" for name in MAGICS.names()), *(f"%%{name}" for name in MAGICS.cell_names())]


def test_the_tables_are_those_of_the_docstrings() -> None:
    """After a change: `PYTHONPATH=tests python -m helpers.magic_table`."""
    assert magic_table.documented() == magic_table.tables()


@pytest.mark.parametrize("name", NAMES)
def test_each_magic_says_what_it_does(name: str) -> None:
    """Its docstring is its help, and its first line its row in the table."""
    first = (MAGICS.docstring(name) or "").split("\n")[0]
    assert 10 < len(first) <= 120
