"""Round trips on a warm kernel; it must never time a cell whose outcome was not seen to be right first."""

from __future__ import annotations

import time

from benchmarks.bench import Bench
from benchmarks.client import Exchange, RawClient, Unanswered, execute_content
from benchmarks.results import Metric, milliseconds, percentile
from benchmarks.wire import Message

BOTH = Metric("warm.both.p50", "`1+1` → reply and idle, p50")
BOTH_TAIL = Metric("warm.both.p99", "`1+1` → reply and idle, p99")
REPLY = Metric("warm.reply.p50", "`1+1` → execute_reply alone, p50")
REPLY_TAIL = Metric("warm.reply.p99", "`1+1` → execute_reply alone, p99")
CPU = Metric("warm.cpu", "`1+1`: CPU time of the kernel per cell")
SILENT = Metric("warm.silent", "`pass` silent, p50")
AWAIT = Metric("warm.await", "`await asyncio.sleep(0)` at top level, p50")
FAILING = Metric("warm.failing", "failing cell `1/0`, p50")
SHALLOW = Metric("warm.traceback.9", "traceback of 9 frames, p50")
DEEP = Metric("warm.traceback.900", "traceback of 900 frames, p50")
PIPELINED = Metric("warm.pipelined", "`x=1` sent back to back, per cell")
IN_ORDER = Metric("warm.pipelined.order", "… replies", "", compare=False)
METRICS = (
    BOTH,
    BOTH_TAIL,
    REPLY,
    REPLY_TAIL,
    CPU,
    SILENT,
    AWAIT,
    FAILING,
    SHALLOW,
    DEEP,
    PIPELINED,
    IN_ORDER,
)


def run(bench: Bench) -> None:
    """All on one kernel, the pipelined cells last: they may leave a peer in a state of its own."""
    with bench.session() as session:
        client, sizes = session.client, bench.sizes
        with bench.trying(BOTH, BOTH_TAIL, REPLY, REPLY_TAIL, CPU):
            repeated(client, "1+1", 20)
            before = session.process.cpu_seconds()
            exchanges = repeated(client, "1+1", sizes.cells)
            spent = session.process.cpu_seconds() - before
            record_round_trips(bench, exchanges)
            bench.record(CPU, spent / sizes.cells * 1000)
        with bench.trying(SILENT):
            bench.record(SILENT, p50(repeated(client, "pass", sizes.cells, silent=True)))
        with bench.trying(AWAIT):
            client.execute("import asyncio").require()
            bench.record(AWAIT, p50(repeated(client, "await asyncio.sleep(0)", sizes.cells)))
        with bench.trying(FAILING):
            bench.record(FAILING, p50(failures(client, "1/0", sizes.errors)))
        with bench.trying(SHALLOW, DEEP):
            client.execute("def f(n):\n    return f(n - 1) if n > 1 else 1 / 0").require()
            bench.record(SHALLOW, p50(failures(client, "f(8)", sizes.errors)))
            bench.record(DEEP, p50(failures(client, "f(899)", sizes.tracebacks)))
        with bench.trying(PIPELINED, IN_ORDER):
            pipelined(bench, client)


def record_round_trips(bench: Bench, exchanges: list[Exchange]) -> None:
    """The four rows of `1+1`."""
    both = [exchange.seconds for exchange in exchanges]
    reply = [exchange.reply_seconds for exchange in exchanges]
    bench.record(BOTH, p50(exchanges))
    bench.record(BOTH_TAIL, percentile(both, 99) * 1000)
    bench.record(REPLY, milliseconds(reply))
    bench.record(REPLY_TAIL, percentile(reply, 99) * 1000)


def p50(exchanges: list[Exchange]) -> float:
    """The median until reply and idle, in milliseconds."""
    return milliseconds([exchange.seconds for exchange in exchanges])


def repeated(client: RawClient, code: str, count: int, *, silent: bool = False) -> list[Exchange]:
    """`count` runs of a cell, one after another; raises Unanswered where one fails."""
    exchanges = [client.execute(code, silent=silent) for _ in range(count)]
    for exchange in exchanges:
        exchange.require()
    return exchanges


def failures(client: RawClient, code: str, count: int) -> list[Exchange]:
    """`count` runs of a cell that must raise ZeroDivisionError, one after another, after one not counted."""
    exchanges = [client.execute(code, 30.0) for _ in range(count + 1)]
    for exchange in exchanges:
        if "ZeroDivisionError" not in exchange.why():
            raise Unanswered(f"outcome {exchange.why()}")
    return exchanges[1:]


def pipelined(bench: Bench, client: RawClient) -> None:
    """All requests are sent before a reply is read; the time ends with the last reply and the last idle."""
    count = bench.sizes.pipelined
    client.rest()
    started = ended = time.perf_counter()
    wanted = [client.send("execute_request", execute_content("x=1")).msg_id for _ in range(count)]
    replies: list[Message] = []
    idle = 0
    while len(replies) < count or idle < count:
        arrived = list(client.receive(10.0))
        if not arrived:
            raise Unanswered(f"{len(replies)} replies, {idle} idle of {count}, then silence")
        for message in arrived:
            ended = message.at
            if message.channel == "shell":
                replies.append(message)
            elif message.channel == "iopub" and message.is_idle:
                idle += 1
    if any(reply.content.get("status") != "ok" for reply in replies):
        raise Unanswered("not all replies say ok")
    bench.record(PIPELINED, (ended - started) / count * 1000)
    bench.record(IN_ORDER, "in order" if [reply.parent for reply in replies] == wanted else "out of order")
