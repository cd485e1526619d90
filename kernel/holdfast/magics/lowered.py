"""What the text of a cell is lowered to, and what its meaning depends on besides the text.

It must never import anything that takes time: every kernel needs it at its start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

#: The builtin that a lowered help line calls: (text of the object, detail level).
HELP = "__holdfast_help__"
#: The builtin that a lowered `%name rest` calls: (name, rest).
MAGIC = "__holdfast_magic__"
#: The builtin that a lowered `%%name rest` calls: (name, rest, the lines below).
CELL = "__holdfast_cell_magic__"
#: The builtins that `!cmd`, and `!!cmd` and `x = !cmd`, call: (command).
SHELL = "__holdfast_shell__"
SHELL_LINES = "__holdfast_shell_lines__"
#: Cell magics that say how their cell runs; they are read before anything of it runs, and are in no registry.
MODES = ("thread", "bg", "transaction")


class Lowered(NamedTuple):
    """Python text with the cell's line numbers, and what its first lines ask for.

    `mode` is "", "thread" or "bg"; `transaction` what follows `%%transaction`, None for a cell without one;
    `wrappers` are the magics that the cell runs inside, outermost first: (name, rest of the line).
    """

    code: str
    mode: str = ""
    transaction: str | None = None
    wrappers: tuple[tuple[str, str], ...] = ()


def _no(_word: str = "") -> bool:
    return False


class Asked:
    """What the meaning of a cell depends on besides its text; each is asked only where it matters.

    `tasks_alive`: whether tasks are alive on the loop, so that `!cmd` lets them go on; `is_magic`: whether a word that
    begins a line is meant as a magic, as one has this name and no variable has; `is_async`: whether `%name` or
    `%%name` (the marks included) is an `async def`.
    """

    __slots__ = ("is_async", "is_magic", "tasks_alive")

    def __init__(
        self,
        tasks_alive: Callable[[], bool] = _no,
        is_magic: Callable[[str], bool] = _no,
        is_async: Callable[[str], bool] = _no,
    ) -> None:
        self.tasks_alive = tasks_alive
        self.is_magic = is_magic
        self.is_async = is_async

    def off_the_loop(self) -> Asked:
        """The same for code that no loop waits for."""
        return Asked(_no, self.is_magic, self.is_async)


def call(builtin: str, given: tuple[str, ...], awaited: bool = False) -> str:
    """The text of a call of one of these builtins; `awaited`: of one that gives something to wait for."""
    return f"{'await ' if awaited else ''}{builtin}{'.awaited' if awaited else ''}({', '.join(map(repr, given))})"
