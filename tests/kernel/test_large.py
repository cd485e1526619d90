"""Large values in a real kernel: written beside the user, named when that was cut short, flushed when it leaves."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from helpers import slow_kernel
from helpers.kernel import Kernel, Process, wait_for
from holdfast.durable.folder import folder_of
from holdfast.durable.listing import history
from holdfast.durable.lock import FLUSHING, owner

MAKE = "import numpy as np\nframe = np.arange(500_000.)"
SUM = f"{sum(range(500_000)):.1f}"
READ = "float(frame.sum())"


class Lives:
    """Kernels of one session on a disk that takes large values when the gate is open."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._gate = folder / "gate"
        self.home = folder / "home"
        self.place = Path(folder_of(self.home, "tested"))

    def open(self) -> None:
        """Let the disk take what waits."""
        self._gate.touch()

    @contextmanager
    def kernel(self, point: str = "") -> Iterator[Kernel]:
        """A kernel that the block ends."""
        environment = {
            "HOLDFAST_DURABILITY": "process",
            "HOLDFAST_HOME": str(self.home),
            "HOLDFAST_SESSION": "tested",
            "SLOW_GATE": str(self._gate),
            "PYTHONPATH": str(Path(__file__).parents[1]),
            **({"CRASH_POINT": f"{point} 1"} if point else {}),
        }
        process = Process(self._folder, environment=environment, program=[slow_kernel.__file__])
        kernel = Kernel(self._folder, process=process)
        try:
            yield kernel
        finally:
            kernel.process.kill()
            kernel.close()

    def stored(self) -> bool:
        """Whether a commit has the frame."""
        return any("frame" in entry.bound for entry in history(self.home, "tested")[1])

    def flusher(self) -> psutil.Process:
        """The process that goes on after the kernel."""
        found = wait_for(self._flusher, "the process that writes after the kernel")
        assert found is not None
        return found

    def _flusher(self) -> psutil.Process | None:
        pid = owner(self.place)
        return psutil.Process(pid) if pid and (self.place / FLUSHING).exists() else None


@pytest.fixture
def lives(tmp_path: Path) -> Iterator[Lives]:
    """A session of this test's own; whatever writes for it ends with the test."""
    made = Lives(tmp_path)
    yield made
    made.open()
    wait_for(lambda: not owner(made.place), "the end of the process that writes")


def pending(kernel: Kernel, code: str) -> object:
    """Run a cell; what its reply calls pending."""
    return kernel.run(code).reply_message.metadata.get("holdfast", {}).get("pending")


def state(kernel: Kernel) -> str | None:
    """What `%session` says of the frame."""
    code = "import holdfast\n[row.state for row in holdfast.session.variables if row.name == 'frame'][0]"
    return kernel.run(code).result


def test_a_large_value_is_pending_and_then_kept(lives: Lives) -> None:
    """The reply does not wait; the session follows; the next kernel has it."""
    with lives.kernel() as kernel:
        assert pending(kernel, MAKE + "; small = 5") == ["frame"]
        assert state(kernel) == "'pending'"
        assert not lives.stored()
        lives.open()
        wait_for(lives.stored, "a commit of the frame")
        assert state(kernel) == "'kept'"
    with lives.kernel() as kernel:
        assert kernel.run(f"{READ}, small").result == f"({SUM}, 5)"


def test_killed_in_that_window_the_banner_names_it(lives: Lives) -> None:
    """kill -9 while it is written costs that value; everything else is there."""
    with lives.kernel() as kernel:
        assert pending(kernel, MAKE + "; small = 5") == ["frame"]
        kernel.run("after = 6")
    with lives.kernel() as kernel:
        result = kernel.run("small, after, type(frame).__name__", allow_stdin=True)
        assert result.result == "(5, 6, 'LostValue')"
        assert "1 could not be kept: frame" in str(result.outputs)


def test_a_cell_that_can_change_it_waits_and_others_do_not(lives: Lives) -> None:
    """Reading goes on at once; what writes to it runs when the version is whole, and an interrupt ends the wait."""
    with lives.kernel() as kernel:
        kernel.run(MAKE)
        assert kernel.run(READ).result == SUM
        waits = kernel.execute("frame[0] = 1")
        subshell = str(kernel.request("create_subshell_request", {}, "control").reply["subshell_id"])
        assert kernel.run("1 + 1", header={"subshell_id": subshell}).result == "2"
        assert not waits.is_done
        kernel.interrupt()
        assert kernel.finish(waits).error == "KeyboardInterrupt"
        waits = kernel.execute("frame[0] = 1")
        assert kernel.run("2 + 2", header={"subshell_id": subshell}).result == "4"
        assert not waits.is_done
        lives.open()
        kernel.finish(waits)
        assert waits.error is None
        assert kernel.run("float(frame[0])").result == "1.0"


def test_what_a_shutdown_has_no_time_for_another_process_writes(lives: Lives) -> None:
    """The kernel leaves; signals to its group do not reach the writer; the next kernel waits for it, and has all."""
    with lives.kernel() as kernel:
        kernel.run(MAKE + "; small = 5")
        group = os.getpgid(kernel.process.pid)
        kernel.shut_down()
        kernel.process.wait()
        flusher = lives.flusher()
        assert os.getpgid(flusher.pid) != group
        flusher.send_signal(signal.SIGTERM)
        flusher.send_signal(signal.SIGINT)
        with lives.kernel() as following:
            assert not lives.stored()
            lives.open()
            result = following.run(f"{READ}, small", allow_stdin=True)
            assert result.result == f"({SUM}, 5)"
            assert "could not be kept" not in str(result.outputs)


def test_that_process_killed_costs_what_it_had_to_write(lives: Lives) -> None:
    """SIGKILL: the next kernel names the value, and nothing else is lost."""
    with lives.kernel() as kernel:
        kernel.run(MAKE + "; small = 5")
        kernel.shut_down()
        kernel.process.wait()
        lives.flusher().kill()
    with lives.kernel() as kernel:
        result = kernel.run("small, type(frame).__name__", allow_stdin=True)
        assert result.result == "(5, 'LostValue')"
        assert "1 could not be kept: frame" in str(result.outputs)


@pytest.mark.parametrize("point", ["WRITING_BESIDE", "WRITTEN_BESIDE", "FLUSHING", "FLUSHED"])
def test_killed_at_any_step_nothing_else_is_lost(lives: Lives, point: str) -> None:
    """At each named instant: the value is whole or named, the rest is there."""
    with lives.kernel(point) as kernel:
        kernel.run("small = 5")
        kernel.execute(MAKE)
        if point.endswith("BESIDE"):
            lives.open()
        else:
            wait_for(lambda: history(lives.home, "tested")[1][-1].count == 2, "the commit of the cell")
            kernel.send("shutdown_request", {"restart": False}, "control")
            wait_for(lambda: kernel.process.popen.poll() is not None, "the end of the kernel")
            lives.open()
        kernel.process.wait()
        wait_for(lambda: not owner(lives.place), "the death")
    # Where the disk is slow, what is written beside the cell is begun before the cell itself is committed.
    committed = any(entry.count == 2 for entry in history(lives.home, "tested")[1])
    with lives.kernel() as kernel:
        found = f"'frame' in globals() and ({READ} if type(frame).__name__ == 'ndarray' else 'lost')"
        result = kernel.run(f"small, {found}", allow_stdin=True)
        assert result.result in ((f"(5, {SUM})", "(5, 'lost')") if committed else ("(5, False)",))
        assert ("could not be kept: frame" in str(result.outputs)) == ("lost" in str(result.result))
