"""The workloads W1 to W7 over the wire: what cells cost with durability, without it and in ipykernel; what survives.

It must never measure one kernel after another (they take turns, some cells each), and never take a restored session
at its own word: what it says is compared with a kernel that ran the cells once and was not killed.

Part of `python -m benchmarks.durability`, sections w1 to w7.
"""

from __future__ import annotations

import ast
import os
import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks import cells
from benchmarks.bench import Session
from benchmarks.cells import Workload
from benchmarks.client import RawClient, connected, execute_content
from benchmarks.kernels import Kernel, NoKernel, find
from benchmarks.modes import scratch
from benchmarks.process import KernelProcess, spawned

RESTARTS = 100
CELL_SECONDS = 600.0
ASK = "print(repr([{}]))"
#: An expression that fails says how, and does not keep the others from being asked.
TRY = (
    "def ask_(text):\n    try:\n        return repr(eval(text, globals()))\n"
    "    except BaseException as error:\n        return type(error).__name__"
)
LOST = "[n for n, v in list(globals().items()) if type(v).__name__ == 'LostValue']"
MINE = "[n for n in list(globals()) if n[0] != '_' and n not in ('In', 'Out', 'ask_', 'get_ipython', 'exit', 'quit')]"


def kernels(home: Path, session: str) -> dict[str, Kernel]:
    """Ours with durability full in a session of that name, ours without, and ipykernel if it can be had."""
    ours = find("holdfast")
    kept = {"HOLDFAST_DURABILITY": "full", "HOLDFAST_SESSION": session, "HOLDFAST_HOME": str(home)}
    found = {
        "full": Kernel("full", ours.argv, "full", env={**ours.env, **kept}),
        "off": Kernel("off", ours.argv, "off", env={**ours.env, "HOLDFAST_DURABILITY": "off"}),
    }
    try:
        found["ipykernel"] = find("ipykernel")
    except NoKernel as reason:
        print(f"no ipykernel: {reason}")
    return found


def measure(load: Workload) -> None:
    """Run the cells in every kernel, kill ours, restore it, and tell."""
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        home = folder / "kept"
        known = kernels(home, "workload")
        live = {}
        for name, kernel in known.items():
            process = stack.enter_context(spawned(kernel, folder))
            client = stack.enter_context(connected(process.connection, process.alive))
            for _ in range(10):
                client.execute("1+1").require()
            live[name] = Session(process, client)
        before = size(home)
        taken = _in_turns(live, load)
        for part, where in load.parts.items():
            for name, seconds in taken.items():
                _told(f"{load.name}, {part}", name, seconds[where], taken["off"][where])
        stored = size(home) - before
        modify = load.parts.get("modify")
        print(f"{load.name}: stored {stored / 1e6:.1f} MB", end="")
        if load.state:
            state = int(_asked(live["off"].client, [load.state])[0])
            print(f" for a state of {state / 1e6:.1f} MB (x{stored / state:.2f})", end="")
        if modify is not None:
            at = size(home)
            for code in load.cells[modify]:
                live["full"].client.execute(code, CELL_SECONDS).require()
                live["off"].client.execute(code, CELL_SECONDS).require()
            print(f"; {(size(home) - at) / 1e6 / len(load.cells[modify]):.2f} MB a change", end="")
        print()
        mine = ast.literal_eval(_asked(live["full"].client, [MINE])[0])
        expected = _asked(live["off"].client, load.checks)
        live["full"].process.kill()
        _survived(load, known["full"], folder, mine, expected)
        print(f"{load.name}: load {os.getloadavg()[0]:.1f}", flush=True)


def _survived(load: Workload, kernel: Kernel, folder: Path, mine: Sequence[str], expected: Sequence[str]) -> None:
    """Start the killed kernel's session again, where it ran; what is there and what is named."""
    fresh = Kernel("fresh", kernel.argv, "fresh", env={**kernel.env, "HOLDFAST_SESSION": "fresh"})
    with spawned(fresh, folder) as process:
        base = _first(process)
    where = next(folder.glob("full-*"))
    with spawned(kernel, folder) as process:
        ready = _first(process)
        with connected(process.connection, process.alive) as client:
            client.execute(f"import os\nos.chdir({str(where)!r})").require()
            there = set(ast.literal_eval(_asked(client, [MINE])[0]))
            lost = set(ast.literal_eval(_asked(client, [LOST])[0]))
            said = _asked(client, load.checks)
    wrong = [check for check, a, b in zip(load.checks, said, expected, strict=True) if a != b]
    print(
        f"{load.name}: after kill -9 ready in {ready * 1e3:.0f} ms (a new session: {base * 1e3:.0f});"
        f" {len(set(mine) & there - lost)} of {len(mine)} variables kept, {len(lost)} named as lost {sorted(lost)},"
        f" missing {sorted(set(mine) - there)}; {len(said) - len(wrong)} of {len(said)} checks as before,"
        f" wrong: {wrong}"
    )


