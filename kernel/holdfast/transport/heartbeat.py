"""The heartbeat: echoes what it gets, on a thread that holds no GIL.

It must never depend on Python running: a client must see life while C code holds the GIL for minutes.
Source: Jupyter messaging 5.5, "Heartbeat for kernels".
"""

from __future__ import annotations

import zmq

from holdfast.errors import AddressTaken
from holdfast.threads import OwnThread
from holdfast.transport.sockets import bound_port, encrypt, free_ipc_port
from holdfast.wire.connection import ConnectionInfo


class Heartbeat:
    """A ROUTER socket proxied to itself; ends when the context it was made in is destroyed."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], info: ConnectionInfo) -> None:
        self._socket: zmq.Socket[bytes] = context.socket(zmq.ROUTER)
        self._socket.linger = 0
        encrypt(self._socket, info)
        address = info.address("hb")
        self.port = info.port("hb")
        if info.transport == "ipc" and not self.port:
            self.port = free_ipc_port(info.ip)
            address = f"ipc://{info.ip}-{self.port}"
        try:
            self._socket.bind(address)
        except zmq.ZMQError as error:
            self._socket.close(0)
            raise AddressTaken("hb", address, error.strerror or str(error)) from None
        if info.transport == "tcp" and not self.port:
            self.port = bound_port(self._socket)
        self._thread = OwnThread(target=self._run, name="holdfast-heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to echo."""
        self._thread.start()

    def _run(self) -> None:
        try:
            zmq.proxy(self._socket, self._socket)
        except zmq.ZMQError:  # the context ended
            pass
        finally:
            self._socket.close(0)

    def join(self, timeout: float) -> None:
        """Wait for the thread; the context must have been asked to end."""
        self._thread.join(timeout)
