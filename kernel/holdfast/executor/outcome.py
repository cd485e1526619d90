"""A cell to run, and how it ended.

An outcome must never hold the exception itself, which would keep the cell's frames alive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct


class Job(Struct, frozen=True):
    """A cell to run.  `token` is opaque here: whoever gets output or an outcome hands it back."""

    token: object
    code: str
    count: int
    stored: bool = True
    silent: bool = False
    user_expressions: Mapping[str, str] = {}


class Outcome(Struct, frozen=True):
    """`ename` is empty for a cell that ended well; `leave` says that it asked to end the kernel.

    `closing` are messages (type, content) that belong below its traceback.
    """

    ename: str = ""
    evalue: str = ""
    traceback: Sequence[str] = ()
    user_expressions: Mapping[str, object] = {}
    payload: Sequence[Mapping[str, object]] = ()
    metadata: Mapping[str, object] = {}
    leave: bool = False
    closing: Sequence[tuple[str, Mapping[str, object]]] = ()
