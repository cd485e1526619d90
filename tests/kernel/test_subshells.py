"""Kernel subshells (JEP 91): cells beside the main one, on the same namespace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from helpers.kernel import Kernel, Result


def _in(subshell: str, **header: Any) -> dict[str, Any]:
    return {"header": {"subshell_id": subshell, **header}}


@pytest.fixture
def subshell(kernel: Kernel) -> Iterator[str]:
    """A subshell of this test's own."""
    name = str(kernel.request("create_subshell_request", {}, "control").reply["subshell_id"])
    yield name
    kernel.request("delete_subshell_request", {"subshell_id": name}, "control")


def test_the_feature_is_announced(kernel: Kernel) -> None:
    """kernel_info names the feature as JEP 91 does."""
    assert "kernel subshells" in kernel.request("kernel_info_request", {}).reply["supported_features"]


def test_subshells_are_listed(kernel: Kernel, subshell: str) -> None:
    """A created subshell is on the list until it is deleted."""
    listed = kernel.request("list_subshell_request", {}, "control").reply["subshell_id"]
    assert subshell in listed
    assert kernel.request("delete_subshell_request", {"subshell_id": subshell}, "control").reply["status"] == "ok"
    assert subshell not in kernel.request("list_subshell_request", {}, "control").reply["subshell_id"]


def test_a_subshell_shares_the_namespace(kernel: Kernel, subshell: str) -> None:
    """What one shell binds the other sees, and globals() is one dict."""
    kernel.run("x = 1; ids = {id(globals())}")
    assert kernel.run("x += 1; ids.add(id(globals())); x", **_in(subshell)).result == "2"
    assert kernel.run("(x, len(ids))").result == "(2, 1)"


def test_a_subshell_runs_beside_a_blocking_cell(kernel: Kernel, subshell: str) -> None:
    """A cell in a subshell is replied to while the main shell is busy."""
    kernel.run("import threading; release = threading.Event()")
    running = kernel.start("print('ready'); release.wait(60)")
    assert kernel.run("6 * 7", **_in(subshell)).result == "42"
    assert not running.is_done
    kernel.run("release.set()", **_in(subshell))
    assert kernel.finish(running).result == "True"


def test_the_main_shell_runs_beside_a_busy_subshell(kernel: Kernel, subshell: str) -> None:
    """A blocking cell in a subshell does not hold up the main shell."""
    kernel.run("import threading; release = threading.Event()")
    running = kernel.start("print('ready'); release.wait(60)", **_in(subshell))
    assert kernel.run("7").result == "7"
    kernel.run("release.set()")
    assert kernel.finish(running).reply["status"] == "ok"


def test_output_belongs_to_the_cell_of_its_subshell(kernel: Kernel, subshell: str) -> None:
    """Two cells that print at the same time keep their texts apart."""
    kernel.run("import threading; turn = [threading.Event() for _ in range(4)]")
    there = kernel.execute("print('there 1'); turn[0].set(); turn[1].wait(60); print('there 2')", **_in(subshell))
    here = kernel.run("turn[0].wait(60); print('here 1'); turn[1].set(); print('here 2')")
    kernel.finish(there)
    assert (there.stdout, here.stdout) == ("there 1\nthere 2\n", "here 1\nhere 2\n")


def test_await_works_in_a_subshell(kernel: Kernel, subshell: str) -> None:
    """A subshell has a loop of its own."""
    code = "import asyncio\nasync def f(): await asyncio.sleep(0); return 5\nawait f()"
    assert kernel.run(code, **_in(subshell)).result == "5"


def test_context_variables_last_in_a_subshell(kernel: Kernel, subshell: str) -> None:
    """Cells of one subshell share a context."""
    kernel.run("import contextvars; sv = contextvars.ContextVar('sv', default=0)")
    kernel.run("sv.set(3)", **_in(subshell))
    assert kernel.run("sv.get()", **_in(subshell)).result == "3"


def test_an_error_stays_in_its_subshell(kernel: Kernel, subshell: str) -> None:
    """A failing cell aborts the queue of its own shell only."""
    kernel.run("import threading; release = threading.Event()")
    running = kernel.start("print('ready'); release.wait(60); 1/0", **_in(subshell))
    queued = kernel.execute("1", **_in(subshell))
    kernel.run("release.set()")
    assert kernel.run("2").result == "2"
    assert kernel.finish(running).reply["ename"] == "ZeroDivisionError"
    assert kernel.finish(queued).reply["status"] == "aborted"


