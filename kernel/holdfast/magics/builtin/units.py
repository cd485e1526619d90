"""Seconds as people read them.

It must never say more digits than it is asked for.
"""

from __future__ import annotations

import math

_UNITS = ("s", "ms", "μs", "ns")
_LARGE = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def format_time(seconds: float, precision: int = 3) -> str:
    """`12.3 ms`, `0 ns`, `1min 3s`."""
    if seconds >= 60:
        parts = []
        left = round(seconds)
        for unit, length in _LARGE:
            count, left = divmod(left, length)
            if count:
                parts.append(f"{count}{unit}")
        return " ".join(parts)
    order = min(-int(math.floor(math.log10(seconds)) // 3), 3) if seconds > 0 else 3
    order = max(order, 0)
    text = f"{seconds * 1000.0**order:.{precision}g}"
    if "e+" in text and order:  # rounded up to the next unit
        order -= 1
        text = f"{seconds * 1000.0**order:.{precision}g}"
    return f"{text} {_UNITS[order]}"
