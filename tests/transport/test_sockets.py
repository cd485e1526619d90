"""The kernel's sockets over real tcp and ipc: order, no loss, and a bound on what a dead reader costs."""

from __future__ import annotations

import select
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from holdfast.errors import AddressTaken
from holdfast.transport import sockets as module
from holdfast.transport.sockets import RETRY, Sockets
from holdfast.wire.connection import ConnectionInfo

#: A hang guard, never an expectation (milliseconds).
HANG = 20_000
CHANNELS = ("shell", "control", "stdin", "iopub")


class Bound:
    """Bound sockets, clients of them, and a clock and scheduler that the test moves."""

    def __init__(self, **connection: object) -> None:
        self.now = 0.0
        self.due: list[tuple[float, Callable[[], None]]] = []
        self.info = ConnectionInfo(**connection)  # type: ignore[arg-type]
        self.server = Sockets(self.info, lambda s, call: self.due.append((s, call)), lambda: self.now)
        self.server.bind()
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.clients: list[zmq.Socket[bytes]] = []

    def address(self, channel: str) -> str:
        """Where a client finds the channel."""
        port = self.server.ports[channel]
        return f"ipc://{self.info.ip}-{port}" if self.info.transport == "ipc" else f"tcp://{self.info.ip}:{port}"

    def socket(self, kind: int) -> zmq.Socket[bytes]:
        """A socket of a client's, closed with us."""
        socket = self.context.socket(kind)
        socket.linger = 0
        self.clients.append(socket)
        return socket

    def client(self, channel: str, *, hwm: int = 0) -> zmq.Socket[bytes]:
        """A connected client; a subscriber of everything where the channel is iopub."""
        socket = self.socket(zmq.SUB if channel == "iopub" else zmq.DEALER)
        if channel == "iopub":
            socket.setsockopt(zmq.RCVHWM, hwm)
            socket.setsockopt(zmq.RCVBUF, 4096 if hwm else 1 << 20)
            socket.subscribe(b"")
        socket.connect(self.address(channel))
        if channel == "iopub":
            assert self.receive(1) == [("iopub", [b"\x01"])]
        return socket

    def receive(self, count: int) -> list[tuple[str, list[bytes]]]:
        """What clients sent, once `count` messages are there."""
        got: list[tuple[str, list[bytes]]] = []
        poller = select.poll()
        for descriptor in self.server.descriptors:
            poller.register(descriptor, select.POLLIN)
        got += self.server.receive()
        while len(got) < count:
            ready = poller.poll(HANG)
            assert ready, "nothing arrives"
            for descriptor, _ in ready:
                self.server.stale(self.server.descriptors[descriptor])
            got += self.server.receive()
        return got

    def wait(self, channel: str) -> None:
        """Wait until the kernel's own socket has something, as if its descriptor had fired."""
        assert self.server._sockets[channel].poll(HANG)
        self.server.stale(channel)

    def run_due(self) -> None:
        """Call what is due now, once."""
        due, self.due = self.due, []
        for _, call in due:
            call()

    def close(self) -> None:
        """Close clients, then server."""
        self.leave()
        self.server.close(0)

    def leave(self) -> None:
        """The clients go."""
        for socket in self.clients:
            socket.close(0)
        self.context.term()


@pytest.fixture
def bound() -> Iterator[Bound]:
    """Sockets on tcp ports that the system chose."""
    made = Bound()
    yield made
    made.close()


