"""Seconds as people read them."""

from __future__ import annotations

import pytest

from holdfast.magics.builtin.units import format_time


@pytest.mark.parametrize(
    ("seconds", "precision", "text"),
    [
        (0, 3, "0 ns"),
        (28.7e-9, 3, "28.7 ns"),
        (1.5e-10, 3, "0.15 ns"),
        (14e-6, 3, "14 μs"),
        (1e-6, 3, "1 μs"),
        (999.6e-9, 3, "1 μs"),
        (0.99996, 3, "1 s"),
        (0.0103, 3, "10.3 ms"),
        (1.1, 3, "1.1 s"),
        (59.94, 3, "59.9 s"),
        (63.2, 3, "1min 3s"),
        (3600, 3, "1h"),
        (90061, 3, "1d 1h 1min 1s"),
        (28.80021e-9, 6, "28.8002 ns"),
    ],
)
def test_a_duration(seconds: float, precision: int, text: str) -> None:
    """Three digits and the unit that fits; above a minute, in parts."""
    assert format_time(seconds, precision) == text
