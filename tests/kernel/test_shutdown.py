"""How a kernel ends: nothing it wrote is lost, and nothing of it stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from helpers.kernel import CHANNELS, Kernel, Process, Result, fresh_connection, wait_for


@pytest.mark.parametrize("restart", [True, False])
@pytest.mark.parametrize("channel", ["control", "shell"])
def test_a_shutdown_is_replied_to_and_broadcast(fresh: Kernel, restart: bool, channel: str) -> None:
    """The reply repeats `restart`, all clients read it on iopub, and the process ends with 0."""
    result = fresh.request("shutdown_request", {"restart": restart}, channel)
    content = {"status": "ok", "restart": restart}
    assert result.reply == content
    assert [m.content for m in result.of_type("shutdown_reply")] == [content]
    assert fresh.process.wait() == 0


def test_every_client_sees_the_end(fresh: Kernel) -> None:
    """A second client reads shutdown_reply on iopub."""
    other = fresh.another_client()
    try:
        fresh.shut_down()
        other.until(lambda: any(m.msg_type == "shutdown_reply" for m in other.arrived), "the broadcast")
    finally:
        other.close()


def _before_reply(kernel: Kernel, result: Result, text: str) -> None:
    kernel.until(lambda: text in result.stdout, f"{text!r}")
    order = [m for m in kernel.arrived if m.channel == "iopub"]
    at = next(n for n, m in enumerate(order) if m.msg_type == "shutdown_reply")
    assert any(text in m.content.get("text", "") for m in order[:at])


def test_output_comes_before_the_shutdown_reply(fresh: Kernel) -> None:
    """What a running cell wrote, up to its interrupted end, is sent before the reply."""
    result = fresh.start(
        "import time\nprint('ready')\ntry: time.sleep(60)\nfinally:\n"
        "    for n in range(20_000): print('line', n)\n    print('last')"
    )
    fresh.shut_down()
    _before_reply(fresh, result, "last\n")
    assert result.stdout.count("line") == 20_000


def test_a_flood_comes_before_the_shutdown_reply(fresh: Kernel) -> None:
    """Every line of a flood that a shutdown interrupts is sent, though the client has not kept up with it."""
    code = (
        "import atexit\nn = 0\natexit.register(lambda: print('wrote', n))\nprint('ready')\n"
        "while True:\n    print('y' * 9_999); n += 1"
    )
    result = fresh.start(code)
    fresh.shut_down()
    text, _, written = result.stdout.rpartition("wrote ")
    # The interrupt may fall between a print and the addition after it.
    assert text.count("y" * 9_999) in (int(written), int(written) + 1)


def test_exit_handlers_run_and_are_heard(fresh: Kernel) -> None:
    """What atexit handlers print is sent before the reply, below the newest cell, and they run once."""
    result = fresh.run("import atexit\natexit.register(lambda: print('good', 'bye'));")
    fresh.shut_down()
    _before_reply(fresh, result, "good bye\n")
    assert result.stdout == "good bye\n"


def test_a_failing_exit_handler_does_not_hold_up_the_end(fresh: Kernel) -> None:
    """Its traceback is shown, the other handlers run, the reply comes."""
    result = fresh.run("import atexit\natexit.register(lambda: print('other'))\natexit.register(lambda: 1/0);")
    assert fresh.shut_down().reply["status"] == "ok"
    assert result.stdout == "other\n"
    assert "ZeroDivisionError" in result.stderr + fresh.process.log


def test_output_of_exit_comes_before_the_end(fresh: Kernel) -> None:
    """exit() after a print: text, reply and idle are sent, then the process ends."""
    result = fresh.run("print('x' * 1_000_000)\nexit()")
    assert len(result.stdout) == 1_000_001
    assert fresh.process.wait() == 0


@pytest.mark.parametrize(
    "code",
    [
        "print('ready')\nwhile True: pass",
        "import time\nprint('ready')\ntime.sleep(60)",
        "import asyncio\nprint('ready')\nawait asyncio.sleep(60)",
        "import subprocess\nprint('ready')\nsubprocess.run(['sleep', '60'])",
        "print('ready')\ninput()",
        "import threading\nprint('ready')\nthreading.Lock().__enter__(); threading.Event().wait()",
    ],
)
def test_a_running_cell_is_interrupted(fresh: Kernel, code: str) -> None:
    """Shutdown ends the cell that runs, which is replied to."""
    result = fresh.start(code)
    assert fresh.shut_down().reply["status"] == "ok"
    assert result.reply["ename"] == "KeyboardInterrupt"


def test_a_cell_that_does_not_end_is_left(fresh: Kernel) -> None:
    """C code that cannot be interrupted does not keep the kernel alive."""
    block = "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})"
    fresh.start(f"import ctypes, signal\n{block}\nprint('ready')\nctypes.CDLL(None).usleep(60_000_000)")
    assert fresh.shut_down().reply["status"] == "ok"


def test_a_stubborn_cell_is_left(fresh: Kernel) -> None:
    """A cell that swallows every interrupt does not keep the kernel alive."""
    fresh.start("import time\nprint('ready')\nwhile True:\n    try: time.sleep(60)\n    except BaseException: pass")
    assert fresh.shut_down().reply["status"] == "ok"


def test_queued_cells_do_not_run(fresh: Kernel, tmp_path: Path) -> None:
    """What is queued behind the running cell at a shutdown does not run."""
    fresh.start("import time\nprint('ready')\ntime.sleep(60)")
    fresh.execute(f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    fresh.request("kernel_info_request", {})
    fresh.shut_down()
    assert not (tmp_path / "ran").exists()


def test_background_threads_and_tasks_do_not_hold_up_the_end(fresh: Kernel) -> None:
    """Threads of the user's that never end, daemons or not, and tasks are left."""
    fresh.run(
        "import threading, time, asyncio\n"
        "for daemon in (True, False): threading.Thread(target=time.sleep, args=(60,), daemon=daemon).start()\n"
        "t = asyncio.create_task(asyncio.sleep(60))"
    )
    assert fresh.shut_down().reply["status"] == "ok"


