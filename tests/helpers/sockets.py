"""The kernel's sockets with clients of them, on ports of their own.

It must never wait without a limit, and its clock stands still until a test moves it.
"""

from __future__ import annotations

import select
from collections.abc import Callable

import zmq

from holdfast.transport.sockets import Sockets
from holdfast.wire.connection import ConnectionInfo

#: A hang guard, never an expectation (milliseconds).
HANG = 60_000


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

    def receive_until(self, wanted: tuple[str, list[bytes]]) -> None:
        """Wait for one message, whatever strangers send before it."""
        while wanted not in self.receive(1):
            pass

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


def numbered(count: int, size: int = 0) -> list[list[bytes]]:
    """Messages that can be told apart."""
    return [[b"topic", b"%d" % n, bytes(size)] for n in range(count)]
