"""User code that says how to store something, in a real kernel: heard by nobody, and ended after its time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.kernel import Kernel, Shared


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """A kernel that keeps its session, and gives user code little time."""
    folder: Path = tmp_path_factory.mktemp("guard")
    environment = {"HOLDFAST_DURABILITY": "process", "HOLDFAST_HOME": str(folder / "home"), "HOLDFAST_DEADLINE": "1"}
    holder = Shared(lambda: Kernel(folder, environment=environment))
    yield holder
    holder.end()


def test_code_that_sleeps_is_ended_and_named(kernel: Kernel) -> None:
    """The reply comes, names the value, and the next cells are not interrupted."""
    cell = kernel.run("import time\nclass S:\n    def __getstate__(self): time.sleep(3600)\ns, other = S(), [1]")
    assert cell.error is None
    lost = cell.reply_message.metadata["holdfast"]["lost"]
    assert [path for path, _, _ in lost] == ["s"]
    assert "took longer than 1 s" in lost[0][2]
    assert kernel.run("import time; time.sleep(1.2); del s; other").result == "[1]"


def test_what_such_code_prints_and_displays_is_not_shown(kernel: Kernel) -> None:
    """The cell shows its own output only."""
    cell = kernel.run(
        "import sys\nclass Loud:\n    def __getstate__(self):\n"
        "        print('state'); print('error', file=sys.stderr); display('shown'); return {}\n"
        "loud = Loud(); print('cell')"
    )
    assert cell.stdout == "cell\n"
    assert cell.stderr == ""
    assert "'shown'" not in str(cell.outputs)
    assert kernel.run("print('next')").stdout == "next\n"


def test_one_interrupt_ends_such_code_and_nothing_else(kernel: Kernel) -> None:
    """Ctrl-C costs the value; the cell's other variables are committed, and the cell has not failed."""
    running = kernel.execute(
        "import os, signal\nclass I:\n    def __getstate__(self):\n        os.kill(os.getpid(), signal.SIGINT)\n"
        "        while True: pass\ni, kept = I(), 5"
    )
    kernel.finish(running)
    assert running.error is None
    notes = running.reply_message.metadata["holdfast"]
    assert [path for path, _, _ in notes["lost"]] == ["i"]
    assert "was interrupted" in notes["lost"][0][2]
    assert "failed" not in str(notes)
    assert kernel.run("del i; kept").result == "5"
