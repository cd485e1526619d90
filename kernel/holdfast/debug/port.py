"""What the debugger asks of the kernel; `app/debugging.py` answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from holdfast.debug.messages import Json


class Port(Protocol):
    """Called on the kernel thread unless a method says otherwise; none may wait."""

    @property
    def naming(self) -> Mapping[str, object]:
        """How cell files are named: `hashMethod`, `hashSeed`, `tmpFilePrefix`, `tmpFileSuffix`."""

    @property
    def namespace(self) -> Mapping[str, object]:
        """The notebook's variables."""

    def start(self, port: int, secret: str, over: Callable[[str], None]) -> None:
        """Have debugpy come to `port` of 127.0.0.1 with `secret`, on a thread of its own.

        `over` is called on the kernel thread with "" once the user's threads are traced, or with why they are not.
        """

    @property
    def is_idle(self) -> bool:
        """Whether no cell runs."""

    def publish(self, event: Json) -> None:
        """Send a `debug_event`."""

    def dump(self, code: str) -> str:
        """Write a cell to the file it is compiled under; its path.  Raises `OSError`."""

    def provide(self, path: str) -> None:
        """Write the cell of this path, if one has run: debugpy sets no breakpoints where there is no file."""

    def text(self, path: str) -> str | None:
        """The text of a cell or file."""

    def is_cell(self, path: str) -> bool:
        """Whether this is the file name of a cell."""

    def is_ours(self, path: str) -> bool:
        """Whether this is a file of the kernel."""

    @property
    def folder(self) -> str:
        """Where the kernel's files are."""

    def describe(self, value: object) -> str:
        """One line for a value, without running code of its own; on any thread."""

    def attributes(self, value: object) -> Mapping[str, object]:
        """An instance's own dictionary, or nothing; on any thread."""

    def bundle(self, value: object) -> tuple[Mapping[str, object], Mapping[str, object]]:
        """MIME data and metadata of a value; on any thread."""

    def bind(self, name: str, value: object) -> None:
        """Set a variable of the notebook."""

    def touched(self) -> None:
        """The running cell may have changed any variable."""

    def aside[T](self, call: Callable[[], T]) -> Awaitable[T]:
        """The value of a call on another thread of the kernel's own."""
