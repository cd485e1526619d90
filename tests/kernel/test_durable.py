"""A session kept by a real kernel: killed with SIGKILL, started again, and everything is where it was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers.kernel import Kernel, Process, fresh_connection, kept_ports, wait_for
from holdfast.durable.listing import history

CELLS = {
    "plain values": ("x = 1; s = 'a'; d = {'k': [1, 2]}; x += 1", "x, s, d", "(2, 'a', {'k': [1, 2]})"),
    "two names for one list": ("one = [1]; two = one; one.append(2)", "one is two, two", "(True, [1, 2])"),
    "a function and what it reads": ("factor = 2\ndef f(x): return x * factor", "factor = 5; f(3)", "15"),
    "a class, its instance and its identity": (
        "class P:\n    def __init__(self, v): self.v = v\np = P(3)",
        "type(p) is P, p.v, isinstance(p, P)",
        "(True, 3, True)",
    ),
    "a closure that counts": (
        """
def counter():
    n = 0
    def step():
        nonlocal n
        n += 1
        return n
    return step
step = counter(); step(); step()
""",
        "step()",
        "3",
    ),
    "a view of an array": (
        "import numpy as np\na = np.arange(6.); v = a[2:4]; v[0] = 9",
        "v.base is a, float(a[2]), v.tolist()",
        "(True, 9.0, [9.0, 3.0])",
    ),
    "a frame": (
        "import pandas as pd\ndf = pd.DataFrame({'a': [1, 2], 'b': ['x', 'y']})\ndf['c'] = df.a * 2",
        "df.to_dict('list')",
        "{'a': [1, 2], 'b': ['x', 'y'], 'c': [2, 4]}",
    ),
    "an imported module": ("import json as j", "j.dumps([1])", "'[1]'"),
    "a deleted name stays deleted": ("gone = 1\nkept = 2\ndel gone", "'gone' in globals(), kept", "(False, 2)"),
    "a change made in a loop": ("l = []\nfor i in range(3): l.append(i)", "l, i", "([0, 1, 2], 2)"),
}


class Life:
    """The lives of one session: each `with` is a kernel on it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = {
            "HOLDFAST_DURABILITY": "process",
            "HOLDFAST_HOME": str(folder / "home"),
            "HOLDFAST_SESSION": "tested",
        }

    @contextmanager
    def kernel(self, **settings: str) -> Iterator[Kernel]:
        """A kernel that ends well, or was killed by the test."""
        kernel = Kernel(self._folder, environment={**self._environment, **settings})
        try:
            yield kernel
            if not kernel.is_over:
                kernel.shut_down()
        finally:
            kernel.process.kill()
            kernel.close()

    @staticmethod
    def kill(kernel: Kernel) -> None:
        """SIGKILL, between a reply and whatever would have come next."""
        kernel.process.kill()
        kernel.is_over = True


@pytest.fixture
def life(tmp_path: Path) -> Life:
    """A session of this test's own."""
    return Life(tmp_path)


def banner(kernel: Kernel, code: str) -> tuple[str, str | None]:
    """What the first cell shows of the restore, and its own value."""
    result = kernel.run(code)
    shown = [message for message in result.of_type("display_data") if "holdfast" in message.metadata]
    return (str(shown[0].content["data"]["text/plain"]) if shown else ""), result.result


def test_what_was_replied_survives_sigkill(life: Life) -> None:
    """Each kind of value is there after `kill -9`, with its aliases, in the first cell of the next kernel."""
    with life.kernel() as kernel:
        for code, _, _ in CELLS.values():
            assert kernel.run(code).reply["status"] == "ok"
        life.kill(kernel)
    with life.kernel() as kernel:
        for what, (_, probe, value) in CELLS.items():
            assert (what, kernel.run(probe).result) == (what, value)


def test_history_and_count_go_on(life: Life) -> None:
    """`_`, `Out` and the execution count are where they were."""
    with life.kernel() as kernel:
        kernel.run("40 + 2")
        kernel.run("x = 1")
        life.kill(kernel)
    with life.kernel() as kernel:
        result = kernel.run("_, Out[1], _1")
        assert (result.result, result.reply["execution_count"]) == ("(42, 42, 42)", 3)


def test_the_first_cell_says_what_came_back(life: Life) -> None:
    """One display names the number of variables, the cell, and what could not be kept; the second cell has none."""
    with life.kernel() as kernel:
        kernel.run("x = 1; g = (i for i in range(3))")
        life.kill(kernel)
    with life.kernel() as kernel:
        text, value = banner(kernel, "x")
        assert text.startswith("Restored 1 variable as of cell [1]; 1 could not be kept: g (%session why)")
        assert value == "1"
        assert banner(kernel, "x") == ("", "1")


