"""What a cell runs inside: the context managers of `%%time`, `%%capture` and their kin.

It must never swallow what the cell raises, whatever a manager's `__exit__` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self


class Wrapping:
    """Managers entered in order and left in reverse, around a cell's code and the showing of its value.

    One whose `takes_value` is true is left after the value was shown (`%%capture` catches it), every other one
    before (`%%time` prints above it, as people know it).
    """

    def __init__(self, managers: Sequence[AbstractContextManager[object]]) -> None:
        self._managers = managers
        self._entered: list[AbstractContextManager[object]] = []

    def __enter__(self) -> Self:
        try:
            for manager in self._managers:
                manager.__enter__()
                self._entered.append(manager)
        except BaseException as error:
            self._leave(error)
            raise
        return self

    def evaluated(self) -> None:
        """The code has run; its value is about to be shown."""
        while self._entered and not getattr(self._entered[-1], "takes_value", False):
            self._entered.pop().__exit__(None, None, None)

    def __exit__(self, kind: object, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._leave(error)

    def _leave(self, error: BaseException | None) -> None:
        while self._entered:
            manager = self._entered.pop()
            if error is None:
                manager.__exit__(None, None, None)
            else:
                manager.__exit__(type(error), error, error.__traceback__)
