"""The commits of a session as a tree: which line one is on, what an address means, what is before the last cell.

It must never read a value, only what the log says.

A commit's parent is the commit whose state it changed: the one before it, or the target of a checkout, from which
another line goes on.  An *epoch* is what lies between two checkouts or restarts; execution counts are its own.

    41      cell [41], of the newest epoch on the line where one is now that has it; else of the newest that has it
    2:41    cell [41] of epoch 2
    @57     commit 57

A cell stands for the state that it left: that of its commit, and of what the audit found before the next cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from holdfast.durable.reports import BEFORE, CHECKOUT, ENDED, RESTARTED, UNDO, State
from holdfast.durable.store.port import LogEntry
from holdfast.errors import CellError

_ADDRESS = re.compile(r"\s*(?:@(?P<commit>\d+)|(?:(?P<epoch>\d+):)?\[?(?P<cell>\d+)\]?)\s*")
#: Commits without a cell of their own that leave the state another one than the cell before them did.
_ELSEWHERE = frozenset({CHECKOUT, UNDO, BEFORE, RESTARTED})


class NoSuchCell(CellError):
    """An address that leads to no commit."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(address, reason)
        self.address = address
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.reason}; %session log lists what there is"


class NothingToUndo(CellError):
    """`%undo` where no cell is left on the line."""

    def __str__(self) -> str:
        return "there is nothing to undo: no cell was kept before this one on this line; %session log shows all lines"


class Timeline:
    """What can be known of a session's commits, which are given oldest first."""

    def __init__(self, entries: Sequence[LogEntry]) -> None:
        self.entries = entries
        self.by_number = {entry.number: entry for entry in entries}
        #: The newest commit: where one is now.
        self.here = entries[-1].number if entries else 0

    def line(self, number: int = 0) -> Iterator[LogEntry]:
        """Yield a commit (the newest) and those that led to it, newest first, as far as they are kept."""
        entry = self.by_number.get(number or self.here)
        while entry is not None:
            yield entry
            entry = self.by_number.get(entry.parent) if entry.parent < entry.number else None

    def resolve(self, address: str) -> int:
        """The commit that an address means; raises `NoSuchCell`."""
        match = _ADDRESS.fullmatch(address)
        if match is None:
            reason = f"{address!r} is no place in a session: give the number of a cell (41), with its epoch (2:41)"
            raise NoSuchCell(address, f"{reason}, or a commit (@57)")
        if match["commit"]:
            number = int(match["commit"])
            if number not in self.by_number:
                raise NoSuchCell(address, f"there is no commit @{number}")
            return number
        count, epoch = int(match["cell"]), int(match["epoch"] or 0)
        found = self._cell(count, epoch)
        if found is None:
            where = f" in epoch {epoch}" if epoch else ""
            raise NoSuchCell(address, f"there is no cell [{count}]{where} in this session")
        return self._left_by(found)

    def _cell(self, count: int, epoch: int) -> LogEntry | None:
        lines: tuple[Iterator[LogEntry], ...] = (self.line(), reversed(self.entries))
        for entry in (entry for line in lines for entry in line):
            if entry.count == count and is_cell(entry) and epoch in (0, entry.epoch):
                return entry
        return None

    def _left_by(self, cell: LogEntry) -> int:
        """The last commit that belongs to what a cell left behind."""
        last = cell
        while True:
            after = self.by_number.get(last.number + 1)
            if after is None or after.parent != last.number or after.count != cell.count:
                return last.number
            if is_cell(after) or after.status in _ELSEWHERE:
                return last.number
            last = after

    def before_last(self) -> tuple[int, LogEntry]:
        """The commit before the last cell, and that cell; raises `NothingToUndo`.

        A cell that only went back by `%undo` is no step of its own: undoing again goes further back.  One that went
        somewhere by `%checkout` is undone by what was there before it went.
        """
        entry = self.by_number.get(self.here)
        while entry is not None:
            parent = self.by_number.get(entry.parent)
            if is_cell(entry):
                # One from the command line was done in no cell: it has the count of the cell before it.
                moved = parent.status if parent is not None and parent.count == entry.count else ""
                if moved == CHECKOUT:
                    return entry.parent - 1, entry
                if moved != UNDO or _has_changed(entry):
                    if entry.parent not in self.by_number:
                        raise NothingToUndo
                    return entry.parent, entry
            elif entry.status in (CHECKOUT, BEFORE) and entry.number - 1 in self.by_number:
                return entry.number - 1, entry
            elif entry.status == RESTARTED:
                break
            entry = parent
        raise NothingToUndo

    def inputs(self, number: int, states: Sequence[tuple[int, bytes]]) -> list[tuple[int, str]]:
        """The inputs of the cells that led to a commit since the last restart, those whose own commit failed included.

        Where a number was used twice the older is the one that the results belong to.
        """
        found: dict[int, str] = {}
        line: set[int] = set()
        for entry in self.line(number):
            if entry.status == RESTARTED:
                break
            line.add(entry.number)
            if entry.code:
                found[entry.count] = entry.code
        for its_number, state in states:
            if its_number in line and b'"inputs"' in state:
                for count, code in msgspec.json.decode(state, type=State).inputs.items():
                    found.setdefault(count, code)
        return sorted(found.items())


def is_cell(entry: LogEntry) -> bool:
    """Whether a commit is that of a cell that counts."""
    return bool(entry.code) and entry.status not in _ELSEWHERE and entry.status != ENDED


def _has_changed(entry: LogEntry) -> bool:
    """Whether a commit changed any variable."""
    return any(not key.startswith("@") or key.startswith("@n") for key in (*entry.bound, *entry.deleted))
