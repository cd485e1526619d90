"""A transport without sockets: a client that lives in the same process.

It must never be slower or more forgiving than sockets in what a test can see.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from holdfast.transport.port import Frames


class MemoryTransport:
    """`put` what the client sends; read what the kernel sent in `sent`."""

    def __init__(self) -> None:
        self._arrived: deque[tuple[str, list[bytes]]] = deque()
        self.sent: list[tuple[str, list[bytes]]] = []
        self.closed = False

    def put(self, channel: str, frames: list[bytes]) -> None:
        """The client sends."""
        self._arrived.append((channel, frames))

    def receive(self) -> Iterator[tuple[str, list[bytes]]]:
        """See the port."""
        while self._arrived:
            yield self._arrived.popleft()

    def send(self, channel: str, frames: Frames) -> None:
        """See the port."""
        self.sent.append((channel, [bytes(frame) for frame in frames]))

    @property
    def congested(self) -> bool:
        """See the port; a list takes everything."""
        return False

    def close(self) -> None:
        """See the port."""
        self.closed = True
