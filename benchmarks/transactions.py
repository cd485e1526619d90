"""What a transaction costs: its pre-image at entry, its rollback, and a kernel's cell with one around it.

It must never time a rollback of nothing: each changes what it then puts back.

Part of `python -m benchmarks.durability`, section transactions.
"""

from __future__ import annotations

import statistics
from time import perf_counter
from types import CodeType
from typing import TYPE_CHECKING

from holdfast.durable.policies import ROLLBACK
from holdfast.durable.transactions import Running, Transactions
from holdfast.executor.compile import Unit, compile_cell

if TYPE_CHECKING:
    from benchmarks.durability import Bench

ROUNDS = 15
#: What is there, the cell that changes it, by what is said of it.
CASES = {
    "100 small names": (
        "for i in range(100): globals()[f'v{i}'] = [i, {'n': i}]",
        "; ".join(f"v{i}.append(1)" for i in range(100)),
    ),
    "100 MB array, one element": ("import numpy as np\na = np.random.default_rng(1).random(12_500_000)", "a[5] += 1"),
    "100 MB array, all of it": ("import numpy as np\na = np.random.default_rng(1).random(12_500_000)", "a += 1"),
    "frame 1 M x 10, one cell": (
        """import numpy as np, pandas as pd
df = pd.DataFrame({f'c{i}': np.arange(1_000_000) * (i + 0.5) for i in range(10)})""",
        "df.loc[7, 'c3'] = 1.5",
    ),
    "500,000 dicts in a list": ("rows = [{'a': i} for i in range(500_000)]", "rows[7]['a'] = 1"),
    # The last one: its names stay.
    "one name of 100,000": ("for i in range(100_000): globals()[f'w{i}'] = [i]\nx = [1]", "x.append(2)"),
}


def measure(bench: Bench, case: str) -> tuple[list[float], list[float]]:
    """Seconds of the pre-image and of the rollback, one of each per round."""
    before, change = CASES[case]
    bench.run(before)
    bench.run("0")
    unit = compile_cell(change, "<cell>")
    transactions = Transactions(bench.namespace, bench.committer)
    entries, rollbacks = [], []
    for _ in range(ROUNDS):
        start = perf_counter()
        transactions.begin(Running(bench.count, codes=_codes(unit), tree=unit.tree, policy=ROLLBACK))
        entries.append(perf_counter() - start)
        bench.namespace.prepare()
        exec(compile(change, "<cell>", "exec"), bench.namespace.dict)
        start = perf_counter()
        transactions.end(True)
        rollbacks.append(perf_counter() - start)
    return entries, rollbacks


def _codes(unit: Unit) -> tuple[CodeType, ...]:
    return tuple(one for one in (unit.body, unit.last) if one is not None)


def _spread(seconds: list[float]) -> str:
    low, *_, high = statistics.quantiles(seconds, n=10)
    return f"{statistics.median(seconds) * 1e3:.2f} ({low * 1e3:.2f} to {high * 1e3:.2f})"


def transactions(bench: Bench, gigabytes: float) -> None:
    """Print a line for each case."""
    for case in CASES:
        entries, rollbacks = measure(bench, case)
        print(f"transactions: {case}: entry {_spread(entries)} ms, rollback {_spread(rollbacks)} ms")
