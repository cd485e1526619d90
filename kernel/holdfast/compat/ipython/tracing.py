"""`IPython.core.ultratb` and `IPython.core.debugger`: tracebacks and debuggers that libraries make for themselves.

It must never install anything: who wants a hook sets it.
"""

from __future__ import annotations

import pdb  # noqa: T100 - it is what the class is derived from
import sys
from types import TracebackType
from typing import Any

from holdfast.compat.ipython import current

__all__ = ["AutoFormattedTB", "ColorTB", "FormattedTB", "Pdb", "SyntaxTB", "TBTools", "VerboseTB", "set_trace"]


class TBTools:
    """Formats tracebacks as cells show them; what it is made with changes nothing."""

    def __init__(self, mode: str = "Plain", color_scheme: str = "", *args: object, **kwargs: object) -> None:
        self.mode = mode
        self.tb_offset = kwargs.get("tb_offset", 0)
        self.ostream: Any = kwargs.get("ostream")

    def structured_traceback(
        self, etype: Any = None, evalue: Any = None, etb: TracebackType | None = None, *args: object, **kwargs: object
    ) -> list[str]:
        """The lines of a traceback, with colours."""
        error = evalue if isinstance(evalue, BaseException) else (etype or Exception)(evalue)
        if current.edges_or_none() is None:
            import traceback

            return traceback.format_exception(error.with_traceback(etb or error.__traceback__))
        return list(current.kernel().report(error if etb is None else error.with_traceback(etb)))

    def stb2text(self, stb: list[str]) -> str:
        """Those lines as one text."""
        return "\n".join(stb)

    def text(
        self, etype: Any, value: Any, tb: TracebackType | None, tb_offset: int | None = None, context: int = 5
    ) -> str:
        """A traceback as one text."""
        return self.stb2text(self.structured_traceback(etype, value, tb))

    def set_mode(self, mode: str | None = None) -> None:
        """Note a mode."""
        self.mode = mode or self.mode

    def __call__(self, etype: Any = None, evalue: Any = None, etb: TracebackType | None = None, **kwargs: Any) -> None:
        """Write a traceback, by default of the error that is being handled: what `sys.excepthook` does."""
        if evalue is None:
            etype, evalue, etb = sys.exc_info()
        if evalue is not None:
            print(self.text(etype, evalue, etb), file=kwargs.get("out") or self.ostream or sys.stderr)


class FormattedTB(TBTools):
    """See `TBTools`."""


class AutoFormattedTB(FormattedTB):
    """See `TBTools`."""


class ColorTB(FormattedTB):
    """See `TBTools`."""


class VerboseTB(FormattedTB):
    """See `TBTools`."""


class SyntaxTB(FormattedTB):
    """See `TBTools`."""


class Pdb(pdb.Pdb):
    """Python's debugger; it asks in the notebook."""

    def __init__(
        self,
        completekey: str | None = None,
        stdin: Any = None,
        stdout: Any = None,
        context: int | None = 5,
        **kwargs: Any,
    ) -> None:
        super().__init__(completekey or "tab", stdin, stdout, **kwargs)
        self.context = context


def set_trace(frame: Any = None, header: str | None = None) -> None:
    """Stop here, and ask what to do."""
    debugger = Pdb()
    if header is not None:
        debugger.message(header)
    debugger.set_trace(frame or sys._getframe(1))
