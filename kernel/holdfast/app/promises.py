"""Cells as promises: their ids, how they are settled, and the engine that keeps what they ask.

It must never open the engine for a cell that asks nothing: its promise is a row of its own commit.

    k<session>-e<epoch>-c<count>-<digest of the code>           a cell
    k<session>-e<epoch>-c<count>-<digest of the code>-i<k>      its k-th prompt

A cell that was never replied to has no such row; run again with the same code and count, in the same epoch, it is
the same promise, and takes the answers that were recorded for it (DESIGN, section 6).  A request that does not
count (silent, or not stored) may come twice with the same count, so its own id is part of the digest.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import msgspec

from holdfast.clock import Clock
from holdfast.engine.memory import MemoryEngine
from holdfast.engine.port import EXTERNAL, Engine, State
from holdfast.errors import StoreError
from holdfast.executor.interrupt import protected
from holdfast.executor.outcome import Job
from holdfast.wire.message import Message

if TYPE_CHECKING:
    from holdfast.durable.folder import Session
    from holdfast.engine.embedded import EmbeddedEngine
    from holdfast.stdin.prompts import Prompts

OUTCOMES: dict[bool, tuple[State, bytes]] = {
    False: ("resolved", b'{"status":"ok"}'),
    True: ("rejected", b'{"status":"error","message":"the cell ended with an error"}'),
}


class CellPromises:
    """A step around each cell, outside of the one that commits it, and what the session asks about promises."""

    def __init__(
        self,
        kernel: str,
        durability: str,
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        self._lineage = f"k{kernel}"
        self._epoch = 1
        #: The highest count that was replied to in this epoch.
        self._replied = 0
        self._durability = durability
        self._clock = clock
        self._say = say
        self._session: Session | None = None
        self._embedded: EmbeddedEngine | None = None
        self._engine: Engine | None = None
        #: The promise of each cell that runs, by its request: it began in the epoch in which the cell did.
        self._running: dict[str, str] = {}
        self.prompts: Prompts | None = None
        #: The prompts that the last process left open: (execution count of the cell, what it asked).
        self.waiting: tuple[tuple[int, str], ...] = ()

    # ------------------------------------------------------------ ids

    def id(self, job: Job) -> str:
        """The promise of a cell."""
        request = "" if job.stored else cast(Message, job.token).header.msg_id
        digest = hashlib.sha256(f"{request}\0{job.code}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return f"{self._lineage}-e{self._epoch}-c{job.count}-{digest}"

    def row(self, job: Job, failed: bool) -> tuple[str, str, bytes]:
        """What the commit of a cell says of its promise: id, state, value as JSON."""
        return (self._of(job), *OUTCOMES[failed])

    def _of(self, job: Job) -> str:
        return self._running.get(cast(Message, job.token).header.msg_id) or self.id(job)

    def begin_epoch(self, epoch: int) -> None:
        """Nothing of an earlier life answers from now on."""
        self._epoch, self._replied = epoch, 0

    def of(self, token: Message) -> str:
        """The promise of the cell that asks; a thread may ask for a cell that is over."""
        return self._running.get(token.header.msg_id) or self.id(Job(token, "", 0, stored=False))

    # ------------------------------------------------------------ around a cell

    def before(self, job: Job) -> None:
        """Know the cell by its request."""
        self._running[cast(Message, job.token).header.msg_id] = self.id(job)

    @protected
    def after(self, job: Job, failed: bool) -> None:
        """The cell is committed, its reply is next: if it asked anything, no other run may use the answers."""
        promise = self._running.pop(cast(Message, job.token).header.msg_id, None) or self.id(job)
        self._replied = max(self._replied, job.count)
        if self.prompts is not None and self.prompts.asking:
            state, value = OUTCOMES[failed]
            self.prompts.ended(promise, state, msgspec.json.decode(value))

    # ------------------------------------------------------------ the engine

    def open(self, session: Session | None, epoch: int, count: int, tell: Callable[[str], None]) -> None:
        """The session is open and goes on after cell `count`: tell of prompts that are open, cancel what is over."""
        if session is None:
            return
        self._session, self._epoch, self._replied = session, epoch, count
        self._lineage = f"k{session.lineage}"
        from holdfast.engine.listing import open_promises

        try:
            left = open_promises(session.store.rows)
            if left and session.branch_of:
                self._open(session).ledger.clear()  # they are those of the session that it was copied from
                return
            ours = [promise for promise in left if promise.id.startswith(f"{self._lineage}-e")]
            mine = [promise for promise in ours if self._may_come_again(promise.id, count)]
            for promise in ours:
                if promise not in mine:
                    self._close_up(session, promise.id)
        except Exception as error:  # whatever it is, the kernel starts
            tell(f"the prompts that were open cannot be read: {error}")
            return
        asked = [(_place(one.id)[1], one.param) for one in mine if EXTERNAL in one.tags]
        self.waiting = tuple((place, str(param["prompt"])) for place, param in asked if isinstance(param, dict))
        for its_count, prompt in self.waiting:
            tell(f"cell [{its_count}] was waiting for input: {prompt!r}; run again, it asks only what is not answered")

    def _close_up(self, session: Session, id: str) -> None:
        """Settle what nobody asks any more; a cell that was committed, and killed before it said so, as it ended."""
        row = session.store.promise(id) if self._may_be_committed(id) else None
        if row is None:
            self._open(session).settle(id, "rejected_canceled")
        else:
            self._open(session).settle(id, cast(State, row.state), msgspec.json.decode(row.value))

    def _may_be_committed(self, id: str) -> bool:
        """Whether the store is worth asking: it looks through its whole history."""
        parts = id.split("-")
        return len(parts) == 4 and parts[0] == self._lineage and not self._may_come_again(id, self._replied)

    def _may_come_again(self, id: str, count: int) -> bool:
        epoch, its_count = _place(id)
        return epoch == self._epoch and its_count > count

    @protected  # what it imports must not be left half-made by an interrupt
    def engine(self) -> Engine:
        """The engine, opened now if it is not: on the session's file, or in memory where nothing is kept."""
        if self._engine is None:
            memory = MemoryEngine(self._clock.monotonic)
            if self._session is None:
                self._engine = memory
            else:
                from holdfast.engine.fallback import FallbackEngine

                try:
                    self._engine = FallbackEngine(self._open(self._session), memory, self._say)
                except StoreError as error:
                    self._say(f"prompts do not outlive the kernel: {error}")
                    self._engine = memory
        return self._engine

    def _open(self, session: Session) -> EmbeddedEngine:
        if self._embedded is None:
            from holdfast.durable.keys import user_key
            from holdfast.durable.store.schema import DATABASE
            from holdfast.engine import ledger, sdk
            from holdfast.engine.embedded import EmbeddedEngine

            # An interrupt in the middle would leave a transaction open as long as its traceback lives, and with it
            # the commit of the cell waiting.  The wait for an answer is not among them.
            for function in (ledger.Ledger.request, ledger.Ledger.row, ledger.Ledger.open_rows, sdk.load):
                protected(function)

            def committed(id: str) -> tuple[str, bytes] | None:
                row = session.store.promise(id) if self._may_be_committed(id) else None
                return (row.state, row.value) if row is not None else None

            self._embedded = EmbeddedEngine(
                os.path.join(session.folder, DATABASE),
                self._clock.wall,
                key=user_key(os.path.dirname(os.path.dirname(session.folder)), make=False),
                durability="full" if self._durability == "full" else "process",
                journal="wal" if session.local else "truncate",
                committed=committed,
            )
        return self._embedded

    def close(self) -> None:
        """End the engine, before the session's file is closed."""
        if self._embedded is not None:
            self._embedded.close()
        self._embedded = self._engine = None


def _place(id: str) -> tuple[int, int]:
    """The epoch and the count in a promise's id; (0, 0) for one that is not ours."""
    parts = id.split("-")
    try:
        return int(parts[1][1:]), int(parts[2][1:])
    except (IndexError, ValueError):
        return 0, 0
