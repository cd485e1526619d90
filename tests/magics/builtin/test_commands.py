"""`%sx`, `%system` and the cells below them."""

from __future__ import annotations

import sys

import pytest

from helpers.magic import MagicKernel
from holdfast.magics.slist import SList

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="commands of a POSIX shell")


@pytest.mark.parametrize("name", ["sx", "system"])
def test_a_line_gives_lines(name: str) -> None:
    """As `x = !command` does."""
    found = MagicKernel().line(f"{name} echo a; echo b")
    assert found == ["a", "b"]
    assert type(found) is SList


def test_a_cell_is_one_script() -> None:
    """All its lines run in one shell."""
    assert MagicKernel().magics.cell("sx", "", "x=5\necho $x\n") == ["5"]


def test_nothing_to_run_gives_nothing() -> None:
    """No shell is started."""
    assert MagicKernel().line("sx") is None
