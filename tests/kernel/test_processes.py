"""Processes that cells start: what they print and return, how they are interrupted, that none outlives the kernel."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from helpers.kernel import Kernel, Process, fresh_connection, kept_ports, wait_for

#: Python warns of a fork in a process with threads; every Jupyter kernel has some.
SETUP = """
import asyncio, concurrent.futures as futures, multiprocessing, os, subprocess, sys, time, warnings
warnings.filterwarnings("ignore", "This process .* is multi-threaded")
contexts = {name: multiprocessing.get_context(name) for name in ("fork", "spawn", "forkserver")}
"""
FORK = "pid = os.fork()\nif pid == 0:\n    {child}\nstatus = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])\nstatus"


@pytest.fixture
def ready(kernel: Kernel) -> Kernel:
    """The module's kernel with the modules that every test here needs."""
    assert kernel.run(SETUP).error is None
    return kernel


# ---------------------------------------------------------------- forks


@pytest.mark.parametrize(
    ("child", "status", "shown"),
    [
        ("print('child'); os._exit(3)", 3, "child"),
        ("print('child', end=''); sys.exit(4)", 4, "child"),
        ("print('child'); sys.exit()", 0, "child"),
        ("sys.exit('in words')", 1, "in words"),
        ("print('child'); exit()", 0, "child"),
        ("print('child'); 1/0", 1, "ZeroDivisionError: division by zero"),
        ("raise KeyboardInterrupt", -signal.SIGINT, "Cell In["),
        ("os.execv('/bin/echo', ['echo', 'another program'])", 0, "another program"),
        ("await asyncio.sleep(0.01)", 1, "no running event loop"),
    ],
)
def test_a_forked_child_ends_as_in_a_script(ready: Kernel, child: str, status: int, shown: str) -> None:
    """Its exit status and what it shows are Python's, however it ends."""
    result = ready.run(FORK.format(child=child))
    assert result.result == str(status)
    assert shown in result.stdout + re.sub(r"\x1b\[[0-9;]*m", "", result.stderr)


@pytest.mark.parametrize("first", ["", "await asyncio.sleep(0)\n", "%%thread\n"], ids=["sync", "async", "thread"])
def test_a_child_that_comes_back_from_its_cell_ends_there(ready: Kernel, first: str) -> None:
    """It answers no request and shows no value: the cell has one reply, one result and one idle."""
    result = ready.run(f"{first}pid = os.fork()\nif pid: os.waitpid(pid, 0)\nelse: print('child', end='')\n'value'")
    ready.silence()
    assert result.shown == [("stdout", "child"), ("execute_result", "'value'")]
    assert [message.msg_type for message in result.messages if message.channel == "shell"] == ["execute_reply"]
    assert result.states == ["busy", "idle"]


def test_a_child_forked_by_a_task_runs_no_other_task(ready: Kernel) -> None:
    """Nor does it come back to the loop: what the kernel waits for is not the child's."""
    code = (
        "async def forks():\n    pid = os.fork()\n    if not pid: return\n    os.waitpid(pid, 0); print('parent')\n"
        "async def other(): print('other')\nawait asyncio.gather(forks(), other(), asyncio.sleep(0.01))"
    )
    assert ready.run(code).stdout == "parent\nother\n"


def test_what_a_child_displays_is_shown_as_text(ready: Kernel) -> None:
    """It has no way to the clients but its descriptors."""
    assert ready.run(FORK.format(child="display({'a': 1}); os._exit(0)")).stdout == "{'a': 1}\n"


def test_a_child_that_asks_is_told_that_nobody_answers(ready: Kernel) -> None:
    """`input()` in a child is an error; it would wait for ever."""
    result = ready.run(FORK.format(child="input('name? ')"))
    assert (result.result, result.prompts) == ("1", [])
    assert "nobody can answer" in result.stderr


def test_a_cell_is_committed_once(tmp_path: Path) -> None:
    """A child that comes back from its cell commits nothing: after kill -9 the parent's values are there."""
    environment = {"HOLDFAST_HOME": str(tmp_path / "home"), "HOLDFAST_SESSION": "forking"}
    with _killed(Kernel(tmp_path, environment=environment)) as kernel:
        kernel.run(SETUP)
        kernel.run("pid = os.fork()\nwho = 'parent' if pid else 'child'\nif pid: os.waitpid(pid, 0)")
    with Kernel(tmp_path, environment=environment) as kernel:
        assert kernel.run("who, pid > 0, len(In)").result == "('parent', True, 4)"


