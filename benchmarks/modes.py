"""Durability off, process and full side by side: what a person waits for at a cell and at a start, and the memory.

It must never measure one mode after another: the modes take turns, cell by cell and start by start, so that a busy
machine is busy for all of them.

Part of `python -m benchmarks.durability`, sections warm, flat, start and memory.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.bench import Session
from benchmarks.client import RawClient, connected, execute_content
from benchmarks.kernels import Kernel, find
from benchmarks.process import KernelProcess, spawned

MODES = ("off", "process", "full")
#: Cells in a row before the next mode has its turn.
TURN = 10


def kernels() -> dict[str, Kernel]:
    """Our kernel in each mode, with a home of its own."""
    ours = find("holdfast")
    env = {mode: {**ours.env, "HOLDFAST_DURABILITY": mode} for mode in MODES}
    return {mode: Kernel(mode, ours.argv, mode, ours.interrupt_mode, env[mode]) for mode in MODES}


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="hf-modes-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def sessions(prelude: str = "") -> Iterator[dict[str, Session]]:
    """A warm kernel of each mode, which has run `prelude`."""
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        found = {}
        for mode, kernel in kernels().items():
            process = stack.enter_context(spawned(kernel, folder))
            client = stack.enter_context(connected(process.connection, process.alive))
            if prelude:
                client.execute(prelude, 600.0).require()
            for _ in range(30):
                client.execute("1+1").require()
            found[mode] = Session(process, client)
        yield found


def in_turns(modes: Mapping[str, Session], codes: Sequence[str]) -> dict[str, list[tuple[float, float]]]:
    """Run cells in every mode; for each cell the seconds to its reply and the CPU time of the kernel."""
    taken: dict[str, list[tuple[float, float]]] = {mode: [] for mode in modes}
    order = list(modes)
    for start in range(0, len(codes), TURN):
        for mode in order:
            client, process = modes[mode].client, modes[mode].process
            part = codes[start : start + TURN]
            # Not counted: after a pause the kernel's caches and clock rate are not those of a cell among others.
            client.execute("None").require()
            before = process.cpu_seconds()
            seconds = [client.execute(code).require().seconds for code in part]
            cpu = (process.cpu_seconds() - before) / len(part)
            taken[mode] += [(one, cpu) for one in seconds]
        order.append(order.pop(0))
    return taken


def compared(what: str, taken: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    """Print a line per mode: median, its range over tenths of the run, CPU, and what it adds to `off`."""
    wall = {mode: [second for second, _ in pairs] for mode, pairs in taken.items()}
    for mode, pairs in taken.items():
        tenth = max(1, len(pairs) // 10)
        medians = [statistics.median(wall[mode][i : i + tenth]) * 1e3 for i in range(0, len(pairs) - tenth + 1, tenth)]
        median, base = statistics.median(wall[mode]) * 1e3, statistics.median(wall["off"]) * 1e3
        cpu = statistics.median(cpu for _, cpu in pairs) * 1e3
        print(
            f"{what:34} {mode:8} p50 {median:.3f} ms ({min(medians):.3f}-{max(medians):.3f})"
            f"  adds {median - base:+.3f}  x{median / base:.2f}  CPU {cpu:.3f}",
            flush=True,
        )


FRAME = "import pandas as pd, numpy as np\ndf = pd.DataFrame({'a': np.arange(100_000), 'b': 1.5})"
MANY = "globals().update({f'name_{i}': i for i in range(100_000)})"
GIGABYTE = "import numpy as np\narrays = [np.full(12_500_000, i / 7) for i in range(10)]"


def warm(gigabytes: float) -> None:
    """Small cells in a small namespace, over 1,000 cells, with 100,000 names, and with a large namespace."""
    with sessions() as modes:
        for code in ("1+1", "x = 1", "pass"):
            compared(f"warm `{code}`", in_turns(modes, [code] * 300))
        compared("warm `x<i> = <i>`, 1,000 cells", in_turns(modes, [f"x{i} = {i}" for i in range(1000)]))
        compared("warm `1+1` after them", in_turns(modes, ["1+1"] * 300))
    with sessions(FRAME) as modes:
        compared("`df.head()`, 100,000 rows", in_turns(modes, ["df.head()"] * 100))
        compared("`1+1` after them", in_turns(modes, ["1+1"] * 100))


def flat(gigabytes: float) -> None:
    """Small cells with 100,000 names, and with a large namespace that they do not touch."""
    for what, prelude in (("100,000 names", MANY), (f"{gigabytes} GB", _gigabytes(gigabytes))):
        with sessions(prelude) as modes:
            for code in ("1+1", "x = 1"):
                compared(f"{what}: `{code}`", in_turns(modes, [code] * 200))


def _gigabytes(gigabytes: float) -> str:
    return GIGABYTE.replace("12_500_000", str(int(12_500_000 * gigabytes)))


def start(gigabytes: float) -> None:
    """From spawn to the kernel_info_reply, which no session waits for, and to the reply to the first cell.

    For a session that is new, and for one that a cell was committed in.
    """
    known = kernels()
    taken: dict[str, dict[str, list[tuple[float, float]]]] = {}
    with scratch() as folder:
        order = list(MODES)
        for turn in range(21):
            for mode in order:
                with spawned(known[mode], folder) as process:
                    new = _first(process)
                env = {**known[mode].env, "HOLDFAST_SESSION": f"kept-{turn // 7}"}
                same = Kernel(mode, known[mode].argv, mode, env=env)
                with spawned(same, folder) as process:
                    old = _first(process)
                for session, replies in (("new", new), ("known", old)) if turn else ():  # the first may compile
                    for what, one in replies.items():
                        taken.setdefault(f"start, {session} session: {what}", {}).setdefault(mode, []).append(one)
            order.append(order.pop(0))
    for what, by_mode in taken.items():
        compared(what, {mode: by_mode[mode] for mode in MODES})


def _first(process: KernelProcess) -> dict[str, tuple[float, float]]:
    """Seconds from spawn to the first replies, and the CPU time until then."""
    client = RawClient(process.connection, process.alive)
    found: dict[str, tuple[float, float]] = {}
    try:
        for what, msg_type, content in (
            ("kernel_info", "kernel_info_request", {}),
            ("first `1+1`", "execute_request", execute_content("1+1")),
        ):
            reply = client.ask(msg_type, content, timeout=60.0).require()
            found[what] = (reply.sent_at + reply.reply_seconds - process.spawned_at, process.cpu_seconds())
        return found
    finally:
        client.close()


VALUES = {
    "numpy": "[np.random.default_rng(i).random(1_250_000) for i in range({megabytes} // 10)]",
    "objects": "[{{'a': i, 'b': str(i), 'c': i * 0.5}} for i in range({megabytes} * 2500)]",
    "text": "'x' * ({megabytes} * 1_000_000)",
}


def peak(mode: str, what: str, megabytes: int) -> None:
    """In a process of its own: commit a value, print the MiB that this adds to the peak of its memory."""
    from benchmarks.durability import Bench

    bench = Bench(mode)
    bench.run("import numpy as np, blake3, xxhash")
    bench.run("first = np.arange(100_000)")
    # Made where no commit looks, so that the peak before is that of the value and nothing else.
    exec(f"value = {VALUES[what].format(megabytes=megabytes)}", bench.namespace.dict)
    before = _peak()
    seconds = bench.run("value = value")[1]
    print(f"{_peak() - before:.0f} {before:.0f} {seconds:.2f} {bench.size() / 1e6:.0f}")
    bench.close()


def _peak() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def memory(gigabytes: float) -> None:
    """What a commit adds to the peak of the process's memory."""
    for what, megabytes in (("numpy", int(1000 * gigabytes)), ("objects", 100), ("text", 200)):
        for mode in ("process", "full"):
            code = f"from benchmarks.modes import peak; peak({mode!r}, {what!r}, {megabytes})"
            folder = Path(__file__).parents[1]
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder)
            added, before, seconds, stored = done.stdout.split()
            print(
                f"memory: {what} of {megabytes} MB, {mode}: the commit adds {added} MiB to a peak of {before} MiB,"
                f" takes {seconds} s, stores {stored} MB",
                flush=True,
            )


SECTIONS: dict[str, Callable[[float], None]] = {one.__name__: one for one in (warm, flat, start, memory)}
