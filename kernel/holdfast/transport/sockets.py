"""The kernel's ZeroMQ sockets: ROUTER for shell, control and stdin, XPUB for iopub.

It must never drop output because a subscriber is a little slow, and never keep it without bound because one
has stopped reading.  Source: Jupyter messaging 5.5; JEP 65 (XPUB).

A PUB socket drops at its high-water mark, which is how peers lose printed lines.  Here a full pipe is reported
to us (XPUB_NODROP) and the message waits in order; a subscriber that reads nothing for `PATIENCE` seconds then
loses messages as with any PUB socket, and the others lose none.

Rejected: sending without a copy.  pyzmq then keeps a thread that waits for ZeroMQ to let go of each frame, and
copying a megabyte takes less than starting it.

Rejected: XPUB_MANUAL, under which no message could overtake its subscriber's welcome.  Whoever sends the port a
frame that is no subscription (a port scan does) shifts libzmq's list of who asked for what, and the
unsubscription of the next peer that leaves is then applied to somebody else, who hears nothing any more.
"""

from __future__ import annotations

import errno
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import cast

import zmq

from holdfast.errors import AddressTaken
from holdfast.transport.port import Frames
from holdfast.wire.connection import ConnectionInfo

#: Seconds for which a subscriber may read nothing before it loses messages.
PATIENCE = 5.0
RETRY = 0.01
#: Messages that may wait for slow subscribers before the kernel stops taking more from the user's threads.
CONGESTED = 1000

# Plain numbers: pyzmq's are enum flags, and one `|` of those costs more than handing a frame to ZeroMQ.
_NOBLOCK = int(zmq.NOBLOCK)
_NOBLOCK_MORE = int(zmq.NOBLOCK) | int(zmq.SNDMORE)
_EVENTS = int(zmq.EVENTS)
_POLLIN = int(zmq.POLLIN)

_KINDS = {"shell": zmq.ROUTER, "control": zmq.ROUTER, "stdin": zmq.ROUTER, "iopub": zmq.XPUB}
#: Order of service: an interrupt goes before the cells that are queued.
_INCOMING = ("control", "stdin", "shell", "iopub")


