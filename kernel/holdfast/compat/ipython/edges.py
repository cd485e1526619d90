"""What the shell asks of the kernel, and what the kernel asks of the shell.

It must never be more than libraries need: whoever reads this knows how far they reach.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from holdfast.magics.port import Kernel

__all__ = ["Edges", "Hooks"]


class Hooks(Protocol):
    """Where the kernel asks what libraries have registered with the shell; each stays None while nobody has."""

    #: Told before a cell runs, and after: (cell), (cell, whether it failed).
    on_begin: Callable[[Any], None] | None
    on_end: Callable[[Any, bool], None] | None
    #: A cell's text before it is lowered.
    transform: Callable[[str], str] | None
    #: A cell's syntax tree before it is compiled.
    transform_tree: Callable[[Any], Any] | None
    #: The traceback of a cell's error: the lines to show, or None for the usual ones.
    report: Callable[[BaseException], list[str] | None] | None
    #: Called when a cell begins.
    checks: list[Callable[[], object]]


class Edges(Protocol):
    """What the shell needs of the kernel beyond `magics.port.Kernel`; made by `app/ipython.py`."""

    @property
    def kernel(self) -> Kernel:
        """The kernel as magics see it."""

    @property
    def hooks(self) -> Hooks:
        """Where the kernel asks."""

    @property
    def session(self) -> str:
        """The id of the kernel's own session in the headers of its messages."""

    def execution_count(self) -> int:
        """That of the running cell; between cells, of the next."""

    def token(self) -> object:
        """The message that what is written and displayed here belongs to."""

    def enter(self, token: object) -> None:
        """What this context writes and displays belongs to that message from now on."""

    def as_dict(self, token: object) -> dict[str, Any]:
        """That message with its header and content, as libraries read it; empty for None."""

    def comm_manager(self) -> Any:
        """The registry of comms."""

    def add_payload(self, payload: Mapping[str, object]) -> None:
        """Say something in the reply of the running cell."""

    def complete(self, code: str, cursor: int, namespace: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """The content of a complete_reply, for the user's variables or those of `namespace`."""

    def inspect(self, name: str, detail: int) -> Mapping[str, Any]:
        """The content of an inspect_reply."""

    def is_complete(self, code: str) -> Mapping[str, Any]:
        """The content of an is_complete_reply."""

    def lower(self, code: str) -> str:
        """A cell as Python."""
