"""iopub over real sockets: all output in order, a bound on what a dead reader costs, nothing lost at the end."""

from __future__ import annotations

import random
import socket
import threading

from helpers.sockets import HANG, Bound, numbered
from holdfast.transport import sockets as module
from holdfast.transport.sockets import RETRY


def test_a_subscription_is_seen(either: Bound) -> None:
    """XPUB hands up each subscription, so that it can be greeted."""
    client = either.client("iopub")
    client.subscribe(b"stream")
    assert either.receive(1) == [("iopub", [b"\x01stream"])]


def test_the_same_subscription_is_seen_each_time(bound: Bound) -> None:
    """A second client with the same topic is greeted too."""
    bound.client("iopub")
    bound.client("iopub")


def test_no_stranger_takes_a_subscription_away(bound: Bound) -> None:
    """Who knocks with what is no ZeroMQ (a port scan) and leaves changes nothing for a client."""
    client = bound.client("iopub")
    noise = b"\x01\x00" + b"\x02\x00A" * 5  # to ZeroMQ a peer of its first protocol, which says "A" five times
    chance = random.Random(0)
    for n in range(1500):  # it takes the right moment: under XPUB_MANUAL one in some hundreds
        topic = chance.choice([b"%d" % n, b""])
        client.subscribe(topic)
        client.unsubscribe(topic)
        with socket.create_connection(("127.0.0.1", bound.server.ports["iopub"]), HANG / 1000) as knock:
            knock.sendall(noise)
        if chance.random() < 0.1:
            bound.server.stale("iopub")
            list(bound.server.receive())
            bound.server.send("iopub", [b"to all"])
            assert client.poll(HANG), "a client hears nothing any more"
            assert client.recv_multipart() == [b"to all"]


def test_a_subscription_that_is_taken_back_holds_no_more(bound: Bound) -> None:
    """The client hears what the rest of its subscriptions ask for."""
    client = bound.client("iopub")
    client.subscribe(b"stream")
    assert bound.receive(1) == [("iopub", [b"\x01stream"])]
    client.unsubscribe(b"")
    assert bound.receive(1) == [("iopub", [b"\x00"])]
    bound.server.send("iopub", [b"status"])
    bound.server.send("iopub", [b"stream"])
    assert client.poll(HANG)
    assert client.recv_multipart() == [b"stream"]


def test_output_reaches_all_subscribers_in_order(either: Bound) -> None:
    """Every subscriber reads every message, in the order in which they were sent."""
    clients = [either.client("iopub") for _ in range(3)]
    for frames in numbered(300):
        either.server.send("iopub", frames)
    for client in clients:
        got: list[list[bytes]] = []
        while len(got) < 300:
            assert client.poll(HANG)
            got.append(client.recv_multipart())
        assert got == numbered(300)


def test_output_without_subscribers_is_not_kept(bound: Bound) -> None:
    """There is nobody to keep it for."""
    for frames in numbered(5000):
        bound.server.send("iopub", frames)
    assert not bound.server._waiting


def test_buffers_are_sent_whole(either: Bound) -> None:
    """Small frames are copied, large ones are not; both arrive, memoryviews too."""
    client = either.client("iopub")
    frames: list[bytes | memoryview] = [
        b"topic",
        b"small",
        memoryview(bytearray(b"x" * 3_000_000)),
        memoryview(b"view"),
    ]
    either.server.send("iopub", frames)
    assert client.poll(HANG)
    assert client.recv_multipart() == [b"topic", b"small", b"x" * 3_000_000, b"view"]


def _fill(bound: Bound) -> list[list[bytes]]:
    """Send until the pipe to a subscriber that does not read is full; what was sent."""
    sent: list[list[bytes]] = []
    while not bound.server._waiting:
        assert len(sent) < 50_000, "the pipe never fills: what does not fit is dropped"
        sent.append([b"topic", b"%d" % len(sent), bytes(10_000)])
        bound.server.send("iopub", sent[-1])
    return sent


def test_a_slow_subscriber_loses_nothing(bound: Bound) -> None:
    """What does not fit waits in order, and is sent when the subscriber reads on."""
    client = bound.client("iopub", hwm=10)
    sent = _fill(bound)
    for _ in range(200):
        sent.append([b"topic", b"%d" % len(sent), b""])
        bound.server.send("iopub", sent[-1])
    assert len(bound.server._waiting) == 201
    got: list[list[bytes]] = []
    while len(got) < len(sent):
        if client.poll(50):
            got.append(client.recv_multipart())
        else:
            bound.run_due()
    assert got == sent
    bound.run_due()
    assert (list(bound.server._waiting), bound.due) == ([], [])


