"""What goes into a commit and what an audit and a restore say: plain data, for people and for programs.

It must never hold a value of the user's.
"""

from __future__ import annotations

from types import CodeType
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import ast

#: Where a value was, what it is, why it could not be kept.
Lost = tuple[str, str, str]


class Cell(msgspec.Struct, frozen=True):
    """A cell that has run.

    `codes` are its code objects (body and last expression) and `tree` its syntax tree, both empty when it did not
    compile.  `seconds` is its run time.  `promise` is (id, state, value as JSON); an empty id keeps none.  `live`
    says that tasks or threads of the user's run beside it: they can change everything.
    """

    count: int
    code: str = ""
    codes: tuple[CodeType, ...] = ()
    tree: ast.Module | None = None
    status: str = "ok"
    seconds: float = 0.0
    epoch: int = 0
    promise: tuple[str, str, bytes] = ("", "", b"")
    live: bool = False


class State(msgspec.Struct, omit_defaults=True):
    """The small table that goes with each commit, as JSON: next numbers, the cells of `_ __ ___`, what is open."""

    tokens: int = 1
    cells: int = 1
    results: int = 1
    hoists: int = 1
    children: int = 1
    last: list[int] = []
    #: Inputs of cells whose own commit failed.
    inputs: dict[int, str] = {}
    unchecked: list[str] = []
    audited: bool = False


class Meta(msgspec.Struct, omit_defaults=True):
    """What a record says about itself, as JSON.

    `roots`, `hoists` and `children` are manifest keys, `tokens` definitions that share objects with it, `prints` 16
    bytes for each chunk of each buffer, `seconds` what its check took, `cell` the count of the one that stored it.
    """

    roots: list[str] = []
    hoists: list[str] = []
    children: list[str] = []
    tokens: list[str] = []
    digest: bytes = b""
    prints: list[bytes] = []
    seconds: float = 0.0
    cell: int = 0
    lost: list[Lost] = []
    reopened: list[Lost] = []
    modules: dict[str, str] = {}


class Audited(msgspec.Struct, frozen=True):
    """What an audit found: `complete` when it looked at everything, `changed` the variables it had to store."""

    complete: bool
    changed: tuple[str, ...] = ()
    failed: str = ""


class Death(msgspec.Struct, frozen=True):
    """How the process before ended: `cell` is the count of the cell that ran (0: none), `code` its first line.

    `reason` is why it died, as far as that is known.
    """

    cell: int = 0
    code: str = ""
    reason: str = ""


class Restored(msgspec.Struct, frozen=True):
    """What came back as of cell `count`.

    `kept` are names; `lost`, `reopened` and `rebuilt` say where, what kind, why.  Lost values are `LostValue` in the
    namespace.  `unchecked` names variables whose check the last cell put off.  `audited` is False when changes where
    no name leads had not been looked for when the process ended.  `ambient` says what was put back around the
    variables.  `versions` are modules that changed: (name, version now, version then).  `died` says how the process
    before ended, when it did not end well.
    """

    count: int
    epoch: int = 0
    kept: tuple[str, ...] = ()
    rebuilt: tuple[Lost, ...] = ()
    reopened: tuple[Lost, ...] = ()
    lost: tuple[Lost, ...] = ()
    unchecked: tuple[str, ...] = ()
    audited: bool = True
    ambient: tuple[str, ...] = ()
    seconds: float = 0.0
    versions: tuple[tuple[str, str, str], ...] = ()
    died: Death = Death()
