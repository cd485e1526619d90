"""The rows of a session's tables.

They must never hold a value of the user's or a part of the kernel: people keep them in variables.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from holdfast.durable.tables import Table
from holdfast.errors import CellError

State = Literal["kept", "kept in part", "reopened", "rebuilt", "lost", "unchecked", "pending"]


class Variable(msgspec.Struct, frozen=True):
    """One variable of the namespace.

    `size` is in bytes, of everything stored `together` with it: the variables that share objects with it.  `cell` is
    the one that last changed it.  `audited`: nothing has run since it was last compared with what is stored.
    """

    name: str
    type: str
    state: State
    size: int = 0
    cell: int = 0
    audited: bool = False
    together: tuple[str, ...] = ()
    reason: str = ""


class LostPart(msgspec.Struct, frozen=True):
    """A value that is not kept: where it is, what, why, and what to do."""

    path: str
    kind: str
    reason: str
    cell: int = 0
    advice: str = ""


class Surrounding(msgspec.Struct, frozen=True):
    """Something around the variables that comes back with them."""

    what: str
    value: str


class Entry(msgspec.Struct, frozen=True):
    """One commit: `names` are the variables that it stored, those it deleted with a `-` before them."""

    commit: int
    cell: int
    at: str
    status: str
    names: tuple[str, ...]
    code: str


class LostParts(Table[LostPart]):
    """What is not kept."""

    empty = "nothing was lost: every variable is kept"


class NoVariable(CellError):
    """Something was asked of a variable that is not there."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"there is no variable {self.name}"


class Variables(Table[Variable]):
    """The namespace."""

    empty = "no variables"
