"""Errors as the shell shows them, and as libraries and notebooks have them shown in ways of their own.

It must never hide an error: when such a way fails, the usual traceback is shown, and the failure too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from holdfast.compat.ipython import current

__all__ = ["WAYS", "ShowsErrors", "is_usage_error"]

#: Assigning to one of these changes how the errors of cells are shown.
WAYS = frozenset({"showtraceback", "_showtraceback", "showsyntaxerror"})


def is_usage_error(error: BaseException) -> bool:
    """Whether a magic was used wrongly: an error of IPython's, the real one's or ours, that needs no traceback."""
    return type(error).__name__ == "UsageError" and "ipython" in type(error).__module__.lower()


class ShowsErrors:
    """The shell's methods about errors."""

    custom_exceptions: tuple[type[BaseException], ...] = ()
    CustomTB: Callable[..., Any] | None = None
    _error: BaseException | None = None
    _reporting = False

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)
        if name in WAYS or name == "CustomTB":
            current.edges().hooks.report = self.report_error

    def set_custom_exc(self, exc_tuple: Any, handler: Callable[..., Any] | None) -> None:
        """Have `handler(shell, type, error, traceback, tb_offset=None)` called for errors of these classes.

        It shows the error itself, or returns lines to be shown as the traceback.
        """
        if not isinstance(exc_tuple, tuple) or not all(isinstance(kind, type) for kind in exc_tuple):
            raise TypeError(f"set_custom_exc takes a tuple of exception classes, not {exc_tuple!r}")
        self.custom_exceptions, self.CustomTB = exc_tuple, handler
        current.edges().hooks.report = self.report_error

    def report_error(self, error: BaseException) -> list[str] | None:
        """For the kernel: the lines of a cell's traceback; [] when it was shown, None for the usual ones."""
        changed = WAYS & self.__dict__.keys()
        custom = self.CustomTB if isinstance(error, self.custom_exceptions) else None
        if self._reporting:
            return None
        if is_usage_error(error):
            self.show_usage_error(error)
            return []
        if custom is None and not changed:
            return None
        self._reporting, self._error = True, error
        try:
            if custom is not None:
                lines = custom(self, type(error), error, _of_a_cell(error.__traceback__), tb_offset=None)
                return [lines] if isinstance(lines, str) else [str(line) for line in lines or ()]
            if isinstance(error, SyntaxError) and "showsyntaxerror" in changed:
                self.showsyntaxerror(None, running_compiled_code=True)
            else:
                self.showtraceback(running_compiled_code=True)
            return []
        except Exception as failed:
            sys.stderr.write("The function that was to show an error failed:\n")
            sys.stderr.write("\n".join(current.kernel().report(failed)) + "\n")
            return None
        finally:
            self._reporting, self._error = False, None

    def _get_exc_info(
        self, exc_tuple: tuple[Any, Any, Any] | None = None
    ) -> tuple[type[BaseException], BaseException, TracebackType | None]:
        """(type, error, traceback) of the error that is to be shown; ValueError: there is none.

        The traceback has the user's own frames; that of the cell's error one more before them, see `_of_a_cell`.
        """
        error = exc_tuple[1] if exc_tuple else self._error or sys.exception() or current.kernel().last_error
        if error is None:
            raise ValueError("there is no error to show")
        found = error.__traceback__
        return type(error), error, _of_a_cell(found) if error is self._error else _of_the_user(found)

    def showtraceback(
        self,
        exc_tuple: tuple[Any, Any, Any] | None = None,
        filename: str | None = None,
        tb_offset: int | None = None,
        exception_only: bool = False,
        running_compiled_code: bool = False,
    ) -> None:
        """Show an error below the cell, by default the one that is being handled, or the last."""
        try:
            kind, error, _ = self._get_exc_info(exc_tuple)
        except ValueError:
            print("No traceback available to show.", file=sys.stderr)
            return
        if is_usage_error(error):
            self.show_usage_error(error)
            return
        self._showtraceback(kind, error, [f"{kind.__name__}: {error}"] if exception_only else self._usual(error))

    def _usual(self, error: BaseException) -> list[str]:
        """The lines of the kernel's own traceback."""
        before, self._reporting = self._reporting, True
        try:
            return list(current.kernel().report(error))
        finally:
            self._reporting = before

    def _showtraceback(self, etype: Any, evalue: Any, stb: Sequence[str]) -> None:
        name = getattr(etype, "__name__", str(etype))
        current.kernel().publish("error", {"ename": name, "evalue": str(evalue), "traceback": list(stb)})

    def showsyntaxerror(self, filename: str | None = None, running_compiled_code: bool = False) -> None:
        """Show a SyntaxError below the cell."""
        self.showtraceback(filename=filename)

    def showindentationerror(self) -> None:
        """Show an IndentationError below the cell."""
        self.showsyntaxerror()

    def show_usage_error(self, exc: BaseException) -> None:
        """Say what was wrong with a magic's line."""
        print(f"UsageError: {exc}", file=sys.stderr)

    def get_exception_only(self, exc_tuple: tuple[Any, Any, Any] | None = None) -> str:
        """The last line of a traceback."""
        kind, error, _ = self._get_exc_info(exc_tuple)
        return f"{kind.__name__}: {error}"


def _of_the_user(found: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame on that is the user's."""
    namespace = current.kernel().namespace
    while found is not None and found.tb_frame.f_globals is not namespace:
        found = found.tb_next
    return found


def _of_a_cell(found: TracebackType | None) -> TracebackType | None:
    """The same below one more frame, which those who show a cell's error take off: IPython has one of its own there."""
    first, ours = _of_the_user(found), sys._getframe()
    return None if first is None else TracebackType(first, ours, ours.f_lasti, ours.f_lineno)
