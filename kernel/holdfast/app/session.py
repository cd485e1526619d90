"""The durable session of a kernel: committing and ending; `app/opening.py` opens and restores it.

It must never keep a cell from being replied to: what cannot be kept is said in the reply, and the kernel lives.

A cell is committed on its own thread, as the last step around it, so before its end is even reported (P1); the
machine's Commit effect then only asks how that went.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, cast

from holdfast.app.banner import RestoreBanner, as_metadata
from holdfast.app.beside import Beside, Ended, codes_before, codes_of, is_live
from holdfast.app.moving import Moves
from holdfast.app.opening import Opening, last_commit
from holdfast.app.promises import CellPromises
from holdfast.app.settings import Restore, Settings
from holdfast.app.transacting import CellTransactions
from holdfast.clock import Clock
from holdfast.durable.port import Done
from holdfast.errors import StoreError
from holdfast.executor.compile import Unit
from holdfast.executor.interrupt import finishing, interruptible
from holdfast.executor.loop import UserLoop
from holdfast.executor.outcome import Job
from holdfast.executor.runner import Runner
from holdfast.magics.parse import Lowered
from holdfast.namespace.namespace import Namespace
from holdfast.wire.message import Message

if TYPE_CHECKING:
    from holdfast.app.claim import Claim
    from holdfast.app.died import Watch
    from holdfast.durable.commit import SessionCommitter
    from holdfast.durable.folder import Session
    from holdfast.durable.guard import Guard
    from holdfast.durable.reports import Restored
    from holdfast.durable.verifier import Verifier

#: Seconds without a cell after which the audit begins, of one slice of it, and between two.
IDLE, SLICE, PAUSE = 0.3, 0.02, 0.02
#: Seconds that the audit may still take when the kernel leaves; clients wait 5 for that.
LAST_LOOK = 0.5
#: Seconds that large values may still be written before the rest of them is left to another process.
FLUSH = 2.0
OFF = "nothing of this session is kept: start the kernel with HOLDFAST_DURABILITY=full, and every cell is"


class DurableSession:
    """Implements the `Committer` port and a step around each cell of the main thread."""

    def __init__(
        self,
        settings: Settings,
        environ: MutableMapping[str, str],
        kernel: str,
        namespace: Namespace,
        runner: Callable[[], Runner],
        banner: RestoreBanner,
        clock: Clock,
        loop: UserLoop,
        promises: CellPromises,
        guard: Callable[[], Guard | None] = lambda: None,
    ) -> None:
        self._guard = guard
        self._loop = loop
        self._promises = promises
        self._audit_due: asyncio.TimerHandle | None = None
        self._settings = settings
        self._environ = environ
        self._kernel = kernel
        self._namespace = namespace
        self._runner = runner
        self._banner = banner
        self._clock = clock
        self._session: Session | None = None
        self._committer: SessionCommitter | None = None
        self._outcomes: defaultdict[int, deque[tuple[Mapping[str, object], str]]] = defaultdict(deque)
        self._main = threading.get_ident()
        #: When the cell of each thread began.
        self._started: dict[int, float] = {}
        self._beside = Beside(
            loop, self._commit_beside, lambda: runner().running is not None and self.transactions.used
        )
        self._watch: Watch | None = None
        self._verifier: Verifier | None = None
        self._claim: Claim | None = None
        self._epoch = 1
        self._problem = ""
        self.restored: Restored | None = None
        #: Whether the next reply says what was restored.
        self._is_news = False
        self.transactions = CellTransactions(
            namespace, runner, lambda: self._committer, lambda: self._epoch, is_live, codes_before
        )
        #: Told the highest count that a checkout brought back: the cells after it count on from there.
        self.on_count: Callable[[int], None] = lambda count: None
        self.moves = Moves(self, namespace, runner, clock)
        #: Told that another session is open, and the count to go on from.
        self.on_move: Callable[[int], None] = lambda count: None

    # ------------------------------------------------------------ opening

    def open(self) -> int:
        """Open the session and restore it; the execution count to go on from.  Runs on the main thread."""
        opening = self._opening()
        opening.open(self._environ, self._kernel)
        return self._enter(opening)

    def _opening(self) -> Opening:
        return Opening(
            self._settings,
            self._namespace,
            self._clock,
            self._loop.call_soon_threadsafe,
            self._banner.tell,
            self._guard,
            self._banner.note,
        )

    def _enter(self, opening: Opening) -> int:
        self._session, self._committer, self._problem = opening.session, opening.committer, opening.problem
        self._watch, self._verifier = opening.watch, opening.verifier
        self._epoch, self._claim = opening.epoch, opening.claim
        if self._committer is not None:
            self._committer.pending.ready = lambda: self._beside.soon(self._publish)
        self.restored = opening.restored
        self._is_news = self.restored is not None and self._banner.announce(self.restored)
        self.transactions.opened(self._committer)
        return opening.count

    def go_on_with(self, claim: Claim, opened: Callable[[], Session], wanted: Restore | None = None) -> None:
        """Open another session, the one before having been left; `wanted`: see `Opening.take`."""
        opening = self._opening()
        opening.take(claim, opened, wanted)
        self.on_move(self._enter(opening))

    def overview(self) -> object:
        """What `holdfast.session` shows: an `Overview`, or a sentence why nothing is kept."""
        if self._committer is None or self._session is None:
            return self._problem or OFF
        from holdfast.durable.overview import Overview

        return Overview(self._committer, self._session, self._settings.durability, self.restored)

    @property
    def claim(self) -> Claim | None:
        """What the session was found by; None where nothing is kept."""
        return self._claim if self._session is not None else None

    @property
    def committer(self) -> SessionCommitter | None:
        """What commits; None where nothing is kept."""
        return self._committer

    @property
    def session(self) -> Session | None:
        """The open session; None where nothing is kept."""
        return self._session

    @property
    def watch(self) -> Watch | None:
        """What marks the cells of this kernel, for the next one."""
        return self._watch

    @property
    def epoch(self) -> int:
        """Which life of the session this is: a restart begins another one."""
        return self._epoch

    def travel(self, address: str) -> None:
        """Go to where `address` says, or with an empty one to before the last cell, and show what changed."""
        from holdfast.app.travel import ELSEWHERE, NotHere, show, travel, verifier

        runner, committer = self._runner(), self._committer
        if committer is None:
            raise NotHere(self._problem or OFF)
        if threading.get_ident() != self._main or runner.running is None or runner.mode:
            raise NotHere(ELSEWHERE)
        self.transactions.refuse_others()
        self._beside.settle()
        before, job = committer.index.components(), runner.running
        try:
            switched, text = travel(committer, self._clock.date, address, self._epoch, job, runner.unit, is_live())
        finally:  # also where an interrupt comes when it is done
            if committer.epoch > self._epoch:
                self._epoch = committer.epoch
                self._promises.begin_epoch(self._epoch)
                self.on_count(len(self._namespace.results.inputs) - 1)
                if self._watch is not None:
                    self._watch.begin(committer.number, job.count if job.stored else 0, job.code)
        self._verifier = self._verifier or verifier(committer, self._loop.call_soon_threadsafe, self._banner.tell)
        self._verifier.start(committer.index.components() - before)
        show(switched, text)

    # ------------------------------------------------------------ around a cell

    def before(self, job: Job) -> None:
        """Take the time, and mark the cell as the one that runs."""
        thread = threading.get_ident()
        self._beside.begin(self._runner())
        self._started[thread] = self._clock.monotonic()
        if thread == self._main:
            self._mark(job)

    def _mark(self, job: Job | None) -> None:
        """Have the next kernel know that this cell runs, if it still does when this one dies."""
        if self._watch is not None and self._committer is not None and job is not None:
            self._watch.begin(self._committer.number, job.count if job.stored else 0, job.code)

    @finishing
    def after(self, job: Job, failed: bool) -> None:
        """Commit the cell; one of a subshell in a transaction waits for the main thread."""
        self._beside.end()
        if self._committer is None:
            return
        runner, thread = self._runner(), threading.get_ident()
        ended = Ended(job, runner.unit, failed, self._clock.monotonic() - self._started.pop(thread, 0.0))
        outcomes = self._outcomes[job.count if job.stored else 0]
        notes: dict[str, object] = {}
        if self._is_news and not job.silent and self.restored is not None:
            notes["restored"], self._is_news = as_metadata(self.restored), False
        waits = thread != self._main and self.transactions.used
        if waits or runner.mode == "bg":
            notes["pending"] = bound_names(runner.unit)
        if waits:
            outcomes.append((notes, ""))
            self._beside.add(ended)
            return

        def done(note: Mapping[str, object], reason: str) -> None:
            if reason and self._watch is not None and thread == self._main:
                self._watch.clear()
            outcomes.append((_joined(notes, note), reason))

        self._commit_cell(ended, done)
        if thread != self._main:
            with self._namespace.lock:  # the main thread's cell ends before this, or commits after it
                self._mark(self._beside.running(self._main))
            self._beside.soon(lambda: self._audit_soon(IDLE))
            return
        self._beside.settle()
        if self._claim is not None and job.stored:
            self._claim.saw(cast(Message, job.token).metadata.get("cellId"))
        if self.moves.is_due:
            self.moves.move(outcomes[-1][1])
        self._audit_soon(IDLE)

    def ended_in_background(self, job: Job, unit: Unit, failed: bool) -> None:
        """A cell that was replied to when it began is over."""
        if self._committer is not None:
            self._beside.add(Ended(job, unit, failed, 0.0, again=True))

    def _commit_cell(self, ended: Ended, done: Done) -> None:
        from holdfast.durable.reports import Cell

        if self._committer is None:
            return
        job, unit, again = ended.job, ended.unit, ended.again
        cell = Cell(
            count=job.count,
            code=job.code if job.stored and not again else "",
            codes=codes_of(unit),
            tree=unit.tree if unit is not None else None,
            status="error" if ended.failed else "background" if again else "ok",
            seconds=ended.seconds,
            epoch=self._epoch,
            promise=("", "", b"") if again else self._promises.row(job, ended.failed),
            live=is_live(),
            beside=self._beside.codes(),
        )
        self.transactions.commit(job, cell, done, again)

    def _publish(self) -> None:
        """Commit what was written beside the user."""
        if self._committer is not None and not self.transactions.holds:
            self._committer.pending.publish(self._committer)

    @interruptible
    def compiled(self, job: Job, unit: Unit, lowered: Lowered) -> None:
        """A cell is about to run: wait for what is still written, if it can change that."""
        self.transactions.compiled(job, unit, lowered)
        committer = self._committer
        if committer is not None and committer.pending.is_busy:
            committer.pending.wait(committer.pending.must_wait(committer, codes_before(unit), unit.tree))
            self._publish()

    def _commit_beside(self, ended: Ended) -> None:
        """What could not be kept is owed by the next commit, and said by `%session`."""
        self._commit_cell(ended, lambda note, reason: None)
        self._audit_soon(IDLE)

    def stirred(self) -> None:
        """A callback ran that belongs to no cell: look for what it changed; from any thread."""
        self._beside.soon(self._look_again)

    def _look_again(self) -> None:
        if self._committer is not None:
            self._committer.stir()
            self._audit_soon(IDLE)

    def _audit_soon(self, seconds: float) -> None:
        if self._audit_due is not None:
            self._audit_due.cancel()
        self._audit_due = self._loop.call_later(seconds, self._audit)

    def _audit(self) -> None:
        """A slice of the audit, when no cell runs; it gives way to whatever the loop has to do next."""
        if self._committer is None or self.transactions.holds:
            return
        until = self._clock.monotonic() + SLICE
        idle = self._runner().running is None
        if idle and self._claim is not None and self._claim.due:
            self._claim.note()
        if idle and self._committer.audit(lambda: self._loop.is_wanted() or self._clock.monotonic() > until).complete:
            self._audit_due = None
        else:
            self._audit_soon(PAUSE if idle else IDLE)

    def commit(self, count: int, done: Done) -> None:
        """See the port: how the commit of cell `count` went."""
        outcomes = self._outcomes.get(count)
        if outcomes:
            note, reason = outcomes.popleft()
            if not outcomes and count:  # all that do not count share one queue
                del self._outcomes[count]
            done(note, reason)
        else:
            done({}, "")

    # ------------------------------------------------------------ the end

    def close(self, restart: bool) -> None:
        """End the session: a restart begins the next one clean; an ephemeral one goes.  On the main thread."""
        ephemeral = self._claim is not None and self._claim.ephemeral
        if self._claim is not None and self._session is not None:
            self._claim.end(restart)
        self.leave(restart, keep=not ephemeral)

    def leave(self, restart: bool, keep: bool = True) -> None:
        """Close the session; without `keep` it goes, unless a restart follows."""
        self._promises.close()
        self._beside.settle()
        session, committer = self._session, self._committer
        self._session = self._committer = None
        if self._audit_due is not None:
            self._audit_due.cancel()
        if session is None or committer is None:
            return
        if self._verifier is not None:
            self._verifier.stop()
        from holdfast.durable.handover import close
        from holdfast.durable.store.points import Point

        rest: frozenset[str] = frozenset()
        try:
            if not restart and keep and not self.transactions.holds:
                until = self._clock.monotonic() + LAST_LOOK
                committer.audit(lambda: self._clock.monotonic() > until)
            if keep and not self.transactions.holds:
                rest = committer.pending.rest(committer, FLUSH)
            if not committer.pending.stop():
                rest = frozenset()  # nobody may fork while the store is at work
            head = session.store.head()
            if head is not None and (restart or keep):
                session.crash(Point.ENDING)
                session.store.commit(last_commit(head, self._epoch, self._clock.date(), restart))
        except StoreError as error:
            self._banner.tell(str(error))
        finally:
            if not keep and not restart:
                session.discard()
            else:
                close(session, committer, frozenset() if restart else rest)
            if self._watch is not None:
                self._watch.close()


def _joined(notes: Mapping[str, object], more: Mapping[str, object]) -> Mapping[str, object]:
    """What a reply says: names that are pending for one reason or another are one list."""
    both = {**notes, **more}
    if "pending" in notes and "pending" in more:
        both["pending"] = sorted({*cast("list[str]", notes["pending"]), *cast("list[str]", more["pending"])})
    return both


def bound_names(unit: Unit | None) -> list[str]:
    """The names that a cell's own code binds or deletes."""
    from holdfast.durable.candidates import Candidates

    return sorted(Candidates(codes_of(unit)).bound)
