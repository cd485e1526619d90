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
from typing import TYPE_CHECKING

from holdfast.app.settings import Settings
from holdfast.clock import Clock
from holdfast.durable.port import Done
from holdfast.errors import StoreError
from holdfast.executor.loop import UserLoop
from holdfast.executor.outcome import Job
from holdfast.executor.runner import Runner
from holdfast.namespace.namespace import Namespace

if TYPE_CHECKING:
    from holdfast.durable.commit import SessionCommitter
    from holdfast.durable.folder import Session
    from holdfast.durable.reports import Restored
    from holdfast.durable.restore import Restorer
    from holdfast.durable.store.port import Commit, Head

#: Seconds without a cell after which the audit begins, of one slice of it, and between two.
IDLE, SLICE, PAUSE = 0.3, 0.02, 0.02
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
        publish: Callable[[str, Mapping[str, object], Mapping[str, object]], None],
        clock: Clock,
        loop: UserLoop,
    ) -> None:
        self._loop = loop
        self._audit_due: asyncio.TimerHandle | None = None
        self._settings = settings
        self._environ = environ
        self._connection_file = connection_file
        self._namespace = namespace
        self._runner = runner
        self._publish = publish
        self._clock = clock
        self._session: Session | None = None
        self._committer: SessionCommitter | None = None
        self._outcomes: defaultdict[int, deque[tuple[Mapping[str, object], str]]] = defaultdict(deque)
        self._started = 0.0
        self._epoch = 1
        self._ephemeral = False
        self._said: list[str] = []
        self.restored: Restored | None = None

    # ------------------------------------------------------------ opening

    def open(self) -> int:
        """Open the session and restore it; the execution count to go on from.  Runs on the main thread."""
        if self._settings.durability == "off":
            return 0
        from holdfast.durable.commit import SessionCommitter
        from holdfast.durable.folder import home, open_session
        from holdfast.durable.restore import Restorer
        from holdfast.durable.world import codec

        name, self._ephemeral = session_name(self._environ, self._connection_file)
        try:
            session = open_session(home(self._environ), name, self._settings.durability)
        except StoreError as error:
            self._said.append(f"nothing of this session will be kept: {error}")
            return 0
        self._session = session
        self._said.extend(session.notices)
        self._committer = SessionCommitter(self._namespace, session.store, codec(), clock=self._clock)
        head = session.store.head()
        if head is None:
            return 0
        restorer = Restorer(self._committer, session.store, codec())
        last = session.store.log(newest=1)[-1].status
        wanted = self._settings.restore
        try:
            if last == RESTARTED or wanted == "never" or (wanted == "crash" and last == ENDED):
                return self._begin_clean(restorer, head, last)
            self._epoch = head.epoch
            self.restored = restorer.restore()
        except StoreError as error:
            self._said.append(f"the session could not be restored: {error}")
            return 0
        return self.restored.count if self.restored is not None else 0

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
        """Take the time."""
        self._started = self._clock.monotonic()

    def after(self, job: Job, failed: bool) -> None:
        """Commit the cell, when it ran on the main thread."""
        from holdfast.durable.reports import Cell

        if self._committer is None:
            return
        unit = self._runner().unit
        codes = tuple(code for code in (unit.body, unit.last) if code is not None) if unit is not None else ()
        cell = Cell(
            count=job.count,
            code=job.code if job.stored else "",
            codes=codes,
            tree=unit.tree if unit is not None else None,
            status="error" if failed else "ok",
            seconds=self._clock.monotonic() - self._started,
            epoch=self._epoch,
            live=_is_live(),
        )
        outcomes = self._outcomes[job.count if job.stored else 0]
        self._committer.commit(cell, lambda note, reason: outcomes.append((note, reason)))
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
            if not outcomes:
                del self._outcomes[count]
            done(note, reason)
        else:
            done({}, "")

    def say(self, job: Job) -> None:
        """Below the first cell, once: what came back, what did not, and why."""
        if job.silent or (self.restored is None and not self._said):
            return
        restored, self.restored = self.restored, None
        if restored is not None:
            self._banner(restored)
        else:
            said, self._said = "\n".join(self._said), []
            self._publish("stream", {"name": "stderr", "text": f"{said}\n"}, {})

    def _banner(self, restored: Restored) -> None:
        lost = ", ".join(where for where, _kind, _reason in restored.lost)
        text = f"Restored {len(restored.kept)} variables as of cell [{restored.count}]"
        if lost:
            text += f"; {len(restored.lost)} could not be kept: {lost}"
        if not restored.audited:
            text += "; what no name of the last cell led to had not been checked"
        lines = "\n".join((text, *self._said))
        self._said = []
        data: dict[str, object] = {"text/plain": lines}
        content: dict[str, object] = {"data": data, "metadata": {"holdfast": {"restored": True}}, "transient": {}}
        self._publish("display_data", content, {"holdfast": {"restored": list(restored.kept)}})

    # ------------------------------------------------------------ the end

    def close(self, restart: bool) -> None:
        """End the session: a restart begins the next one clean; an ephemeral one goes.  On the main thread."""
        session, self._session, self._committer = self._session, None, None
        if self._audit_due is not None:
            self._audit_due.cancel()
        if session is None:
            return
        try:
            head = session.store.head()
            if head is not None and not self._ephemeral:
                session.store.commit(self._end(head, restart))
        except StoreError as error:
            self._said.append(str(error))
        session.close()
        if self._ephemeral and not restart:
            import shutil

            shutil.rmtree(session.folder, ignore_errors=True)

    def _end(self, head: Head, restart: bool) -> Commit:
        """The last commit of a kernel; one before a restart leaves no variable."""
        from holdfast.durable.store.port import Commit

        names: dict[str, int | None] = dict.fromkeys(head.names) if restart else {}
        tokens: dict[str, int | None] = dict.fromkeys(head.tokens) if restart else {}
        status = RESTARTED if restart else ENDED
        at, promise = self._clock.date(), ("", "", b"")
        return Commit(head.count, self._epoch, "", status, at, (), names, tokens, head.state, promise)


def _is_live() -> bool:
    """Whether tasks or threads of the user's go on beside the cell."""
    try:
        if len(asyncio.all_tasks()) > (asyncio.current_task() is not None):
            return True
    except RuntimeError:
        pass
    ours = sum(thread.name.startswith("holdfast-") for thread in threading.enumerate())
    return threading.active_count() - ours > 1


class RestoreBanner:
    """The step that shows the session's banner; it comes after the step that gives output to the cell."""

    def __init__(self, session: DurableSession) -> None:
        self._session = session

    def before(self, job: Job) -> None:
        """Say once what came back."""
        self._session.say(job)

    def after(self, job: Job, failed: bool) -> None:
        """Nothing."""
