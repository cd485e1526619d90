"""Everything that is live stored, before a session goes elsewhere, and the keeper told where it is afterwards.

It must never take for stored what was not compared.
"""

from __future__ import annotations

from math import inf

import msgspec

from holdfast.durable.audit import Keeper
from holdfast.durable.reports import BEFORE, Cell, State
from holdfast.errors import StoreError


class NotSettled(StoreError):
    """What is live could not be stored, so nothing can take its place."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"nothing was changed, because what is there now could not be stored: {self.reason}"


def settle(keeper: Keeper, running: Cell, ran: bool) -> None:
    """Store what is live: the audit to its end; where part of a cell `ran`, all that it can have done, in one commit.

    The caller holds the namespace's lock.  Raises NotSettled.
    """
    keeper.pending.begin(inf)
    try:
        keeper.pending.flush(keeper, inf)
        if not ran:
            keeper._sweep(lambda: False)
            return
        entries, gone = keeper.roots.sync_results(whole=True)
        keeper._enter({**dict.fromkeys(keeper._late, True), **entries})
        found = gone | {entry.partition("=")[2] for entry in entries} | keeper._owed
        found.update(keeper._late.values(), keeper.ambient.changed(), keeper._rebound(), keeper.index.by_root)
        keeper._late.clear()
        keeper._check(found, msgspec.structs.replace(running, status=BEFORE, code=""))
        keeper.unchecked.clear()
    except BaseException as error:
        keeper.pins.forget()
        keeper._scan = keeper._doubt = True
        if isinstance(error, StoreError):
            raise NotSettled(str(error)) from error
        raise


def counters(keeper: Keeper) -> State:
    """The numbers that no later commit may use again."""
    return State(
        tokens=keeper.definitions.next,
        cells=keeper.definitions.cells.next,
        results=keeper.roots.next,
        hoists=keeper.publisher.next_hoist,
        children=keeper.roots.next_child,
        policy=keeper.policy,
    )


def settled(keeper: Keeper, epoch: int, state: State) -> None:
    """The namespace is what the newest commit says, which begins an epoch."""
    keeper.epoch, keeper.state = epoch, state
    keeper.held.clear()
    keeper.pending.keep(keeper.held)
    keeper._owed.clear()
    keeper._owed_entries.clear()
    keeper._late.clear()
    keeper.unchecked.clear()
    keeper._size = keeper.roots.size()
    keeper._scan, keeper._audit, keeper._audited, keeper._told = False, None, False, False
