"""`%checkout` and `%undo` in a real kernel: what one sees, what survives, where it is refused."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers import crash_kernel
from helpers.kernel import Kernel, Process, Result
from holdfast.durable.store.points import Point


class Life:
    """The kernels of one session."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = {
            "HOLDFAST_DURABILITY": "process", "HOLDFAST_HOME": str(folder / "home"), "HOLDFAST_SESSION": "tested",
        }  # fmt: skip
        self._kernels: list[Kernel] = []

    def start(self, point: Point | None = None) -> Kernel:
        """A kernel; with a point one that dies there."""
        if point is None:
            kernel = Kernel(self._folder, environment=self._environment)
        else:
            environment = {**self._environment, "CRASH_POINT": f"{point.name} 1"}
            process = Process(self._folder, environment=environment, program=[crash_kernel.__file__])
            kernel = Kernel(self._folder, process=process)
        self._kernels.append(kernel)
        return kernel

    def kill(self, kernel: Kernel) -> None:
        """SIGKILL."""
        kernel.process.kill()
        kernel.is_over = True

    def end(self) -> None:
        """End all that live."""
        for kernel in self._kernels:
            kernel.process.kill()
            kernel.close()


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    """A session of this test's own."""
    made = Life(tmp_path)
    yield made
    made.end()


def shown(result: Result) -> tuple[str, dict[str, Any]]:
    """What a checkout displays: the text, and the data in its metadata."""
    for message in result.of_type("display_data"):
        found = message.content["metadata"].get("holdfast", {})
        if "checkout" in found:
            return message.content["data"]["text/plain"], found["checkout"]
    raise AssertionError(result.traceback or result.outputs)


def test_there_and_back_again_over_kill_and_restart(life: Life) -> None:
    """What one sees; the count goes on upwards; after `kill -9` and after a clean restart every state is there."""
    kernel = life.start()
    for code in (
        "a = [1]; b = 2; d = 0",
        "import threading; stop = threading.Event(); a.append(3); b = 4; c = 5; del d",
    ):
        assert kernel.run(code).reply["status"] == "ok"
    text, data = shown(kernel.run("%checkout 1"))
    assert text.startswith("Checked out [1] of ")
    assert text.endswith(": 2 variables changed (a, b), 1 back (d), 3 gone (c, stop, threading); %undo to come back")
    assert (data["changed"], data["added"], data["gone"]) == (["a", "b"], ["d"], ["c", "stop", "threading"])
    result = kernel.run("a, b, d, 'c' in globals()")
    assert result.result == "([1], 2, 0, False)"
    assert kernel.run("In[1:4]").result == "['a = [1]; b = 2; d = 0', '', '%checkout 1']"
    assert result.reply["execution_count"] == 4
    text, _ = shown(kernel.run("%undo"))
    assert text.startswith("Undid [5] (In[1:4]): no variable changed, %undo again goes further back; %checkout @")
    kernel.run("%undo")
    text, _ = shown(kernel.run("%undo"))
    assert text.startswith("Undid [3] (%checkout 1): 2 variables changed (a, b), 3 back (c, stop, threading)")
    assert kernel.run("a, b, c").result == "([1, 3], 4, 5)"
    assert kernel.run("import holdfast; holdfast.session.checkout(1); after = a").reply["status"] == "ok"
    life.kill(kernel)

    kernel = life.start()
    result = kernel.run("a, after is a, 'c' in globals()")
    assert (result.result, result.reply["execution_count"]) == ("([1], True, False)", 11)
    kernel.shut_down(restart=True)

    kernel = life.start()
    kernel.run("%checkout 11")
    result = kernel.run("a, after is a")
    assert (result.result, result.reply["execution_count"]) == ("([1], True)", 12)
    kernel.run("%checkout 1:2")
    assert kernel.run("a, b, c").result == "([1, 3], 4, 5)"
    table = kernel.run("%session log").of_type("display_data")[0].content["data"]["text/plain"]
    assert table.splitlines()[0].split() == ["commit", "cell", "epoch", "at", "status", "from", "names", "code"]
    assert table.splitlines()[-1].startswith("→")
    table = kernel.run("%session diff 1:1 1:2").of_type("display_data")[0].content["data"]["text/plain"]
    assert [line.split(None, 2) for line in table.splitlines() if line.startswith(("a ", "d "))] == [
        ["a", "changed", "[1]     [1, 3]"], ["d", "removed", "0"],
    ]  # fmt: skip


@pytest.mark.parametrize(("point", "expected"), [(Point.CHECKING_OUT, "[1, 2]"), (Point.CHECKED_OUT, "[1]")])
def test_killed_in_a_checkout(point: Point, expected: str, life: Life) -> None:
    """Before its commit all is as before the cell that asked, after it as in the target; nothing is lost."""
    kernel = life.start(point)
    kernel.run("a = [1]; b = a")
    kernel.run("a.append(2)")
    kernel.execute("a.append(3); mine = 1\n%checkout 1")
    assert kernel.process.wait() == -signal.SIGKILL
    kernel.is_over = True
    kernel = life.start()
    result = kernel.run("a, b is a, 'mine' in globals()")
    assert result.result == f"({expected}, True, False)"
    said = "".join(message.content["data"]["text/plain"] for message in result.of_type("display_data"))
    assert ("died in cell [3]" in said) is (point is Point.CHECKING_OUT)
    kernel.run("%checkout 2")
    assert kernel.run("a, b is a").result == "([1, 2], True)"


def test_where_it_is_refused_and_what_it_names(life: Life) -> None:
    """In threads and background cells, and without a target; threads and tasks that go on are named."""
    kernel = life.start()
    kernel.run("a = 1")
    kernel.run("a = 2")
    for code, word in (
        ("%%thread\n%checkout 1", "main thread only"),
        ("%checkout", "%checkout 41 (a cell)"),
        ("%checkout 1 2", "%checkout 41 (a cell)"),
        ("%undo 3", "%undo alone"),
        ("%checkout 99", "there is no cell [99] in this session"),
        ("%checkout @999", "there is no commit @999"),
        ("%checkout x", "'x' is no place in a session"),
    ):
        assert word in str(kernel.run(code).reply["evalue"])
    kernel.run(
        "import asyncio, threading\nstop = threading.Event()\n"
        "worker = threading.Thread(target=stop.wait, name='worker', daemon=True); worker.start()\n"
        "task = asyncio.get_running_loop().create_task(asyncio.sleep(1000), name='napping')"
    )
    text, data = shown(kernel.run("waiting = stop\n%checkout 2\nwaiting = 'bound after'"))
    assert text.splitlines()[-1] == "still running, with the values of before: task napping, thread worker"
    assert data["running"] == ["task napping", "thread worker"]
    assert kernel.run("a, waiting").result == "(2, 'bound after')"


def test_an_interrupt_in_the_middle_changes_nothing(life: Life) -> None:
    """All or nothing is bound, whenever it comes."""
    kernel = life.start()
    kernel.run(
        "class Slow:\n    def __setstate__(self, state):\n        print('ready')\n        import time; time.sleep(30)"
    )
    kernel.run("slow = Slow(); slow.x = 1; a = 1; z = [1]")
    kernel.run("slow = None; a = 2; z.append(2)")
    result = kernel.start("%checkout 2")
    os.kill(kernel.process.pid, signal.SIGINT)
    assert kernel.finish(result).reply["ename"] == "KeyboardInterrupt"
    assert kernel.run("slow, a, z").result == "(None, 2, [1, 2])"
    life.kill(kernel)
    assert life.start().run("slow, a, z").result == "(None, 2, [1, 2])"
