"""Going to another cell: with a large array that both states have, with one that changed, with very many names.

It must never time what a person does not wait for: the audit runs before, as it does in idle time.

Part of `python -m benchmarks.durability`, section checkout.
"""

from __future__ import annotations

import statistics
from time import perf_counter
from typing import TYPE_CHECKING

from holdfast.durable.checkout import Switch
from holdfast.durable.reports import Cell
from holdfast.durable.timeline import Timeline
from holdfast.durable.world import codec

if TYPE_CHECKING:
    from benchmarks.durability import Bench

ROUNDS = 9


def _go(bench: Bench, address: str, audited: bool) -> float:
    """The milliseconds from the beginning of `%checkout address` to the next line of its cell."""
    keeper = bench.committer
    if audited:
        keeper.audit(lambda: False)
    start = perf_counter()
    timeline = Timeline(keeper.store.log())
    number = timeline.resolve(address)
    inputs = timeline.inputs(number, keeper.store.states())
    running = Cell(bench.count + 1, "pass", epoch=keeper.epoch)
    Switch(keeper, codec(), lambda: "2026-01-01T00:00:00+00:00").to(number, running, inputs, ran=False)
    seconds = perf_counter() - start
    bench.run("pass", epoch=keeper.epoch)
    return seconds * 1e3


def _said(what: str, values: list[float]) -> None:
    print(f"checkout: {what}: {statistics.median(values):.2f} ms ({min(values):.2f}-{max(values):.2f})")


def checkout(bench: Bench, gigabytes: float) -> None:
    """There and back, a few times each."""
    bench.run("import numpy as np")
    bench.run(f"big = np.random.default_rng(0).random(int(12_500_000 * {gigabytes}))")
    bench.run("log = [1]")
    bench.run("log.append(2)")
    bench.run("big[3] = -1.0")
    start = perf_counter()
    bench.committer.audit(lambda: False)
    print(f"checkout: the audit of all takes {(perf_counter() - start) * 1e3:.1f} ms")
    trips = [_go(bench, address, True) for _ in range(ROUNDS) for address in ("0:3", "0:4")]
    _said("100 MB unchanged", trips[2:])
    _said("100 MB changed", [_go(bench, address, True) for _ in range(ROUNDS) for address in ("0:4", "0:5")][1:])
    _said(
        "… before the audit has run", [_go(bench, address, False) for _ in range(ROUNDS) for address in ("0:4", "0:5")]
    )
    bench.run(f"globals().update((f'n{{i}}', i) for i in range(int(30_000 * {gigabytes})))")
    count = bench.count
    bench.run("one = 1")
    _said("30,000 names, one differs", [_go(bench, f"{count + odd}", True) for _ in range(3) for odd in (0, 1)])
    print(f"checkout: restore {bench.restart() * 1e3:.1f} ms; store {bench.size() / 1e6:.1f} MB")
