"""`%session`: what is kept of the variables, what was lost and why, what was committed.

It must never decide what is kept or how it is shown: it reads the words and shows what `holdfast.session` says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from holdfast.errors import CellError

#: Subcommand to what it takes and does.
COMMANDS = {
    "why": "why [NAME]: what could not be kept, why, and what to do",
    "log": "log: what each cell stored, and on which line",
    "attach": "attach NAME: after this cell, go on with another session; `holdfast sessions` lists them",
    "new": "new: after this cell, go on without a variable; what was before stays in the log",
    "diff": "diff A [B]: what the variables after cell A and after B (now) differ in",
}


class Session(Protocol):
    """What `holdfast.session` is, as far as it is needed here."""

    @property
    def lost(self) -> object:
        """Everything that is not kept."""

    def why(self, name: str) -> object:
        """What of one variable is not."""

    def diff(self, one: str, other: str = "") -> object:
        """What two states differ in."""

    def log(self) -> object:
        """The commits."""


class Moves(Protocol):
    """How to go on with another session, as far as it is needed here."""

    def attach(self, name: str) -> str:
        """With that of this name; said in words."""

    def begin_anew(self) -> str:
        """With this one, empty; said in words."""


class UnknownCommand(CellError):
    """`%session` was given words that it does not know."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words

    def __str__(self) -> str:
        known = "; ".join(("%session alone: an overview", *(f"%session {line}" for line in COMMANDS.values())))
        return f"%session does not know {self.words!r}.  There are: {known}"


def make(
    session: Callable[[], Session], show: Callable[[object], None], moves: Callable[[], Moves]
) -> Callable[[str], None]:
    """The magic: shows what it is asked for, so that it can stand anywhere in a cell, and has no value."""

    def magic(rest: str) -> None:
        """Say what is kept of the variables, and what was lost and why.

        %session why [NAME], %session log, %session diff A [B], %session attach NAME, %session new.
        """
        match rest.split(None, 1):
            case []:
                show(session())
            case ["why"]:
                show(session().lost)
            case ["why", name]:
                show(session().why(name.strip()))
            case ["diff", which] if len(which.split()) <= 2:
                show(session().diff(*which.split()))
            case ["attach", name]:
                print(moves().attach(name.strip()))
            case ["new"]:
                print(moves().begin_anew())
            case ["log"]:
                show(session().log())
            case _:
                raise UnknownCommand(rest)

    return magic
