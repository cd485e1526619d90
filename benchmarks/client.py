"""A raw client: four sockets and a clock, nothing between the kernel and the time stamp.

It must never parse inside a timed wait, never drop a message (its high-water marks are off), and never wait
without a limit.  A stock client is measured in the section `notebook`; it adds its own time to each cell.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import zmq

from benchmarks.wire import Channel, Json, Message, Signer

ANSWER_SECONDS = 10.0
# How often a silent kernel is asked whether it still lives.
SLICE_SECONDS = 0.25


class Unanswered(Exception):
    """The kernel lives but did not send what was waited for; the text says what."""


class KernelDied(Exception):
    """The kernel process ended while something was waited for."""


class Exchange:
    """What one request gave back; times are seconds of `perf_counter`."""

    __slots__ = ("idle_at", "msg_id", "published", "reply", "sent_at")

    def __init__(self, msg_id: str, sent_at: float) -> None:
        self.msg_id = msg_id
        self.sent_at = sent_at
        self.reply: Message | None = None
        self.idle_at: float | None = None
        self.published: list[Message] = []

    def replied(self) -> bool:
        """The reply has been seen."""
        return self.reply is not None

    @property
    def done(self) -> bool:
        """Both the reply and the status idle have been seen."""
        return self.reply is not None and self.idle_at is not None

    @property
    def reply_seconds(self) -> float:
        """From sending to the reply."""
        return self._reply().at - self.sent_at

    @property
    def seconds(self) -> float:
        """From sending to the later of reply and idle."""
        if self.idle_at is None:
            raise Unanswered("no idle status")
        return max(self._reply().at, self.idle_at) - self.sent_at

    @property
    def content(self) -> Json:
        """The content of the reply."""
        return self._reply().content

    def _reply(self) -> Message:
        if self.reply is None:
            raise Unanswered("no reply")
        return self.reply

    @property
    def ok(self) -> bool:
        """The reply says `ok`."""
        return self.reply is not None and self.reply.content.get("status") == "ok"

    def text(self, name: str = "stdout") -> str:
        """All text of one stream, in the order it arrived."""
        contents = [m.content for m in self.published if m.type == "stream"]
        return "".join(str(c["text"]) for c in contents if c["name"] == name)

    def why(self) -> str:
        """In a few words why the request was not served; for the reason of an `n/a`."""
        if self.reply is None:
            return "no reply"
        content = self.reply.content
        for message in self.published:
            if message.type == "error":
                content = message.content
        said = f"{content.get('ename', content.get('status'))}: {content.get('evalue', '')}"
        return said.split(" (")[0].splitlines()[0][:90]

    def require(self) -> Exchange:
        """Itself when the request was served; raises Unanswered with the kernel's reason otherwise."""
        if not self.ok:
            raise Unanswered(self.why())
        return self


def execute_content(code: str, *, silent: bool = False) -> Json:
    """The content of an execute_request as a front end sends it, without stdin."""
    return {
        "code": code,
        "silent": silent,
        "store_history": not silent,
        "user_expressions": {},
        "allow_stdin": False,
        "stop_on_error": False,
    }


