"""Cold start and shutdown; it must never count a start that did not end in the right answer."""

from __future__ import annotations

import statistics

from benchmarks.bench import Bench
from benchmarks.client import ANSWER_SECONDS, RawClient, Unanswered, execute_content
from benchmarks.process import spawned
from benchmarks.results import Metric, milliseconds

START_SECONDS = 60.0

INFO = Metric("start.info", "cold start: spawn → kernel_info_reply")
FIRST = Metric("start.first", "cold start: spawn → first `1+1` execute_reply")
CPU = Metric("start.cpu", "… CPU time until that reply")
SHUTDOWN = Metric("start.shutdown", "shutdown_request → process gone")
METRICS = (INFO, FIRST, CPU, SHUTDOWN)


def run(bench: Bench) -> None:
    """The medians of a few starts; the client has the shell channel alone until the first reply."""
    infos, firsts, cpus, shutdowns = [], [], [], []
    for _ in range(bench.sizes.starts):
        with spawned(bench.kernel, bench.scratch) as process:
            client = RawClient(process.connection, process.alive)
            try:
                info = client.ask("kernel_info_request", {}, timeout=START_SECONDS)
                first = client.ask("execute_request", execute_content("1+1"), timeout=START_SECONDS).require()
                cpus.append(process.cpu_seconds())
                infos.append(info.sent_at + info.reply_seconds - process.spawned_at)
                firsts.append(first.sent_at + first.reply_seconds - process.spawned_at)
                client.open_all()
                client.send("shutdown_request", {"restart": False}, "control")
                if (gone := process.seconds_until_gone(ANSWER_SECONDS)) is not None:
                    shutdowns.append(gone)
            finally:
                client.close()
    bench.record(INFO, milliseconds(infos))
    bench.record(FIRST, milliseconds(firsts))
    bench.record(CPU, statistics.median(cpus) * 1000)
    with bench.trying(SHUTDOWN):
        if len(shutdowns) < bench.sizes.starts:
            raise Unanswered(f"still there {ANSWER_SECONDS:.0f} s after shutdown_request")
        bench.record(SHUTDOWN, milliseconds(shutdowns))
