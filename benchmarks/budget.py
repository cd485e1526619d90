"""Cells that only read large values: their checks must stay within the budget of a commit (DESIGN 5.1).

It must never count the writing of the cell itself as a check: a trivial cell beside each one says what that takes.

Part of `python -m benchmarks.durability`, section budget; with `--durability process` no flush hides the figures.
"""

from __future__ import annotations

import os
import statistics
from typing import TYPE_CHECKING

from holdfast.durable.commit import BUDGET, SHARE

if TYPE_CHECKING:
    from benchmarks.durability import Bench

ROUNDS = 7
PRELUDE = """import numpy as np, pandas as pd
random = np.random.default_rng(1)


def count(values):
    return len(values)


def lead(values):
    return values[0]
"""
#: What is made, and cells that read it.
_ROWS = "rows = [{{'a': i, 'b': str(i), 'c': i * 0.5}} for i in range(int(500_000 * {scale}))]"
_FRAME = """n = int(2_000_000 * {scale})
texts = np.array(['red', 'green', 'blue'])[np.arange(n) % 3]
df = pd.DataFrame({{'a': np.arange(n), 'b': random.random(n), 's': texts}})
del texts"""
_FLOATS = "floats = [random.random(int(125_000_000 * {scale})) for _ in range(5)]\none = floats[0]"
_READ_ROWS = """
total = sum(r['a'] for r in rows)
len(rows)
text = str(rows[5])
names = [r['b'] for r in rows[:9]]
n = count(rows)
rows[7]['b']
max(r['c'] for r in rows);
"""
_READ_FRAME = """
df.head()
df.describe()
df['s'].value_counts()
mean = df['b'].mean()
len(df)
big = df[df.a > 10].shape
by = df.groupby('s')['b'].mean()
n = count(df)
"""
_READ_FLOATS = """
float(one[::4096].sum())
one.shape
one[5]
part = one[:1000].copy()
peak = float(floats[1].max())
first = lead(one)
float(np.sort(floats[2][:1000])[0])
"""
VALUES = {
    "500,000 row dicts": (_ROWS, _READ_ROWS),
    "a frame of 2 M rows with texts": (_FRAME, _READ_FRAME),
    "5 GB of floats": (_FLOATS, _READ_FLOATS),
}


def budget(bench: Bench, gigabytes: float) -> None:
    """Read-only cells on 500,000 row dicts, on a frame of 2 million rows with texts, on 5 GB of floats."""
    bench.run(PRELUDE)
    for what, (make, reading) in VALUES.items():
        cells = reading.strip().splitlines()
        made = bench.run(make.format(scale=gigabytes))[1]
        over, worst = 0, 0.0
        for code in cells:
            checks, shares = [], []
            for turn in range(ROUNDS):
                seconds, commit = bench.run(code)
                base = bench.run(f"trivial = {turn}")[1]
                checks.append(commit - base)
                shares.append((commit - base) / max(BUDGET, SHARE * seconds))
            share = statistics.median(shares)
            over += share > 1
            worst = max(worst, share)
            print(
                f"budget: {what:32} {code:38} check {statistics.median(checks) * 1e3:6.2f} ms (first"
                f" {checks[0] * 1e3:.2f}), {share:.2f} of its budget"
            )
        print(
            f"budget: {what}: commit when made {made * 1e3:.0f} ms; {over} of {len(cells)} cells over,"
            f" worst {worst:.2f}; load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
        bench.run("rows = df = floats = one = None")
