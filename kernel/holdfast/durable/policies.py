"""The words of transactions: policies, and what is said where one cannot be followed.

It must never do anything: `durable/transactions` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from holdfast.durable.reports import ENDED, ROLLED_BACK, UNCOMMITTED
from holdfast.errors import CellError, StoreError

if TYPE_CHECKING:
    from holdfast.durable.store.port import LogEntry

ALWAYS, ON_SUCCESS, ROLLBACK, EXPLICIT = "commit_always", "commit_on_success", "rollback_on_failure", "explicit"
POLICIES = (ALWAYS, ON_SUCCESS, ROLLBACK, EXPLICIT)


class UnknownPolicy(CellError):
    """A policy, or a word beside one, that there is not."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words

    def __str__(self) -> str:
        return f"there is no transaction {self.words!r}: {', '.join(POLICIES)}; with best_effort behind it"


class TransactionOpen(CellError):
    """Something cannot be done while cells are uncommitted."""

    def __init__(self, cells: tuple[int, ...]) -> None:
        super().__init__(cells)
        self.cells = cells

    def __str__(self) -> str:
        what = f"{_cells(self.cells)} not committed" if self.cells else "a transaction is under way"
        return f"{what}: %transaction commit or %transaction rollback first"


class NoTransaction(CellError):
    """There is nothing to commit or roll back here; the sentence says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class NotCommitted(StoreError):
    """A commit within a cell failed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the transaction is still open, because its commit failed: {self.reason}"


def _cells(counts: Sequence[int], verbs: tuple[str, str] = ("is", "are")) -> str:
    named = ", ".join(f"[{count}]" for count in counts)
    return f"cell {named} {verbs[0]}" if len(counts) == 1 else f"cells {named} {verbs[1]}"


def parse(words: str, default: str = ROLLBACK) -> tuple[str, bool]:
    """Policy and best effort of what follows `transaction`; raises `UnknownPolicy`."""
    rest = words.split()
    best_effort = "best_effort" in rest[:2]
    rest = [word for word in rest if word != "best_effort"]
    policy = rest[0] if rest else default
    policy = ROLLBACK if policy == "rollback" else policy
    if len(rest) > 1 or policy not in POLICIES:
        raise UnknownPolicy(words)
    return policy, best_effort


def left_behind(log: Sequence[LogEntry]) -> str:
    """The cells at the end of a log whose transaction was never committed, as the subject of a sentence, or ""."""
    found: list[int] = []
    for entry in reversed(log):
        if entry.status == UNCOMMITTED:
            found.append(entry.count)
        elif entry.status not in (ROLLED_BACK, ENDED):
            break
    return _cells(found[::-1], ("was", "were")) if found else ""
