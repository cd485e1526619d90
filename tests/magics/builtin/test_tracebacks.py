"""`%xmode` and `%tb` over the kernel in memory."""

from __future__ import annotations

import pytest

from helpers.magic import MagicKernel
from holdfast.magics.words import BadWords


@pytest.mark.parametrize(
    ("rest", "mode"),
    [("Plain", "Plain"), ("verbose", "Verbose"), ("MINIMAL", "Minimal"), ("Context", "Context"), ("", "Verbose")],
)
def test_a_mode_is_chosen(rest: str, mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    """By its name, or the next one; it is said."""
    kernel = MagicKernel()
    kernel.line(f"xmode {rest}")
    assert (kernel.options.xmode, capsys.readouterr().out) == (mode, f"Exception reporting mode: {mode}\n")


def test_a_mode_that_there_is_not_changes_nothing() -> None:
    """It names those that there are."""
    kernel = MagicKernel()
    with pytest.raises(BadWords, match="Plain, Context, Verbose, Minimal"):
        kernel.line("xmode Loud")
    assert kernel.options.xmode == "Context"


def test_the_last_error_is_shown_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the mode that is asked for, which is none for later errors."""
    kernel = MagicKernel()
    kernel.last_error = ValueError("wrong")
    modes: list[str] = []

    def report(error: BaseException) -> list[str]:
        modes.append(kernel.options.xmode)
        return ["text"]

    monkeypatch.setattr(kernel, "report", report)
    kernel.line("tb Plain")
    content = {"ename": "ValueError", "evalue": "wrong", "traceback": ["text"]}
    assert (kernel.published, modes, kernel.options.xmode) == ([("error", content)], ["Plain"], "Context")


def test_without_an_error_there_is_nothing_to_show(capsys: pytest.CaptureFixture[str]) -> None:
    """It says so."""
    kernel = MagicKernel()
    kernel.line("tb")
    assert (kernel.published, capsys.readouterr().err) == ([], "No traceback available to show.\n")