def test_the_count_is_the_sessions(kernel: Kernel, subshell: str) -> None:
    """Main shell and subshell share one execution count."""
    first = kernel.run("1").reply["execution_count"]
    assert kernel.run("1", **_in(subshell)).reply["execution_count"] == first + 1
    assert kernel.run("1").reply["execution_count"] == first + 2


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("print('ready')\nwhile True: pass", id="a loop"),
        pytest.param("import asyncio\nprint('ready')\nawait asyncio.sleep(30)", id="an await"),
        pytest.param("import time\nprint('ready')\nwhile True: time.sleep(0.01)", id="short sleeps"),
    ],
)
def test_a_subshell_is_interrupted(kernel: Kernel, subshell: str, code: str) -> None:
    """An interrupt stops the cell of a subshell too."""
    running = kernel.start(code, **_in(subshell))
    kernel.interrupt_by_message()
    assert kernel.finish(running).reply["ename"] == "KeyboardInterrupt"
    assert kernel.run("1", **_in(subshell)).result == "1"


def test_busy_of_the_main_cell_comes_back(kernel: Kernel, subshell: str) -> None:
    """When a subshell's cell ends beside a running one, iopub says busy again for that one."""
    kernel.run("import threading; release = threading.Event()")
    running = kernel.start("print('ready'); release.wait(60)")
    kernel.run("1", **_in(subshell))
    kernel.until(lambda: running.states == ["busy", "busy"], "the second busy of the running cell")
    kernel.run("release.set()", **_in(subshell))
    kernel.finish(running)


def test_a_deleted_subshell_finishes_its_cell(kernel: Kernel) -> None:
    """Deleting a subshell lets its running cell end, refuses what is queued, and ends its thread."""
    kernel.run("import threading; release = threading.Event()")
    name = str(kernel.request("create_subshell_request", {}, "control").reply["subshell_id"])
    running = kernel.start("print('ready'); release.wait(60)", **_in(name))
    queued = kernel.execute("1", **_in(name))
    kernel.request("kernel_info_request", {})  # answered: what was sent before it on shell is in the queue
    kernel.request("delete_subshell_request", {"subshell_id": name}, "control")
    assert kernel.run("2", **_in(name)).reply["status"] == "error"
    kernel.run("release.set()")
    assert kernel.finish(running).reply["status"] == "ok"
    assert "its shell has ended" in kernel.finish(queued).reply["evalue"]
    gone = (
        "import time\nfor _ in range(1000):\n"
        f"    if not any({name!r} in t.name for t in threading.enumerate()): break\n"
        "    time.sleep(0.005)\nelse: raise TimeoutError"
    )
    assert kernel.run(gone).reply["status"] == "ok"


def test_many_subshells_run_at_once(kernel: Kernel) -> None:
    """Eight subshells wait for each other at a barrier, which they could not one after the other."""
    kernel.run("import threading; barrier = threading.Barrier(8)")
    names = [str(kernel.request("create_subshell_request", {}, "control").reply["subshell_id"]) for _ in range(8)]
    assert len(set(names)) == 8
    results: list[Result] = [kernel.execute("barrier.wait(60) >= 0", **_in(name)) for name in names]
    assert [kernel.finish(result).result for result in results] == ["True"] * 8
    for name in names:
        kernel.request("delete_subshell_request", {"subshell_id": name}, "control")


def test_a_subshell_asks_for_input(kernel: Kernel, subshell: str) -> None:
    """input() works in a subshell."""
    assert kernel.run("input('sub? ')", answers=["yes"], **_in(subshell)).result == "'yes'"


def test_silent_subshells_leave_no_trace(kernel: Kernel, subshell: str) -> None:
    """Silent cells stay silent in a subshell."""
    assert kernel.run("print('x')", silent=True, **_in(subshell)).outputs == []


def test_a_kernel_with_subshells_shuts_down(fresh: Kernel) -> None:
    """An open subshell with a running cell does not hold up the end."""
    name = str(fresh.request("create_subshell_request", {}, "control").reply["subshell_id"])
    fresh.start("import threading\nprint('ready'); threading.Event().wait(30)", **_in(name))
    assert fresh.shut_down().reply["status"] == "ok"