def test_children_of_a_child_print(ready: Kernel) -> None:
    """Forks may nest, and start other programs."""
    child = "os.fork() or os.system('echo grandchild') or os._exit(0)\n    os.wait(); os._exit(7)"
    result = ready.run(FORK.format(child=child))
    assert (result.result, result.stdout) == ("7", "grandchild\n")


def test_a_child_has_a_loop_of_its_own(ready: Kernel) -> None:
    """asyncio.run in a forked process runs there."""
    code = (
        "def work(): asyncio.run(asyncio.sleep(0.001)); print('ran')\n"
        "p = contexts['fork'].Process(target=work); p.start(); p.join(); p.exitcode"
    )
    result = ready.run(code)
    assert (result.result, result.stdout) == ("0", "ran\n")


# ---------------------------------------------------------------- multiprocessing


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_functions_of_cells_run_in_processes(ready: Kernel, method: str) -> None:
    """In a pool and in an executor, with what they call and with what an initializer has set."""
    ready.run(
        "factor, model = 10, None\ndef times(x): return x * factor\ndef work(x): return times(x), model\n"
        "def load():\n    global model\n    model = 'loaded'"
    )
    code = (
        f"context = contexts[{method!r}]\nwith context.Pool(1, load) as pool: a = pool.map(work, [1, 2])\n"
        "with futures.ProcessPoolExecutor(1, context, load) as pool: b = list(pool.map(work, [3]))\na + b"
    )
    assert ready.run(code).result == "[(10, 'loaded'), (20, 'loaded'), (30, 'loaded')]"


def test_a_spawned_worker_learns_of_a_new_definition(ready: Kernel) -> None:
    """A function that a later cell defines again is the new one, in a pool that lives on."""
    ready.run("def work(x): return 'old'\npool = contexts['spawn'].Pool(1)")
    assert ready.run("pool.map(work, [1])").result == "['old']"
    ready.run("def work(x): return 'new'")
    assert ready.run("pool.map(work, [1])").result == "['new']"
    ready.run("pool.close(); pool.join()")


def test_objects_of_a_cells_class_come_back(ready: Kernel) -> None:
    """What a spawned process makes of a class of a cell is of that very class."""
    ready.run("class P:\n    def __init__(self, x): self.x = x\n    def next(self): return P(self.x + 1)")
    code = "with contexts['spawn'].Pool(1) as pool: p = pool.apply(P.next, (P(1),))\ntype(p) is P, p.x"
    assert ready.run(code).result == "(True, 2)"


def test_what_a_forked_pool_gets_stays_a_name(ready: Kernel) -> None:
    """Functions travel to forked processes by name, large globals and all, also after a spawned one was used."""
    code = (
        "import threading\nunpicklable = threading.Lock()\ndef held(_): return unpicklable.locked()\n"
        "contexts['spawn'].Process(target=abs, args=(1,)).start()\n"
        "with contexts['fork'].Pool(1) as pool: seen = pool.map(held, [0])\nseen"
    )
    assert ready.run(code).result == "[False]"


def test_a_spawned_process_is_no_second_kernel(ready: Kernel) -> None:
    """Its `__main__` is not the kernel's command line, run again."""
    code = (
        "q = contexts['spawn'].SimpleQueue()\ndef look(q):\n    import sys\n"
        "    q.put([name for name in sys.modules if name.startswith('holdfast.app')])\n"
        "p = contexts['spawn'].Process(target=look, args=(q,)); p.start(); p.join(); q.get(), p.exitcode"
    )
    assert ready.run(code).result == "([], 0)"


