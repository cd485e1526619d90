"""Messages of the Debug Adapter Protocol, to bytes and back.

It must never trust a length: what is no message raises `DebugError`, and the connection is closed.
Source: Debug Adapter Protocol, "Base protocol".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from holdfast.errors import DebugError

#: Requests, responses and events are JSON objects; each handler knows the fields of its own.
Json = dict[str, Any]

_LENGTH = b"content-length"
_END = b"\r\n\r\n"
_LONGEST_HEADER = 4096
#: Bytes of one message: more than any variable is shown with.
_LARGEST = 256 << 20


def encode(message: Mapping[str, object]) -> bytes:
    """One message with its header."""
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


class Decoder:
    """Bytes as they come to messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._size = -1

    def feed(self, data: bytes) -> Iterator[Json]:
        """The messages that `data` completes; raises `DebugError`."""
        self._buffer += data
        while True:
            if self._size < 0:
                end = self._buffer.find(_END)
                if end < 0:
                    if len(self._buffer) > _LONGEST_HEADER:
                        raise DebugError("debugpy sent a header without an end")
                    return
                self._size = _length(bytes(self._buffer[:end]))
                del self._buffer[: end + len(_END)]
            if len(self._buffer) < self._size:
                return
            body = bytes(self._buffer[: self._size])
            del self._buffer[: self._size]
            self._size = -1
            yield _message(body)


def _length(header: bytes) -> int:
    for line in header.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == _LENGTH and value.strip().isdigit() and int(value) <= _LARGEST:
            return int(value)
    raise DebugError(f"debugpy sent a header without a length: {header[:100]!r}")


def _message(body: bytes) -> Json:
    try:
        message = json.loads(body)
    except ValueError as error:
        raise DebugError(f"debugpy sent what is no JSON: {error}") from None
    if not isinstance(message, dict):
        raise DebugError("debugpy sent JSON that is no object")
    return message
