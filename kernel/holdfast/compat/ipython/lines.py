"""`IPython.core.inputtransformer2` and `.async_helpers`: cells as Python, for libraries that read notebooks.

It must never lower a cell by itself: the kernel's parser does.

What is not Python becomes calls of `get_ipython()`, the form that formatters and linters know and turn back.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

from holdfast.compat.ipython import current
from holdfast.magics.parse import CELL, HELP, MAGIC, SHELL, SHELL_LINES, lower

__all__ = ["TransformerManager", "as_calls", "get_asyncio_loop"]

_CELL_MAGIC = re.compile(r"\s*%%(\w+)[ \t]*([^\n]*)\n?(.*)", re.DOTALL)
_METHODS = {
    MAGIC: "get_ipython().run_line_magic",
    CELL: "get_ipython().run_cell_magic",
    SHELL: "get_ipython().system",
    SHELL_LINES: "get_ipython().getoutput",
}
_CALL = re.compile(rf"(?:await )?\b({'|'.join(_METHODS)})(?:\.awaited)?\(")
_ASKED = re.compile(rf"\b{HELP}\((?P<what>'[^'\n]*'|\"[^\"\n]*\"), (?P<level>[01])\)")


def as_calls(cell: str) -> str:
    """A cell as Python that asks `get_ipython()` for what is not Python; with a newline at its end."""
    magic = _CELL_MAGIC.fullmatch(cell)
    if magic is not None:
        body = magic[3] if magic[3].endswith("\n") or not magic[3] else magic[3] + "\n"
        return f"get_ipython().run_cell_magic({magic[1]!r}, {magic[2].strip()!r}, {body!r})\n"
    code = _CALL.sub(lambda call: f"{_METHODS[call[1]]}(", lower(cell).code)
    code = _ASKED.sub(
        lambda asked: f"get_ipython().run_line_magic('pinfo{'2' if asked['level'] == '1' else ''}', {asked['what']})",
        code,
    )
    return code if code.endswith("\n") else code + "\n"


class TransformerManager:
    """Turns cells into Python; the functions appended to its lists see the lines first."""

    def __init__(self) -> None:
        self.cleanup_transforms: list[Callable[[list[str]], list[str]]] = []
        self.line_transforms: list[Callable[[list[str]], list[str]]] = []

    def transform_cell(self, cell: str) -> str:
        """A cell as Python: see `as_calls`."""
        lines = cell.splitlines(keepends=True)
        for function in (*self.cleanup_transforms, *self.line_transforms):
            lines = function(lines)
        return as_calls("".join(lines))

    def check_complete(self, cell: str) -> tuple[str, int | None]:
        """("complete", None), ("invalid", None), or ("incomplete", how many blanks should follow)."""
        found = current.edges().is_complete(cell)
        status = str(found["status"])
        return status, len(str(found.get("indent", ""))) if status == "incomplete" else None


def get_asyncio_loop() -> Any:
    """The loop of the cells."""
    return asyncio.get_event_loop()
