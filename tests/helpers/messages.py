"""What a client sends, as frames and as messages, without a socket.

It must never use the kernel's own encoder for what the client says: JSON is written by the standard library, as
clients write it, and signed here.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from holdfast.wire.frames import DELIMITER, decode
from holdfast.wire.message import Message
from holdfast.wire.signing import Signer

KEY = b"the key of the tests"
DATE = "2026-01-01T00:00:00+00:00"

#: Contents are JSON as it comes; each test knows the shape of what it looks at.
Json = dict[str, Any]

_numbers = itertools.count(1)


def sign(parts: Sequence[bytes], key: bytes = KEY) -> bytes:
    """The signature of header, parent header, metadata and content."""
    return hmac.new(key, b"".join(parts), hashlib.sha256).hexdigest().encode()


def header(msg_type: str, **changes: object) -> Json:
    """A header as clients write it, with a message id of its own and `changes` to its fields."""
    return {
        "msg_id": f"client_{next(_numbers)}",
        "msg_type": msg_type,
        "session": "client",
        "username": "tester",
        "date": DATE,
        "version": "5.4",
        **changes,
    }


def frames(
    msg_type: str,
    content: Mapping[str, object] | bytes = b"{}",
    *,
    idents: Sequence[bytes] = (b"client",),
    key: bytes = KEY,
    metadata: Mapping[str, object] | bytes = b"{}",
    parent: Mapping[str, object] | bytes = b"{}",
    buffers: Sequence[bytes] = (),
    raw_header: bytes | None = None,
    **changes: object,
) -> list[bytes]:
    """The frames of a request; bytes are taken as they are, `changes` go into the header."""
    head = raw_header if raw_header is not None else json.dumps(header(msg_type, **changes)).encode()
    parts = [head, *(_raw(part) for part in (parent, metadata, content))]
    return [*idents, DELIMITER, sign(parts, key) if key else b"", *parts, *buffers]


def _raw(part: Mapping[str, object] | bytes) -> bytes:
    return part if isinstance(part, bytes) else json.dumps(part).encode()


def message(
    msg_type: str,
    content: Mapping[str, object] | bytes = b"{}",
    channel: str = "shell",
    **more: Any,
) -> Message:
    """A request as the machine receives it."""
    return decode(frames(msg_type, content, **more), Signer(KEY), channel)


def cell(code: str = "1", **more: Any) -> Message:
    """An execute_request; fields of its content and of its header are both taken by name."""
    names = ("silent", "store_history", "user_expressions", "allow_stdin", "stop_on_error")
    content = {name: more.pop(name) for name in names if name in more}
    return message("execute_request", {"code": code, **content}, **more)


class Seen(NamedTuple):
    """A message from the kernel, as a client reads it."""

    channel: str
    msg_type: str
    parent: str
    content: Json
    metadata: Json
    idents: tuple[bytes, ...]
    buffers: tuple[bytes, ...]
    header: Json

    @property
    def is_reply(self) -> bool:
        """Whether it came on a request channel."""
        return self.channel in ("shell", "control")


def read(channel: str, parts: Sequence[bytes], key: bytes = KEY) -> Seen:
    """Frames from the kernel as a message; fails when the signature is wrong or the JSON is not strict."""
    at = list(parts).index(DELIMITER)
    raw = list(parts[at + 2 : at + 6])
    assert parts[at + 1] == (sign(raw, key) if key else b""), "the kernel's signature is wrong"
    head, parent, metadata, content = (json.loads(part, parse_constant=_not_json) for part in raw)
    idents, buffers = tuple(parts[:at]), tuple(parts[at + 6 :])
    return Seen(channel, head["msg_type"], parent.get("msg_id", ""), content, metadata, idents, buffers, head)


def _not_json(word: str) -> None:
    raise AssertionError(f"{word} is not JSON")
