"""Errors shown through the shell, and in ways that libraries choose."""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import Any

import pytest

from helpers.shell import TwinEdges, TwinKernel
from holdfast.compat.ipython.errors import UsageError


def _error(kernel: TwinKernel) -> BaseException:
    """What a cell raises, two frames deep."""
    exec(compile("def f(n):\n    return 1 / n\n", "<cell>", "exec"), kernel.namespace)
    try:
        exec(compile("f(0)", "<cell>", "exec"), kernel.namespace)
    except ZeroDivisionError as error:
        return error
    raise AssertionError


def test_a_traceback_is_shown(shell: Any, kernel: TwinKernel) -> None:
    """Of an error that is given, handled, or the last one of a cell."""
    error = ValueError("given")
    shell.showtraceback((ValueError, error, None))
    try:
        raise KeyError("handled")
    except KeyError:
        shell.showtraceback(tb_offset=1)
    kernel.last_error = OSError("last")
    shell.showtraceback()
    assert [(kind, content["ename"]) for kind, content in kernel.published] == [
        ("error", "ValueError"),
        ("error", "KeyError"),
        ("error", "OSError"),
    ]
    assert kernel.published[0][1]["traceback"] == ["reported ValueError: given"]


def test_without_an_error_there_is_nothing_to_show(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A line says so."""
    shell.showtraceback()
    assert "No traceback" in capsys.readouterr().err


def test_the_usual_way_needs_nobody(shell: Any, edges: TwinEdges) -> None:
    """The kernel asks only when somebody wants errors shown otherwise."""
    assert edges.hooks.report is None


def test_a_handler_shows_its_errors(shell: Any, kernel: TwinKernel, edges: TwinEdges) -> None:
    """set_custom_exc: called with shell, type, error and a traceback of the user's frames; others are as always."""
    seen: list[Any] = []

    def handle(shell: Any, kind: type, error: BaseException, found: Any, tb_offset: int | None = None) -> None:
        seen.append((kind, error, found.tb_next.tb_frame.f_globals is kernel.namespace))

    shell.set_custom_exc((ZeroDivisionError,), handle)
    assert edges.hooks.report is not None
    error = _error(kernel)
    assert edges.hooks.report(error) == []
    assert seen == [(ZeroDivisionError, error, True)]
    assert edges.hooks.report(KeyError("x")) is None


def test_a_handler_may_give_the_lines(shell: Any, kernel: TwinKernel, edges: TwinEdges) -> None:
    """What it returns is shown as the traceback."""
    shell.set_custom_exc((ZeroDivisionError,), lambda *given, tb_offset=None: ["zero!"])
    assert edges.hooks.report is not None
    assert edges.hooks.report(_error(kernel)) == ["zero!"]


def test_a_handler_that_fails_hides_nothing(
    shell: Any, kernel: TwinKernel, edges: TwinEdges, capsys: pytest.CaptureFixture[str]
) -> None:
    """The usual traceback is shown, and the handler's failure too."""
    shell.set_custom_exc((ZeroDivisionError,), lambda *given, tb_offset=None: given[99])
    assert edges.hooks.report is not None
    assert edges.hooks.report(_error(kernel)) is None
    assert "reported IndexError" in capsys.readouterr().err


def test_what_is_no_tuple_of_classes_is_refused(shell: Any) -> None:
    """As with `except`."""
    with pytest.raises(TypeError, match="a tuple of exception classes"):
        shell.set_custom_exc(ZeroDivisionError, print)


def test_a_library_replaces_how_errors_are_shown(shell: Any, kernel: TwinKernel, edges: TwinEdges) -> None:
    """As rich does it: it wraps `showtraceback`, and `_showtraceback` takes the error from the shell."""
    seen: list[Any] = []
    usual = shell.showtraceback

    def showtraceback(*args: object, **options: object) -> None:
        seen.append(options)
        usual(*args, **options)

    shell.showtraceback = showtraceback
    shell._showtraceback = lambda kind, error, lines: seen.append((shell._get_exc_info()[1], lines))
    error = _error(kernel)
    assert edges.hooks.report is not None
    assert edges.hooks.report(error) == []
    assert seen == [{"running_compiled_code": True}, (error, ["reported ZeroDivisionError: division by zero"])]
    assert kernel.published == []


def _frames(found: TracebackType | None) -> list[str]:
    return [frame.name for frame in traceback.extract_tb(found)]


@pytest.mark.parametrize("kept", ["<module>", "f"])
def test_a_library_finds_one_frame_before_the_cells(
    shell: Any, kernel: TwinKernel, edges: TwinEdges, kept: str
) -> None:
    """It takes that off, and has all of the user's, also where the error begins with these."""
    error = _error(kernel)
    while _frames(error.__traceback__)[0] != kept:
        assert error.__traceback__ is not None
        error.__traceback__ = error.__traceback__.tb_next
    seen: list[Any] = []
    shell._showtraceback = lambda kind, error, lines: seen.append(_frames(shell._get_exc_info()[2])[1:])
    assert edges.hooks.report is not None
    edges.hooks.report(error)
    assert seen == [_frames(error.__traceback__)]


def test_of_an_error_that_is_handled_a_library_finds_the_users_frames_alone(shell: Any, kernel: TwinKernel) -> None:
    """There nobody takes one off."""
    error = _error(kernel)
    assert _frames(error.__traceback__)[0] == "_error"
    assert _frames(shell._get_exc_info((type(error), error, None))[2]) == ["<module>", "f"]


def test_an_error_of_run_cell_is_shown_once(shell: Any, kernel: TwinKernel) -> None:
    """In the library's way, which asks for the usual one on its own way."""
    seen: list[str] = []
    usual = shell.showtraceback
    shell.showtraceback = lambda *args, **options: usual(*args, **options)
    shell._showtraceback = lambda kind, error, lines: seen.append(kind.__name__)
    shell.run_cell("1 / 0")
    assert seen == ["ZeroDivisionError"]
    assert kernel.published == []


def test_a_magic_used_wrongly_has_no_traceback(
    shell: Any, kernel: TwinKernel, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line says what was wrong."""
    shell.showtraceback((UsageError, UsageError("no such option"), None))
    assert capsys.readouterr().err == "UsageError: no such option\n"
    assert kernel.published == []


def test_a_syntax_error_has_a_way_of_its_own(shell: Any, edges: TwinEdges) -> None:
    """showsyntaxerror, where it was replaced."""
    seen: list[Any] = []
    shell.showsyntaxerror = lambda *args, **options: seen.append(options)
    assert edges.hooks.report is not None
    assert edges.hooks.report(SyntaxError("no")) == []
    assert seen == [{"running_compiled_code": True}]


def test_one_line_of_an_error(shell: Any) -> None:
    """get_exception_only and exception_only."""
    error = ValueError("no")
    assert shell.get_exception_only((ValueError, error, None)) == "ValueError: no"


def test_tracebacks_for_others_to_show(shell: Any) -> None:
    """Background jobs and test runners take the text of an error from the shell."""
    assert shell.InteractiveTB.text(ValueError, ValueError("theirs"), None) == "reported ValueError: theirs"
