"""Values that libraries get from the shell and keep: a struct, and what is known of a cell that was run.

They must never hold a part of the kernel: variables hold them, and are stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

__all__ = ["ExecutionInfo", "ExecutionResult", "Struct"]


class Struct(dict[str, Any]):
    """A dict whose keys are attributes, too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"this Struct has no {name!r}, but: {', '.join(self) or 'nothing'}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name in dir(dict):
            raise AttributeError(f"{name!r} is a method of dict: set it as an item, struct[{name!r}] = …")
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(f"this Struct has no {name!r}") from None

    def hasattr(self, name: str) -> bool:
        """Whether there is such a key."""
        return name in self

    def dict(self) -> Self:
        """The struct itself: it is a dict."""
        return self

    def merge(self, other: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Take the items of another mapping and the keywords that are not here yet."""
        for name, value in {**(other or {}), **more}.items():
            self.setdefault(name, value)

    def copy(self) -> Struct:
        """A struct with the same items."""
        return Struct(self)


class ExecutionInfo:
    """What is to be run: `pre_run_cell` gets it."""

    def __init__(
        self,
        raw_cell: str,
        store_history: bool = False,
        silent: bool = False,
        shell_futures: bool = True,
        cell_id: str | None = None,
        transformed_cell: str | None = None,
        cell_meta: Any = None,
    ) -> None:
        self.raw_cell = raw_cell
        self.transformed_cell = transformed_cell
        self.store_history = store_history
        self.silent = silent
        self.shell_futures = shell_futures
        self.cell_id = cell_id
        self.cell_meta = cell_meta

    def __repr__(self) -> str:
        return f"<ExecutionInfo of {self.raw_cell[:50]!r}, store_history={self.store_history}, silent={self.silent}>"


class ExecutionResult:
    """What became of it: `run_cell` returns it and `post_run_cell` gets it."""

    def __init__(
        self,
        info: ExecutionInfo,
        execution_count: int | None = None,
        result: object = None,
        error_in_exec: BaseException | None = None,
        error_before_exec: BaseException | None = None,
    ) -> None:
        self.info = info
        self.execution_count = execution_count
        self.result = result
        self.error_in_exec = error_in_exec
        self.error_before_exec = error_before_exec

    @property
    def success(self) -> bool:
        """Whether nothing was raised."""
        return self.error_in_exec is None and self.error_before_exec is None

    def raise_error(self) -> None:
        """Raise what the code raised, if it did."""
        for error in (self.error_before_exec, self.error_in_exec):
            if error is not None:
                raise error

    def __repr__(self) -> str:
        how = "ok" if self.success else repr(self.error_in_exec or self.error_before_exec)
        return f"<ExecutionResult [{self.execution_count}] {how}, result={self.result!r}>"
