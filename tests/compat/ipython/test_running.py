"""Running code and setting variables through the shell."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from helpers.shell import TwinEdges, TwinKernel
from holdfast.output import display


def test_run_cell_shows_its_value(shell: Any, kernel: TwinKernel, edges: TwinEdges) -> None:
    """The value comes back in a result and is published under the number of the running cell."""
    edges.count = 7
    result = shell.run_cell("a = 2\na + 1")
    assert (result.result, result.success, result.execution_count) == (3, True, 7)
    assert result.info.raw_cell == "a = 2\na + 1"
    assert kernel.published == [("execute_result", {"execution_count": 7, "data": {"text/plain": "3"}, "metadata": {}})]
    assert kernel.namespace["a"] == 2
    assert shell.last_execution_succeeded


@pytest.mark.parametrize(("code", "silent"), [("3;", False), ("x = 3", False), ("3", True)])
def test_run_cell_shows_nothing_unasked(shell: Any, kernel: TwinKernel, code: str, silent: bool) -> None:
    """A semicolon, a statement, and `silent`."""
    assert shell.run_cell(code, silent=silent).success
    assert kernel.published == []


@pytest.mark.parametrize(
    ("code", "where", "kind"), [("1/0", "error_in_exec", ZeroDivisionError), ("1 +", "error_before_exec", SyntaxError)]
)
def test_run_cell_shows_what_is_raised(shell: Any, kernel: TwinKernel, code: str, where: str, kind: type) -> None:
    """The error is shown and in the result; it does not end the calling cell."""
    result = shell.run_cell(code)
    assert not result.success
    assert isinstance(getattr(result, where), kind)
    assert [(name, content["ename"]) for name, content in kernel.published] == [("error", kind.__name__)]
    assert not shell.last_execution_succeeded
    with pytest.raises(kind):
        result.raise_error()


def test_run_cell_async_may_await(shell: Any) -> None:
    """The async twin runs code with `await`."""
    result = asyncio.run(shell.run_cell_async("import asyncio\nawait asyncio.sleep(0, 5)", silent=True))
    assert result.result == 5
    assert shell.should_run_async("await f()")
    assert not shell.should_run_async("f()")
    assert not shell.should_run_async("f(")


def test_the_value_goes_where_displays_are_diverted(shell: Any, kernel: TwinKernel) -> None:
    """Under `%%capture` the value is captured, not published."""
    taken: list[str] = []
    display.install(lambda *message: None, kernel.formatters)
    undo = display.divert(lambda kind, content, metadata, buffers: taken.append(kind))
    try:
        shell.run_cell("3")
    finally:
        undo()
        display.uninstall()
    assert taken == ["display_data"]
    assert kernel.published == []


def test_ev_and_ex_raise(shell: Any, kernel: TwinKernel) -> None:
    """Expressions and statements run in the user's variables; what they raise comes through."""
    shell.ex("b = 4")
    assert shell.ev(" b * 2 ") == 8
    with pytest.raises(NameError):
        shell.ev("missing")


def test_push_tells_the_commit_what_it_bound(
    shell: Any, kernel: TwinKernel, capsys: pytest.CaptureFixture[str]
) -> None:
    """From a mapping, and by name from the caller; a name that is nowhere is said."""
    here = 5
    shell.push({"one": 1, "two": 2})
    shell.push("here nowhere")
    assert (kernel.namespace["one"], kernel.namespace["here"]) == (1, here)
    assert kernel.touches == [("one", "two"), ("here",)]
    assert "nowhere" in capsys.readouterr().err


def test_drop_by_id_takes_only_the_same_objects(shell: Any, kernel: TwinKernel) -> None:
    """A variable that was rebound meanwhile stays."""
    one, two = object(), object()
    kernel.namespace.update(one=one, two=two)
    shell.drop_by_id({"one": one, "two": one, "three": one})
    assert "one" not in kernel.namespace
    assert kernel.namespace["two"] is two


def test_a_file_runs_in_the_users_variables(shell: Any, kernel: TwinKernel, tmp_path: Path) -> None:
    """safe_execfile runs a program; what it raises is shown, or raised where that is wanted."""
    program = tmp_path / "program.py"
    program.write_text("bound = 1\nraise ValueError('no')\n")
    shell.safe_execfile(program)
    assert kernel.namespace["bound"] == 1
    assert [content["evalue"] for _, content in kernel.published] == ["no"]
    with pytest.raises(ValueError, match="no"):
        shell.safe_execfile(program, {}, raise_exceptions=True)


def test_variables_are_filled_in(shell: Any, kernel: TwinKernel) -> None:
    """`var_expand` knows the user's variables and those of its caller."""
    local = "here"
    kernel.namespace["name"] = "there"
    assert shell.var_expand("{name} $local {{x}}") == f"there {local} {{x}}"


def test_user_expressions_are_as_in_a_reply(shell: Any, kernel: TwinKernel) -> None:
    """A value as its bundle, an error as its own."""
    found = shell.user_expressions({"good": "1 + 1", "bad": "1 / 0"})
    assert found["good"] == {"status": "ok", "data": {"text/plain": "2"}, "metadata": {}}
    assert (found["bad"]["status"], found["bad"]["ename"]) == ("error", "ZeroDivisionError")