def test_a_lost_value_says_what_it_was(life: Life) -> None:
    """Touching what could not be kept raises an error that names it and the reason."""
    with life.kernel() as kernel:
        kernel.run("g = (i for i in range(3))")
        life.kill(kernel)
    with life.kernel() as kernel:
        result = kernel.run("next(g)")
        assert result.reply["status"] == "error"
        assert "generator" in result.reply["evalue"]


def test_a_session_that_was_shut_down_comes_back(life: Life) -> None:
    """Closing the notebook and opening it again restores it."""
    with life.kernel() as kernel:
        kernel.run("x = [1]")
    with life.kernel() as kernel:
        assert kernel.run("x").result == "[1]"


def test_a_restart_is_clean(life: Life) -> None:
    """The restart button gives an empty namespace, as everyone expects of "Restart and Run All"."""
    with life.kernel() as kernel:
        kernel.run("x = [1]")
        kernel.shut_down(restart=True)
    with life.kernel() as kernel:
        result = kernel.run("'x' in globals()")
        assert (result.result, result.reply["execution_count"]) == ("False", 1)


def test_a_restart_is_clean_without_a_notebook(tmp_path: Path) -> None:
    """Nor does a session that is known by its connection file only bring anything back."""
    environment = {"HOLDFAST_DURABILITY": "process", "HOLDFAST_HOME": str(tmp_path / "home")}
    with Kernel(tmp_path, connection=fresh_connection(**kept_ports()), environment=environment) as kernel:
        kernel.run("x = [1]")
        kernel.shut_down(restart=True)
    file = kernel.process.file
    with Kernel(tmp_path, process=Process(tmp_path, environment=environment, file=file)) as kernel:
        assert kernel.run("'x' in globals()").result == "False"


@pytest.mark.parametrize("restart", [True, False])
def test_a_shutdown_is_heard_though_the_cell_does_not_end(life: Life, restart: bool) -> None:
    """A restart is clean then, too; a shutdown restores, and the banner says what became of the cell."""
    with life.kernel() as kernel:
        kernel.run("x = [1]")
        stubborn = "while True:\n    try: time.sleep(60)\n    except BaseException: pass"
        kernel.start(f"import time\nprint('ready')\n{stubborn}")
        kernel.shut_down(restart=restart)
    with life.kernel() as kernel:
        result = kernel.run("'x' in globals()")
        assert result.result == str(not restart)
        banner = "".join(str(m.content["data"]["text/plain"]) for m in result.of_type("display_data"))
        assert ("cell [2] (import time): it was shut down, and the cell did not end" in banner) is not restart


def test_what_a_clean_session_keeps_after_a_restart(life: Life) -> None:
    """After a restart the session goes on: what is made then survives the next crash, what was before does not."""
    with life.kernel() as kernel:
        kernel.run("old = 1")
        kernel.shut_down(restart=True)
    with life.kernel() as kernel:
        kernel.run("new = 2")
        life.kill(kernel)
    with life.kernel() as kernel:
        assert kernel.run("'old' in globals(), new").result == "(False, 2)"


@pytest.mark.parametrize(
    ("setting", "after_crash", "after_end"), [("never", "False", "False"), ("crash", "True", "False")]
)
def test_restore_can_be_limited(life: Life, setting: str, after_crash: str, after_end: str) -> None:
    """HOLDFAST_RESTORE says after which end of a session it comes back."""
    for is_crash, expected in ((True, after_crash), (False, after_end)):
        with life.kernel() as kernel:
            kernel.run("x = 1")
            if is_crash:
                life.kill(kernel)
        with life.kernel(HOLDFAST_RESTORE=setting) as kernel:
            assert kernel.run("'x' in globals()").result == expected


def test_a_failed_cell_is_kept_too(life: Life) -> None:
    """What a cell bound before it raised is there after a crash, as it is in the living kernel."""
    with life.kernel() as kernel:
        kernel.run("x = 1\n1/0")
        life.kill(kernel)
    with life.kernel() as kernel:
        assert kernel.run("x").result == "1"


def test_a_cell_that_was_interrupted_by_death_is_not_run_again(life: Life) -> None:
    """The state is that of the last replied cell; nothing is re-executed (P3)."""
    with life.kernel() as kernel:
        kernel.run("x = 0")
        kernel.start("x += 1\nprint('ready')\nimport time; time.sleep(60)")
        life.kill(kernel)
    with life.kernel() as kernel:
        assert kernel.run("x").result == "0"


