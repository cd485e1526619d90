"""Options of magics declared by decorators."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.shell import TwinKernel
from holdfast.compat.ipython import magic
from holdfast.compat.ipython.arguments import (
    argument,
    argument_group,
    defaults,
    kwds,
    magic_arguments,
    parse_argstring,
)
from holdfast.compat.ipython.errors import UsageError


@magic.magics_class
class Survey(magic.Magics):
    """A class as Cython and watermark have one."""

    @magic_arguments()
    @argument("-n", "--number", type=int, default=3, help="how many")
    @argument("-q", "--quiet", action="store_true")
    @argument("places", nargs="*")
    @magic.line_magic
    def survey(self, line: str) -> Any:
        """Survey some places.

        At low water.
        """
        return parse_argstring(self.survey, line)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("", {"number": 3, "quiet": False, "places": []}),
        ("-n 5 Lerwick Scalloway", {"number": 5, "quiet": False, "places": ["Lerwick", "Scalloway"]}),
        ("--quiet --number=2", {"number": 2, "quiet": True, "places": []}),
    ],
)
def test_a_line_is_parsed(shell: Any, kernel: TwinKernel, line: str, found: dict[str, object]) -> None:
    """By argparse, as declared."""
    shell.register_magics(Survey)
    assert vars(shell.run_line_magic("survey", line)) == found


@pytest.mark.parametrize("line", ["--depth", "-n many"])
def test_a_wrong_line_is_an_error_of_the_cell(shell: Any, line: str) -> None:
    """argparse would end the process."""
    shell.register_magics(Survey)
    with pytest.raises(UsageError):
        shell.run_line_magic("survey", line)


def test_the_docstring_shows_the_usage() -> None:
    """`%survey?` begins with the usage and has the description and each option."""
    said = Survey.survey.__doc__ or ""
    assert said.startswith("::\n\n  %survey [-n NUMBER] [-q] [places ...]")
    assert "Survey some places.\n\nAt low water." in said
    assert "how many" in said


def test_groups_defaults_and_keywords() -> None:
    """The other decorators."""

    @magic_arguments("chart")
    @kwds(epilog="See the pilot book.")
    @defaults(scale=1000)
    @argument_group("Place")
    @argument("--lat", type=float)
    def magic_draw(line: str) -> Any:
        """Draw."""

    parsed = parse_argstring(magic_draw, "--lat 60.1")
    assert vars(parsed) == {"lat": 60.1, "scale": 1000}
    assert magic_draw.__doc__ is not None
    assert "%chart" in magic_draw.__doc__
    assert "Place:" in magic_draw.__doc__
    assert "pilot book" in magic_draw.__doc__


def test_words_that_are_not_known_can_be_kept() -> None:
    """`partial` gives them back."""

    @magic_arguments()
    @argument("-n", type=int)
    def count(line: str) -> None:
        """Count."""

    found, rest = parse_argstring(count, "-n 2 --more x", partial=True)
    assert (found.n, rest) == (2, ["--more", "x"])
