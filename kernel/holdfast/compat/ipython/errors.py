"""`IPython.core.error`: what magics raise to say that they were used wrongly.

It must never be raised by the kernel itself: `holdfast.errors` has its own.
"""

from __future__ import annotations

from holdfast.errors import CellError

__all__ = ["InputRejected", "IPythonCoreError", "StdinNotImplementedError", "TryNext", "UsageError"]


class IPythonCoreError(Exception):
    """The root of these."""


class UsageError(IPythonCoreError, CellError):
    """A magic was used wrongly; its text says how."""


class TryNext(IPythonCoreError):
    """A hook leaves the matter to the next one."""


class InputRejected(CellError):
    """A transformer refuses to let a cell run."""


class StdinNotImplementedError(IPythonCoreError, NotImplementedError):
    """Nobody can be asked."""
