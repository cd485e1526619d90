"""`!command` and `%%bash` in a real kernel: live output, interrupts, whose output it is."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from helpers.kernel import Kernel, wait_for

pytestmark = pytest.mark.skipif(os.name != "posix", reason="commands of a POSIX shell")


def fifo(kernel: Kernel) -> Path:
    """A pipe with a name, for a command that is to wait until it is opened."""
    path = kernel.process.folder / f"gate-{time.monotonic_ns()}"
    os.mkfifo(path)
    return path


def runs(kernel: Kernel, line: str) -> bool:
    """Whether a process that the kernel started was started with this, and is no shell that is about to run it."""
    return line in kernel.process.children()


def unix(text: str) -> str:
    """With plain ends of lines: those of a terminal are tested once."""
    return text.replace("\r\n", "\n")


@pytest.mark.parametrize("code", ["!echo first; cat {gate} >&2", "%%bash\necho first\ncat {gate} >&2"])
def test_output_is_shown_as_it_comes(kernel: Kernel, code: str) -> None:
    """The first line is there while the command runs."""
    gate = fifo(kernel)
    result = kernel.execute(code.format(gate=gate))
    kernel.until(lambda: unix(result.stdout) == "first\n", "the first line")
    assert not result.is_done
    gate.write_text("second\n")
    kernel.finish(result)
    assert unix(result.stdout + result.stderr) == "first\nsecond\n"


@pytest.mark.parametrize(
    "code",
    [
        "for i in range(3):\n    !sleep 1000\nprint('not reached')",
        "%%bash\nsleep 1000",
        "x = !sleep 1000\nprint('not reached')",
        "import asyncio\nawait asyncio.sleep(0)\n!sleep 1000\nprint('not reached')",
    ],
)
@pytest.mark.parametrize("by", ["signal", "message"])
def test_an_interrupt_ends_the_command_and_the_cell(kernel: Kernel, code: str, by: str) -> None:
    """At once, and nothing of the command is left; the cell does not go on."""
    # Were a child's patience needed, the reply would not come.
    kernel.run("from holdfast.magics import child; usual, child.GRACE = child.GRACE, 1000.0")
    result = kernel.execute(code)
    wait_for(lambda: runs(kernel, "sleep 1000"), "the command")
    kernel.interrupt() if by == "signal" else kernel.interrupt_by_message()
    kernel.finish(result)
    assert result.error == "KeyboardInterrupt"
    assert "not reached" not in result.stdout
    assert not runs(kernel, "sleep 1000")
    kernel.run("child.GRACE = usual")


def test_the_traceback_shows_the_command(kernel: Kernel) -> None:
    """As it was written, and nothing of ours."""
    result = kernel.start("x = 1\n!echo ready; sleep 1000")
    wait_for(lambda: runs(kernel, "sleep 1000"), "the command")
    kernel.interrupt()
    kernel.finish(result)
    assert "----> 2 !echo ready; sleep 1000" in result.traceback
    assert "holdfast" not in result.traceback


def test_what_goes_on_in_the_background_writes_below_its_cell(kernel: Kernel) -> None:
    """The cell is over, a later one runs."""
    gate = fifo(kernel)
    result = kernel.run(f"!cat {gate} & echo now")
    assert unix(result.stdout) == "now\n"
    later = kernel.start("print('ready'); import time, os\nwhile not os.path.exists('seen'): time.sleep(0.001)")
    gate.write_text("late\n")
    kernel.until(lambda: unix(result.stdout) == "now\nlate\n", "the line of the background process")
    (kernel.process.folder / "seen").touch()
    kernel.finish(later)
    assert unix(later.stdout) == "ready\n"


def test_background_tasks_go_on_in_a_cell_that_awaits(kernel: Kernel) -> None:
    """The command waits for a task of the loop."""
    gate = fifo(kernel)
    kernel.run(
        "import asyncio\n"
        "async def later():\n"
        "    await asyncio.sleep(0.02)\n"
        f"    open({str(gate)!r}, 'w').write('from a task\\n')\n"
        "task = asyncio.create_task(later())"
    )
    assert unix(kernel.run(f"await asyncio.sleep(0)\n!cat {gate}").stdout) == "from a task\n"


def test_a_command_alone_lets_tasks_go_on(kernel: Kernel) -> None:
    """When there are any: the cell need not await anything itself."""
    gate = fifo(kernel)
    kernel.run(
        "import asyncio\n"
        "async def later():\n"
        "    await asyncio.sleep(0.02)\n"
        f"    open({str(gate)!r}, 'w').write('from a task\\n')\n"
        "task = asyncio.create_task(later())"
    )
    assert unix(kernel.run(f"!cat {gate}").stdout) == "from a task\n"


def test_output_keeps_its_order_with_print(kernel: Kernel) -> None:
    """And belongs to stdout, as that of a terminal."""
    result = kernel.run("print('a')\n!echo b; echo c >&2\nprint('d', _exit_code)")
    assert [(name, unix(text)) for name, text in result.shown] == [("stdout", "a\nb\nc\nd 0\n")]


def test_variables_of_a_function_are_filled_in(kernel: Kernel) -> None:
    """Before those of the session."""
    code = "word = 'session'\ndef f(word):\n    !echo {word} $word\nf('function')"
    assert unix(kernel.run(code).stdout) == "function function\n"


def test_lines_are_a_value(kernel: Kernel) -> None:
    """With the shortcuts."""
    assert kernel.run("x = !printf 'b 1\\na 2\\n'\nx.sort().fields(0), x.n").result == "(['a', 'b'], 'b 1\\na 2')"
    assert kernel.run("!!echo shown").result == "['shown']"


def test_a_capture_has_the_output_of_commands(kernel: Kernel) -> None:
    """Nothing of it is shown."""
    assert kernel.run("%%capture caught\n!echo quiet; echo too >&2").stdout == ""
    assert kernel.run("caught.stdout").result == "'quiet\\r\\ntoo\\r\\n'"


def test_megabytes_are_whole(kernel: Kernel) -> None:
    """None is lost between the command and the client."""
    result = kernel.run("!seq 400000")
    assert unix(result.stdout) == "".join(f"{number}\n" for number in range(1, 400_001))


def test_shutting_down_ends_the_command(fresh: Kernel) -> None:
    """Both the one that runs and what is in the background."""
    fresh.run("!sleep 1001 &")
    result = fresh.execute("!echo ready; sleep 1002")
    fresh.until(lambda: "ready" in result.stdout, "a sign of life")
    fresh.shut_down()
    wait_for(lambda: not fresh.process.family(), "the end of all processes")


def test_the_first_folder_is_known(kernel: Kernel) -> None:
    """Notebooks find files beside them by `_dh[0]`, also before any `%cd`."""
    assert kernel.run("import os\n_dh[0] == os.getcwd()").result == "True"
