"""Printed text: how fast it comes, in how many messages, and whether all of it comes.

It must never report a time without saying what was lost: dropping text is the quickest way to deliver it.
Each cell ends in an expression, because one peer shows nothing otherwise; a row tells which.
"""

from __future__ import annotations

from collections import Counter

from benchmarks.bench import Bench
from benchmarks.client import Exchange, RawClient, Unanswered, execute_content
from benchmarks.results import Metric, milliseconds
from benchmarks.wire import Message

FLOOD_SECONDS = 120.0
# How long a kernel that has replied may be silent before its missing idle counts as lost.
SILENCE_SECONDS = 3.0

LINES = Metric("output.lines", "100 000 × `print(i)` until reply and idle")
LINES_MESSAGES = Metric("output.lines.messages", "… stream messages", "", compare=False)
LINES_LOST = Metric("output.lines.lost", "… lines lost", "", compare=False)
LINES_ORDER = Metric("output.lines.order", "… order", "", compare=False)
BULK = Metric("output.bulk", "50 × 1 MB printed until reply and idle")
BULK_LOST = Metric("output.bulk.lost", "… characters lost", "", compare=False)
BULK_PEAK = Metric("output.bulk.peak", "… growth of the kernel's peak RSS", "MiB")
FIRST = Metric("output.first", "`print('a')`, then a second of sleep: send → 'a' seen")
STATEMENT = Metric("output.statement", "a cell that ends in a statement shows its text?", "", compare=False)
METRICS = (LINES, LINES_MESSAGES, LINES_LOST, LINES_ORDER, BULK, BULK_LOST, BULK_PEAK, FIRST, STATEMENT)


def run(bench: Bench) -> None:
    """A fresh kernel for each flood: what is still queued behind one would slow the next."""
    with bench.session() as session, bench.trying(FIRST, STATEMENT):
        bench.record(STATEMENT, "yes" if session.client.execute("print('p')\nx = 1").text() == "p\n" else "no")
        samples = [first_seen(session.client) for _ in range(3)]
        bench.record(FIRST, milliseconds(samples))
    with bench.session() as session, bench.trying(LINES, LINES_MESSAGES, LINES_LOST, LINES_ORDER):
        lines(bench, session.client)
    with bench.session() as session, bench.trying(BULK, BULK_LOST, BULK_PEAK):
        count = bench.sizes.megabytes
        before = session.process.peak_rss()
        exchange = flood(session.client, f"for _ in range({count}): print('x' * 999_999)\nNone")
        text = exchange.text()
        bench.record(BULK_LOST, count * 1_000_000 - len(text))
        bench.record(BULK_PEAK, session.process.peak_rss() - before)
        bench.record(BULK, exchange.seconds * 1000)


def lines(bench: Bench, client: RawClient) -> None:
    """Count what arrives of numbered lines; a torn line counts as lost."""
    count = bench.sizes.lines
    exchange = flood(client, f"for i in range({count}): print(i)\nNone")
    bench.record(LINES_MESSAGES, float(sum(message.type == "stream" for message in exchange.published)))
    expected = [str(number) for number in range(count)]
    got = exchange.text().split("\n")[:-1]
    lost = (Counter(expected) - Counter(got)).total()
    bench.record(LINES_LOST, float(lost))
    if lost:
        # Halves of torn lines join to new numbers: an order of what is left means nothing.
        bench.record(LINES_ORDER, "lines lost")
    else:
        bench.record(LINES_ORDER, "in order" if got == expected else "out of order")
    bench.record(LINES, exchange.seconds * 1000)


def flood(client: RawClient, code: str) -> Exchange:
    """Run a cell with much output; Unanswered where the reply never came or says error."""
    client.rest()
    exchange = client.send("execute_request", execute_content(code))
    client.follow(exchange, FLOOD_SECONDS, quiet=SILENCE_SECONDS)
    if exchange.reply is None:
        raise Unanswered(f"no reply in {FLOOD_SECONDS:.0f} s")
    exchange.require()
    if exchange.idle_at is None:
        # The status was dropped with the text; the last thing that did arrive ends the time.
        exchange.idle_at = max((message.at for message in exchange.published), default=exchange.reply.at)
    return exchange


def first_seen(client: RawClient) -> float:
    """Seconds from sending until the one printed line is there, while the cell goes on."""
    exchange = client.send("execute_request", execute_content("import time\nprint('a')\ntime.sleep(1)"))
    client.follow(exchange, until=lambda e: seen(e) is not None or e.done)
    message = seen(exchange)
    client.follow(exchange)
    if message is None:
        raise Unanswered("the text never came")
    return message.at - exchange.sent_at


def seen(exchange: Exchange) -> Message | None:
    """The first stream message of the exchange."""
    return next((message for message in exchange.published if message.type == "stream"), None)