class Sockets:
    """Bound sockets; all methods belong to one thread (the kernel thread) after `bind`.

    `later(seconds, call)` schedules on that thread; `clock` gives monotonic seconds.
    """

    def __init__(
        self, info: ConnectionInfo, later: Callable[[float, Callable[[], None]], object], clock: Callable[[], float]
    ) -> None:
        self._info = info
        self._later = later
        self._clock = clock
        self._context = zmq.Context()
        self._sockets: dict[str, zmq.Socket[bytes]] = {}
        self.ports: dict[str, int] = {}
        self._stale = set(_INCOMING)
        self._waiting: deque[Frames] = deque()
        self._stuck_since = 0.0

    def bind(self) -> None:
        """Bind all channels; raises `AddressTaken` and leaves nothing bound."""
        try:
            for channel, kind in _KINDS.items():
                socket = self._context.socket(kind)
                self._sockets[channel] = socket
                self._configure(channel, socket)
                self._bind(channel, socket)
        except AddressTaken:
            self.close(0)
            raise

    def _configure(self, channel: str, socket: zmq.Socket[bytes]) -> None:
        socket.linger = 1000
        if channel == "iopub":
            socket.setsockopt(zmq.XPUB_NODROP, 1)
            # Each client's subscription is seen, also when others have the same topic: it gets its welcome (JEP 65).
            socket.setsockopt(zmq.XPUB_VERBOSE, 1)
        else:
            # A client that reconnects under its identity takes over; replies to one that is gone are dropped.
            socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
            socket.setsockopt(zmq.SNDHWM, 0)
            socket.setsockopt(zmq.RCVHWM, 0)
        encrypt(socket, self._info)

    def _bind(self, channel: str, socket: zmq.Socket[bytes]) -> None:
        address = self._info.address(channel)
        port = self._info.port(channel)
        if self._info.transport == "ipc" and not port:
            port = free_ipc_port(self._info.ip)
            address = f"ipc://{self._info.ip}-{port}"
        try:
            socket.bind(address)
        except zmq.ZMQError as error:
            raise AddressTaken(channel, address, error.strerror or str(error)) from None
        if self._info.transport == "tcp" and not port:
            port = bound_port(socket)
        self.ports[channel] = port

    @property
    def descriptors(self) -> dict[int, str]:
        """Descriptor -> its channel.  When one becomes readable, `stale` is to be called and then `receive`."""
        return {cast(int, self._sockets[channel].getsockopt(zmq.FD)): channel for channel in _INCOMING}

    def stale(self, channel: str) -> None:
        """Something happened to the socket of `channel`: it is looked at with the next `receive`.

        ZeroMQ's descriptors are edge-triggered, and each look costs as much as a small message: so a socket is
        looked at only when its descriptor fired or when we sent on it (which may swallow the edge), and then
        until it is empty.
        """
        self._stale.add(channel)

    @property
    def context(self) -> zmq.Context[zmq.Socket[bytes]]:
        """For the heartbeat, which ends with it."""
        return self._context

    def receive(self) -> Iterator[tuple[str, list[bytes]]]:
        """See the port.  Ends only when no socket has anything, also after what the caller sent meanwhile."""
        stale = self._stale
        while stale:
            channel = next(channel for channel in _INCOMING if channel in stale)
            socket = self._sockets[channel]
            if not _has_input(socket):
                stale.discard(channel)
                continue
            try:
                frames = socket.recv_multipart(_NOBLOCK)
            except zmq.ZMQError as error:
                if error.errno in (errno.EAGAIN, errno.EINTR):
                    continue
                raise
            yield channel, frames

    def send(self, channel: str, frames: Frames) -> None:
        """See the port."""
        if channel != "iopub":
            self._push(channel, frames)
            return
        if not self._waiting:
            if self._push(channel, frames):
                return
            self._stuck_since = self._clock()
            self._later(RETRY, self._retry)
        self._waiting.append(frames)

    @property
    def congested(self) -> bool:
        """See the port."""
        return len(self._waiting) > CONGESTED

    def _push(self, channel: str, frames: Frames) -> bool:
        self._stale.add(channel)
        try:
            send = self._sockets[channel].send
            for frame in frames[:-1]:
                send(frame, _NOBLOCK_MORE)
            send(frames[-1], _NOBLOCK)
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            if error.errno == errno.EHOSTUNREACH:  # the client is gone
                return True
            raise
        return True

    def _retry(self) -> None:
        """Send what waits; a subscriber that has been stuck for too long loses messages until it reads."""
        if self._waiting and self._clock() - self._stuck_since > PATIENCE:
            self._give_up()
        while self._waiting and self._push("iopub", self._waiting[0]):
            self._waiting.popleft()
            self._stuck_since = self._clock()
        if self._waiting:
            self._later(RETRY, self._retry)

    def _give_up(self) -> None:
        """Lose one message for who has no room: ZeroMQ then leaves that subscriber out until it reads.

        The others were sent nothing for `PATIENCE` seconds, so they have read what they had, and lose none.
        """
        iopub = self._sockets["iopub"]
        iopub.setsockopt(zmq.XPUB_NODROP, 0)
        self._push("iopub", self._waiting.popleft())
        iopub.setsockopt(zmq.XPUB_NODROP, 1)

    def close(self, linger: int = 1000) -> None:
        """Send what is left (at most `linger` milliseconds), then close."""
        until = self._clock() + linger / 1000
        while self._waiting:
            if self._push("iopub", self._waiting[0]):
                self._waiting.popleft()
            elif self._clock() < until:
                threading.Event().wait(RETRY)  # a subscriber that reads slowly gets its rest
            else:
                self._waiting.clear()
        for socket in self._sockets.values():
            socket.close(linger)
        self._sockets.clear()
        # The process ends without running finalizers: only this waits until the last reply has left.
        self._context.term()


def _has_input(socket: zmq.Socket[bytes]) -> bool:
    return bool(cast(int, socket.getsockopt(_EVENTS)) & _POLLIN)


def encrypt(socket: zmq.Socket[bytes], info: ConnectionInfo) -> None:
    """Make `socket` a CURVE server when the connection file has keys: only their holders get in."""
    if info.curve_secretkey and info.curve_publickey:
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_SECRETKEY, info.curve_secretkey.encode())
        socket.setsockopt(zmq.CURVE_PUBLICKEY, info.curve_publickey.encode())


def bound_port(socket: zmq.Socket[bytes]) -> int:
    """The TCP port that `socket` was given."""
    endpoint = socket.getsockopt(zmq.LAST_ENDPOINT)
    assert isinstance(endpoint, bytes)
    return int(endpoint.rstrip(b"\0").rpartition(b":")[2])


def free_ipc_port(stem: str) -> int:
    """The first number n for which no file `<stem>-<n>` exists."""
    import os

    port = 1
    while os.path.exists(f"{stem}-{port}"):
        port += 1
    return port
