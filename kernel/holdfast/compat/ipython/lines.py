"""`IPython.core.inputtransformer2` and `.async_helpers`: cells as Python, for libraries that read notebooks.

It must never lower a cell by itself: the kernel's parser does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from holdfast.magics.parse import lower

__all__ = ["TransformerManager", "get_asyncio_loop"]


class TransformerManager:
    """Turns cells into Python; the functions appended to its lists see the lines first."""

    def __init__(self) -> None:
        self.cleanup_transforms: list[Callable[[list[str]], list[str]]] = []
        self.line_transforms: list[Callable[[list[str]], list[str]]] = []

    def transform_cell(self, cell: str) -> str:
        """A cell as Python."""
        lines = cell.splitlines(keepends=True)
        for function in (*self.cleanup_transforms, *self.line_transforms):
            lines = function(lines)
        code = lower("".join(lines)).code
        return code if code.endswith("\n") else code + "\n"

    def check_complete(self, cell: str) -> tuple[str, int | None]:
        """("complete", None), ("invalid", None), or ("incomplete", how many blanks should follow)."""
        from holdfast.compat.ipython import current

        found = current.edges().is_complete(cell)
        status = str(found["status"])
        return status, len(str(found.get("indent", ""))) if status == "incomplete" else None


def get_asyncio_loop() -> Any:
    """The loop of the cells."""
    return asyncio.get_event_loop()
