"""The last step of a kernel: its session is closed, and what is still to be written goes to another process.

It must never be taken for the end of the session by that process: it holds the lock until all is written.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from holdfast.durable.audit import Keeper
from holdfast.durable.components import name_of
from holdfast.durable.folder import Session
from holdfast.durable.reports import ENDED, Cell

if TYPE_CHECKING:
    from holdfast.durable.store.sqlite import SqliteStore


def close(session: Session, keeper: Keeper, roots: frozenset[str]) -> None:
    """Close a session whose last commit is written; another process stores these roots, where that is possible."""

    def write(store: SqliteStore) -> None:
        keeper.store = keeper.publisher._store = keeper.publisher._shortage._store = store
        # Nobody would ring for user code that takes too long: the system's alarm ends us.
        keeper.world.put, keeper.world.guard, keeper._guard = store.put, None, nullcontext()
        keeper.pending.end()
        keeper._check(roots, Cell(keeper.count, status=ENDED, epoch=keeper.epoch))

    names = sorted(name for root in roots if (name := name_of(root)) is not None)
    if not roots or not session.close_and_hand_over(names, write):
        session.close()
