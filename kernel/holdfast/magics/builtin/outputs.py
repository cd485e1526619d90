"""`%outputs N`: shows again what cell [N] showed.

It must never decide which cell is meant: it hands the words on.
"""

from __future__ import annotations

from collections.abc import Callable


def make(show: Callable[[str], None]) -> Callable[[str], None]:
    """The magic: shows what it is asked for below the cell that asks, and has no value."""

    def magic(rest: str) -> None:
        """Show again what a cell showed: `%outputs 41`, also of before a restart."""
        show(rest)

    return magic
