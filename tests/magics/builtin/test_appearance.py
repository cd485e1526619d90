"""`%precision`, `%pprint` and `%colors`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from helpers.magic import MagicKernel
from holdfast.magics.words import BadWords


@pytest.fixture
def kernel() -> Iterator[MagicKernel]:
    """A kernel; numpy's settings are put back."""
    with np.printoptions():
        yield MagicKernel()


def text(kernel: MagicKernel, value: object) -> str:
    """What a value looks like."""
    return str(kernel.formatters.plain.text(value))


@pytest.mark.parametrize(
    ("rest", "value", "shown", "array"),
    [
        ("3", "%.3f", "[3.142]", "array([3.142])"),
        ("0", "%.0f", "[3]", "array([3.])"),
        ("%.2e", "%.2e", "[3.14e+00]", "array([3.14])"),
        ("%i", "%i", "[3]", "array([3.14159265])"),
        ("", "%r", "[3.14159265358]", "array([3.14159265])"),
    ],
)
def test_precision_is_how_floats_look(kernel: MagicKernel, rest: str, value: str, shown: str, array: str) -> None:
    """By digits or by a format, in arrays too; alone it is as it was."""
    kernel.line("precision 5")
    assert kernel.line(f"precision {rest}") == value
    assert text(kernel, [3.14159265358]) == shown
    assert text(kernel, np.array([3.14159265358])) == array


def test_a_format_must_be_one(kernel: MagicKernel) -> None:
    """And nothing changes."""
    with pytest.raises(BadWords):
        kernel.line("precision foo")
    assert text(kernel, 1.5) == "1.5"


def test_pprint_turns_the_layout_off_and_on(kernel: MagicKernel) -> None:
    """Without it, the value's `repr` is shown."""
    long = list(range(40))
    kernel.line("pprint")
    assert text(kernel, long) == repr(long)
    kernel.line("pprint")
    assert text(kernel, long).count("\n") == 39


def test_colors_are_the_frontends(kernel: MagicKernel) -> None:
    """A name is accepted."""
    kernel.line("colors Linux")
    with pytest.raises(BadWords):
        kernel.line("colors")
