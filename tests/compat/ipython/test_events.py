"""Events: called around cells, in order, and harmless when they fail."""

from __future__ import annotations

from types import FunctionType, SimpleNamespace
from typing import Any

import pytest

from helpers.shell import TwinEdges, TwinKernel

JOB = SimpleNamespace(code="1 + 1", stored=True, silent=False, count=3)
SILENT = SimpleNamespace(code="1 + 1", stored=False, silent=True, count=3)


def test_nothing_is_asked_while_nobody_listens(shell: Any, edges: TwinEdges) -> None:
    """The kernel has nothing to call before the first registration and after the last is undone."""
    assert edges.hooks.on_begin is None
    shell.events.register("post_execute", print)
    hooks: Any = edges.hooks
    assert hooks.on_begin is not None
    shell.events.unregister("post_execute", print)
    assert hooks.on_begin is hooks.on_end is None


def test_the_order_around_a_cell(shell: Any, edges: TwinEdges, kernel: TwinKernel) -> None:
    """pre_execute, pre_run_cell, post_execute, post_run_cell; the latter two of each get what is known."""
    seen: list[object] = []
    kernel.namespace["_3"] = 2
    shell.events.register("pre_execute", lambda: seen.append("before"))
    shell.events.register("pre_run_cell", lambda info: seen.append(info.raw_cell))
    shell.events.register("post_execute", lambda: seen.append("after"))
    shell.events.register("post_run_cell", lambda result: seen.append((result.result, result.success)))
    edges.hooks.before(JOB)
    edges.hooks.after(JOB, False)
    assert seen == ["before", "1 + 1", "after", (2, True)]


def test_a_failed_cell_says_so(shell: Any, edges: TwinEdges, kernel: TwinKernel) -> None:
    """The result has the error."""
    seen: list[Any] = []
    kernel.last_error = ValueError("no")
    shell.events.register("post_run_cell", seen.append)
    edges.hooks.before(JOB)
    edges.hooks.after(JOB, True)
    assert (seen[0].success, seen[0].error_in_exec, seen[0].execution_count) == (False, kernel.last_error, 3)


def test_a_silent_cell_has_two_events(shell: Any, edges: TwinEdges) -> None:
    """Those of execution, not those of a cell."""
    seen: list[str] = []
    for name in ("pre_execute", "pre_run_cell", "post_execute", "post_run_cell"):
        shell.events.register(name, lambda *args, name=name: seen.append(name))
    edges.hooks.before(SILENT)
    edges.hooks.after(SILENT, False)
    assert seen == ["pre_execute", "post_execute"]


def test_a_function_may_take_nothing(shell: Any) -> None:
    """A function for pre_run_cell that takes no info is called without."""
    seen: list[str] = []
    shell.events.register("pre_run_cell", lambda: seen.append("called"))
    shell.events.trigger("pre_run_cell", "info")
    assert seen == ["called"]


def test_one_that_fails_does_not_keep_the_others(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Its error is shown with the function and the event."""
    seen: list[str] = []

    def fails() -> None:
        raise ValueError("no")

    shell.events.register("post_execute", fails)
    shell.events.register("post_execute", lambda: seen.append("called"))
    shell.events.trigger("post_execute")
    assert seen == ["called"]
    said = capsys.readouterr().err
    assert "fails" in said
    assert "post_execute" in said
    assert "reported ValueError: no" in said


def test_registered_twice_is_called_once(shell: Any) -> None:
    """Cells are run again."""
    seen: list[str] = []

    def call() -> None:
        seen.append("called")

    shell.events.register("post_execute", call)
    shell.events.register("post_execute", call)
    shell.events.trigger("post_execute")
    assert seen == ["called"]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda events: events.register("post_cell", print), KeyError),
        (lambda events: events.register("post_execute", 3), TypeError),
        (lambda events: events.unregister("post_execute", print), ValueError),
    ],
)
def test_wrong_calls_say_so(shell: Any, call: Any, error: type[Exception]) -> None:
    """An unknown event, no function, and what was never registered."""
    with pytest.raises(error):
        call(shell.events)


def test_the_commit_is_told_of_functions_of_the_notebook(shell: Any, kernel: TwinKernel) -> None:
    """What a cell defined may have changed variables; a library's function costs nothing."""
    shell.events.register("post_execute", len([]).bit_length)
    shell.events.trigger("post_execute")
    assert kernel.touches == []
    defined = FunctionType((lambda: None).__code__, kernel.namespace)
    shell.events.register("post_execute", defined)
    shell.events.trigger("post_execute")
    assert kernel.touches == [()]


def test_register_post_execute_is_the_same(shell: Any) -> None:
    """The old way."""
    shell.register_post_execute(print)
    assert shell.events.callbacks["post_execute"] == [print]
