"""What the embedded engine costs on this machine: `python benchmarks/engine.py [FOLDER]`.

It must never be run in the suite: its figures are for reading side by side.

Figures with few and with many promises are taken in turns, so that a busy machine is busy for both.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from holdfast.clock import Clock
from holdfast.engine import sdk
from holdfast.engine.embedded import EmbeddedEngine
from holdfast.engine.listing import open_promises
from holdfast.engine.port import EXTERNAL, ORIGIN
from holdfast.engine.schema import connect

MANY, FEW, ROUNDS = 10_000, 10, 9
PARAM = {"prompt": "name? ", "password": False}


def opened(path: Path, mode: str) -> EmbeddedEngine:
    """Return an engine on the file, as a process that starts now has it."""
    durability = "full" if mode == "full" else "process"
    return EmbeddedEngine(path, Clock().wall, key=b"k" * 32, durability=durability, create=True)  # type: ignore[arg-type]


def filled(path: Path, number: int) -> None:
    """Leave so many prompts, every tenth of them open, in the file."""
    engine = opened(path, "process")
    start = perf_counter()
    for n in range(number):
        engine.create(f"k1-e1-c{n}-i1", PARAM, {EXTERNAL: "true", ORIGIN: f"k1-e1-c{n}"})
        if n % 10:
            engine.settle(f"k1-e1-c{n}-i1", "resolved", "Ada")
    took = perf_counter() - start
    engine.close()
    size = sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))
    print(f"{number:>6,} promises: written at {took / number / 1.9 * 1e6:.0f} us a request, {size / 1e6:.1f} MB")


def recovered(path: Path) -> float:
    """Return milliseconds from opening the file to the first request served, everything taken over."""
    start = perf_counter()
    engine = opened(path, "process")
    engine.ledger.take_over()
    engine.list_open("k1-")
    engine.create("k1-e1-c0-i1", PARAM)
    took = perf_counter() - start
    engine.close()
    return took * 1e3


def listed(path: Path) -> float:
    """Return milliseconds that a restore takes to see what is open."""
    connection = connect(str(path), "process", "wal", create=False)
    start = perf_counter()
    open_promises(lambda query, *parameters: connection.execute(query, parameters).fetchall(), "k1-")
    took = perf_counter() - start
    connection.close()
    return took * 1e3


def prompted(path: Path, mode: str, number: int) -> float:
    """Return milliseconds of one prompt's two requests, beside what the file holds."""
    engine = opened(path, mode)
    engine.list_open("warm")
    times = []
    for n in range(50):
        start = perf_counter()
        engine.create(f"k2-{mode}-{number}-{n}", PARAM, {EXTERNAL: "true"})
        engine.settle(f"k2-{mode}-{number}-{n}", "resolved", "Ada")
        times.append((perf_counter() - start) * 1e3)
    engine.close()
    return statistics.median(times)


def main() -> None:
    """Print every figure."""
    sdk.load()  # 12 ms, once in a process
    folder = Path(tempfile.mkdtemp(prefix="holdfast-engine-", dir=sys.argv[1] if len(sys.argv) > 1 else None))
    files = {number: folder / f"{number}.sqlite" for number in (FEW, MANY)}
    try:
        for number, path in files.items():
            filled(path, number)
        times: dict[tuple[str, int], list[float]] = {}
        for turn in range(ROUNDS):
            for number, path in files.items():
                times.setdefault(("recovery", number), []).append(recovered(path))
                times.setdefault(("list of open ones", number), []).append(listed(path))
                for mode in ("process", "full"):
                    found = prompted(path, mode, turn)
                    times.setdefault((f"a prompt, {mode}", number), []).append(found)
        for (what, number), values in sorted(times.items()):
            spread = f"{min(values):.2f} to {max(values):.2f}"
            print(f"{what:>20}, {number:>6,} promises  median {statistics.median(values):.2f} ms ({spread})")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