def test_sigterm_ends_it(fresh: Kernel) -> None:
    """SIGTERM is a clean shutdown: exit handlers run, their output is sent, the exit code is 0."""
    result = fresh.run("import atexit; atexit.register(print, 'terminated');")
    fresh.process.popen.send_signal(signal.SIGTERM)
    fresh.until(lambda: "terminated" in result.stdout, "the exit handler's text")
    assert fresh.process.wait() == 0


def test_sigterm_ends_a_busy_kernel(fresh: Kernel) -> None:
    """SIGTERM interrupts the running cell and ends the kernel."""
    fresh.start("print('ready')\nwhile True: pass")
    fresh.process.popen.send_signal(signal.SIGTERM)
    assert fresh.process.wait() == 0


def test_two_shutdowns_are_both_answered(fresh: Kernel) -> None:
    """A second shutdown_request, sent while the first waits for a cell to clean up, is replied to as well."""
    fresh.start("import time\nprint('ready')\ntry: time.sleep(60)\nfinally: time.sleep(0.3)")
    asked = [fresh.send("shutdown_request", {"restart": False}, channel) for channel in ("control", "shell")]
    assert [fresh.finish(result).reply["status"] for result in asked] == ["ok", "ok"]
    assert fresh.process.wait() == 0


def test_no_thread_of_a_closing_kernel_complains(fresh: Kernel) -> None:
    """The log of a clean life is empty."""
    fresh.run("1")
    fresh.shut_down()
    assert fresh.process.log == ""


# ---------------------------------------------------------------- parents

_LAUNCHER = (
    "import os, subprocess, sys, time\n"
    "p = subprocess.Popen([sys.executable, '-P', '-m', 'holdfast', '-f', sys.argv[1]], start_new_session=True,\n"
    "                     env={**os.environ, 'JPY_PARENT_PID': str(os.getpid())})\n"
    "print(p.pid, flush=True)\n"
    "sys.stdin.read()\n"
)


@pytest.mark.parametrize("code", ["1", "print('ready')\nwhile True: pass"], ids=["idle", "busy"])
def test_a_kernel_ends_with_its_parent(tmp_path: Path, code: str) -> None:
    """JPY_PARENT_PID names a launcher; when that dies the kernel ends, also out of a running cell."""
    import json

    from helpers.kernel import Client

    file = tmp_path / "connection.json"
    file.write_text(json.dumps(fresh_connection()))
    launcher = subprocess.Popen(
        [sys.executable, "-c", _LAUNCHER, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert launcher.stdout is not None
    assert launcher.stdin is not None
    pid = int(launcher.stdout.readline())
    kernel = psutil.Process(pid)
    client = None
    try:
        wait_for(lambda: all(json.loads(file.read_bytes())[f"{c}_port"] for c in CHANNELS), "the ports")
        client = Client(json.loads(file.read_bytes()))
        client.connect()
        client.start(code, "ready") if "ready" in code else client.run(code)
        launcher.kill()
        launcher.wait()
        wait_for(lambda: not kernel.is_running() or kernel.status() == psutil.STATUS_ZOMBIE, "the kernel to end")
    finally:
        if client is not None:
            client.close()
        if kernel.is_running():
            os.kill(pid, signal.SIGKILL)
        launcher.kill()
        launcher.stdout.close()
        launcher.stdin.close()
        launcher.wait()


def test_a_kernel_outlives_a_variable_without_a_parent(launch: Callable[..., Kernel]) -> None:
    """JPY_PARENT_PID of nonsense, of 0 or 1 is ignored."""
    for text in ("", "nonsense", "0", "1", "-5"):
        assert launch(environment={"JPY_PARENT_PID": text}).run("1").result == "1"


def test_a_killed_kernel_leaves_no_child(tmp_path: Path) -> None:
    """kill -9 of an idle kernel leaves nothing of ours running: it keeps no helper processes."""
    process = Process(tmp_path)
    assert process.connection
    assert [p.pid for p in process.family()] == [process.pid]
    process.popen.kill()
    process.popen.wait()
    wait_for(lambda: not process.family(), "every process to be gone")
