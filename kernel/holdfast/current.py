"""The session of the kernel that this code runs in: `holdfast.session`.

It must never hold the kernel: cells keep it in variables, which are walked and stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast import cell as _cell
from holdfast.errors import CellError

if TYPE_CHECKING:
    from holdfast.durable.overview import Overview
    from holdfast.durable.reports import Restored
    from holdfast.durable.rows import Change, Entry, LostPart, Surrounding, Variable
    from holdfast.durable.tables import Table

_OUTSIDE = "holdfast.session works in a cell of a Holdfast kernel only"


class NotKept(CellError):
    """Something was asked of a session that keeps nothing."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class CurrentSession:
    """What is kept of the variables, as of the last commit.

    Tables are lists of rows that show themselves; `data()` gives plain dicts for JSON.  Raises CellError outside a
    kernel, and where nothing is kept.
    """

    __slots__ = ()

    @property
    def name(self) -> str:
        """The session's name: the one that was given, the notebook's path, or the kernel's own id."""
        return _asked().name

    @property
    def folder(self) -> str:
        """Where it lies."""
        return _asked().folder

    @property
    def durability(self) -> str:
        """`full`, `process` or `off` (see HOLDFAST_DURABILITY)."""
        found = _found()
        return found.durability if not isinstance(found, str) else "off"

    @property
    def epoch(self) -> int:
        """Restarts and checkouts begin a new one."""
        return _asked().epoch

    @property
    def count(self) -> int:
        """The cell of the last commit."""
        return _asked().count

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return _asked().size

    @property
    def audited(self) -> bool:
        """Whether all variables were compared with what is stored since the last cell."""
        return _asked().audited

    @property
    def variables(self) -> Table[Variable]:
        """A row for each variable: type, state, size, the cell that last changed it, whether it is audited."""
        return _asked().variables()

    @property
    def lost(self) -> Table[LostPart]:
        """What is not kept: where it is, what it is, why, and what to do."""
        return _asked().lost()

    @property
    def restored(self) -> Restored | None:
        """What the kernel brought back when it started; None when it began with nothing."""
        return _asked().restored

    @property
    def ambient(self) -> Table[Surrounding]:
        """What comes back around the variables: working folder, import path, environment, random states, …"""
        return _asked().ambient()

    def why(self, name: str) -> Table[LostPart]:
        """What is not kept of one variable; raises CellError where all of it is."""
        return _asked().why(name)

    def log(self) -> Table[Entry]:
        """The session's commits, oldest first."""
        return _asked().log()

    def diff(self, one: int | str, other: int | str = "") -> Table[Change]:
        """What the variables of one cell's state and another's differ in; without another, those of now."""
        return _asked().diff(str(one), str(other))

    def checkout(self, cell: int | str) -> None:
        """Make the variables those after a cell: `41`, `"2:41"` of epoch 2, `"@57"` for a commit.

        What is there now is kept: `undo()` comes back.  Raises CellError where there is no such cell.
        """
        _go(str(cell))

    def undo(self) -> None:
        """Make the variables those before the last cell; again, those before the one before."""
        _go("")

    def outputs(self, cell: int | str = "") -> list[dict[str, object]]:
        """What a cell showed, as a notebook keeps it: `41`, `"2:41"` of epoch 2, without one the last there are."""
        if _cell.outputs is None:
            raise NotKept(_OUTSIDE)
        return _cell.outputs(str(cell))

    def data(self) -> dict[str, object]:
        """All of it but the log, as JSON takes it."""
        found = _found()
        return found.data() if not isinstance(found, str) else {"durability": "off", "reason": found}

    def __repr__(self) -> str:
        found = _found()
        return found if isinstance(found, str) else found.text()

    def _repr_html_(self) -> str | None:
        found = _found()
        return None if isinstance(found, str) else found.html()

    def __reduce__(self) -> str:
        return "session"


def _found() -> Overview | str:
    """The overview, or why there is none."""
    return _cell.overview() if _cell.overview is not None else _OUTSIDE  # type: ignore[return-value]


def _go(address: str) -> None:
    if _cell.travel is None:
        raise NotKept(_OUTSIDE)
    _cell.travel(address)


def _asked() -> Overview:
    found = _found()
    if isinstance(found, str):
        raise NotKept(found)
    return found


session = CurrentSession()
