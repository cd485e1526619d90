"""From the interrupt to the cell's reply; it must never count one that left the kernel unusable."""

from __future__ import annotations

import contextlib
import time

from benchmarks.bench import Bench, Session
from benchmarks.client import Exchange, KernelDied, Unanswered, execute_content
from benchmarks.results import Metric, milliseconds

CELLS = (
    (Metric("interrupt.loop", "interrupt `while True: pass` → reply"), "while True: pass"),
    (Metric("interrupt.sleep", "interrupt `time.sleep(30)` → reply"), "import time\ntime.sleep(30)"),
    (
        Metric("interrupt.await", "interrupt `await asyncio.sleep(30)` → reply"),
        "import asyncio\nawait asyncio.sleep(30)",
    ),
)
METRICS = tuple(metric for metric, _ in CELLS)

INTO_CELL_SECONDS = 0.3
HANG_SECONDS = 10.0


def run(bench: Bench) -> None:
    """A kernel for each kind of cell: an interrupt may be the end of a peer."""
    for metric, code in CELLS:
        with contextlib.suppress(KernelDied), bench.trying(metric), bench.session() as session:
            samples = [interrupted(session, code) for _ in range(bench.sizes.interrupts)]
            bench.record(metric, milliseconds(samples))


def interrupted(session: Session, code: str) -> float:
    """Seconds from the interrupt to the error reply of the running cell."""
    client, process = session.client, session.process
    exchange = client.send("execute_request", execute_content(code))
    client.follow(exchange, INTO_CELL_SECONDS, until=Exchange.replied)
    if exchange.replied():
        raise Unanswered(f"the cell ended by itself: {exchange.why()}")
    sent_at = time.perf_counter()
    if process.kernel.interrupt_mode == "message":
        client.send("interrupt_request", {}, "control")
    else:
        process.interrupt()
    client.follow(exchange, HANG_SECONDS, until=Exchange.replied)
    if not exchange.replied():
        raise Unanswered(f"hangs for {HANG_SECONDS:.0f} s")
    if exchange.ok:
        raise Unanswered("the cell went on to its end")
    client.execute("1+1").require()
    return exchange.sent_at + exchange.reply_seconds - sent_at