def test_processes_share_queues_managers_and_memory(ready: Kernel) -> None:
    """A queue, a manager's dict and a block of shared memory."""
    code = (
        "from multiprocessing import shared_memory\n"
        "block = shared_memory.SharedMemory(create=True, size=4)\n"
        "def work(q, d, name):\n    q.put('queued'); d['k'] = 'managed'\n"
        "    mine = shared_memory.SharedMemory(name); mine.buf[0] = 7; mine.close()\n"
        "context = contexts['fork']\nq = context.Queue()\nwith context.Manager() as manager:\n    d = manager.dict()\n"
        "    p = context.Process(target=work, args=(q, d, block.name)); p.start(); got = q.get(); p.join()\n"
        "    result = got, dict(d), block.buf[0]\nblock.close(); block.unlink(); result"
    )
    assert ready.run(code).result == "('queued', {'k': 'managed'}, 7)"


def test_an_error_of_a_worker_is_the_cells(ready: Kernel) -> None:
    """As in a script."""
    code = "def bad(x): return 1 / x\nwith futures.ProcessPoolExecutor(1, contexts['fork']) as pool: "
    assert ready.run(f"{code}pool.submit(bad, 0).result()").reply["ename"] == "ZeroDivisionError"


# ---------------------------------------------------------------- other programs


@pytest.mark.parametrize(
    "code",
    [
        "subprocess.run(['echo', 'out'])",
        "subprocess.run('echo out', shell=True, stdout=sys.stdout)",
        "subprocess.Popen(['echo', 'out']).wait()",
        "os.system('echo out')",
        "os.waitpid(os.posix_spawn('/bin/echo', ['echo', 'out'], os.environ), 0)",
        "import pty; pty.spawn(['echo', 'out'])",
        "print(os.popen('echo out').read(), end='')",
        "async def run(): await (await asyncio.create_subprocess_exec('echo', 'out')).wait()\nasyncio.run(run())",
        "async def run(): await (await asyncio.create_subprocess_shell('echo out')).wait()\nawait run()",
        "loop = asyncio.get_event_loop()\nloop.run_until_complete(loop.create_task(run()))",
    ],
)
def test_what_a_program_prints_is_the_cells(ready: Kernel, code: str) -> None:
    """Whichever way it is started."""
    ready.run("async def run(): await (await asyncio.create_subprocess_shell('echo out')).wait()")
    assert ready.run(code).stdout.replace("\r", "") == "out\n"


def test_a_program_that_reads_finds_no_input(ready: Kernel) -> None:
    """It must not wait for somebody to type."""
    assert ready.run("subprocess.run(['cat']).returncode, os.system('read x')").error is None


# With `exec` the shell has no child of its own, which the signal might miss while it is being made.
INTERRUPTED = {
    "a process": (
        "p = contexts['fork'].Process(target=os.system, args=('echo ready; exec sleep 60',))\np.start(); p.join()"
    ),
    "a pool": (
        "def work(_): print('ready'); time.sleep(60)\nwith contexts['fork'].Pool(1) as pool: pool.map(work, [0])"
    ),
    "an executor": (
        "def work(): print('ready'); time.sleep(60)\n"
        "with futures.ProcessPoolExecutor(1, contexts['fork']) as pool: pool.submit(work).result()"
    ),
    "subprocess.run": "subprocess.run('echo ready; exec sleep 60', shell=True)",
    "a child": "pid = os.fork()\nif not pid:\n    print('ready'); time.sleep(60)\nos.waitpid(pid, 0)",
    "an asyncio subprocess": (
        "process = await asyncio.create_subprocess_shell('echo ready; exec sleep 60'); await process.wait()"
    ),
    "an asyncio subprocess in asyncio.run": (
        "async def run():\n    process = await asyncio.create_subprocess_shell('echo ready; exec sleep 60')\n"
        "    await process.wait()\nasyncio.run(run())"
    ),
}


@pytest.mark.parametrize("name", INTERRUPTED)
def test_an_interrupt_ends_the_cell_and_its_processes(ready: Kernel, name: str) -> None:
    """As Ctrl-C in a terminal does: the processes of the kernel's group get it too, and none stays."""
    result = ready.start(INTERRUPTED[name])
    if "exec sleep" in INTERRUPTED[name]:
        wait_for(lambda: "sleep 60" in ready.process.children(), "the program")
    ready.interrupt()
    assert ready.finish(result).reply["ename"] == "KeyboardInterrupt"
    ready.run("[p.join() for p in multiprocessing.active_children()]")
    wait_for(lambda: _sleepers(ready) == [], "the children to end")


