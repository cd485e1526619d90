"""What magics and `!command` are given when the first one is used in a cell.

It must never import what they are given before.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from holdfast.app.surroundings import CellSurroundings
from holdfast.executor.runner import Runner
from holdfast.executor.source import Sources
from holdfast.language.history import History
from holdfast.magics.options import Options
from holdfast.magics.registry import Magics
from holdfast.namespace.namespace import Namespace
from holdfast.stdin.prompts import Prompts


def cell_kernel(
    runner: Callable[[], Runner],
    namespace: Namespace,
    sources: Sources,
    surroundings: CellSurroundings,
    magics: Magics,
    options: Options,
    history: History,
    prompts: Prompts,
) -> object:
    """The kernel as magics see it: a `magics.port.Kernel`."""
    from holdfast.app.cellkernel import CellKernel
    from holdfast.executor.pieces import Pieces

    pieces = Pieces(runner, namespace.dict, sources, surroundings)
    return CellKernel(namespace, magics, options, history, pieces, surroundings, prompts)


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
