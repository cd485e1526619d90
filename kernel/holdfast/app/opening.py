"""The opening of a kernel's session: which one it is, and what of it comes back.

It must never keep the kernel from starting: what cannot be opened or restored is left as it is, and said.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING

from holdfast.app.settings import Restore, Settings
from holdfast.clock import Clock
from holdfast.durable.reports import BEFORE, CHECKOUT, ENDED, RESTARTED, UNCOMMITTED
from holdfast.errors import StoreError
from holdfast.namespace.namespace import Namespace

if TYPE_CHECKING:
    from holdfast.app.claim import Claim
    from holdfast.app.died import Watch
    from holdfast.durable.commit import SessionCommitter
    from holdfast.durable.folder import Session
    from holdfast.durable.guard import Guard
    from holdfast.durable.reports import Restored
    from holdfast.durable.restore import Restorer
    from holdfast.durable.store.port import Commit, Head
    from holdfast.durable.verifier import Verifier

#: Commits looked at for cells of a transaction that was never committed.
LOOKED_BACK = 100
#: The last line of a banner after a crash.
WAY_OUT = "%session new for a clean one"


class Opening:
    """What became of opening a session: the fields are what a kernel goes on with, once `open` has returned.

    `later` has a function called on the main thread between two cells, `tell` shows the user a sentence.
    """

    def __init__(
        self,
        settings: Settings,
        namespace: Namespace,
        clock: Clock,
        later: Callable[[Callable[[], None]], object],
        tell: Callable[[str], None],
        guard: Callable[[], Guard | None] = lambda: None,
        note: Callable[[str], None] | None = None,
    ) -> None:
        self._note = note or tell
        self._guard = guard
        self._settings = settings
        self._namespace = namespace
        self._clock = clock
        self._later = later
        self._tell = tell
        self.session: Session | None = None
        self.committer: SessionCommitter | None = None
        self.watch: Watch | None = None
        self.verifier: Verifier | None = None
        self.restored: Restored | None = None
        #: The execution count to go on from.
        self.count = 0
        self.epoch = 1
        self.claim: Claim | None = None
        self._wanted: Restore = "always"
        #: Why nothing is kept, or "".
        self.problem = ""

    def open(self, environ: MutableMapping[str, str], kernel: str) -> None:
        """Find the session of this kernel, open and restore it.  Runs on the main thread."""
        if self._settings.durability == "off":
            return
        from holdfast.app.claim import Claim

        self.claim = Claim(environ, kernel, self._settings.durability, self._note, self._clock)
        self.take(self.claim, self.claim.open)

    def take(self, claim: Claim, opened: Callable[[], Session], wanted: Restore | None = None) -> None:
        """Restore the session that `opened` returns, which is the claim's then; `wanted` instead of the setting."""
        from holdfast.app.died import Watch
        from holdfast.durable.commit import SessionCommitter
        from holdfast.durable.retention import Limits
        from holdfast.durable.world import codec

        self.claim, self._wanted = claim, wanted or self._settings.restore
        try:
            session = opened()
        except StoreError as error:
            self.problem = f"nothing of this session will be kept: {error}"
            self._tell(self.problem)
            return
        for notice in session.notices:
            self._tell(notice)
        settings = self._settings
        session.store.limit(Limits(settings.keep_commits, settings.keep_days, settings.store_limit))
        committer = SessionCommitter(
            self._namespace, session.store, codec(), clock=self._clock, guard=self._guard(), crash=session.crash
        )
        committer.pending.limit = self._settings.patience
        try:
            head = session.store.head()
            if head is not None:
                self._go_on(committer, session, head)
        except Exception as error:
            self._leave_alone(session, error)
            return
        self.session, self.committer = session, committer
        # It takes over the files that say how the process before ended.
        self.watch = Watch(session.folder)

    def _leave_alone(self, session: Session, error: Exception) -> None:
        """What we cannot restore, for a reason that nobody foresaw, must not be written over: go on without it."""
        what = str(error) if isinstance(error, StoreError) else f"a bug in Holdfast: {error!r}"
        self.problem = f"this session could not be restored and is left as it is, nothing is kept: {what}"
        self._tell(self.problem)
        self.count = 0
        session.close()

    def _go_on(self, committer: SessionCommitter, session: Session, head: Head) -> None:
        """Restore the newest commit, or leave it behind."""
        from msgspec.structs import replace

        from holdfast.app.died import TRIES, Trial, on_trial, read, was_restarted
        from holdfast.durable.restore import Restorer
        from holdfast.durable.verifier import Verifier
        from holdfast.durable.world import codec

        head, last, before = _left(session, head, self._clock)
        restorer = Restorer(committer, session.store, codec())
        wanted = self._wanted
        restarted = last == RESTARTED or (last != ENDED and was_restarted(session.folder))
        if restarted or wanted == "never" or (wanted == "crash" and last == ENDED):
            self._begin_clean(session, restorer, head, last)
            return
        trial = Trial(session.folder)
        if trial.deaths >= TRIES:
            trial.end()
            self._begin_clean(session, restorer, head, last)
            back = f"{head.epoch}:{head.count}" if head.count else f"@{head.number}"
            self._tell(
                f"the last {trial.deaths} kernels died before their first reply after this session was restored, so "
                f"this one begins clean: %checkout {back} brings the variables back"
            )
            return
        on_trial(trial)
        self.epoch = head.epoch
        restored = restorer.restore()
        if restored is None:
            return
        self.verifier = Verifier(committer, codec().lost, self._later, self._tell)
        self.verifier.start()
        # A cell that ended beside a later one is committed after it.
        self.count = max(restored.count, len(self._namespace.results.inputs) - 1)
        self.restored = replace(restored, count=self.count)
        if last != ENDED:
            self.restored = replace(self.restored, died=read(session.folder, before))
        self._tell_of_transactions(committer, session)
        if last != ENDED and (restored.kept or restored.lost):
            # A restart of a kernel that could not even hear of it looks like a crash, and is another wish.
            self._note(WAY_OUT)

    def _tell_of_transactions(self, committer: SessionCommitter, session: Session) -> None:
        """What was not committed is not here, and a policy that was chosen holds on."""
        if committer.policy:
            self._note(f"transactions are {committer.policy}, as before (%transaction commit_always for none)")
        if committer.policy or session.store.log(newest=1)[-1].status in (UNCOMMITTED, ENDED):
            from holdfast.durable.policies import left_behind

            found = left_behind(session.store.log(newest=LOOKED_BACK))
            if found:
                self._tell(f"{found} not committed before the kernel ended: what was done there is not here")

    def _begin_clean(self, session: Session, restorer: Restorer, head: Head, last: str) -> None:
        """Leave the variables behind: what is not in this namespace must not come back at the next start."""
        self.epoch = head.epoch + 1
        if last != RESTARTED:
            session.store.commit(last_commit(head, self.epoch, self._clock.date(), restart=True))
            head = session.store.head() or head
        restorer.pass_over(head)


def _left(session: Session, head: Head, clock: Clock) -> tuple[Head, str, int]:
    """(where to go on, how the session ended, the commit that its last cell followed at most).

    A cell that died while it went elsewhere has stored what it had done so far: that is no state to go on with.
    """
    store = session.store
    *earlier, last = store.log(newest=2)
    if last.status == BEFORE and earlier:
        from msgspec.json import decode

        from holdfast.durable.checkout import checkout_commit
        from holdfast.durable.reports import State

        target, state = store.at(head.number - 1), decode(head.state, type=State)
        store.commit(checkout_commit(head, target, state, CHECKOUT, clock.date(), head.count))
        return store.head() or head, last.status, target.number
    return head, last.status, head.number


def last_commit(head: Head, epoch: int, at: str, restart: bool) -> Commit:
    """The last commit of a kernel; one before a restart leaves no variable."""
    from holdfast.durable.store.port import Commit

    names: dict[str, int | None] = dict.fromkeys(head.names) if restart else {}
    tokens: dict[str, int | None] = dict.fromkeys(head.tokens) if restart else {}
    status = RESTARTED if restart else ENDED
    return Commit(head.count, epoch, "", status, at, (), names, tokens, head.state, ("", "", b""))
