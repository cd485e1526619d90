"""Where another session may be asked for; `tests/kernel/test_moving.py` goes there."""

from __future__ import annotations

import pytest

from holdfast.app.moving import is_alone

CELLS = {
    "%session new": True,
    "  %session attach a b.ipynb  \n": True,
    "# back to it\n\n%session attach a\n# at last": True,
    "%session new\n%session attach a": False,
    "x = 1\n%session new": False,
    "%session new\nx = 1": False,
    "": False,
}


@pytest.mark.parametrize(("code", "alone"), CELLS.items())
def test_a_cell_that_does_nothing_else(code: str, alone: bool) -> None:
    """One line, comments left out."""
    assert is_alone(code) == alone
