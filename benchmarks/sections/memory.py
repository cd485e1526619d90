"""What an idle kernel holds after its first cell; it must never include a cell's data."""

from __future__ import annotations

import time

from benchmarks.bench import Bench
from benchmarks.results import Metric

RSS = Metric("memory.rss", "idle RSS", "MiB")
PSS = Metric("memory.pss", "idle PSS", "MiB")
USS = Metric("memory.uss", "idle USS (private)", "MiB")
THREADS = Metric("memory.threads", "threads, idle", "")
MODULES = Metric("memory.modules", "len(sys.modules), idle", "")
METRICS = (RSS, PSS, USS, THREADS, MODULES)

# Long enough for what a kernel does in the background after its first cell.
SETTLE_SECONDS = 1.0


def run(bench: Bench) -> None:
    """Memory is read a second after `1+1`; the modules are counted afterwards, by the kernel itself."""
    with bench.session() as session:
        session.client.execute("1+1").require()
        time.sleep(SETTLE_SECONDS)
        memory = session.process.memory()
        bench.record(RSS, memory.rss)
        bench.record(PSS, memory.pss)
        bench.record(USS, memory.uss)
        bench.record(THREADS, float(session.process.threads()))
        with bench.trying(MODULES):
            counted = session.client.execute("import sys\nprint(len(sys.modules))\nNone").require()
            bench.record(MODULES, float(counted.text()))
