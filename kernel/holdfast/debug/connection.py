"""The connection to pydevd, the part of debugpy that lives in this process.

It must never let anyone else in: we listen on loopback for one connection, close the listener with it, and believe
its other end only when it knows the secret that was handed to debugpy inside this process.

pydevd speaks the Debug Adapter Protocol itself, so that there is no adapter process: nothing has to be found and
ended after a crash, and no port is open while somebody debugs.  Rejected: `debugpy.listen`, as ipykernel does (it
starts an adapter process that outlives a kernel that was killed, listens on a port to which every user of the machine
may connect and run code, and costs 0.4 s more); `listen(..., in_process_debug_adapter=True)` (the same open port).
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable, Mapping

from holdfast.debug.messages import Decoder, Json, encode
from holdfast.errors import DebugError

LOST = "the connection to debugpy is lost: turn the debugger off and on again"
#: Seconds for debugpy to be imported and to connect.
PATIENCE = 60.0
_QUICK: int | None = getattr(socket, "TCP_QUICKACK", None)


class Connection(asyncio.Protocol):
    """Requests go out, responses and events come in; all on one loop."""

    def __init__(self, on_event: Callable[[Json], None], on_lost: Callable[[], None]) -> None:
        self._on_event = on_event
        self._on_lost = on_lost
        self._decoder = Decoder()
        self._transport: asyncio.WriteTransport | None = None
        self._socket: socket.socket | None = None
        self._connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting: dict[int, asyncio.Future[Json]] = {}
        self._seq = 0
        self._taken = False

    async def open(self, start: Callable[[int, str], None]) -> None:
        """Connect: `start(port, secret)` makes debugpy come to that port of 127.0.0.1; raises `DebugError`."""
        secret = secrets.token_hex(32)
        server = await asyncio.get_running_loop().create_server(self._accept, "127.0.0.1", 0, backlog=1)
        try:
            start(server.sockets[0].getsockname()[1], secret)
            async with asyncio.timeout(PATIENCE):
                await self._connected
        except TimeoutError:
            raise DebugError(f"debugpy did not start within {PATIENCE:g} s; try again") from None
        finally:
            server.close()
        answer = await self.request("pydevdAuthorize", {"debugServerAccessToken": None})
        said = (answer.get("body") or {}).get("clientAccessToken")
        if not isinstance(said, str) or not secrets.compare_digest(said, secret):
            self.close()
            raise DebugError("somebody other than debugpy came to the debugger's port; try again")

    def failed(self, reason: str) -> None:
        """debugpy will not come."""
        if not self._connected.done():
            self._connected.set_exception(DebugError(reason))

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()

    @property
    def is_open(self) -> bool:
        """Whether requests can be sent."""
        return self._transport is not None

    # ------------------------------------------------------------ requests

    def send(self, command: str, arguments: Mapping[str, object]) -> asyncio.Future[Json]:
        """Send a request now; the future is its response.  Raises `DebugError` when the connection is lost."""
        if self._transport is None:
            raise DebugError(LOST)
        self._seq += 1
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[self._seq] = answer
        request = {"type": "request", "seq": self._seq, "command": command, "arguments": arguments}
        self._transport.write(encode(request))
        return answer

    async def request(self, command: str, arguments: Mapping[str, object]) -> Json:
        """The response to a request."""
        return await self.send(command, arguments)

    # ------------------------------------------------------------ what asyncio calls

    def _accept(self) -> asyncio.Protocol:
        """The first one is it."""
        if self._taken:
            return _Stranger()
        self._taken = True
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """debugpy is there."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport, self._socket = transport, transport.get_extra_info("socket")
        if not self._connected.done():
            self._connected.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Hand out what is complete.

        pydevd writes a message in two pieces, of which the second waits for the first to be acknowledged: Linux
        takes 40 ms for that, unless told each time to do it now.
        """
        if self._socket is not None and _QUICK is not None:
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICK, 1)
        try:
            for message in self._decoder.feed(data):
                self._received(message)
        except DebugError:
            self.close()

    def _received(self, message: Json) -> None:
        if message.get("type") == "event":
            self._on_event(message)
        elif message.get("type") == "response":
            answer = self._waiting.pop(message.get("request_seq", 0), None)
            if answer is not None and not answer.done():
                answer.set_result(message)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is left waiting."""
        self._transport = None
        waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            if not answer.done():
                answer.set_exception(DebugError(LOST))
                answer.exception()  # who does not wait for it is not told of it at its end
        self._on_lost()


class _Stranger(asyncio.Protocol):
    """Somebody who connected after debugpy did."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
