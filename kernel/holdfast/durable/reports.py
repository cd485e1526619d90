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
#: Statuses of commits: how a session ended, where one went back, and what a cell had done before it did.
RESTARTED, ENDED, CHECKOUT, UNDO, BEFORE = "restart", "end", "checkout", "undo", "before"
#: What became of a cell in a transaction, and a commit within a cell.
UNCOMMITTED, ROLLED_BACK, COMMITTED = "uncommitted", "rolled back", "transaction"


#: Why the newest state of something is not stored: it is being written, another cell that runs can change it, a thread
#: changes it all the time.
HELD_WRITING, HELD_BESIDE, HELD_UNSTABLE = "writing", "beside", "unstable"
#: What `Death.live` begins with when a page may have shown widgets.
WIDGETS = "widgets"


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
    #: The code of other cells that run now, which may change what it names at any time.
    beside: tuple[CodeType, ...] = ()


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
    #: The session's transaction policy, "" for the usual one.
    policy: str = ""
    #: Manifest keys whose newest state is not stored, and why.
    held: dict[str, str] = {}


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


class Switched(msgspec.Struct, frozen=True):
    """What a checkout did: commit `number` went to the state of commit `target`, which is that of cell `count`.

    `added`, `changed` and `gone` are variables; `before` is the commit to come back to, `at` the target's date.
    `lost` could not be brought back, `running` are threads and tasks that still have the values of before.
    """

    number: int
    target: int
    before: int
    count: int
    epoch: int
    at: str
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    lost: tuple[Lost, ...] = ()
    reopened: tuple[Lost, ...] = ()
    versions: tuple[tuple[str, str, str], ...] = ()
    running: tuple[str, ...] = ()
    seconds: float = 0.0


class Death(msgspec.Struct, frozen=True):
    """How the process before ended: `cell` is the count of the cell that ran (0: none), `code` its first line.

    `reason` is why it died, as far as that is known; `live` names threads and tasks that ran beside the cells.
    """

    cell: int = 0
    code: str = ""
    reason: str = ""
    live: str = ""


class Restored(msgspec.Struct, frozen=True):
    """What came back as of cell `count`.

    `kept` are names; `lost`, `reopened`, `rebuilt` (from source) and `fitted` (to another version of its library) say
    where, what kind, why.  Lost values are `LostValue` in the namespace.
    `unchecked` names variables whose check the last cell put off, `older`
    those whose newest state was not stored yet.  `audited` is False when changes where
    no name leads had not been looked for when the process ended.  `ambient` says what was put back around the
    variables.  `versions` are modules that changed: (name, version now, version then).  `died` says how the process
    before ended, when it did not end well.
    """

    count: int
    epoch: int = 0
    kept: tuple[str, ...] = ()
    rebuilt: tuple[Lost, ...] = ()
    fitted: tuple[Lost, ...] = ()
    reopened: tuple[Lost, ...] = ()
    lost: tuple[Lost, ...] = ()
    unchecked: tuple[str, ...] = ()
    older: tuple[str, ...] = ()
    audited: bool = True
    ambient: tuple[str, ...] = ()
    seconds: float = 0.0
    versions: tuple[tuple[str, str, str], ...] = ()
    died: Death = Death()
