"""The durable session of a kernel: opening, restoring, committing, ending.

It must never keep a cell from being replied to: what cannot be kept is said in the reply, and the kernel lives.

A cell is committed on the main thread, as the last step around it, so before its end is even reported (P1); the
machine's Commit effect then only asks how that went.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from types import CodeType
from typing import TYPE_CHECKING

from holdfast.app.banner import RestoreBanner, as_metadata
from holdfast.app.beside import Beside, Ended
from holdfast.app.promises import CellPromises
from holdfast.app.settings import Settings
from holdfast.clock import Clock
from holdfast.durable.port import Done
from holdfast.errors import StoreError
from holdfast.executor.compile import Unit
from holdfast.executor.interrupt import finishing
from holdfast.executor.loop import UserLoop
from holdfast.executor.outcome import Job
from holdfast.executor.runner import Runner
from holdfast.namespace.namespace import Namespace

if TYPE_CHECKING:
    from holdfast.app.died import Watch
    from holdfast.durable.commit import SessionCommitter
    from holdfast.durable.folder import Session
    from holdfast.durable.reports import Restored
    from holdfast.durable.restore import Restorer
    from holdfast.durable.store.port import Commit, Head
    from holdfast.durable.verifier import Verifier

#: Seconds without a cell after which the audit begins, of one slice of it, and between two.
IDLE, SLICE, PAUSE = 0.3, 0.02, 0.02
#: Seconds that the audit may still take when the kernel leaves; clients wait 5 for that.
LAST_LOOK = 0.5
OFF = "nothing of this session is kept: start the kernel with HOLDFAST_DURABILITY=full, and every cell is"
#: How a session ended, as the status of its last commit.
RESTARTED, ENDED = "restart", "end"


def session_name(environ: Mapping[str, str], connection_file: str) -> tuple[str, bool]:
    """The session that this kernel is to keep, and whether it goes with a clean shutdown.

    A name that was given, else the notebook (`JPY_SESSION_NAME`, set by the Jupyter server), else the kernel's own
    id: Jupyter starts a kernel that died again with the same connection file.
    """
    given = environ.get("HOLDFAST_SESSION", "")
    if given:
        return given, False
    notebook = environ.get("JPY_SESSION_NAME", "")
    if notebook.endswith(".ipynb") and os.path.isfile(notebook):
        return os.path.realpath(notebook), False
    return os.path.basename(connection_file).removesuffix(".json"), True


class DurableSession:
    """Implements the `Committer` port and a step around each cell of the main thread."""

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        connection_file: str,
        namespace: Namespace,
        runner: Callable[[], Runner],
        banner: RestoreBanner,
        clock: Clock,
        loop: UserLoop,
        promises: CellPromises,
    ) -> None:
        self._loop = loop
        self._promises = promises
        self._audit_due: asyncio.TimerHandle | None = None
        self._settings = settings
        self._environ = environ
        self._connection_file = connection_file
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
        self._beside = Beside(loop, self._commit_beside, lambda: runner().running is not None)
        self._watch: Watch | None = None
        self._verifier: Verifier | None = None
        self._epoch = 1
        self._ephemeral = False
        self._problem = ""
        self.restored: Restored | None = None
        #: Whether the next reply says what was restored.
        self._is_news = False

    # ------------------------------------------------------------ opening

    def open(self) -> int:
        """Open the session and restore it; the execution count to go on from.  Runs on the main thread."""
        if self._settings.durability == "off":
            return 0
        from holdfast.app.died import Watch
        from holdfast.durable.commit import SessionCommitter
        from holdfast.durable.folder import home, open_session
        from holdfast.durable.world import codec

        name, self._ephemeral = session_name(self._environ, self._connection_file)
        try:
            session = open_session(home(self._environ), name, self._settings.durability)
        except StoreError as error:
            self._problem = f"nothing of this session will be kept: {error}"
            self._banner.tell(self._problem)
            return 0
        self._session = session
        for notice in session.notices:
            self._banner.tell(notice)
        self._committer = SessionCommitter(
            self._namespace, session.store, codec(), clock=self._clock, crash=session.crash
        )
        try:
            head = session.store.head()
            count = self._go_on(self._committer, session, head) if head is not None else 0
        except Exception as error:
            self._leave_alone(session, error)
            return 0
        # It takes over the files that say how the process before ended.
        self._watch = Watch(session.folder)
        return count

    def _leave_alone(self, session: Session, error: Exception) -> None:
        """What we cannot restore, for a reason that nobody foresaw, must not be written over: go on without it."""
        what = str(error) if isinstance(error, StoreError) else f"a bug in Holdfast: {error!r}"
        self._problem = f"this session could not be restored and is left as it is, nothing is kept: {what}"
        self._banner.tell(self._problem)
        self._session = self._committer = None
        session.close()

    def _go_on(self, committer: SessionCommitter, session: Session, head: Head) -> int:
        """Restore the newest commit, or leave it behind."""
        from msgspec.structs import replace

        from holdfast.app.died import read
        from holdfast.durable.restore import Restorer
        from holdfast.durable.verifier import Verifier
        from holdfast.durable.world import codec

        restorer = Restorer(committer, session.store, codec())
        last = session.store.log(newest=1)[-1].status
        wanted = self._settings.restore
        if last == RESTARTED or wanted == "never" or (wanted == "crash" and last == ENDED):
            return self._begin_clean(restorer, head, last)
        self._epoch = head.epoch
        restored = restorer.restore()
        if restored is None:
            return 0
        self._verifier = Verifier(committer, codec().lost, self._loop.call_soon_threadsafe, self._banner.tell)
        self._verifier.start()
        # A cell that ended beside a later one is committed after it.
        count = max(restored.count, len(self._namespace.results.inputs) - 1)
        self.restored = replace(restored, count=count)
        if last != ENDED:
            self.restored = replace(self.restored, died=read(session.folder, head.number))
        self._is_news = self._banner.announce(self.restored)
        return count

    def overview(self) -> object:
        """What `holdfast.session` shows: an `Overview`, or a sentence why nothing is kept."""
        if self._committer is None or self._session is None:
            return self._problem or OFF
        from holdfast.durable.overview import Overview

        return Overview(self._committer, self._session, self._settings.durability, self.restored)

    @property
    def session(self) -> Session | None:
        """The open session; None where nothing is kept."""
        return self._session

    @property
    def epoch(self) -> int:
        """Which life of the session this is: a restart begins another one."""
        return self._epoch

    def _begin_clean(self, restorer: Restorer, head: Head, last: str) -> int:
        """Leave the variables behind: what is not in this namespace must not come back at the next start."""
        assert self._session is not None
        self._epoch = head.epoch + 1
        if last != RESTARTED:
            self._session.store.commit(self._end(head, restart=True))
            head = self._session.store.head() or head
        restorer.pass_over(head)
        return 0

    # ------------------------------------------------------------ around a cell

    def before(self, job: Job) -> None:
        """Take the time, and mark the cell as the one that runs."""
        thread = threading.get_ident()
        self._started[thread] = self._clock.monotonic()
        if self._watch is not None and self._committer is not None and thread == self._main:
            self._watch.begin(self._committer.number, job.count if job.stored else 0, job.code)

    @finishing
    def after(self, job: Job, failed: bool) -> None:
        """Commit the cell when it ran on the main thread; else say that it will be."""
        if self._committer is None:
            return
        runner, thread = self._runner(), threading.get_ident()
        ended = Ended(job, runner.unit, failed, self._clock.monotonic() - self._started.pop(thread, 0.0))
        outcomes = self._outcomes[job.count if job.stored else 0]
        notes: dict[str, object] = {}
        if self._is_news and not job.silent and self.restored is not None:
            notes["restored"], self._is_news = as_metadata(self.restored), False
        if thread != self._main or runner.mode == "bg":
            notes["pending"] = bound_names(runner.unit)
        if thread != self._main:
            outcomes.append((notes, ""))
            self._beside.add(ended)
            return

        def done(note: Mapping[str, object], reason: str) -> None:
            if reason and self._watch is not None:
                self._watch.clear()
            outcomes.append(({**notes, **note}, reason))

        self._commit_cell(ended, done)
        self._beside.settle()
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
            codes=_codes(unit),
            tree=unit.tree if unit is not None else None,
            status="error" if ended.failed else "background" if again else "ok",
            seconds=ended.seconds,
            epoch=self._epoch,
            promise=("", "", b"") if again else self._promises.row(job, ended.failed),
            live=_is_live(),
        )
        self._committer.commit(cell, done)

    def _commit_beside(self, ended: Ended) -> None:
        """What could not be kept is owed by the next commit, and said by `%session`."""
        self._commit_cell(ended, lambda note, reason: None)
        self._audit_soon(IDLE)

    def _audit_soon(self, seconds: float) -> None:
        if self._audit_due is not None:
            self._audit_due.cancel()
        self._audit_due = self._loop.call_later(seconds, self._audit)

    def _audit(self) -> None:
        """A slice of the audit, when no cell runs; it gives way to whatever the loop has to do next."""
        if self._committer is None:
            return
        until = self._clock.monotonic() + SLICE
        idle = self._runner().running is None
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
        self._beside.settle()
        session, committer = self._session, self._committer
        self._session = self._committer = None
        if self._audit_due is not None:
            self._audit_due.cancel()
        if session is None or committer is None:
            return
        if self._verifier is not None:
            self._verifier.stop()
        from holdfast.durable.store.points import Point

        try:
            if not restart and not self._ephemeral:
                until = self._clock.monotonic() + LAST_LOOK
                committer.audit(lambda: self._clock.monotonic() > until)
            head = session.store.head()
            if head is not None and (restart or not self._ephemeral):
                session.crash(Point.ENDING)
                session.store.commit(self._end(head, restart))
        except StoreError as error:
            self._banner.tell(str(error))
        finally:
            if self._ephemeral and not restart:
                session.discard()
            else:
                session.close()
            if self._watch is not None:
                self._watch.close()

    def _end(self, head: Head, restart: bool) -> Commit:
        """The last commit of a kernel; one before a restart leaves no variable."""
        from holdfast.durable.store.port import Commit

        names: dict[str, int | None] = dict.fromkeys(head.names) if restart else {}
        tokens: dict[str, int | None] = dict.fromkeys(head.tokens) if restart else {}
        status = RESTARTED if restart else ENDED
        at, promise = self._clock.date(), ("", "", b"")
        return Commit(head.count, self._epoch, "", status, at, (), names, tokens, head.state, promise)


def _codes(unit: Unit | None) -> tuple[CodeType, ...]:
    return tuple(code for code in (unit.body, unit.last) if code is not None) if unit is not None else ()


def bound_names(unit: Unit | None) -> list[str]:
    """The names that a cell's own code binds or deletes."""
    from holdfast.durable.candidates import Candidates

    return sorted(Candidates(_codes(unit)).bound)


def _is_live() -> bool:
    """Whether tasks or threads of the user's go on beside the cell."""
    try:
        if len(asyncio.all_tasks()) > (asyncio.current_task() is not None):
            return True
    except RuntimeError:
        pass
    ours = sum(thread.name.startswith("holdfast-") for thread in threading.enumerate())
    return threading.active_count() - ours > 1