def test_a_silent_cell_is_kept_too(life: Life) -> None:
    """A silent request leaves no history but changes variables: they are committed like all others."""
    with life.kernel() as kernel:
        kernel.run("x = 1")
        kernel.run("x = 2", silent=True)
        life.kill(kernel)
    with life.kernel() as kernel:
        assert kernel.run("x").result == "2"


def test_a_value_that_cannot_be_kept_costs_only_itself(life: Life) -> None:
    """The cell's other values are kept, and the reply names the lost one."""
    with life.kernel() as kernel:
        result = kernel.run("import socket\nbox = {'s': socket.socket(), 'n': 7}\nother = [1]\nbox['s'].close()")
        assert "lost" in result.reply_message.metadata["holdfast"]
        life.kill(kernel)
    with life.kernel() as kernel:
        assert kernel.run("box['n'], other").result == "(7, [1])"


def test_a_value_without_room_costs_only_itself(life: Life) -> None:
    """The reply names it and why, the cell's other values are kept; history goes where that makes room."""
    with life.kernel(HOLDFAST_STORE_LIMIT="12MB") as kernel:
        for number in range(4):
            result = kernel.run(f"import numpy as np\nfits = np.arange(400_000.) + {number}")
            assert "lost" not in result.reply_message.metadata.get("holdfast", {})
        result = kernel.run("x = 5; huge = np.arange(1_500_000.)")
        (name, kind, reason) = result.reply_message.metadata["holdfast"]["lost"][0]
        assert (name, kind) == ("huge", "ndarray")
        assert "raise HOLDFAST_STORE_LIMIT or make room there" in reason
        state = "import holdfast\n[row.state for row in holdfast.session.variables if row.name == 'fits'][0]"
        # On a slow disk it is written beside the cells, as all that is large.
        wait_for(lambda: kernel.run(state).result == "'kept'", "the last version of what fits")
        life.kill(kernel)
    with life.kernel() as kernel:
        assert kernel.run("x, fits[0], type(huge).__name__").result == "(5, np.float64(3.0), 'LostValue')"


def test_what_changes_after_the_reply_is_found_when_idle(life: Life, tmp_path: Path) -> None:
    """A callback that changes a value between cells: the idle audit commits it, before any other cell."""

    def found() -> bool:
        log = history(tmp_path / "home", "tested")[1]
        return any(entry.status == "audit" and "box" in entry.bound for entry in log)

    with life.kernel() as kernel:
        kernel.run("import asyncio\nbox = []\nloop = asyncio.get_running_loop()")
        kernel.run("loop.call_later(0.05, box.append, 1);")
        wait_for(found, "the audit's commit")
        life.kill(kernel)
    with life.kernel() as kernel:
        assert kernel.run("box").result == "[1]"


def test_clients_are_answered_while_a_session_is_restored(life: Life, tmp_path: Path) -> None:
    """What takes long to load keeps only cells waiting: a server would take a silent kernel for a dead one."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    slow = (
        "class Slow:\n    def __getstate__(self): return {'a': 1}\n"
        f"    def __setstate__(self, state):\n        self.a = int(open({str(gate)!r}).read())\nslow = Slow()"
    )
    with life.kernel() as kernel:
        kernel.run(slow)
        life.kill(kernel)
    with life.kernel() as kernel:
        cell = kernel.execute("slow.a")
        assert kernel.request("kernel_info_request", {}).reply["status"] == "ok"
        assert not cell.is_done
        gate.write_text("42")
        assert kernel.finish(cell).result == "42"
        assert cell.reply["execution_count"] == 2


def test_a_metaclass_that_refuses_costs_its_class_only(life: Life, tmp_path: Path) -> None:
    """The class and what is made of it are named and lost, with the metaclass's own reason; all else is there."""
    flag = tmp_path / "refuse"
    code = (
        "class Meta(type):\n    def mro(cls):\n        import os\n"
        f"        if os.path.exists({str(flag)!r}): raise TypeError('not today')\n        return super().mro()\n"
        "class Odd(metaclass=Meta):\n    pass\nodd = Odd(); pair = [odd, [1, 2]]; kept = {'a': 1}"
    )
    with life.kernel() as kernel:
        kernel.run(code)
        life.kill(kernel)
    flag.touch()
    with life.kernel() as kernel:
        text, value = banner(kernel, "kept, pair[1]")
        assert value == "({'a': 1}, [1, 2])"
        assert "could not be kept" in text
        assert "Odd" in text
        failed = kernel.run("Odd()")
        assert failed.reply["ename"] == "LostValueError"
        assert "Odd, a definition, could not be kept" in failed.reply["evalue"]
        assert "not today" in failed.reply["evalue"]