def test_a_process_with_a_session_of_its_own_is_not_interrupted(ready: Kernel) -> None:
    """That is what `start_new_session` is for."""
    ready.run("p = subprocess.Popen(['sleep', '60'], start_new_session=True)")
    result = ready.start("print('ready')\ntime.sleep(60)")
    ready.interrupt()
    assert ready.finish(result).error == "KeyboardInterrupt"
    assert ready.run("p.poll() is None").result == "True"
    assert ready.run("p.kill(); p.wait()").result == "-9"


# ---------------------------------------------------------------- the end

LEFT_ALONE = """
def work(): time.sleep(300)
started = [
    subprocess.Popen(['sleep', '300']),
    await asyncio.create_subprocess_exec('sleep', '300'),
    contexts['fork'].Process(target=work),
    contexts['fork'].Process(target=work, daemon=True),
]
for process in started[2:]: process.start()
pools = [contexts['fork'].Pool(1), contexts['spawn'].Pool(1)]
executor = futures.ProcessPoolExecutor(1, contexts['fork'])
busy = executor.submit(work)
[pool.apply(abs, (-1,)) for pool in pools]
"""


@pytest.mark.parametrize("restart", [True, False])
def test_no_process_outlives_the_kernel(fresh: Kernel, restart: bool) -> None:
    """Whatever cells have left running is ended with the kernel, which does not wait for any of it."""
    fresh.run(SETUP)
    assert fresh.run(LEFT_ALONE).result == "[1, 1]"
    assert fresh.run("os.fork() or time.sleep(300);").error is None if restart else True
    assert len(fresh.process.family()) > 7
    fresh.shut_down(restart=restart)
    # What the kernel has killed may need a moment to go.
    wait_for(lambda: fresh.process.family() == [], "the end of all its processes")


def test_a_process_with_a_session_of_its_own_outlives_the_kernel(tmp_path: Path) -> None:
    """A server that somebody starts from a notebook, say."""
    with Kernel(tmp_path) as kernel:
        kernel.run(SETUP)
        pid = int(str(kernel.run("subprocess.Popen(['sleep', '300'], start_new_session=True).pid").result))
        kernel.shut_down()
        process = psutil.Process(pid)
        assert process.name() == "sleep"
        process.kill()
        wait_for(lambda: kernel.process.family() == [], "the process to end")


def test_workers_of_a_killed_kernel_end(tmp_path: Path) -> None:
    """kill -9 of the kernel: pools, executors and processes of multiprocessing do not wait for work for ever."""
    with _killed(Kernel(tmp_path)) as kernel:
        kernel.run(SETUP)
        kernel.run(LEFT_ALONE.replace("sleep', '300'", "true"))
        os.kill(kernel.process.pid, signal.SIGKILL)
        wait_for(lambda: kernel.process.family() == [], "the workers to end")


def test_a_child_does_not_hold_the_ports(tmp_path: Path) -> None:
    """What a killed kernel has forked lives on, and the next kernel has the same ports at once."""
    with _killed(Kernel(tmp_path, connection=fresh_connection(**kept_ports()))) as kernel:
        kernel.run(SETUP)
        kernel.run("pid = os.fork()\nif not pid: time.sleep(300)")
        os.kill(kernel.process.pid, signal.SIGKILL)
        kernel.process.popen.wait()
        assert len(kernel.process.family()) == 1
        with Kernel(tmp_path, process=Process(tmp_path, file=kernel.process.file)) as after:
            assert after.run("1 + 1").result == "2"


# ---------------------------------------------------------------- helpers


@contextmanager
def _killed(kernel: Kernel) -> Iterator[Kernel]:
    """A kernel that is killed at the end, with all that it has started."""
    try:
        yield kernel
    finally:
        kernel.process.kill()
        kernel.close()


def _sleepers(kernel: Kernel) -> list[str]:
    """What the processes were started with that the kernel has; its trackers and servers stay."""
    lines = kernel.process.children()
    return [line for line in lines if "resource_tracker" not in line and "forkserver" not in line]
