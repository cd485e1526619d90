"""The kernel as magics and libraries see it from inside a cell; see `magics.port.Kernel`.

It must never be made before the first magic is used: a kernel whose cells have none imports nothing for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from holdfast import cell
from holdfast.app.shelf import Shelf
from holdfast.compat import figures
from holdfast.executor.compile import Unit, compile_cell
from holdfast.executor.interrupt import interruptible, protected
from holdfast.executor.pieces import Pieces
from holdfast.magics.options import Options
from holdfast.magics.registry import Magics
from holdfast.namespace.namespace import Namespace
from holdfast.output import display
from holdfast.stdin.prompts import Prompts

if TYPE_CHECKING:
    from holdfast.app.surroundings import CellSurroundings
    from holdfast.language.history import History


class CellKernel:
    """Implements `magics.port.Kernel`."""

    def __init__(
        self,
        namespace: Namespace,
        magics: Magics,
        options: Options,
        history: History,
        pieces: Pieces,
        surroundings: CellSurroundings,
        prompts: Prompts,
    ) -> None:
        self.scope = namespace
        self.namespace: dict[str, Any] = namespace.dict
        self.shelf = Shelf(os.environ)
        self.configurables: dict[str, object] = {"InteractiveShell": options, "InlineBackend": figures.settings}
        self.magics = magics
        self.options = options
        self.history = history
        self.formatters = surroundings.formatters
        self._pieces = pieces
        self._surroundings = surroundings
        self._prompts = prompts

    @property
    def last_error(self) -> BaseException | None:
        """The exception of the last cell that failed."""
        return getattr(sys, "last_exc", None)

    def run(self, code: str, *, filename: str = "", line: int = 1) -> object:
        """See the port."""
        return self._pieces.run(code, filename, line)

    def run_async(self, code: str, *, filename: str = "", line: int = 1) -> Awaitable[object]:
        """See the port."""
        return self._pieces.run_async(code, filename, line)

    def touched(self, *names: str) -> None:
        """See the port: said as code that binds these names, or that can reach all."""
        self._pieces.took(_naming(names))

    def ran(self, code: str) -> None:
        """See the port."""
        self._pieces.took(compile_cell(self._surroundings.lower(code).code, "<magic>"))

    def interruptible[F: Callable[..., Any]](self, function: F) -> F:
        """See the port."""
        return interruptible(function)

    def inline_figures(self) -> None:
        """See the port."""
        figures.activate()

    def flush_figures(self) -> None:
        """See the port."""
        if "matplotlib" in sys.modules:
            figures.flush_figures()

    def display(self, *values: object, **options: Any) -> object:
        """See the port."""
        return display.display(*values, **options)

    def publish(
        self,
        msg_type: str,
        content: Mapping[str, object],
        metadata: Mapping[str, object] | None = None,
        buffers: Sequence[bytes | memoryview] | None = None,
    ) -> None:
        """See the port."""
        self._surroundings.publish(msg_type, content, metadata, buffers)

    def ask(self, prompt: str, password: bool = False) -> str:
        """See the port."""
        return self._prompts.getpass(prompt) if password else self._prompts.input(prompt)

    def page(self, text: str) -> None:
        """See the port."""
        cell.page(text)

    def set_next_input(self, text: str, *, replace: bool = False) -> None:
        """See the port."""
        cell.set_next_input(text, replace=replace)

    def report(self, error: BaseException) -> Sequence[str]:
        """See the port."""
        return self._surroundings.report(error).traceback

    def protected[F: Callable[..., Any]](self, function: F) -> F:
        """See the port."""
        return protected(function)

    def source(self, obj: object) -> str | None:
        """See the port."""
        import inspect

        try:
            return inspect.getsource(obj)  # type: ignore[arg-type]
        except (OSError, TypeError):
            return None


@lru_cache(64)
def _naming(names: tuple[str, ...]) -> Unit:
    """Code that binds these names or, without any, can reach all."""
    code = "\n".join(f"{name} = {name}" for name in names if name.isidentifier()) if names else "exec"
    return compile_cell(code, "<magic>")
