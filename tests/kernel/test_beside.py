"""Cells that end beside the main thread's: what they bound survives a crash too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers.kernel import Kernel, wait_for
from holdfast.durable.listing import history
from holdfast.durable.store.port import LogEntry


class Lives:
    """Kernels of one session, and what the session's log says, read beside them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def kernel(self) -> Iterator[Kernel]:
        """A kernel that the block ends."""
        home = str(self._folder / "home")
        environment = {"HOLDFAST_DURABILITY": "process", "HOLDFAST_HOME": home, "HOLDFAST_SESSION": "tested"}
        kernel = Kernel(self._folder, environment=environment)
        try:
            yield kernel
        finally:
            kernel.process.kill()
            kernel.close()

    def log(self) -> list[LogEntry]:
        """Its commits so far."""
        return list(history(self._folder / "home", "tested")[1])

    def committed(self, name: str) -> LogEntry:
        """Wait for a commit that stores a variable."""
        (entry, *_) = wait_for(lambda: [one for one in self.log() if name in one.bound], f"a commit of {name}")
        return entry


@pytest.fixture
def lives(tmp_path: Path) -> Lives:
    """A session of this test's own."""
    return Lives(tmp_path)


def subshell(kernel: Kernel) -> dict[str, str]:
    """The header that sends a cell to a new subshell."""
    return {"subshell_id": str(kernel.request("create_subshell_request", {}, "control").reply["subshell_id"])}


def pending(kernel: Kernel, code: str, **header: str) -> object:
    """Run a cell; what its reply calls pending."""
    metadata = kernel.run(code, header=header).reply_message.metadata
    return metadata.get("holdfast", {}).get("pending")


def test_a_subshells_cell_is_committed_before_its_reply(lives: Lives) -> None:
    """Like any other: nothing of it is pending."""
    with lives.kernel() as kernel:
        kernel.run("x = [1]")
        assert pending(kernel, "y = x; z = 2", **subshell(kernel)) is None
        (entry,) = [one for one in lives.log() if "y" in one.bound]
        assert (entry.count, entry.code, entry.status) == (2, "y = x; z = 2", "ok")
    with lives.kernel() as kernel:
        assert kernel.run("y is x, z, In[2]").result == "(True, 2, 'y = x; z = 2')"


def test_a_subshells_cell_is_committed_beside_a_busy_main_thread(lives: Lives) -> None:
    """It waits for nobody; a crash costs the main thread's cell only, and the banner names that."""
    with lives.kernel() as kernel:
        kernel.run("import threading; release = threading.Event()")
        kernel.start("print('ready'); x = 1; release.wait(60)")
        assert pending(kernel, "y = [2]", **subshell(kernel)) is None
        assert any("y" in entry.bound for entry in lives.log())
    with lives.kernel() as kernel:
        result = kernel.run("y, 'x' in globals()", allow_stdin=True)
        assert result.result == "([2], False)"
        assert "died in cell [2]" in str(result.outputs)


def test_what_the_running_cell_can_change_waits_for_it(lives: Lives) -> None:
    """The reply names it; what only the subshell's cell reaches is committed, and the rest with the main cell."""
    with lives.kernel() as kernel:
        kernel.run("import threading; release = threading.Event(); box = [1]\ndef use(): return box")
        running = kernel.start("print('ready'); release.wait(60); use().append(3)")
        header = subshell(kernel)
        assert pending(kernel, "box.append(2); own = [box[0]]; held = {'in': box}", **header) == ["box", "held"]
        (entry,) = [one for one in lives.log() if "own" in one.bound]
        assert not {"box", "held"} & set(entry.bound)
        kernel.run("release.set()", header=header)
        kernel.finish(running)
        assert "box" in lives.committed("held").bound
    with lives.kernel() as kernel:
        assert kernel.run("box, held['in'] is box, own").result == "([1, 2, 3], True, [1])"


def test_after_a_crash_what_waited_is_named(lives: Lives) -> None:
    """What the store has of it is older than the rest: the banner says so; what was never stored is a placeholder."""
    with lives.kernel() as kernel:
        kernel.run("import threading; release = threading.Event(); box = [1]")
        kernel.start("print('ready'); release.wait(60); box, new")
        assert pending(kernel, "box.append(2); new = [5]", **subshell(kernel)) == ["box", "new"]
    with lives.kernel() as kernel:
        result = kernel.run("box, type(new).__name__", allow_stdin=True)
        assert result.result == "([1], 'LostValue')"
        assert "older than that, since newer ones were not stored yet: box" in str(result.outputs)
        assert "1 could not be kept: new" in str(result.outputs)


def test_a_failed_cell_of_a_subshell_is_kept_too(lives: Lives) -> None:
    """What it bound before it raised is there after a crash."""
    with lives.kernel() as kernel:
        kernel.run("y = 1; 1 / 0", header=subshell(kernel))
        assert lives.committed("y").status == "error"


@pytest.mark.parametrize("where", ["main", "subshell"])
@pytest.mark.parametrize("body", ["import asyncio; await asyncio.sleep(0.01)", "import time; time.sleep(0.01)"])
def test_a_background_cell_is_committed_when_it_ends(lives: Lives, where: str, body: str) -> None:
    """Its reply, which comes when it begins, names what it will bind."""
    with lives.kernel() as kernel:
        header = subshell(kernel) if where == "subshell" else {}
        names = pending(kernel, f"%%bg\n{body}\nlate = [5]\nlate", **header)
        assert isinstance(names, list)
        assert "late" in names
        assert lives.committed("late").status == "background"
    with lives.kernel() as kernel:
        assert kernel.run("late is Out[1], late").result == "(True, [5])"


def test_a_cell_in_a_thread_is_committed_before_its_reply(lives: Lives) -> None:
    """`%%thread` replies when it is over, so it is like any other."""
    with lives.kernel() as kernel:
        assert pending(kernel, "%%thread\nv = [6]") is None
        assert [entry.count for entry in lives.log() if "v" in entry.bound] == [1]


def test_what_is_pending_at_a_shutdown_is_kept(lives: Lives) -> None:
    """A kernel that leaves commits it on its way."""
    with lives.kernel() as kernel:
        kernel.run("x = 1")
        kernel.run("y = 2", header=subshell(kernel))
        kernel.shut_down()
    with lives.kernel() as kernel:
        assert kernel.run("x, y").result == "(1, 2)"


def test_a_completion_leaves_no_thread_that_looks_like_the_users(lives: Lives) -> None:
    """Beside threads of the user's every cell is taken for one that can change everything."""
    with lives.kernel() as kernel:
        kernel.request("complete_request", {"code": "impo", "cursor_pos": 4})
        names = kernel.run("import threading; [one.name for one in threading.enumerate()]").result
        assert "holdfast-pool" in str(names)
        assert "asyncio_" not in str(names)