@pytest.fixture(params=["tcp", "ipc"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bound]:
    """Sockets on tcp, and on ipc."""
    made = Bound(transport="ipc", ip=str(tmp_path / "k")) if request.param == "ipc" else Bound()
    yield made
    made.close()


def _numbered(count: int, size: int = 0) -> list[list[bytes]]:
    return [[b"topic", b"%d" % n, bytes(size)] for n in range(count)]


# ---------------------------------------------------------------- addresses


def test_every_channel_gets_a_port(either: Bound) -> None:
    """A port of 0 is chosen; all are different."""
    ports = either.server.ports
    assert set(ports) == set(CHANNELS)
    assert len(set(ports.values())) == 4
    assert all(ports.values())


def test_a_given_port_is_used(bound: Bound) -> None:
    """What the connection file names is what is bound."""
    ports = {f"{channel}_port": port for channel, port in bound.server.ports.items()}
    bound.server.close(0)
    again = Sockets(ConnectionInfo(**ports), lambda *_: None, lambda: 0.0)  # type: ignore[arg-type]
    again.bind()
    assert again.ports == {channel: ports[f"{channel}_port"] for channel in CHANNELS}
    again.close(0)


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_taken_port_is_refused_and_nothing_stays_bound(bound: Bound, channel: str) -> None:
    """The error names the channel and the address; no socket is left behind."""
    taken = ConnectionInfo(**{f"{channel}_port": bound.server.ports["shell"]})  # type: ignore[arg-type]
    sockets = Sockets(taken, lambda *_: None, lambda: 0.0)
    with pytest.raises(AddressTaken, match=f"cannot listen for {channel} on tcp://127.0.0.1:"):
        sockets.bind()


@pytest.mark.parametrize("ip", ["not an address", "300.1.1.1"])
def test_an_address_that_cannot_be_bound_is_refused(ip: str) -> None:
    """The error says which address it is."""
    with pytest.raises(AddressTaken, match=ip):
        Sockets(ConnectionInfo(ip=ip), lambda *_: None, lambda: 0.0).bind()


# ---------------------------------------------------------------- requests and replies


@pytest.mark.parametrize("channel", ["shell", "control", "stdin"])
def test_a_reply_goes_back_to_who_asked(either: Bound, channel: str) -> None:
    """The identity that comes first is the way back."""
    one, two = either.client(channel), either.client(channel)
    one.send_multipart([b"from one"])
    two.send_multipart([b"from two"])
    for got_channel, (identity, body) in either.receive(2):
        either.server.send(got_channel, [identity, b"re: " + body])
    for socket, name in ((one, b"one"), (two, b"two")):
        assert socket.poll(HANG)
        assert socket.recv_multipart() == [b"re: from " + name]


def test_requests_of_one_client_keep_their_order(either: Bound) -> None:
    """What one client sends on one channel arrives in that order."""
    client = either.client("shell")
    for n in range(500):
        client.send_multipart([b"%d" % n])
    assert [frames[1] for _, frames in either.receive(500)] == [b"%d" % n for n in range(500)]


def test_control_goes_before_shell(bound: Bound) -> None:
    """An interrupt that waits beside a hundred cells is served first."""
    shell, control = bound.client("shell"), bound.client("control")
    control.send_multipart([b"hello"])
    bound.receive(1)
    for _ in range(100):
        shell.send_multipart([b"cell"])
    control.send_multipart([b"interrupt"])
    # The kernel looks only now; both are there once the last of them is.
    for channel in ("shell", "control"):
        bound.wait(channel)
    assert next(bound.server.receive())[0] == "control"


def test_a_reply_to_a_client_that_is_gone_is_dropped(bound: Bound) -> None:
    """Nobody is there to read it, and nothing is raised."""
    bound.server.send("shell", [b"nobody", b"reply"])


def test_receive_ends_when_nothing_is_left(bound: Bound) -> None:
    """It never blocks."""
    assert list(bound.server.receive()) == []


def test_receive_sees_what_comes_while_it_is_read(bound: Bound) -> None:
    """The descriptors are edge-triggered: what comes while messages are served must not wait for the next edge."""
    client = bound.client("shell")
    client.send_multipart([b"first"])
    got: list[bytes] = []
    bound.wait("shell")
    for _, frames in bound.server.receive():
        got.append(frames[1])
        if len(got) < 3:
            client.send_multipart([b"more"])
            bound.wait("shell")
    assert got == [b"first", b"more", b"more"]


# ---------------------------------------------------------------- iopub


def test_a_subscription_is_seen(either: Bound) -> None:
    """XPUB hands up each subscription, so that it can be greeted."""
    client = either.client("iopub")
    client.subscribe(b"stream")
    assert either.receive(1) == [("iopub", [b"\x01stream"])]


def test_the_same_subscription_is_seen_each_time(bound: Bound) -> None:
    """A second client with the same topic is greeted too."""
    bound.client("iopub")
    bound.client("iopub")


def test_output_reaches_all_subscribers_in_order(either: Bound) -> None:
    """Every subscriber reads every message, in the order in which they were sent."""
    clients = [either.client("iopub") for _ in range(3)]
    for frames in _numbered(300):
        either.server.send("iopub", frames)
    for client in clients:
        got: list[list[bytes]] = []
        while len(got) < 300:
            assert client.poll(HANG)
            got.append(client.recv_multipart())
        assert got == _numbered(300)


def test_output_without_subscribers_is_not_kept(bound: Bound) -> None:
    """There is nobody to keep it for."""
    for frames in _numbered(5000):
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
    for frames in _numbered(500):
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
    assert got == _numbered(500)


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


# ---------------------------------------------------------------- CURVE


def test_a_holder_of_the_key_gets_in() -> None:
    """With keys in the connection file a client that knows the public one is served."""
    public, secret = (key.decode() for key in zmq.curve_keypair())
    bound = Bound(curve_publickey=public, curve_secretkey=secret)
    socket = bound.socket(zmq.DEALER)
    socket.curve_serverkey = public.encode()
    socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
    socket.connect(bound.address("shell"))
    socket.send_multipart([b"hello"])
    assert bound.receive(1)[0][1][1] == b"hello"
    bound.close()


def test_nobody_else_gets_in() -> None:
    """A client in plain text, or with another server's key, finishes no handshake."""
    public, secret = (key.decode() for key in zmq.curve_keypair())
    bound = Bound(curve_publickey=public, curve_secretkey=secret)
    refused = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    refused |= zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_DISCONNECTED
    for keyed in (False, True):
        socket = bound.socket(zmq.DEALER)
        if keyed:
            socket.curve_serverkey = zmq.curve_keypair()[0]
            socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
        monitor = socket.get_monitor_socket(refused)
        monitor.linger = 0
        bound.clients.append(monitor)
        socket.connect(bound.address("shell"))
        socket.send_multipart([b"hello"])
        assert monitor.poll(HANG), "the handshake does not fail"
        assert list(bound.server.receive()) == []
        socket.disable_monitor()
    bound.close()
