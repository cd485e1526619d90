"""The messages of the benchmark's own client: built, signed and taken apart with the standard library alone.

It must never import the kernel's wire: a client that shares the code under test would share its mistakes, and
would speed up and slow down with it.  Nothing is parsed before somebody asks, so that a flood of messages is
received at the speed of the socket and a slow client is not the reason why a kernel drops text.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any, Literal

DELIMITER = b"<IDS|MSG>"

# JSON objects as they come off the wire; black boxes may put anything in them.
type Json = dict[str, Any]
type Channel = Literal["shell", "control", "stdin", "iopub"]


class Signer:
    """Signs message parts with HMAC-SHA256, the one scheme the protocol asks for.

    The keyed state is copied for each message: keying it anew costs two more hash blocks.
    """

    def __init__(self, key: bytes) -> None:
        self._keyed = hmac.new(key, digestmod=hashlib.sha256)

    def sign(self, parts: Sequence[bytes]) -> bytes:
        """The hexadecimal signature of the four JSON parts of a message."""
        state = self._keyed.copy()
        for part in parts:
            state.update(part)
        return state.hexdigest().encode()

    def frames(self, header: Json, parent: Json, content: Json) -> list[bytes]:
        """The frames of a message, from the delimiter on."""
        parts = [json.dumps(part).encode() for part in (header, parent, {}, content)]
        return [DELIMITER, self.sign(parts), *parts]


class Message:
    """A received message: when it was read (seconds of `perf_counter`), on which channel, its raw frames."""

    __slots__ = ("_start", "at", "channel", "frames")

    def __init__(self, at: float, channel: Channel, frames: list[bytes]) -> None:
        self.at = at
        self.channel = channel
        self.frames = frames
        self._start = frames.index(DELIMITER) + 2

    @property
    def identities(self) -> list[bytes]:
        """What stands before the delimiter: routing identities, or the topic on iopub."""
        return self.frames[: self._start - 2]

    @property
    def signature(self) -> bytes:
        """The hexadecimal signature as it was received."""
        return self.frames[self._start - 1]

    @property
    def parts(self) -> list[bytes]:
        """The four signed parts: header, parent header, metadata, content."""
        return self.frames[self._start : self._start + 4]

    @property
    def header(self) -> Json:
        """The parsed header."""
        return _object(self.frames[self._start])

    @property
    def content(self) -> Json:
        """The parsed content."""
        return _object(self.frames[self._start + 3])

    @property
    def type(self) -> str:
        """`msg_type` of the header."""
        return str(self.header.get("msg_type"))

    @property
    def parent(self) -> str:
        """`msg_id` of the parent header; empty where there is none."""
        return str(_object(self.frames[self._start + 1]).get("msg_id", ""))

    def belongs_to(self, msg_id: bytes) -> bool:
        """Whether the parent header names `msg_id`, found without parsing anything."""
        return msg_id in self.frames[self._start + 1]

    @property
    def is_idle(self) -> bool:
        """Whether this is the status `idle`, found without parsing anything."""
        content = self.frames[self._start + 3]
        return len(content) < 80 and b'"idle"' in content and b'"status"' in self.frames[self._start]


def _object(raw: bytes) -> Json:
    """A JSON object; anything else (`null`, a list) reads as an empty one, since some peers send that."""
    value = json.loads(raw)
    return value if isinstance(value, dict) else {}