class RawClient:
    """Speaks protocol 5.4 over tcp to the kernel of one connection file.

    `alive` is asked whenever the kernel has been silent for a while; KernelDied is raised when it says no.
    """

    def __init__(self, connection: Json, alive: Callable[[], bool] = lambda: True) -> None:
        self._connection = connection
        self._alive = alive
        self._signer = Signer(str(connection["key"]).encode())
        self._session = uuid.uuid4().hex
        self._count = 0
        self._context = zmq.Context()
        self._sockets: dict[Channel, zmq.Socket[bytes]] = {}
        self._poller = zmq.Poller()
        # Only shell at first: four sockets that retry every 2 ms would slow the start they are there to time.
        self._open("shell", zmq.DEALER)

    def open_all(self) -> None:
        """Connect the other channels, and wait until the iopub subscription is in place."""
        self._open("iopub", zmq.SUB)
        self._open("control", zmq.DEALER)
        self._open("stdin", zmq.DEALER)
        deadline = time.perf_counter() + ANSWER_SECONDS
        while time.perf_counter() < deadline:
            exchange = self.send("kernel_info_request", {})
            self.follow(exchange, 0.5)
            if exchange.done:
                return
        raise Unanswered("kernel_info: no idle status on iopub")

    def _open(self, channel: Channel, kind: int) -> None:
        socket: zmq.Socket[bytes] = self._context.socket(kind)
        socket.linger = 0
        socket.setsockopt(zmq.RCVHWM, 0)
        socket.setsockopt(zmq.SNDHWM, 0)
        socket.setsockopt(zmq.RECONNECT_IVL, 2)  # ms; the default of 100 would hide the start
        if kind == zmq.SUB:
            socket.setsockopt(zmq.SUBSCRIBE, b"")
        else:
            socket.setsockopt(zmq.IDENTITY, self._session.encode())
        socket.connect(f"tcp://{self._connection['ip']}:{self._connection[channel + '_port']}")
        self._sockets[channel] = socket
        self._poller.register(socket, zmq.POLLIN)

    def close(self) -> None:
        """Close the sockets; what is still queued is thrown away."""
        self._context.destroy(linger=0)

    def send(self, msg_type: str, content: Json, channel: Channel = "shell") -> Exchange:
        """Send a request; its clock starts before the message is built."""
        sent_at = time.perf_counter()
        self._count += 1
        msg_id = f"{self._session}_{self._count}"
        header = {
            "msg_id": msg_id,
            "session": self._session,
            "username": "benchmark",
            "date": "2026-01-01T00:00:00.000000Z",
            "msg_type": msg_type,
            "version": "5.3",
        }
        self._sockets[channel].send_multipart(self._signer.frames(header, {}, content))
        return Exchange(msg_id, sent_at)

    def receive(self, timeout: float) -> Iterator[Message]:
        """What has arrived, unparsed; waits at most `timeout` seconds for the first message."""
        names = {socket: name for name, socket in self._sockets.items()}
        for socket, _ in self._poller.poll(max(0, math.ceil(timeout * 1000))):
            for _ in range(500):  # then the other sockets have their turn
                try:
                    frames = socket.recv_multipart(zmq.NOBLOCK)
                except zmq.Again:
                    break
                yield Message(time.perf_counter(), names[socket], frames)

    def follow(
        self,
        exchange: Exchange,
        timeout: float = ANSWER_SECONDS,
        *,
        until: Callable[[Exchange], bool] = lambda exchange: exchange.done,
        quiet: float | None = None,
    ) -> Exchange:
        """Collect what belongs to `exchange` until `until` holds, or `timeout` is over, or, once the reply is
        there, nothing has come for `quiet` seconds.  Does not raise on silence: the exchange tells."""
        msg_id = exchange.msg_id.encode()
        deadline = time.perf_counter() + timeout
        heard = time.perf_counter()
        while not until(exchange):
            now = time.perf_counter()
            if now >= deadline or (quiet and exchange.reply is not None and now - heard > quiet):
                break
            if now - heard > SLICE_SECONDS and not self._alive():
                raise KernelDied("kernel died")
            for message in self.receive(min(SLICE_SECONDS, deadline - now)):
                heard = message.at
                if message.belongs_to(msg_id):
                    file_away(exchange, message)
        return exchange

    def ask(
        self, msg_type: str, content: Json, channel: Channel = "shell", timeout: float = ANSWER_SECONDS
    ) -> Exchange:
        """Send a request and wait for its reply alone."""
        exchange = self.send(msg_type, content, channel)
        self.follow(exchange, timeout, until=Exchange.replied)
        if exchange.reply is None:
            raise Unanswered(f"{msg_type} not answered in {timeout:.0f} s")
        return exchange

    def execute(self, code: str, timeout: float = ANSWER_SECONDS, *, silent: bool = False) -> Exchange:
        """Run a cell and wait for its reply and its idle status."""
        exchange = self.send("execute_request", execute_content(code, silent=silent))
        self.follow(exchange, timeout)
        if not exchange.done:
            lacking = "idle status" if exchange.reply else "execute_reply"
            raise Unanswered(f"no {lacking} in {timeout:.0f} s")
        return exchange

    def rest(self, seconds: float = 0.05) -> None:
        """Throw away what still arrives, until nothing has come for `seconds`."""
        while any(True for _ in self.receive(seconds)):
            pass


def file_away(exchange: Exchange, message: Message) -> None:
    """Put a message of this exchange where it belongs."""
    if message.channel == "iopub":
        exchange.published.append(message)
        if message.is_idle:
            exchange.idle_at = message.at
    elif message.channel != "stdin":
        exchange.reply = message


@contextmanager
def connected(connection: Json, alive: Callable[[], bool] = lambda: True) -> Iterator[RawClient]:
    """A client with all channels open, closed at the end."""
    client = RawClient(connection, alive)
    try:
        client.open_all()
        yield client
    finally:
        client.close()