def _in_turns(live: dict[str, Session], load: Workload) -> dict[str, list[float]]:
    """Seconds to reply and idle, per kernel and cell."""
    taken: dict[str, list[float]] = {name: [] for name in live}
    order = list(live)
    for start in range(0, len(load.cells), load.turn):
        for name in order:
            for code in load.cells[start : start + load.turn]:
                taken[name].append(live[name].client.execute(code, CELL_SECONDS).require().seconds)
        order.append(order.pop(0))
    return taken


def _told(what: str, name: str, seconds: Sequence[float], base: Sequence[float]) -> None:
    fifth = max(1, len(seconds) // 5)
    by = [statistics.median(seconds[i : i + fifth]) * 1e3 for i in range(0, len(seconds) - fifth + 1, fifth)]
    median = statistics.median(seconds)
    print(
        f"{what:26} {name:10} p50 {median * 1e3:8.2f} ms  x{median / statistics.median(base):.2f} of off"
        f"  by fifths {', '.join(f'{one:.2f}' for one in by)}  max {max(seconds) * 1e3:.0f}  sum {sum(seconds):.2f} s",
        flush=True,
    )


def _asked(client: RawClient, checks: Sequence[str]) -> list[str]:
    """What a kernel says to each of these expressions."""
    client.execute(TRY).require()
    told = client.execute(ASK.format(", ".join(f"ask_({check!r})" for check in checks)), CELL_SECONDS).require()
    return [str(one) for one in ast.literal_eval(told.text())]


def _first(process: KernelProcess) -> float:
    """Seconds from spawn to the reply to the first cell."""
    client = RawClient(process.connection, process.alive)
    try:
        first = client.ask("execute_request", execute_content("None"), timeout=CELL_SECONDS).require()
        return first.sent_at + first.reply_seconds - process.spawned_at
    finally:
        client.close()


def size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def w1(gigabytes: float) -> None:
    """1,000 small cells."""
    measure(cells.small())


def w2(gigabytes: float) -> None:
    """Ten arrays."""
    measure(cells.arrays(gigabytes))


def w3(gigabytes: float) -> None:
    """A frame and forty cells."""
    measure(cells.table(gigabytes))


def w4(gigabytes: float) -> None:
    """Sharing."""
    measure(cells.sharing())


def w5(gigabytes: float) -> None:
    """What cannot be pickled."""
    measure(cells.mixed())


def w6(gigabytes: float) -> None:
    """Displayed frames and a dict of arrays."""
    measure(cells.results())


def w7(gigabytes: float) -> None:
    """An unchanged session that is killed and started again and again."""
    with scratch() as folder:
        home = folder / "kept"
        kernel = kernels(home, "workload")["full"]
        load = cells.small(200)
        with spawned(kernel, folder) as process, connected(process.connection, process.alive) as client:
            for code in [*load.cells, "import numpy as np\narray = np.arange(2_000_000)"]:
                client.execute(code).require()
        sizes = []
        for _ in range(RESTARTS + 1):
            with spawned(kernel, folder) as process, connected(process.connection, process.alive):
                # The audit after the restore has its time: it must not store what nobody changed.
                _until_idle(process)
            sizes.append(size(home))
        print(
            f"W7 restarts: {sizes[0]} bytes after the first, {sizes[-1]} after {RESTARTS} more"
            f" ({(sizes[-1] / sizes[0] - 1) * 100:+.3f} %); load {os.getloadavg()[0]:.1f}"
        )


def _until_idle(process: KernelProcess) -> None:
    """Wait until the kernel takes no CPU time any more."""
    import time

    before, now = -1.0, process.cpu_seconds()
    while now - before > 0.001:
        time.sleep(0.1)
        before, now = now, process.cpu_seconds()


SECTIONS = {one.__name__: one for one in (w1, w2, w3, w4, w5, w6, w7)}
