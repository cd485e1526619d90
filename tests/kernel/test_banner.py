"""What a person sees after a crash: what came back, and why the last kernel died."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.kernel import Result, wait_for
from helpers.lives import Lives


@pytest.fixture
def lives(tmp_path: Path) -> Lives:
    """A session of this test's own."""
    return Lives(tmp_path)


def banner(result: Result) -> list[str]:
    """The lines of the banner below a cell; none when it shows none."""
    shown = [message for message in result.of_type("display_data") if "holdfast" in message.metadata]
    return str(shown[0].content["data"]["text/plain"]).splitlines() if shown else []


def test_what_was_lost_is_counted_and_named(lives: Lives) -> None:
    """One sentence, with what to type to know more; `%session why` then says it."""
    with lives.kernel() as kernel:
        kernel.run("x = 1; g = (i for i in range(3))")
        lives.kill(kernel)
    with lives.kernel() as kernel:
        result = kernel.run("%session why")
        first, *_ = banner(result)
        assert first == "Restored 1 variable as of cell [1]; 1 could not be kept: g (%session why)"
        shown = [str(message.content["data"]["text/plain"]) for message in result.of_type("display_data")]
        assert "run cell [1] again, or delete it" in shown[-1]


def test_a_result_that_was_lost_is_named_as_people_name_it(lives: Lives) -> None:
    """By the variable that holds it too, else by the number of its cell; never by a key of ours."""
    with lives.kernel() as kernel:
        kernel.run("x = 1; g = (i for i in range(3))\ng")
        kernel.run("[(i for i in range(3))]")
        assert kernel.run("(i for i in range(3))").reply_message.metadata["holdfast"]["lost"][0][0] == "Out[3]"
        lives.kill(kernel)
    with lives.kernel() as kernel:
        first = banner(kernel.run("x"))[0]
        assert first == ("Restored 1 variable as of cell [3]; 3 could not be kept: g, Out[2][0], Out[3] (%session why)")
        assert "<LostValue Out[3]: generator: " in str(kernel.run("Out[3]").result)
        shown = kernel.run("%session why").of_type("display_data")[-1].content["data"]["text/plain"]
        assert "@r" not in shown
        assert "Out[2][0]" in shown


def test_the_reply_says_it_too(lives: Lives) -> None:
    """For programs: the metadata of the first reply, and of no other."""
    with lives.kernel() as kernel:
        kernel.run("x = 1; g = (i for i in range(3))")
        lives.kill(kernel)
    with lives.kernel() as kernel:
        told = kernel.run("x").reply_message.metadata["holdfast"]["restored"]
        assert (told["count"], told["kept"], told["lost"][0][:2]) == (1, ["x"], ["g", "generator"])
        assert "restored" not in kernel.run("x").reply_message.metadata.get("holdfast", {})


def test_a_batch_run_shows_no_banner(lives: Lives) -> None:
    """It would stay in the notebook that comes out; the reply says it all the same."""
    with lives.kernel() as kernel:
        kernel.run("x = 1")
        lives.kill(kernel)
    with lives.kernel() as kernel:
        result = kernel.run("x", allow_stdin=False)
        assert (banner(result), result.result) == ([], "1")
        assert result.reply_message.metadata["holdfast"]["restored"]["kept"] == ["x"]


def test_a_session_without_variables_shows_none(lives: Lives) -> None:
    """Where nothing came back there is nothing to say."""
    with lives.kernel() as kernel:
        kernel.run("1 + 1")
        lives.kill(kernel)
    with lives.kernel() as kernel:
        assert banner(kernel.run("x = 1")) == []


def test_a_cell_that_kills_its_kernel_is_named(lives: Lives) -> None:
    """With its number and its first line; why is not known."""
    with lives.kernel() as kernel:
        kernel.run("x = 1")
        lives.die_in(kernel, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    with lives.kernel() as kernel:
        *_, last, way_out = banner(kernel.run("x"))
        assert way_out == "%session new for a clean one"
        assert last == (
            "the kernel before this one died in cell [2] (import os, signal): killed, reason unknown"
        )  # fmt: skip


def test_a_segmentation_fault_is_named(lives: Lives) -> None:
    """With the line of the cell that was in it."""
    with lives.kernel() as kernel:
        kernel.run("x = 1")
        lives.die_in(kernel, "import ctypes\n\nctypes.string_at(0)")
    with lives.kernel() as kernel:
        last = banner(kernel.run("x"))[-2]
        assert last == "the kernel before this one died in cell [2] (import ctypes): Segmentation fault, in line 3"


def test_what_ran_beside_the_cells_is_named(lives: Lives) -> None:
    """Threads and tasks of the user's do not come back; the banner says which there were."""
    with lives.kernel() as kernel:
        code = (
            "import asyncio, threading\nx = 1\nthreading.Thread(target=threading.Event().wait, name='poll').start()\n"
        )
        kernel.run(code + "async def fetch(): await asyncio.sleep(60)\ntask = asyncio.create_task(fetch())")
        [mark] = lives.home.glob("sessions/*/running")
        wait_for(lambda: b"poll" in mark.read_bytes(), "the note of the thread")
        lives.kill(kernel)
    with lives.kernel() as kernel:
        last = banner(kernel.run("x"))[-2]
        assert last == "what ran beside the cells ended with it: thread poll, task fetch"


def test_a_crash_of_a_child_is_not_the_kernels(lives: Lives) -> None:
    """A forked process that dies of a fault leaves its trace below its cell, not in the session."""
    with lives.kernel() as kernel:
        kernel.run("x = 1")
        code = "import os, ctypes\npid = os.fork()\nif not pid:\n    ctypes.string_at(0)\nos.waitpid(pid, 0)[1] != 0"
        result = kernel.run(code)
        assert (result.result, "Segmentation fault" in result.stderr) == ("True", True)
        lives.die_in(kernel, "os.kill(os.getpid(), 9)")
    with lives.kernel() as kernel:
        last = banner(kernel.run("x"))[-2]
        assert last.endswith("died in cell [3] (os.kill(os.getpid(), 9)): killed, reason unknown")


def test_a_kernel_killed_between_cells_died_in_none(lives: Lives) -> None:
    """The last cell had been replied to."""
    with lives.kernel() as kernel:
        kernel.run("x = 1")
        lives.kill(kernel)
    with lives.kernel() as kernel:
        assert not any("died" in line for line in banner(kernel.run("x")))


def test_a_kernel_that_ended_well_did_not_die(lives: Lives) -> None:
    """Closing a notebook is no crash."""
    with lives.kernel() as kernel:
        kernel.run("x = 1")
    with lives.kernel() as kernel:
        assert banner(kernel.run("x")) == ["Restored 1 variable as of cell [1]"]
