"""A cell to run, and how it ended.

An outcome must never hold the exception itself, which would keep the cell's frames alive.  Only the newest error keeps
them, in `sys`, where debuggers look for it.
"""

from __future__ import annotations

import sys
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

    `closing` are messages (type, content) that belong below its traceback; `shown` says that what a library made of
    the error stands there already.
    """

    ename: str = ""
    evalue: str = ""
    traceback: Sequence[str] = ()
    user_expressions: Mapping[str, object] = {}
    payload: Sequence[Mapping[str, object]] = ()
    metadata: Mapping[str, object] = {}
    leave: bool = False
    closing: Sequence[tuple[str, Mapping[str, object]]] = ()
    shown: bool = False


def remember(error: BaseException, variables: dict[str, object]) -> None:
    """Leave the error where Python's prompt does, for `pdb.pm()` and its kin: from the first frame of `variables`."""
    field = vars(BaseException)["__traceback__"]  # what a class of the user's calls so does not count
    first = field.__get__(error)
    while first is not None and first.tb_frame.f_globals is not variables:
        first = first.tb_next
    if first is not None:
        field.__set__(error, first)
    sys.last_exc = sys.last_value = error
    sys.last_type, sys.last_traceback = type(error), first
