"""When what a cell changed is kept: the four policies, per session, cell and block.

It must never make durable what a transaction has not committed, and never leave half of a rollback: who is
interrupted in one sees it to its end first.

    commit_always        kept and durable, whether the code fails or not (what every cell does without a transaction)
    commit_on_success    durable when the code succeeds; after an error it stays in memory, and is not durable
    rollback_on_failure  durable when the code succeeds; after an error everything is as it was before
    explicit             nothing is durable before `commit()`; `rollback()` goes back to the last commit

A transaction within another is a part of it: what it rolls back is rolled back, what it commits becomes durable with
the one around it.  All methods run on the main thread unless they say otherwise.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import CodeType, FrameType
from typing import TYPE_CHECKING

from msgspec.structs import replace

from holdfast.durable.candidates import Candidates
from holdfast.durable.components import key_of, name_of
from holdfast.durable.policies import (
    ALWAYS,
    EXPLICIT,
    ON_SUCCESS,
    ROLLBACK,
    NotCommitted,
    NoTransaction,
    TransactionOpen,
    parse,
)
from holdfast.durable.port import Done
from holdfast.durable.preimage import PreImage, RolledBack
from holdfast.durable.reports import COMMITTED, ROLLED_BACK, UNCOMMITTED, Cell
from holdfast.durable.store.points import Point, go_on
from holdfast.errors import StoreError
from holdfast.namespace.namespace import Namespace

if TYPE_CHECKING:
    import ast

    from holdfast.durable.commit import SessionCommitter


class Running(Cell, frozen=True):
    """The main thread's cell while it runs, with its policy."""

    policy: str = ALWAYS
    best_effort: bool = False


class Block:
    """A `with holdfast.transaction()` that is under way; `image` is its state to go back to, where it needs one."""

    __slots__ = ("policy", "best_effort", "frame", "image")

    def __init__(self, policy: str, best_effort: bool, frame: FrameType) -> None:
        self.policy = policy
        self.best_effort = best_effort
        self.frame = frame
        self.image: PreImage | None = None


