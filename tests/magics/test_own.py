"""Functions of users and packages as magics."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from helpers.magic import MagicKernel
from holdfast.magics.own import NoMagic, kind_of, register


def line(rest: str) -> str:
    """Take a line."""
    return f"line {rest}"


def cell(rest: str, body: str) -> str:
    """Take a cell."""
    return f"cell {rest} {body}"


def both(rest: str, body: str | None = None) -> str:
    """Take either."""
    return f"{rest} {body}"


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (line, "line"),
        (cell, "cell"),
        (both, "line_cell"),
        (partial(cell, "x"), "line"),
        (lambda *words: words, "line_cell"),
        (lambda rest, *, option=1: rest, "line"),
        (str.upper, "line"),
        (dict, "line"),
    ],
)
def test_parameters_say_what_a_magic_is_for(function: Any, kind: str) -> None:
    """One for a line, two for a cell, an optional second one for both; where nothing can be known, a line."""
    assert kind_of(function) == kind


@pytest.mark.parametrize("function", [lambda: 1, lambda a, b, c: 1, lambda a, *, b: 1, 3])
def test_what_cannot_be_called_so_is_refused(function: Any) -> None:
    """With the ways that there are."""
    with pytest.raises(NoMagic, match=r"it takes \(line\) for %"):
        register(MagicKernel().magics, function, "name")


def test_a_kind_can_be_said() -> None:
    """Then the parameters do not matter; there are three."""
    magics = MagicKernel().magics
    register(magics, both, "only_cell", "cell")
    assert ("only_cell" in magics.names(), "only_cell" in magics.cell_names()) == (False, True)
    with pytest.raises(NoMagic, match="both cannot be a magic of kind 'page'"):
        register(magics, both, "x", "page")  # type: ignore[arg-type]


def test_the_commit_is_told_what_a_magic_may_have_changed() -> None:
    """Also where it fails."""

    def fails(rest: str) -> None:
        raise ValueError(rest)

    kernel = MagicKernel()
    register(kernel.magics, line)
    assert kernel.line("line a") == "line a"
    register(kernel.magics, fails)
    with pytest.raises(ValueError, match="b"):
        kernel.line("fails b")
    assert kernel.touches == [(), ()]


def test_its_docstring_is_its_help() -> None:
    """And its source is the function's."""
    kernel = MagicKernel()
    register(kernel.magics, both, "either")
    assert kernel.magics.docstring("%either") == "Take either."
    assert "def both" in (kernel.magics.describe("%%either", 1) or "")
