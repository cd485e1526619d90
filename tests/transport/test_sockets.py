"""The kernel's sockets over real tcp and ipc: addresses, requests and replies, CURVE."""

from __future__ import annotations

import pytest
import zmq

from helpers.sockets import HANG, Bound
from holdfast.errors import AddressTaken
from holdfast.transport.sockets import Sockets
from holdfast.wire.connection import ConnectionInfo

CHANNELS = ("shell", "control", "stdin", "iopub")


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
