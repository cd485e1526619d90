"""Magics that only a frontend could obey."""

from __future__ import annotations

import pytest

from helpers.magic import MagicKernel


def test_autosave_says_who_decides(capsys: pytest.CaptureFixture[str]) -> None:
    """It is in old notebooks' first cells, which go on."""
    MagicKernel().line("autosave 60")
    assert "%autosave 60 changes nothing" in capsys.readouterr().out
