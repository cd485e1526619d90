"""A step around each cell that gives it its transaction, and the way by which cells are committed.

It must never cost a cell anything where no transaction was ever asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import CodeType
from typing import TYPE_CHECKING

from holdfast.app.banner import is_attended
from holdfast.durable.port import Done
from holdfast.errors import CellError
from holdfast.executor.compile import Unit
from holdfast.executor.interrupt import finishing, interruptible, protected
from holdfast.executor.outcome import Job
from holdfast.executor.runner import Runner
from holdfast.magics.parse import Lowered, sole_magic
from holdfast.namespace.namespace import Namespace

if TYPE_CHECKING:
    from holdfast.durable.commit import SessionCommitter
    from holdfast.durable.preimage import RolledBack
    from holdfast.durable.reports import Cell
    from holdfast.durable.transactions import Transactions


#: Magics that do all or nothing by themselves, and cannot be within a transaction.
_WHOLE = frozenset({"checkout", "undo", "session"})


class NotHere(CellError):
    """`%%transaction` where a cell runs beside others."""

    def __str__(self) -> str:
        return (
            "a cell in the background or in a subshell cannot be a transaction: what other cells do beside it would be "
            "rolled back with it"
        )


class CellTransactions:
    """The transactions of the main thread's cells; calling it gives the session's, made when first asked for."""

    def __init__(
        self,
        namespace: Namespace,
        runner: Callable[[], Runner],
        committer: Callable[[], SessionCommitter | None],
        epoch: Callable[[], int],
        live: Callable[[], bool],
        codes: Callable[[Unit], tuple[CodeType, ...]],
    ) -> None:
        self._namespace = namespace
        self._runner = runner
        self._committer = committer
        self._epoch = epoch
        self._live = live
        self._codes = codes
        self._main = threading.get_ident()
        self._made: Transactions | None = None
        #: The running cell, once it is compiled; whether it was refused.
        self._running: tuple[Job, Unit] | None = None
        self._refused = False
        self._report: RolledBack | None = None

    def __call__(self) -> Transactions:
        """The session's transactions."""
        if self._made is None:
            from holdfast.durable.preimage import PreImage
            from holdfast.durable.transactions import Transactions

            # Half a rollback would be neither state: who interrupts one is heard behind it.
            protected(PreImage.roll_back)
            self._made = Transactions(self._namespace, self._committer(), self._live)
            if self._running is not None:
                self._begin(self._made, *self._running, None)
        return self._made

    @property
    def used(self) -> bool:
        """Whether one was ever asked for."""
        return self._made is not None

    @property
    def holds(self) -> bool:
        """Whether something is held back: no audit may store it."""
        return self._made is not None and self._made.holds

    def opened(self, committer: SessionCommitter | None) -> None:
        """A session is opened: its policy goes on, where one was chosen."""
        self._made = None
        if committer is not None and committer.policy:
            self().choose(committer.policy)

    def refuse_others(self) -> None:
        """See `Transactions`."""
        if self._made is not None:
            self._made.refuse_others()

    @interruptible
    def compiled(self, job: Job, unit: Unit, lowered: Lowered) -> None:
        """A cell is about to run; raises what keeps it from running."""
        words = lowered.transaction
        if threading.get_ident() != self._main or self._runner().mode == "bg":
            if words is not None:
                raise NotHere
            return
        if words is not None:
            self()
        if self._made is not None:
            self._refused = True
            self._begin(self._made, job, unit, words)
            self._refused = False
        self._running = job, unit

    def _begin(self, made: Transactions, job: Job, unit: Unit, words: str | None) -> None:
        from holdfast.durable.policies import ALWAYS, parse
        from holdfast.durable.transactions import Running

        policy, best_effort = parse(words) if words is not None else (made.policy, made.best_effort)
        if words is None and sole_magic(job.code) in _WHOLE:
            policy = ALWAYS
        codes = self._codes(unit)
        cell = Running(
            job.count, job.code, codes, unit.tree, epoch=self._epoch(), policy=policy, best_effort=best_effort
        )
        made.begin(cell)

    def before(self, job: Job) -> None:
        """Nothing is known of the cell yet."""
        if threading.get_ident() == self._main:
            self._running, self._report, self._refused = None, None, False

    @finishing
    def after(self, job: Job, failed: bool) -> None:
        """Roll back, where the cell's policy says so, and say what was done."""
        made = self._made
        if made is None or self._running is None or self._running[0] is not job:
            return
        self._report = made.end(failed)
        if self._report is not None and not job.silent:
            text = str(self._report)
            if is_attended(job):
                data = {"text/plain": text}
                content = {"data": data, "metadata": {"holdfast": {"rolled_back": True}}, "transient": {}}
                self._runner().closing.append(("display_data", content))
            else:
                self._runner().closing.append(("stream", {"name": "stderr", "text": f"{text}\n"}))

    def commit(self, job: Job, cell: Cell, done: Done, again: bool) -> None:
        """Commit a cell, as far as its transaction lets it; `again` says that it was replied to before."""
        made, committer = self._made, self._committer()
        assert committer is not None
        if made is None:
            committer.commit(cell, done)
            return
        mine = self._running is not None and self._running[0] is job and not again
        if self._refused:
            from msgspec.structs import replace

            cell = replace(cell, codes=(), tree=None)
        made.commit(cell, done, self._report if mine else None, mine)
