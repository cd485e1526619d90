"""The rows of a session's tables.

They must never hold a value of the user's or a part of the kernel: people keep them in variables.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from holdfast.durable.tables import SHOWN, Table
from holdfast.errors import CellError

State = Literal["kept", "kept in part", "reopened", "rebuilt", "lost", "unchecked", "pending", "unstable"]


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
    """One commit: `names` are the variables that it stored, those it deleted with a `-` before them.

    `parent` is the commit whose state it changed: the one before it, but for a checkout, which goes elsewhere.
    `line`: whether it led to where one is now; `now`: whether that is this one.
    """

    commit: int
    cell: int
    at: str
    status: str
    names: tuple[str, ...]
    code: str
    epoch: int = 0
    parent: int = 0
    line: bool = True
    now: bool = False


class Change(msgspec.Struct, frozen=True):
    """A variable in which two states differ: `added`, `removed`, `changed`, or `lost` in one of them."""

    name: str
    what: Literal["added", "removed", "changed", "lost"]
    before: str = ""
    after: str = ""


class LostParts(Table[LostPart]):
    """What is not kept."""

    empty = "nothing was lost: every variable is kept"


class Log(Table[Entry]):
    """Commits, oldest first.  Where lines part, the column `from` says so; the current one is marked."""

    empty = "nothing was committed yet"

    def _grid(self) -> tuple[list[str], list[list[str]]]:
        newest = self[-SHOWN:]
        epochs = len({entry.epoch for entry in self}) > 1
        names = ["", "commit", "cell", *(["epoch"] if epochs else []), "at", "status", "from", "names", "code"]
        rows = [
            [
                "→" if one.now else "│" if one.line else "",
                f"@{one.commit}",
                f"[{one.cell}]" if one.cell else "",
                *([str(one.epoch)] if epochs else []),
                one.at,
                one.status,
                f"@{one.parent}" if one.parent not in (0, one.commit - 1) else "",
                " ".join(one.names),
                one.code,
            ]
            for one in newest
        ]
        used = [i for i in range(len(names)) if any(row[i] for row in rows)]
        return [names[i] for i in used], [[row[i] for i in used] for row in rows]


class Changes(Table[Change]):
    """What two states differ in."""

    empty = "nothing differs"


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
