"""Going to another commit from within a cell: where from it may be asked, what it leads to, what is shown of it.

It must never be done beside the cell of the main thread: whoever else runs goes on with the values of before.
"""

from __future__ import annotations

import ast
import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import to_builtins
from msgspec.structs import replace

from holdfast.durable.changes import told
from holdfast.durable.checkout import Switch
from holdfast.durable.reports import CHECKOUT, UNDO, Cell, Switched
from holdfast.durable.timeline import Timeline
from holdfast.durable.verifier import Verifier
from holdfast.durable.world import codec
from holdfast.errors import CellError
from holdfast.executor.compile import Unit
from holdfast.executor.interrupt import protected
from holdfast.executor.outcome import Job
from holdfast.magics.parse import MAGIC
from holdfast.output.display import publish_display_data

if TYPE_CHECKING:
    from holdfast.durable.audit import Keeper

# Between the commit and the last name bound nothing may be raised, nor while a checkout that failed is taken back.
for _function in (Switch._finish, Switch._put_back):
    protected(_function)


class NotHere(CellError):
    """A checkout was asked for where it cannot be done."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"%checkout and %undo work in a cell of the main thread only: {self.reason}"


#: What to do where it is asked beside the main thread's cell.
ELSEWHERE = "take away %%thread or %%bg, or leave the subshell or the thread that asks"


def verifier(keeper: Keeper, later: Callable[[Callable[[], None]], object], tell: Callable[[str], None]) -> Verifier:
    """Who verifies what a checkout mapped."""
    return Verifier(keeper, codec().lost, later, tell)


def show(switched: Switched, text: str) -> None:
    """Show it below the cell that asked."""
    publish_display_data({"text/plain": text}, {"holdfast": {"checkout": to_builtins(switched)}})


def travel(
    keeper: Keeper, date: Callable[[], str], address: str, epoch: int, job: Job, unit: Unit | None, live: bool
) -> tuple[Switched, str]:
    """Go where `address` says, or with an empty one to before the last cell; what was done, and it in words.

    `job` is the cell that asks, `live` whether tasks or threads of the user's run beside it.
    """
    store = keeper.store
    timeline = Timeline(store.log())
    undone = None
    if address:
        number, status = timeline.resolve(address), CHECKOUT
    else:
        (number, undone), status = timeline.before_last(), UNDO
    running = Cell(job.count, job.code if job.stored else "", epoch=epoch)
    switched = Switch(keeper, codec(), date).to(
        number,
        running,
        timeline.inputs(number, store.states()),
        ran=live or not _comes_first(unit),
        status=status,
    )
    switched = replace(switched, running=_beside())
    return switched, told(switched, status, undone, date())


def _comes_first(unit: Unit | None) -> bool:
    """Whether the cell's first statement is the one that goes elsewhere, so that it has done nothing before."""
    if unit is None or not unit.tree.body:
        return False
    first = unit.tree.body[0]
    if not isinstance(first, ast.Expr) or not isinstance(first.value, ast.Call):
        return False
    call = first.value
    if not all(isinstance(argument, ast.Constant) for argument in call.args) or call.keywords:
        return False
    if isinstance(call.func, ast.Name):
        return call.func.id == MAGIC
    return isinstance(call.func, ast.Attribute) and ast.unparse(call.func) in _CALLS


_CALLS = frozenset({"holdfast.session.checkout", "holdfast.session.undo", "session.checkout", "session.undo"})


def _beside() -> tuple[str, ...]:
    """Threads and tasks of the user's, in words."""
    main = threading.main_thread()
    found = [
        f"thread {thread.name}"
        for thread in threading.enumerate()
        if thread is not main and not thread.name.startswith("holdfast-")
    ]
    try:
        current = asyncio.current_task()
        found += [f"task {task.get_name()}" for task in asyncio.all_tasks() if task is not current]
    except RuntimeError:
        pass
    return tuple(sorted(found))