def test_waiting_output_is_tried_again_soon(bound: Bound) -> None:
    """One retry is due while something waits, never more."""
    bound.client("iopub", hwm=10)
    _fill(bound)
    bound.server.send("iopub", [b"topic", b"more"])
    assert [seconds for seconds, _ in bound.due] == [RETRY]
    bound.run_due()
    assert [seconds for seconds, _ in bound.due] == [RETRY]


def test_a_subscriber_that_stops_reading_loses_messages(bound: Bound) -> None:
    """After `PATIENCE` seconds what waits is dropped for it: memory is bounded."""
    bound.client("iopub", hwm=10)
    _fill(bound)
    bound.now = module.PATIENCE + 1
    bound.run_due()
    assert (list(bound.server._waiting), bound.due) == ([], [])


def test_the_others_lose_nothing_and_do_not_wait_again(bound: Bound) -> None:
    """One patience is spent on a subscriber that has stopped reading; then the others get all there is, at once."""
    good, _stopped = bound.client("iopub"), bound.client("iopub", hwm=10)
    sent, got = _fill(bound), list[list[bytes]]()
    while len(got) < len(sent) - 1:
        assert good.poll(HANG)
        got.append(good.recv_multipart())
    bound.now = module.PATIENCE + 1
    bound.run_due()
    # The clock stands still from here on: no second patience is spent.
    for _ in range(5000):
        sent.append([b"topic", b"%d" % len(sent), b"after"])
        bound.server.send("iopub", sent[-1])
    while len(got) < len(sent):
        if good.poll(50):
            got.append(good.recv_multipart())
        else:
            assert bound.due, f"{len(sent) - len(got)} messages are lost"
            bound.run_due()
    assert got == sent


def test_a_subscriber_that_reads_again_loses_nothing_more(bound: Bound) -> None:
    """Once it has read what was in its pipe, all that follows arrives, and it is waited for again."""
    client = bound.client("iopub", hwm=10)
    _fill(bound)
    bound.now = module.PATIENCE + 1
    bound.run_due()
    while client.poll(200):
        client.recv_multipart()
    bound.server.send("iopub", [b"topic", b"again"])
    assert client.poll(HANG)
    assert client.recv_multipart() == [b"topic", b"again"]
    _fill(bound)
    assert bound.server._waiting


# ---------------------------------------------------------------- the end


def test_close_sends_what_was_sent(bound: Bound) -> None:
    """Replies and output that are still in a pipe arrive after the sockets were closed."""
    iopub, shell = bound.client("iopub"), bound.client("shell")
    shell.send_multipart([b"request"])
    ((_, (identity, _)),) = bound.receive(1)
    for frames in numbered(500):
        bound.server.send("iopub", frames)
    bound.server.send("shell", [identity, b"reply"])
    closer = threading.Thread(target=bound.server.close)
    closer.start()
    assert shell.poll(HANG)
    assert shell.recv_multipart() == [b"reply"]
    got: list[list[bytes]] = []
    while len(got) < 500:
        assert iopub.poll(HANG)
        got.append(iopub.recv_multipart())
    closer.join()
    assert got == numbered(500)


def test_close_sends_what_waits() -> None:
    """Output that was held back for a slow subscriber arrives too, if it reads on within the linger."""
    import time

    bound = Bound()
    bound.server._clock = time.monotonic
    client = bound.client("iopub", hwm=10)
    sent = _fill(bound)
    for _ in range(50):
        sent.append([b"topic", b"%d" % len(sent), b""])
        bound.server.send("iopub", sent[-1])
    closer = threading.Thread(target=bound.server.close, args=(HANG,))
    closer.start()
    got: list[list[bytes]] = []
    while len(got) < len(sent):
        assert client.poll(HANG), f"{len(sent) - len(got)} messages are lost"
        got.append(client.recv_multipart())
    closer.join()
    assert got == sent
    bound.leave()


def test_close_does_not_wait_for_a_subscriber_that_stopped_reading(bound: Bound) -> None:
    """What waits for it is given up with the linger."""
    bound.client("iopub", hwm=10)
    _fill(bound)
    bound.server.close(0)