class Transactions:
    """Those of one session; without a committer only what is in memory is rolled back."""

    def __init__(
        self,
        namespace: Namespace,
        committer: SessionCommitter | None,
        live: Callable[[], bool] = lambda: False,
    ) -> None:
        self._namespace = namespace
        self._committer = committer
        self._live = live
        self._crash = committer.crash if committer is not None else go_on
        self._main = threading.get_ident()
        #: Of cells that name none.
        self.policy, self.best_effort = ALWAYS, False
        self._running: Running | None = None
        #: Of the running cell, and of the session since its last commit.
        self._cell: PreImage | None = None
        self._open: PreImage | None = None
        #: Cells that have run and are not durable.
        self._held: list[Cell] = []
        self._blocks: list[Block] = []
        #: Whether the running cell is not to become durable; whether it has committed.
        self._kept_back = self._has_committed = False

    @property
    def uncommitted(self) -> tuple[int, ...]:
        """The counts of the cells that are not durable yet."""
        return tuple(dict.fromkeys(cell.count for cell in self._held))

    @property
    def is_open(self) -> bool:
        """Whether nothing may become durable before it is committed."""
        return self._open is not None

    @property
    def holds(self) -> bool:
        """Whether something that cells did is held back."""
        return self._open is not None or bool(self._held)

    def refuse_others(self) -> None:
        """Raise `TransactionOpen` where a checkout would change what a transaction is to commit or put back."""
        if self.holds or self._cell is not None or self._blocks:
            raise TransactionOpen(self.uncommitted)

    def choose(self, words: str) -> None:
        """Set the policy of the cells that follow; raises `UnknownPolicy`, `TransactionOpen`."""
        policy, best_effort = parse(words)
        if self._held and self.is_open and policy != EXPLICIT:
            raise TransactionOpen(self.uncommitted)
        if policy != EXPLICIT and not self._held:
            self._open = None
            if self._running is not None and self._running.policy == EXPLICIT:
                self._running = replace(self._running, policy=policy)
        self.policy, self.best_effort = policy, best_effort
        if self._committer is not None:
            self._committer.policy = "" if policy == ALWAYS else f"{policy} best_effort" if best_effort else policy

    # ------------------------------------------------------------ cells

    def begin(self, cell: Running) -> None:
        """The main thread's cell is compiled and about to run; raises `TransactionRefused`, and then it must not."""
        self._running, self._cell = None, None
        self._kept_back = self._has_committed = False
        opened = self._open
        if cell.policy == EXPLICIT and opened is None:
            opened = self._image()
        if opened is not None:
            opened.take(cell.codes, best_effort=cell.best_effort)
        if cell.policy == ROLLBACK:
            self._cell = self._image()
            self._cell.take(cell.codes, best_effort=cell.best_effort)
        self._open, self._running = opened, cell
        if opened is not None or self._cell is not None:
            self._crash(Point.IMAGED)

    def _image(self) -> PreImage:
        return PreImage(self._namespace, self._committer, self._crash)

    def end(self, failed: bool) -> RolledBack | None:
        """It is over; what was rolled back."""
        image, self._cell = self._cell, None
        self._blocks.clear()
        return image.roll_back() if failed and image is not None else None

    def commit(self, cell: Cell, done: Done, report: RolledBack | None, mine: bool) -> None:
        """Commit a cell as far as it may be; `mine` says that it is the one that `begin` was told of."""
        committer = self._committer
        assert committer is not None
        running = self._running if mine else None
        notes: dict[str, object] = {}
        if report is not None:
            from msgspec import to_builtins

            notes["rolled_back"] = to_builtins(report)
            cell = replace(cell, status=ROLLED_BACK)
        failed = cell.status == "error"
        held = self._kept_back or (running is not None and running.policy == ON_SUCCESS and failed)
        if self.is_open:
            nothing = not cell.codes or report is not None
            held = not (nothing or (self._has_committed and mine and not self._changes(committer, cell)))
        if mine:
            self._running, self._kept_back, self._has_committed = None, False, False

        def noted(note: Mapping[str, object], reason: str) -> None:
            done({**notes, **note}, reason)

        if held:
            self._hold(committer, cell, noted)
        elif self.is_open and self._held:
            self._note(committer, cell, noted)
        else:
            self._open = None
            self._commit(committer, cell, noted)

    def _commit(self, committer: SessionCommitter, cell: Cell, done: Done) -> None:
        def noted(note: Mapping[str, object], reason: str) -> None:
            if not reason:
                self._held.clear()
            done(note, reason)

        committer.commit(_together((*self._held, cell), cell) if self._held else cell, noted)

    def _hold(self, committer: SessionCommitter, cell: Cell, done: Done) -> None:
        """Write that it has run, and nothing of what it did."""
        self._held.append(cell)
        self._note(committer, replace(cell, status=UNCOMMITTED), done)

    def _note(self, committer: SessionCommitter, cell: Cell, done: Done) -> None:
        self._crash(Point.HELD)
        try:
            if cell.code:
                committer.note(cell)
        except StoreError as error:
            done({"durable": "failed", "uncommitted": list(self.uncommitted)}, str(error))
            return
        done({"uncommitted": list(self.uncommitted)} if self._held else {}, "")

    @staticmethod
    def _changes(committer: SessionCommitter, cell: Cell) -> bool:
        """Whether the cell changed anything that the commit within it did not take in."""
        proposed, by_root = Candidates(cell.codes), committer.index.by_root
        if proposed.dynamic:
            return True
        keys = map(key_of, proposed.names)
        draft = committer.preview({key for key in keys if key in by_root or name_of(key) in committer.namespace.dict})
        return bool(draft.records or draft.names or draft.tokens)

    # ------------------------------------------------------------ what user code asks for

    def commit_now(self) -> None:
        """Make everything durable as it is now, and go on from here; raises NoTransaction, NotCommitted."""
        if self._blocks:
            raise NoTransaction("within a `with holdfast.transaction() as t` block, call t.commit()")
        self._needs_main("commit()")
        self._make_durable()
        self._from_here()

    def roll_back_now(self) -> RolledBack:
        """Go back to the last commit, or to the beginning of the running cell; raises NoTransaction."""
        if self._blocks:
            raise NoTransaction("within a `with holdfast.transaction() as t` block, call t.rollback()")
        self._needs_main("rollback()")
        image = self._cell or self._open
        if image is None:
            raise NoTransaction(
                "there is nothing to go back to: no cell since the last commit ran with %transaction explicit, and "
                "this one does not run with %%transaction rollback_on_failure"
            )
        report = image.roll_back()
        if image is self._open:
            self._held.clear()
            self._has_committed = True
        self._from_here()
        return report

    def _needs_main(self, what: str) -> None:
        if threading.get_ident() != self._main:
            raise NoTransaction(
                f"{what} works on the main thread only: not in %%thread, a subshell or a thread of yours"
            )

    def _from_here(self) -> None:
        """The images begin anew."""
        running = self._running
        if running is None:
            self._open = None
            return
        if self._open is not None:
            self._open = None
            if running.policy == EXPLICIT or self.policy == EXPLICIT:
                self._open = self._image()
                self._open.take(running.codes, best_effort=True)
        if self._cell is not None:
            self._cell = self._image()
            self._cell.take(running.codes, best_effort=True)

    def _make_durable(self, codes: Iterable[CodeType] = ()) -> None:
        """Commit what the cells that are held and the running one did so far."""
        committer, running = self._committer, self._running
        if committer is None:
            return
        parts: list[Cell] = [*self._held, *([running] if running is not None else [])]
        # Its number is that of the last cell: this one has not ended.
        cell = Cell(committer.count, codes=tuple(codes), status=COMMITTED, live=self._live())
        cell = _together((*parts, cell), cell)
        cell = replace(cell, epoch=running.epoch if running is not None else committer.epoch, code="")
        problems: list[str] = []
        committer.commit(cell, lambda note, reason: problems.append(reason))
        if problems[0]:
            raise NotCommitted(problems[0])
        self._held.clear()
        self._has_committed = True

    # ------------------------------------------------------------ blocks

    def enter(self, policy: str, best_effort: bool, frame: FrameType) -> Block:
        """A block begins in `frame`; raises `UnknownPolicy`, `TransactionRefused`.  On any thread."""
        policy, _ = parse(policy)
        block = Block(policy, best_effort, frame)
        self._take(block)
        self._blocks.append(block)
        return block

    def _take(self, block: Block, best_effort: bool = False) -> None:
        if block.policy in (ROLLBACK, EXPLICIT):
            image = self._image()
            image.take((block.frame.f_code,), _held_by(block.frame), block.best_effort or best_effort)
            block.image = image

    def leave(self, block: Block, failed: bool) -> RolledBack | None:
        """It ends; what was rolled back.  On any thread."""
        outermost = self._is_outermost(block)
        if block in self._blocks:
            self._blocks.remove(block)
        if block.image is not None:
            return block.image.roll_back() if failed or block.policy == EXPLICIT else None
        if failed and block.policy == ON_SUCCESS:
            self._kept_back = self._kept_back or outermost
        elif outermost:
            self._make_durable((block.frame.f_code,))
        return None

    def commit_block(self, block: Block) -> None:
        """What it did so far stays: durable now, unless something is around it.  On any thread."""
        if self._is_outermost(block):
            self._make_durable((block.frame.f_code,))
        self._take(block, best_effort=True)

    def roll_back_block(self, block: Block) -> RolledBack:
        """Go back to where it began, or to its last commit; raises NoTransaction.  On any thread."""
        if block.image is None:
            raise NoTransaction(f"a transaction {block.policy} keeps nothing to go back to: use rollback_on_failure")
        return block.image.roll_back()

    def _is_outermost(self, block: Block) -> bool:
        """Whether its commits are the session's: nothing is around it that could still roll back."""
        running = self._running
        alone = all(other is block for other in self._blocks)
        mine = threading.get_ident() == self._main and running is not None and running.policy == ALWAYS
        return alone and mine and not self.is_open


def _held_by(frame: FrameType) -> list[object]:
    """The local objects of a function's frame."""
    return [] if frame.f_locals is frame.f_globals else list(frame.f_locals.values())


def _together(cells: Sequence[Cell], last: Cell) -> Cell:
    """One cell that did what several did, with the name of the last."""
    trees = [cell.tree for cell in cells if cell.tree is not None]
    tree: ast.Module | None = None
    if trees:
        tree = type(trees[0])([statement for one in trees for statement in one.body], [])
    return Cell(
        count=last.count,
        code=last.code,
        codes=tuple(dict.fromkeys(code for cell in cells for code in cell.codes)),
        tree=tree,
        status=last.status,
        seconds=sum(cell.seconds for cell in cells),
        epoch=last.epoch,
        promise=last.promise,
        live=any(cell.live for cell in cells),
        beside=last.beside,
    )
