"""Magics about magics."""

from __future__ import annotations

import re

import pytest

from helpers.magic import MagicKernel
from holdfast.errors import CellError
from holdfast.magics.unknown import UnknownMagic
from holdfast.output.pretty import pretty


def test_lsmagic_lists_all() -> None:
    """As a list of names with their percent signs, shown in two parts."""
    kernel = MagicKernel()
    kernel.magics.register("first_of_mine", lambda rest: rest)
    kernel.magics.register_cell("second_of_mine", lambda rest, body: rest)
    found = kernel.line("lsmagic")
    assert isinstance(found, list)
    assert {"%first_of_mine", "%lsmagic", "%%second_of_mine", "%%thread"} <= set(found)
    above, below = pretty(found).split("\n\nCell magics:\n")
    assert "%first_of_mine" in above
    assert "%%second_of_mine" in below


def test_magic_describes_all() -> None:
    """Each with its docstring, in the pager; those without one are named, too."""
    kernel = MagicKernel()
    kernel.magics.register("first_of_mine", lambda rest: rest)
    kernel.line("magic")
    (page,) = kernel.pages
    assert "%first_of_mine\n    (without a description)" in page
    assert "%lsmagic\n    List the names" in page


def test_quickref_is_one_page() -> None:
    """In the pager; every magic that it mentions is there."""
    kernel = MagicKernel()
    kernel.line("quickref")
    (page,) = kernel.pages
    names = set(re.findall(r"(?<![%\w])%(\w+)", page)) - {"name"}
    offered = {"session", "undo", "checkout"}  # the kernel offers these when it starts
    assert names - offered <= set(kernel.magics.names())


def test_automagic_is_set_and_changed(capsys: pytest.CaptureFixture[str]) -> None:
    """By a word, or without one to the opposite."""
    kernel = MagicKernel()
    for rest, expected in (("off", False), ("on", True), ("", False), ("", True), ("0", False)):
        kernel.line(f"automagic {rest}")
        assert kernel.options.automagic is expected
    assert "Automagic is off." in capsys.readouterr().out
    with pytest.raises(CellError, match="'maybe' is neither on nor off"):
        kernel.line("automagic maybe")


def _echoing() -> MagicKernel:
    kernel = MagicKernel(name="value")
    kernel.magics.register("echo", lambda rest: rest)
    kernel.magics.register_cell("echo", lambda rest, body: (rest, body))
    return kernel


def test_a_magic_gets_another_name(capsys: pytest.CaptureFixture[str]) -> None:
    """For the line and the cell, with words that come first; variables are filled in once."""
    kernel = _echoing()
    kernel.line("alias_magic say echo -p '-x 1'")
    assert kernel.magics("say", "{name} {{name}}") == "-x 1 value {name}"
    assert kernel.magics.cell("say", "a", "b") == ("-x 1 a", "b")
    assert kernel.magics.docstring("%say") == "The same as %echo -x 1."
    assert capsys.readouterr().out == "%say and %%say: the same as %echo -x 1\n"


@pytest.mark.parametrize(
    ("option", "line", "cell"), [("-l", True, False), ("--cell", False, True), ("-l -c", True, True)]
)
def test_a_name_can_be_for_one_kind(option: str, line: bool, cell: bool) -> None:
    """For the line magic or for the cell magic only."""
    kernel = _echoing()
    kernel.line(f"alias_magic {option} say %echo")
    assert ("say" in kernel.magics.names(), "say" in kernel.magics.cell_names()) == (line, cell)


def test_a_magic_that_is_not_there_gets_no_other_name() -> None:
    """The nearest is named."""
    with pytest.raises(UnknownMagic, match="did you mean %echo"):
        _echoing().line("alias_magic say ehco")
    with pytest.raises(CellError, match="as in: %alias_magic t timeit"):
        _echoing().line("alias_magic say")
