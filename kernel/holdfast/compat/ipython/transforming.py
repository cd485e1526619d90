"""Functions that change cells before they run: lines before they are read, trees before they are compiled.

It must never cost anything while there are none: the kernel asks only then.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Self, SupportsIndex

from holdfast.compat.ipython import current
from holdfast.compat.ipython.errors import InputRejected
from holdfast.compat.ipython.lines import as_calls
from holdfast.compat.ipython.parts import Part

if TYPE_CHECKING:
    from holdfast.compat.ipython.edges import Hooks

__all__ = ["Transformers"]

type LineTransformer = Callable[[list[str]], list[str]]


class _Watched[T](list[T]):
    """A list that tells of every change."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__()
        self._changed = changed

    def append(self, item: T) -> None:
        super().append(item)
        self._changed()

    def insert(self, index: SupportsIndex, item: T) -> None:
        super().insert(index, item)
        self._changed()

    def extend(self, items: Iterable[T]) -> None:
        super().extend(items)
        self._changed()

    def __iadd__(self, items: Iterable[T]) -> Self:  # type: ignore[misc,override]
        self.extend(items)
        return self

    def __setitem__(self, index: Any, items: Any) -> None:
        super().__setitem__(index, items)
        self._changed()

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (), None, iter(self)


class Transformers(Part):
    """`get_ipython().input_transformer_manager`, and the lists that the shell shows."""

    path = "input_transformer_manager"

    def __init__(self) -> None:
        self._hooks: Hooks = current.edges().hooks
        self.cleanup: list[LineTransformer] = _Watched(self._changed)
        self.post: list[LineTransformer] = _Watched(self._changed)
        self.trees: list[Any] = _Watched(self._changed)

    @property
    def cleanup_transforms(self) -> list[LineTransformer]:
        """Called first."""
        return self.cleanup

    @property
    def line_transforms(self) -> list[LineTransformer]:
        """Called then."""
        return self.post

    def transform_cell(self, cell: str) -> str:
        """A cell as Python."""
        return as_calls(self._transformed(cell))

    def check_complete_reply(self, code: str) -> tuple[str, str]:
        """(status, indent) of code."""
        found = current.edges().is_complete(code)
        return str(found["status"]), str(found.get("indent", ""))

    def check_complete(self, code: str) -> tuple[str, int | None]:
        """(status, how many blanks should follow)."""
        status, indent = self.check_complete_reply(code)
        return status, len(indent) if status == "incomplete" else None

    def _changed(self) -> None:
        # Once there was one: whoever takes the last one out pays for an empty list.
        if self.cleanup or self.post:
            self._hooks.transform = self._transformed
        if self.trees:
            self._hooks.transform_tree = self._transformed_tree

    def _transformed(self, code: str) -> str:
        """A cell's text after all functions; what one of them raises is shown, and the cell runs without it."""
        if not self.cleanup and not self.post:
            return code
        lines = code.splitlines(keepends=True)
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        for function in (*self.cleanup, *self.post):
            try:
                lines = function(lines)
            except SyntaxError:
                raise
            except Exception as error:
                if _refuses(error):
                    raise
                _tell(function, error)
        return "".join(lines)

    def _transformed_tree(self, tree: ast.Module) -> ast.Module:
        """A cell's tree after all transformers; one that raises is taken out, as it would fail in every cell."""
        for transformer in tuple(self.trees):
            try:
                tree = transformer.visit(tree)
            except Exception as error:
                if _refuses(error):
                    raise
                _tell(transformer, error)
                self.trees.remove(transformer)
        return ast.fix_missing_locations(tree)


def _refuses(error: Exception) -> bool:
    """Whether the cell must not run: by our InputRejected, or that of an installed IPython."""
    theirs = getattr(sys.modules.get("IPython.core.error"), "InputRejected", InputRejected)
    return isinstance(error, (InputRejected, theirs))


def _tell(what: object, error: BaseException) -> None:
    sys.stderr.write(f"{what!r}, which is to change cells, failed; the cell runs without it:\n")
    sys.stderr.write("\n".join(current.kernel().report(error)) + "\n")
