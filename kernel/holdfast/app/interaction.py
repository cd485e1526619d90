"""Builtins of a cell that talk to the person: `exit`, `quit`, and what `obj?` is lowered to.

They must never end the process from inside a cell: the cell ends well first, and is replied to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from holdfast.executor.runner import ExitRequested, Runner
from holdfast.magics.parse import HELP
from holdfast.magics.registry import Magics


class Exiter:
    """`exit()` and `quit()`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, code: object = None) -> None:
        """End this cell, then the kernel."""
        raise ExitRequested(code)

    def __repr__(self) -> str:
        return f"Type {self._name}() to end the kernel; restarting it is in the frontend's menu."


class Help:
    """Shows what `obj?` (level 0) and `obj??` (level 1) ask for in the pager."""

    NAME = HELP

    def __init__(self, namespace: Mapping[str, object], runner: Callable[[], Runner], magics: Magics) -> None:
        self._namespace = namespace
        self._runner = runner
        self._magics = magics

    def __call__(self, text: str, level: int) -> None:
        """Page the description of `text`, or say that there is nothing of that name."""
        if "*" in text:
            self._magics("psearch", text)
            return
        about = self._magics.describe(text, level) if text.startswith("%") else None
        if about is not None:
            self._show({"text/plain": about})
            return
        from holdfast.language.inspection import inspect_request

        # On the main thread, at the user's word: here the object's own `repr` may run.
        found = inspect_request(text, len(text), level, self._namespace, run_repr=True)
        if found.get("found"):
            self._show(found["data"])
        elif (about := self._magics.describe(f"%{text}", level)) is not None:
            self._show({"text/plain": about})
        else:
            print(f"Object `{text}` not found.")

    def _show(self, data: object) -> None:
        self._runner().payload.append({"source": "page", "data": data, "start": 0})
