"""What magics and `!command` are given when the first one is used in a cell.

It must never import what they are given before.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from holdfast import cell
from holdfast.app.surroundings import CellSurroundings, live_tasks
from holdfast.executor.compile import SHOW
from holdfast.executor.runner import Runner
from holdfast.executor.source import Sources
from holdfast.language.history import History
from holdfast.magics.parse import CELL, MAGIC, SHELL, SHELL_LINES, Asked
from holdfast.magics.registry import CellCalls, Magics
from holdfast.namespace.namespace import Namespace
from holdfast.stdin.prompts import Prompts


def cell_kernel(
    runner: Callable[[], Runner],
    namespace: Namespace,
    sources: Sources,
    surroundings: CellSurroundings,
    magics: Magics,
    history: History,
    prompts: Prompts,
) -> object:
    """The kernel as magics see it: a `magics.port.Kernel`."""
    from holdfast.app.cellkernel import CellKernel
    from holdfast.executor.pieces import Pieces

    pieces = Pieces(runner, namespace.dict, sources, surroundings)
    return CellKernel(namespace, magics, magics.options, history, pieces, surroundings, prompts)


def meaning(magics: Magics, namespace: Namespace) -> Asked:
    """What the meaning of a cell depends on besides its text."""
    return Asked(lambda: bool(live_tasks()), lambda word: magics.means(word, namespace.dict), magics.is_async)


def magic_builtins(runner: Callable[[], Runner], magics: Magics) -> dict[str, object]:
    """The builtins that lowered lines call."""
    shells = Shells(lambda: magics.kernel)
    cell.register = partial(_register, magics)
    return {
        MAGIC: magics,
        CELL: CellCalls(magics),
        SHELL: shells,
        SHELL_LINES: shells.lines,
        SHOW: lambda value: runner().show(value),
        # Notebooks read `_dh[0]` for the folder that they were opened in; `%cd` keeps a list of its own.
        "_dh": [_here()],
    }


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return "."


def _register(magics: Magics, function: Callable[..., object], name: str, kind: Any) -> None:
    """See `cell.register_magic`."""
    from holdfast.magics.own import register

    register(magics, function, name, kind)


class Shells:
    """Calls the shell of `magics.shell`."""

    def __init__(self, kernel: Callable[[], Any]) -> None:
        self._kernel = kernel
        self._made: Any = None

    def _shell(self) -> Any:
        if self._made is None:
            from holdfast.magics.shell import Shell

            self._made = Shell(self._kernel())
        return self._made

    def __call__(self, command: str) -> object:
        """`!command`."""
        return self._shell()(command)

    def lines(self, command: str) -> object:
        """`!!command` and `x = !command`."""
        return self._shell().lines(command)

    def awaited(self, command: str) -> Awaitable[object]:
        """`!command` where the loop goes on beside it."""
        awaitable: Awaitable[object] = self._shell().awaited(command)
        return awaitable
