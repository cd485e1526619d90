"""`%transaction`: the policy of the cells that follow; commit or rollback of those that ran.

It must never decide what is kept: `holdfast.durable.transactions` does.  (`%%transaction` is no magic of this
registry: it says how its cell runs, as `%%thread` does, and is read before anything of the cell runs.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

#: Subcommand to what it takes and does.
COMMANDS = {
    "commit": "commit: make what the cells did durable",
    "rollback": "rollback: go back to the last commit",
    "commit_always": "commit_always: each cell is durable when it ends",
    "commit_on_success": "commit_on_success: each cell that does not fail is",
    "rollback_on_failure": "rollback_on_failure [best_effort]: a cell that fails changes nothing",
    "explicit": "explicit [best_effort]: cells are durable with %transaction commit",
}


class Transactions(Protocol):
    """What is asked of the session's transactions."""

    @property
    def policy(self) -> str:
        """That of the cells that follow."""

    @property
    def uncommitted(self) -> Sequence[int]:
        """Cells that are not durable."""

    def choose(self, words: str) -> None:
        """Set the policy."""

    def commit_now(self) -> None:
        """Make everything durable."""

    def roll_back_now(self) -> object:
        """Go back."""


def make(transactions: Callable[[], Transactions]) -> Callable[[str], None]:
    """The magic: prints what it did or, alone, how things stand."""

    def magic(rest: str) -> None:
        """Say when what cells do becomes durable: a policy for those that follow, or commit or rollback now.

        %transaction commit_always, commit_on_success, rollback_on_failure or explicit; %transaction commit;
        %transaction rollback; alone: how things stand.
        """
        session, words = transactions(), rest.strip()
        if words == "commit":
            session.commit_now()
        elif words == "rollback":
            print(session.roll_back_now())
        elif words:
            session.choose(words)
        if words != "rollback":
            print(_standing(session))

    return magic


def _standing(session: Transactions) -> str:
    waiting = ", ".join(f"[{count}]" for count in session.uncommitted)
    return f"transactions: {session.policy}; " + (f"not committed: {waiting}" if waiting else "everything is committed")
