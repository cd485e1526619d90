"""Transactions in code: `holdfast.transaction()`, `holdfast.commit()` and `holdfast.rollback()`.

It must never hold the kernel: cells keep a `Transaction` in a variable, which is walked and stored.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Generator
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, cast

from holdfast import cell as _cell
from holdfast.errors import CellError

if TYPE_CHECKING:
    from holdfast.durable.preimage import RolledBack
    from holdfast.durable.transactions import Block, Transactions

Policy = Literal["commit_always", "commit_on_success", "rollback_on_failure", "explicit"]
#: Blocks that are under way, by the number in their `Transaction`.
_blocks: dict[int, Block] = {}


class OutsideTransaction(CellError):
    """`commit()` or `rollback()` of a transaction that has not begun or is over, or outside a kernel."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class Transaction:
    """What `with holdfast.transaction() as t` gives.

    `status` is "new", "open", "kept" or "rolled back"; `rolled_back` says, after a rollback, what it did.
    """

    __slots__ = ("policy", "best_effort", "status", "rolled_back", "_number")

    def __init__(self, policy: str, best_effort: bool, status: str = "new") -> None:
        self.policy = policy
        self.best_effort = best_effort
        self.status = status
        self.rolled_back: RolledBack | None = None
        self._number = 0

    def commit(self) -> None:
        """Keep what was done so far: a rollback comes back to here.

        It is durable now, unless the block is part of another transaction.  Raises CellError, StoreError.
        """
        _kernel().commit_block(self._block())

    def rollback(self) -> RolledBack:
        """Undo what was done since the block began, or since its last `commit()`; the block goes on."""
        self.rolled_back = _kernel().roll_back_block(self._block())
        return self.rolled_back

    def _block(self) -> Block:
        found = _blocks.get(self._number)
        if found is None:
            raise OutsideTransaction(
                f"this transaction is {self.status}: it is entered by `with`, and ends with its block"
            )
        return found

    def _enter(self, frame: FrameType) -> None:
        if self.status == "open":
            raise OutsideTransaction("this transaction is open: each `with` needs a transaction() of its own")
        block = _kernel().enter(self.policy, self.best_effort, frame)
        self._number, self.status = id(block), "open"
        _blocks[self._number] = block

    def __enter__(self) -> Self:
        self._enter(sys._getframe(1))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        block = _blocks.pop(self._number)
        self.status = "ended"
        report = _kernel().leave(block, kind is not None)
        self.status = "kept" if report is None else "rolled back"
        self.rolled_back = report or self.rolled_back
        if report is not None and error is not None:
            error.add_note(str(report))

    def __aenter__(self) -> Awaitable[Self]:
        self._enter(sys._getframe(1))
        return _Now(self)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, at)

    def __repr__(self) -> str:
        return f"<transaction {self.policy}, {self.status}>"

    def __reduce__(self) -> tuple[Callable[..., Transaction], tuple[Any, ...]]:
        return Transaction, (self.policy, self.best_effort, "over" if self.status == "open" else self.status)


class _Now[T]:
    """An awaitable that is there: the frame that awaits it is that of the block, not of a coroutine of ours."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def __await__(self) -> Generator[None, None, T]:
        yield from ()
        return self._value


def transaction(policy: Policy = "rollback_on_failure", *, best_effort: bool = False) -> Transaction:
    """A transaction for `with` and `async with`.

    Variables and the objects that the block's code can reach are put back, in place, when it fails
    (`rollback_on_failure`) or when it ends without `commit()` (`explicit`).  A block that could change what cannot be
    put back is refused before it begins; with `best_effort` it runs, and what could not be is named.
    """
    return Transaction(policy, best_effort)


def commit() -> None:
    """Make durable what was done so far; the end of what an explicit transaction holds back."""
    _kernel().commit_now()


def rollback() -> RolledBack:
    """Go back to the last commit of an explicit transaction, or to the beginning of this cell."""
    return _kernel().roll_back_now()


def _kernel() -> Transactions:
    if _cell.transactions is None:
        raise OutsideTransaction("transactions work in a cell of a Holdfast kernel only")
    return cast("Transactions", _cell.transactions())
