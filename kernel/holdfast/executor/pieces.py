"""Code that is run from within a cell, by a magic or by a library, as a part of that cell.

It must never keep from the cell's commit what such a piece has bound: the runner's unit takes its code in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import nullcontext

from holdfast.errors import CellError
from holdfast.executor.compile import Unit, compile_cell
from holdfast.executor.runner import Runner, Surroundings
from holdfast.executor.source import Sources, dedented
from holdfast.executor.wrapping import Wrapping


class Awaits(CellError):
    """A piece of code uses `await` where nobody can wait for it."""

    def __str__(self) -> str:
        return "`await` does not work here: put the line into a cell of its own, at top level"


class Pieces:
    """Runs pieces in the namespace `variables`, for the runner of the calling thread."""

    def __init__(
        self, runner: Callable[[], Runner], variables: dict[str, object], sources: Sources, surroundings: Surroundings
    ) -> None:
        self._runner = runner
        self._variables = variables
        self._sources = sources
        self._surroundings = surroundings

    def run(self, code: str, filename: str, line: int) -> object:
        """The value of the last expression of `code`; raises `Awaits`, and what the code raises."""
        unit, wrapping = self._compiled(code, filename, line)
        if unit.is_async:
            raise Awaits
        with wrapping or nullcontext():
            if unit.body is not None:
                exec(unit.body, self._variables)
            value = eval(unit.last, self._variables) if unit.last is not None else None
            if wrapping is not None:
                wrapping.evaluated()
        return value if unit.shows else None

    async def run_async(self, code: str, filename: str, line: int) -> object:
        """As `run`, for code that may use `await`."""
        unit, wrapping = self._compiled(code, filename, line)
        with wrapping or nullcontext():
            value = None
            for part in (unit.body, unit.last):
                if part is not None:
                    value = eval(part, self._variables)
                    if part.co_flags & 0x80:
                        value = await _awaitable(value)
            if wrapping is not None:
                wrapping.evaluated()
        return value if unit.shows else None

    def took(self, unit: Unit) -> None:
        """The running cell has run this, too."""
        runner = self._runner()
        # A magic in a loop says the same each time.
        if runner.unit is not None and not (unit.codes and all(code in runner.unit.ran for code in unit.codes)):
            runner.unit = runner.unit.joined(unit)

    def _compiled(self, code: str, filename: str, line: int) -> tuple[Unit, Wrapping | None]:
        runner = self._runner()
        lowered = self._surroundings.lower(code, piece=True)
        # A file is what it is; what changes cells changes the rest.
        transform = None if filename else self._surroundings.transform
        if not filename:
            count = runner.running.count if runner.running is not None else 0
            filename, line = self._sources.register(code, count), 1
        unit = compile_cell("\n" * (line - 1) + dedented(lowered.code), filename, runner.flags, transform=transform)
        runner.flags = unit.flags
        self.took(unit)
        return unit, self._surroundings.wrap(lowered)


def _awaitable(value: object) -> Awaitable[object]:
    assert isinstance(value, Awaitable)
    return value
