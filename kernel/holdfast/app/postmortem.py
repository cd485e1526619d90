"""The debugger of cells: where it comes in, and what is done about it after each cell.

It must never import a debugger for a kernel whose cells use none.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from holdfast.app.surroundings import CellSurroundings
from holdfast.compat.finder import when_imported
from holdfast.errors import StdinNotImplementedError
from holdfast.executor.outcome import Job


def install(labels: Mapping[str, str], touched: Callable[[], None], surroundings: CellSurroundings) -> None:
    """`pdb`, `ipdb` and IPython find it when they are imported; `touched` is told when variables may be others."""

    def debugger() -> Any:
        from holdfast.magics.builtin import debugger

        debugger.labels, debugger.touched = labels, touched
        return debugger

    def adopt(module: ModuleType) -> None:
        debugger().adopt(module)

    def adopt_ipdb(module: ModuleType) -> None:
        debugger().adopt_ipdb(module)

    def adopt_ipython(module: ModuleType) -> None:
        debugger().adopt_ipython(module)

    when_imported("pdb", adopt)
    when_imported("ipdb", adopt_ipdb)
    when_imported("IPython.core.debugger", adopt_ipython)
    surroundings.around.append(PostMortem(surroundings))


class PostMortem:
    """After a cell: nothing of it is traced any more, and with `%pdb on` its error is looked at."""

    def __init__(self, surroundings: CellSurroundings) -> None:
        self._surroundings = surroundings
        self._last: BaseException | None = None

    def before(self, job: Job) -> None:
        """Remember what the last error was."""
        self._last = getattr(sys, "last_exc", None)

    def after(self, job: Job, failed: bool) -> None:
        """Stop tracing; open the debugger where the person wants it and can answer."""
        if "bdb" in sys.modules and isinstance(getattr(sys.gettrace(), "__self__", None), sys.modules["bdb"].Bdb):
            sys.settrace(None)
        error, last, self._last = getattr(sys, "last_exc", None), self._last, None
        if type(error).__name__ == "BdbQuit" and last is not None:
            sys.last_exc = sys.last_value = error = last
            sys.last_type, sys.last_traceback = type(last), last.__traceback__
            return
        if not failed or not self._surroundings.options.pdb or error is None or error.__traceback__ is None:
            return
        if isinstance(error, SystemExit | KeyboardInterrupt | SyntaxError):
            return
        import pdb  # noqa: T100 - the person wants it

        try:
            print(f"{type(error).__name__}: {error}")
            pdb.post_mortem(error if sys.version_info >= (3, 13) else error.__traceback__)
        except StdinNotImplementedError:
            return
