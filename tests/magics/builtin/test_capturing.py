"""`%%capture` over the kernel in memory."""

from __future__ import annotations

import sys

import pytest

from helpers.magic import MagicKernel
from holdfast.magics.words import BadWords
from holdfast.output.capturing import CapturedIO


def test_what_a_cell_prints_becomes_a_variable(capsys: pytest.CaptureFixture[str]) -> None:
    """`%%capture x` binds x, and the commit is told."""
    kernel = MagicKernel()
    kernel.run("%%capture x\nprint('out')")
    captured = kernel.namespace["x"]
    assert isinstance(captured, CapturedIO)
    assert (captured.stdout, kernel.touches, capsys.readouterr().out) == ("out\n", [("x",)], "")


def test_it_is_bound_also_where_the_cell_fails() -> None:
    """What was printed until then is there; the error comes through."""
    kernel = MagicKernel()
    with pytest.raises(ZeroDivisionError):
        kernel.run("%%capture x\nprint('out')\n1/0")
    assert kernel.namespace["x"].stdout == "out\n"


def test_without_a_name_it_is_dropped() -> None:
    """Nothing is bound."""
    kernel = MagicKernel()
    kernel.run("%%capture\nprint('out')")
    assert kernel.touches == []


def test_options_say_what_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Before or behind the name."""
    kernel = MagicKernel()
    kernel.run("%%capture x --no-stdout\nimport sys\nprint('out')\nprint('err', file=sys.stderr)")
    assert (capsys.readouterr().out, kernel.namespace["x"].stderr) == ("out\n", "err\n")


def test_figures_of_the_cell_are_captured() -> None:
    """Those that would be shown at its end, before the capture ends."""
    kernel = MagicKernel()
    kernel.run("%%capture x\n1")
    assert kernel.flushed == 1


@pytest.mark.parametrize("rest", ["a b", "1x", "--no-thing x"])
def test_words_that_make_no_sense_are_said(rest: str) -> None:
    """And the streams are as before."""
    before = sys.stdout
    with pytest.raises(BadWords, match="%%capture"):
        MagicKernel().run(f"%%capture {rest}\n1")
    assert sys.stdout is before
