"""Completion, idle and while a cell runs; it must never count an answer that lacks the wanted name."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks.bench import Bench
from benchmarks.client import ANSWER_SECONDS, RawClient, Unanswered, execute_content
from benchmarks.results import Metric, milliseconds
from benchmarks.wire import Json

FIRST = Metric("language.first", "complete `os.pa`, first call")
P50 = Metric("language.p50", "complete `os.pa`, p50")
IMPORT = Metric("language.import", "complete `import os; os.pa`, p50")
FRAME = Metric("language.frame", "complete `df.gro`, p50")
INSPECT = Metric("language.inspect", "inspect `os.path.join`, p50")
IS_COMPLETE = Metric("language.is_complete", "is_complete `for i in x:`, p50")
NAMES = Metric("language.names", "complete `v99` among 100 000 names, p50")
SLEEPING = Metric("language.sleep", "complete `os.pa` while `time.sleep(2)` runs")
LOOPING = Metric("language.loop", "complete `os.pa` while a Python loop (2 s) runs")
INFO = Metric("language.info", "kernel_info on shell while a Python loop (2 s) runs")
METRICS = (FIRST, P50, IMPORT, FRAME, NAMES, SLEEPING, LOOPING, INFO, INSPECT, IS_COMPLETE)

SLEEP = "import time\ntime.sleep(2)"
LOOP = "import time\nend = time.monotonic() + 2\nwhile time.monotonic() < end: pass"
# A request is sent this long after its cell: long enough for every kernel to have begun it.
INTO_CELL_SECONDS = 0.3


def run(bench: Bench) -> None:
    """One kernel; its namespace is filled with names last.  A kernel that does not complete is asked once."""
    with bench.session() as session:
        client = session.client
        client.execute("import os").require()
        with bench.trying(IS_COMPLETE):
            samples = [answered(client, "is_complete_request", {"code": "for i in x:"}) for _ in range(20)]
            bench.record(IS_COMPLETE, milliseconds(samples))
        with bench.trying(INSPECT):
            content = {"code": "os.path.join", "cursor_pos": 12, "detail_level": 0}
            samples = [answered(client, "inspect_request", content) for _ in range(20)]
            bench.record(INSPECT, milliseconds(samples))
        with bench.trying(INFO):
            samples = during(client, LOOP, lambda: answered(client, "kernel_info_request", {}))
            bench.record(INFO, milliseconds(samples))
        bench.record(FIRST, complete(client, "os.pa", "path") * 1000)
        completions(bench, client)


def completions(bench: Bench, client: RawClient) -> None:
    """The rows of a kernel that does complete."""
    count, names = bench.sizes.completions, bench.sizes.names
    with bench.trying(P50):
        bench.record(P50, milliseconds([complete(client, "os.pa", "path") for _ in range(count)]))
    with bench.trying(IMPORT):
        code = "import os; os.pa"
        bench.record(IMPORT, milliseconds([complete(client, code, "path") for _ in range(count)]))
    for metric, cell in ((SLEEPING, SLEEP), (LOOPING, LOOP)):
        with bench.trying(metric):
            bench.record(metric, milliseconds(during(client, cell, lambda: complete(client, "os.pa", "path"))))
    with bench.trying(FRAME):
        client.execute("import pandas\ndf = pandas.DataFrame({'a': [1]})", 60.0).require()
        complete(client, "df.gro", "groupby")
        bench.record(FRAME, milliseconds([complete(client, "df.gro", "groupby") for _ in range(count)]))
    with bench.trying(NAMES):
        client.execute(f"globals().update({{f'v{{i}}': i for i in range({names})}})", 60.0).require()
        samples = [complete(client, "v99", f"v99{names // 1000 - 1}", 60.0) for _ in range(3)]
        bench.record(NAMES, milliseconds(samples))


def complete(client: RawClient, code: str, wanted: str, timeout: float = ANSWER_SECONDS) -> float:
    """Seconds until the reply to a completion at the end of `code`, which must offer `wanted`."""
    exchange = client.ask("complete_request", {"code": code, "cursor_pos": len(code)}, timeout=timeout)
    start = int(exchange.content.get("cursor_start", 0))
    offered = {code[:start] + str(match) for match in exchange.content.get("matches", [])}
    line = code[: len(code) - len(code.split(".")[-1])] + wanted if "." in code else wanted
    if line not in offered:
        raise Unanswered(f"does not offer {wanted}")
    return exchange.reply_seconds


def answered(client: RawClient, msg_type: str, content: Json) -> float:
    """Seconds until the reply to a request, which must not say error."""
    exchange = client.ask(msg_type, content, timeout=5.0)
    if exchange.content.get("status") == "error" or exchange.content.get("found") is False:
        raise Unanswered(f"{msg_type}: {exchange.why()}")
    return exchange.reply_seconds


def during(client: RawClient, code: str, ask: Callable[[], float]) -> list[float]:
    """What `ask` measures while a cell of two seconds runs: five times, or as often as the cell lasts."""
    client.send("execute_request", execute_content(code))
    started = time.perf_counter()
    time.sleep(INTO_CELL_SECONDS)
    samples = [ask()]
    while len(samples) < 5 and time.perf_counter() - started < 1:
        samples.append(ask())
    client.execute("pass", 30.0).require()
    return samples
