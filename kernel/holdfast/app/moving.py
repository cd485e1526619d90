"""Going on with another session, or with one's own anew: between two cells, never within one.

It must never be done while a cell runs: what the rest of the cell left would belong to neither session.  So a cell
that asks for it has to be nothing else, and it is done when that cell is committed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from holdfast.clock import Clock
from holdfast.errors import CellError, StoreError
from holdfast.executor.runner import Runner
from holdfast.magics.parse import sole_magic
from holdfast.namespace.namespace import Namespace

if TYPE_CHECKING:
    from typing import Literal, Protocol

    from holdfast.app.claim import Claim
    from holdfast.app.settings import Restore
    from holdfast.app.transacting import CellTransactions
    from holdfast.durable.commit import SessionCommitter
    from holdfast.durable.folder import Session

    class Movable(Protocol):
        """What can be left and opened: the durable session of a kernel."""

        @property
        def claim(self) -> Claim | None: ...
        @property
        def committer(self) -> SessionCommitter | None: ...
        @property
        def transactions(self) -> CellTransactions: ...
        def overview(self) -> object: ...
        def leave(self, restart: bool, keep: bool = True) -> None: ...
        def go_on_with(self, claim: Claim, opened: Callable[[], Session], wanted: Restore | None = None) -> None: ...


#: Seconds that the audit may take before a session is left.
PATIENCE = 5.0


class CannotMove(CellError):
    """`%session new` or `%session attach` where it cannot be done."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"this kernel stays with its session: {self.reason}"


class Moves:
    """Every method runs on the main thread, which made it."""

    def __init__(self, kept: Movable, namespace: Namespace, runner: Callable[[], Runner], clock: Clock) -> None:
        self._kept = kept
        self._namespace = namespace
        self._runner = runner
        self._clock = clock
        self._main = threading.get_ident()
        self._next: Session | Literal["new"] | None = None

    @property
    def is_due(self) -> bool:
        """Whether the cell that ended asked for it."""
        return self._next is not None

    def attach(self, name: str) -> str:
        """After this cell go on with the session that `name` leads to; said in words."""
        self._next = session = self._claim().attach(name)
        head = session.store.head()
        as_of = f", as of cell [{head.count}]" if head is not None else ""
        return f"from the next cell on this is the session {session.name!r}{as_of}"

    def begin_anew(self) -> str:
        """After this cell go on without a variable; said in words."""
        self._claim()
        self._next = "new"
        return "from the next cell on there are no variables; %session log shows how to come back to those of before"

    def _claim(self) -> Claim:
        runner, claim = self._runner(), self._kept.claim
        if claim is None:
            raise CannotMove(str(self._kept.overview()))
        if (
            threading.get_ident() != self._main
            or runner.running is None
            or sole_magic(runner.running.code) != "session"
        ):
            raise CannotMove("this has to be the only line of its cell")
        self._kept.transactions.refuse_others()
        return claim

    def move(self, failed: str) -> None:
        """Do what the cell asked for, unless its commit failed: what is not on the disk cannot be left."""
        following, self._next = self._next, None
        claim, committer = self._kept.claim, self._kept.committer
        if claim is None or committer is None or following is None:
            return
        if failed:
            if following != "new":
                following.close()
            return
        until = self._clock.monotonic() + PATIENCE
        committer.audit(lambda: self._clock.monotonic() > until)
        committer.ambient.switch({}, ("@aplace", "@arcparams", "@apandas", "@aprint"))
        # Nobody knows the name of a console's session: without a variable there is nothing to come back to.
        keep = not claim.ephemeral or any(self._namespace.visible())
        self._kept.leave(following == "new", keep)
        self._namespace.clear()
        # Whoever names a session wants what is in it, however it ended.
        self._kept.go_on_with(claim, claim.again if following == "new" else partial(claim.take, following), "always")

    def of_cell(self, cell_id: str, tell: Callable[[str], None]) -> bool:
        """The first cell of a kernel that nobody named says whose it is: whether that is another session than this."""
        claim = self._kept.claim
        if claim is None:
            return False
        try:
            session = claim.of_cell(cell_id)
        except StoreError as error:
            tell(str(error))
            return False
        if session is not None:
            # What the client did unseen, before the first cell.
            silent = {name: self._namespace.dict[name] for name in self._namespace.visible()}
            self._kept.leave(restart=False, keep=False)
            self._kept.go_on_with(claim, lambda: session)
            self._namespace.dict.update(silent)
        return session is not None
