"""`%checkout` and `%undo`: the variables of another cell.

It must never do more than ask `holdfast.session`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from holdfast.errors import CellError


class Session(Protocol):
    """What `holdfast.session` is, as far as it is needed here."""

    def checkout(self, cell: str) -> None:
        """Go to a cell."""

    def undo(self) -> None:
        """Go to before the last one."""


class Misused(CellError):
    """One of these magics was given too little or too much."""

    def __init__(self, usage: str) -> None:
        super().__init__(usage)
        self.usage = usage

    def __str__(self) -> str:
        return f"this is how it goes: {self.usage}"


def make(name: str, session: Callable[[], Session]) -> Callable[[str], None]:
    """The magic of that name; it has no value."""

    def checkout(rest: str) -> None:
        """Go to the variables as they were after another cell: `%checkout 41`; `2:41` in epoch 2, `@57` a commit."""
        if len(rest.split()) != 1:
            raise Misused("%checkout 41 (a cell), %checkout 2:41 (of epoch 2) or %checkout @57 (a commit)")
        session().checkout(rest)

    def undo(rest: str) -> None:
        """Go back to the variables as they were before the last cell."""
        if rest:
            raise Misused("%undo alone: before the last cell; %checkout 41 goes to the state after cell [41]")
        session().undo()

    return checkout if name == "checkout" else undo
