"""The kernel as a magic sees it, in memory: the twin of `app/cellkernel.py` (see `magics.port.Kernel`).

It must never need a process, a socket or a thread.
"""

from __future__ import annotations

import builtins
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from holdfast.errors import StdinNotImplementedError
from holdfast.executor.compile import Unit, compile_cell
from holdfast.executor.wrapping import Wrapping
from holdfast.language.history import History
from holdfast.magics.options import Options
from holdfast.magics.parse import CELL, MAGIC, lower
from holdfast.magics.registry import Magics
from holdfast.namespace.namespace import Namespace
from holdfast.output.formatters import Formatters
from holdfast.output.pretty.registry import Registry


class MemoryShelf:
    """What `%store` keeps, for as long as the test lives."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def put(self, name: str, data: bytes) -> None:
        """See the port."""
        self.kept[name] = data

    def get(self, name: str) -> bytes | None:
        """See the port."""
        return self.kept.get(name)

    def names(self) -> list[str]:
        """See the port."""
        return sorted(self.kept)

    def drop(self, name: str) -> bool:
        """See the port."""
        return self.kept.pop(name, None) is not None


class MagicKernel:
    """Keeps what magics do to it; `answers` are what the person types into prompts, None where nobody can."""

    def __init__(self, answers: Iterable[str] | None = (), **variables: object) -> None:
        self.scope = Namespace({"input": input})
        self.namespace: dict[str, Any] = self.scope.dict
        self.namespace.update(variables)
        self.options = Options()
        self.magics = Magics(self.options)
        self.magics.make_kernel = lambda: self
        self.configurables: dict[str, object] = {"InteractiveShell": self.options}
        self.history = History()
        #: What formatters raised.
        self.failures: list[tuple[object, str, Exception]] = []
        self.formatters = Formatters(
            lambda value, mime, error: self.failures.append((value, mime, error)), registry=Registry()
        )
        self.shelf = MemoryShelf()
        self.last_error: BaseException | None = None
        self.answers = None if answers is None else iter(answers)
        #: What was asked, paged, published, displayed, put into the next cell, and told of.
        self.asked: list[str] = []
        self.pages: list[str] = []
        self.published: list[tuple[str, Mapping[str, object]]] = []
        self.displayed: list[object] = []
        self.next_inputs: list[tuple[str, bool]] = []
        self.touches: list[tuple[str, ...]] = []
        self.codes: list[str] = []
        #: How often figures were asked for, and shown.
        self.inlined = self.flushed = 0

    def cell(self, code: str, output: str | None = None) -> None:
        """A cell was run: it is in the history."""
        count = len(self.scope.results.inputs)
        self.scope.begin(count, code)
        self.history.append(count, code, output)

    def line(self, text: str) -> object:
        """Run `%name rest`, written without the mark."""
        name, _, rest = text.partition(" ")
        # As from a cell: a magic that looks for its caller's variables finds the session's.
        self.namespace["__line__"] = self.magics
        try:
            value: object = eval(f"__line__({name!r}, {rest.strip()!r})", self.namespace)
        finally:
            self.namespace.pop("__line__", None)
        return value

    def _compiled(self, code: str, filename: str, line: int) -> tuple[Unit, Wrapping]:
        lowered = lower(code)
        unit = compile_cell("\n" * (line - 1) + lowered.code, filename or "<piece>")
        self.namespace["__builtins__"] = {**vars(builtins), MAGIC: self.magics, CELL: self.magics.cell}
        managers = [make() for make in self.magics.around]
        managers += [self.magics.wrapper(name, rest) for name, rest in lowered.wrappers]
        return unit, Wrapping(managers)

    def run(self, code: str, *, filename: str = "", line: int = 1) -> object:
        """See the port."""
        unit, wrapping = self._compiled(code, filename, line)
        with wrapping:
            if unit.body is not None:
                exec(unit.body, self.namespace)
            value: object = eval(unit.last, self.namespace) if unit.last is not None else None
            wrapping.evaluated()
        return value if unit.shows else None

    async def _run_async(self, code: str, filename: str, line: int) -> object:
        unit, wrapping = self._compiled(code, filename, line)
        value: object = None
        with wrapping:
            for part in (unit.body, unit.last):
                value = eval(part, self.namespace) if part is not None else None
                if part is not None and part.co_flags & 0x80:
                    value = await value  # type: ignore[misc]
            wrapping.evaluated()
        return value if unit.last is not None else None

    def run_async(self, code: str, *, filename: str = "", line: int = 1) -> Awaitable[object]:
        """See the port."""
        return self._run_async(code, filename, line)

    def touched(self, *names: str) -> None:
        """See the port."""
        self.touches.append(names)

    def ran(self, code: str) -> None:
        """See the port."""
        self.codes.append(code)

    def interruptible[F: Callable[..., Any]](self, function: F) -> F:
        """See the port."""
        return function

    def protected[F: Callable[..., Any]](self, function: F) -> F:
        """See the port."""
        return function

    def inline_figures(self) -> None:
        """See the port."""
        self.inlined += 1

    def flush_figures(self) -> None:
        """See the port."""
        self.flushed += 1

    def display(self, *values: object, **options: Any) -> object:
        """See the port."""
        self.displayed.extend(values)
        return None

    def publish(
        self,
        msg_type: str,
        content: Mapping[str, object],
        metadata: Mapping[str, object] | None = None,
        buffers: Sequence[bytes | memoryview] | None = None,
    ) -> None:
        """See the port."""
        self.published.append((msg_type, content))

    def ask(self, prompt: str, password: bool = False) -> str:
        """See the port."""
        self.asked.append(prompt)
        if self.answers is None:
            raise StdinNotImplementedError("input")
        return next(self.answers)

    def page(self, text: str) -> None:
        """See the port."""
        self.pages.append(text)

    def set_next_input(self, text: str, *, replace: bool = False) -> None:
        """See the port."""
        self.next_inputs.append((text, replace))

    def report(self, error: BaseException) -> Sequence[str]:
        """See the port."""
        return traceback.format_exception(error)

    def source(self, obj: object) -> str | None:
        """See the port."""
        import inspect

        try:
            return inspect.getsource(obj)  # type: ignore[arg-type]
        except (OSError, TypeError):
            return None
