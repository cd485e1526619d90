"""A value of some gigabytes: how long its reply takes, what goes on beside the writing, and when it is kept.

It must never time what a person does not wait for as if he did: the reply, the cells meanwhile and the end of the
writing are told apart.

Part of `python -m benchmarks.durability`, section large; `--gigabytes 1` stands for a frame of 4 GB.
"""

from __future__ import annotations

import statistics
import threading
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.durability import Bench

#: Bytes of the frame for one `--gigabytes`, and its columns.
WHOLE, COLUMNS = 4e9, 10
#: Seconds that a reply waits, and part of the cell's time.
PATIENCE, SHARE = 0.25, 0.05


def large(bench: Bench, gigabytes: float) -> None:
    """One frame from a slow cell, written beside others; then one element of it, and a restart."""
    over = threading.Event()
    pending = bench.committer.pending
    pending.limit, pending.ready = PATIENCE, over.set
    rows = int(WHOLE * gigabytes / 8 / COLUMNS)
    bench.run("import numpy as np, pandas as pd")
    begun = perf_counter()
    cell, reply = bench.run(f"frame = pd.DataFrame(np.random.default_rng(0).random(({rows}, {COLUMNS})))")
    allowed = max(PATIENCE, SHARE * cell)
    held = ", ".join(sorted(bench.committer.held)) or "nothing"
    print(
        f"large: {rows * COLUMNS * 8 / 1e9:.2f} GB made in {cell:.2f} s: reply after {reply * 1e3:.0f} ms more", end=""
    )
    print(f" (allowed: {allowed * 1e3:.0f}), pending: {held}")
    waits = []
    while pending.is_busy and not over.wait(0.05):
        waits.append(bench.run("x = 1")[1])
    written, start = perf_counter() - begun - cell, perf_counter()
    pending.publish(bench.committer)
    published = perf_counter() - start
    print(f"large: written after {written:.2f} s; to publish it took {published * 1e3:.1f} ms")
    if waits:
        median, longest = statistics.median(waits) * 1e3, max(waits) * 1e3
        print(f"large: {len(waits)} cells beside it: commit {median:.2f} ms, longest {longest:.1f} ms")
    cell, reply = bench.run("frame.iloc[5, 5] = -1.0")
    while pending.is_busy:
        over.wait(60)
        pending.publish(bench.committer)
    print(f"large: one element changed: reply after {reply * 1e3:.0f} ms; store {bench.size() / 1e9:.2f} GB")
    print(f"large: restore {bench.restart() * 1e3:.1f} ms")
