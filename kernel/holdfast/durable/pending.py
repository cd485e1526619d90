"""What of a session is still being written beside the user: published when it is over, waited for where it must be.

It must never be waited for by a cell that cannot change it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from math import inf
from time import monotonic
from types import CodeType
from typing import TYPE_CHECKING, Protocol

from holdfast.durable.components import Index, name_of
from holdfast.durable.definitions import Definitions
from holdfast.durable.store.points import Crash
from holdfast.durable.store.port import Store
from holdfast.namespace.namespace import Namespace

if TYPE_CHECKING:
    import ast

    from holdfast.durable.patience import Patience
    from holdfast.durable.writer import Job


class Keeping(Protocol):
    """What is asked of the committer."""

    namespace: Namespace
    index: Index
    definitions: Definitions
    _owed: set[str]

    def _check(self, keys: Iterable[str]) -> set[str]:
        """Look at roots, and commit what changed."""


#: Seconds between two looks at whether somebody who waits was interrupted.
LOOK = 0.05


class Pending:
    """Of one session; nothing is imported for it before something large is stored.

    `limit`: seconds that a reply waits.  `ready` is called, on another thread, when something is to be published.
    """

    def __init__(self, store: Store, crash: Crash) -> None:
        self._store = store
        self._crash = crash
        self._made: Patience | None = None
        self._seconds = 0.0
        self.limit = inf
        self.ready: Callable[[], object] = lambda: None

    def __call__(self) -> Patience | None:
        """How long this commit waits; None where it always does."""
        if self._made is None and self.limit < inf:
            from holdfast.durable.patience import Patience
            from holdfast.durable.writer import Writer

            # What is large is not counted before it is written: the store refuses what has no room.
            beside = partial(self._store.put, within_budget=True)
            self._made = Patience(Writer(beside, lambda: self.ready(), self._crash), self._store.put, self.limit)
            self._made.begin(self._seconds)
        return self._made

    def begin(self, seconds: float) -> None:
        """A commit begins, of a cell that ran so long."""
        self._seconds = seconds
        if self._made is not None:
            self._made.begin(seconds)

    def keep(self, held: Mapping[str, str]) -> None:
        """Forget what is not waited for any more."""
        if self._made is not None and self._made.jobs:
            self._made.keep(held)

    @property
    def is_busy(self) -> bool:
        """Whether something is being written, or written and not published."""
        return self._made is not None and bool(self._made.jobs)

    def publish(self, keeper: Keeping) -> None:
        """Commit what is written.  On the main thread; what cannot be stored is owed by the next commit."""
        from holdfast.durable.writer import FAILED
        from holdfast.errors import StoreError

        patience = self._made
        if patience is None or not patience.over():
            return
        with keeper.namespace.lock:
            for job in patience.over():
                if job not in patience.jobs:
                    continue
                roots = job.roots
                if job.state == FAILED:
                    patience.fail(job)
                    keeper._owed.update(roots)
                    continue
                try:
                    keeper._check(roots)
                except StoreError:
                    patience.drop(job)
                    keeper._owed.update(roots)

    def must_wait(self, keeper: Keeping, codes: Sequence[CodeType], tree: ast.AST | None) -> list[Job]:
        """What is being written that this code can change."""
        if self._made is None or not self._made.pending:
            return []
        from holdfast.durable.away import Away
        from holdfast.durable.candidates import PURE, Candidates, uses
        from holdfast.durable.reach import is_exact

        with keeper.namespace.lock:
            proposed = Candidates(codes)
            levels = uses(tree) if tree is not None else {}
            shown = _only_shown(tree) if tree is not None else set()
            names = {
                name
                for name in proposed.names
                if not (levels.get(name) == PURE or name in shown)
                or not is_exact(type(keeper.namespace.dict.get(name)))
            }
            if tree is not None:
                names -= _only_bound(tree, proposed.bound)
            away = Away(keeper.namespace, keeper.index, keeper.definitions, names, proposed.dynamic)
            return [job for job in self._made.pending if any(map(away.leads_to, job.roots))]

    def wait(self, jobs: Sequence[Job], seconds: float = inf) -> bool:
        """Wait until they are written, at most so long: whether they are.  Ctrl-C is heard in between."""
        patience, until = self._made, monotonic() + seconds
        if patience is None:
            return True
        for job in jobs:
            while not patience.writer.wait(job, min(LOOK, max(0.0, until - monotonic()))):
                if monotonic() > until:
                    return False
        return True

    def flush(self, keeper: Keeping, seconds: float) -> bool:
        """Publish what can be written within so many seconds: whether that is all."""
        until = monotonic() + seconds
        while self._made is not None and self._made.jobs:
            waits = not self.wait(self._made.pending, until - monotonic())
            self.publish(keeper)
            if waits or (self._made.jobs and monotonic() > until):
                return False
        return True

    def rest(self, keeper: Keeping, seconds: float) -> frozenset[str]:
        """The roots of what could not be published within so many seconds."""
        self.flush(keeper, seconds)
        jobs = self._made.jobs if self._made is not None else ()
        return frozenset(root for job in jobs for root in job.roots)

    def end(self) -> None:
        """From now on everything is stored at once."""
        self.limit, self._made = inf, None

    def stop(self) -> bool:
        """Write nothing more; False where the disk does not even take the piece at hand."""
        return self._made is None or self._made.writer.stop()

    def names(self) -> list[str]:
        """The variables that are not written yet."""
        jobs = self._made.jobs if self._made is not None else ()
        return sorted({name for job in jobs for key in job.keys if (name := name_of(key)) is not None})


def _only_bound(tree: ast.AST, bound: set[str]) -> set[str]:
    """Names that code binds or deletes and never reads: that leaves the value as it is."""
    import ast

    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    again = {
        node.target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)
    }
    return bound - read - again


def _only_shown(tree: ast.AST) -> set[str]:
    """The name that is a cell's whole last expression, if nothing else of the cell reads it."""
    import ast

    last = tree.body[-1] if isinstance(tree, ast.Module) and tree.body else None
    if not isinstance(last, ast.Expr) or not isinstance(last.value, ast.Name):
        return set()
    uses = sum(isinstance(node, ast.Name) and node.id == last.value.id for node in ast.walk(tree))
    return {last.value.id} if uses == 1 else set()
