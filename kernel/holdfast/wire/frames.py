"""Multipart frames to messages and back.

It must never decode a byte of JSON before the signature has been checked, and never raise anything but a
`PeerError` for what came from outside.

Rejected: building a header as a dict and encoding it.  The header is most of what a small message costs, and
all but three of its fields are constant for the life of a kernel, so it is written as bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from holdfast.errors import BadFrames
from holdfast.wire.contents import CONTENTS
from holdfast.wire.message import PROTOCOL_VERSION, Draft, Header, Message
from holdfast.wire.signing import Signer

DELIMITER = b"<IDS|MSG>"

#: Larger than any notebook's message, smaller than what would take the machine down (bytes, all frames).
MAX_MESSAGE = 1 << 31

_decode_header = msgspec.json.Decoder(Header).decode
_decode_dict = msgspec.json.Decoder(dict[str, object]).decode
_DECODERS = {msg_type: msgspec.json.Decoder(struct) for msg_type, struct in CONTENTS.items()}


def decode(frames: Sequence[bytes], signer: Signer, channel: str = "shell") -> Message:
    """Frames as received from the ROUTER socket of `channel` to a message.

    Raises `BadFrames`, `BadSignature` or `Replayed`.  Content of the wrong shape does not raise: the message
    says so in `fault`, because its sender is authentic and is owed an error reply.
    """
    try:
        at = frames.index(DELIMITER)
    except ValueError:
        raise BadFrames("it has no <IDS|MSG> delimiter") from None
    if len(frames) < at + 6:
        raise BadFrames(f"it has {len(frames) - at - 1} frames after the delimiter, not at least 5")
    if sum(map(len, frames)) > MAX_MESSAGE:
        raise BadFrames(f"it is larger than {MAX_MESSAGE} bytes")
    parts = frames[at + 2 : at + 6]
    signer.check(frames[at + 1], parts)
    raw_header, raw_parent, raw_metadata, raw_content = parts
    try:
        header = _decode_header(raw_header)
        parent = _as_dict(raw_parent)
        metadata = _as_dict(raw_metadata)
    except (ValueError, RecursionError) as error:
        raise BadFrames(f"its header, parent header or metadata cannot be read: {error}") from None
    content, fault = _decode_content(header.msg_type, raw_content)
    idents, buffers = tuple(frames[:at]), tuple(frames[at + 6 :])
    return Message(header, raw_header, content, channel, idents, metadata, parent, buffers, fault)


def _as_dict(raw: bytes) -> dict[str, object]:
    return _decode_dict(raw) if len(raw) > 2 else {}


def _decode_content(msg_type: str, raw: bytes) -> tuple[object, str]:
    """The typed content, or the raw dict and what is wrong with it."""
    decoder = _DECODERS.get(msg_type)
    try:
        return (decoder.decode(raw) if decoder is not None else _decode_dict(raw)), ""
    except (ValueError, RecursionError) as error:
        fault = str(error)
    # Python's own encoder writes NaN and lone surrogates, which are not JSON: the stdlib reads them back.
    try:
        loose = json.loads(raw)
        if not isinstance(loose, dict):
            return {}, fault
        struct = CONTENTS.get(msg_type)
        return (loose if struct is None else msgspec.convert(loose, struct)), ""
    except (ValueError, RecursionError) as error:
        return {}, str(error) or fault


class Encoder:
    """Turns drafts into signed frames for one kernel session.

    `session` is the kernel's own session id; message ids are `<session>_<n>`, n counting from 1.
    """

    def __init__(self, session: str, username: str, signer: Signer) -> None:
        self._signer = signer
        self._id_head = b'{"msg_id":"' + session.encode() + b"_"
        fixed = json.dumps({"session": session, "username": username, "version": PROTOCOL_VERSION})
        self._tail = b"," + fixed[1:].encode()
        self._n = 0

    def encode(self, draft: Draft, date: str) -> list[bytes | memoryview]:
        """The frames of `draft`, sent at `date` (ISO 8601 with a zone)."""
        self._n += 1
        header = b'%s%d","msg_type":"%s","date":"%s"%s' % (
            self._id_head,
            self._n,
            draft.msg_type.encode(),
            date.encode(),
            self._tail,
        )
        metadata = to_json(draft.metadata) if draft.metadata else b"{}"
        parts = [header, draft.parent, metadata, to_json(draft.content)]
        return [*draft.idents, DELIMITER, self._signer.sign(parts), *parts, *draft.buffers]


def to_json(value: object) -> bytes:
    """JSON for what user code hands to us; it never fails.

    Numbers of libraries become numbers, mappings and iterables their plain kin, NaN becomes null (JSON has no
    other word for it), lone surrogates become their escaped text; what is left becomes its `repr`.
    """
    try:
        return _encode(value)
    except BaseException:  # also what `__iter__`, `tolist` and their kin of user code raise, SystemExit even
        return _encode(_plain(value, ()))


def _plain(value: object, above: tuple[int, ...]) -> object:
    """A copy that the encoder takes for sure; `above` are the ids of the containers that hold `value`."""
    if isinstance(value, str):
        return str.__str__(value).encode("utf-8", "backslashreplace").decode()
    if value is None or type(value) in (bool, float):
        return value
    if type(value) is int:
        return value if value.bit_length() < 2000 else hex(value)  # Python limits the digits it writes
    if len(above) > 100 or id(value) in above:  # too deep, or it holds itself
        return "..."
    inside = (*above, id(value))
    try:
        if isinstance(value, Mapping):
            return {str(_plain(str(key), ())): _plain(item, inside) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [_plain(item, inside) for item in value]
        if isinstance(value, msgspec.Struct):
            return _plain(msgspec.structs.asdict(value), inside)
        try:
            return msgspec.Raw(_encode(value))
        except (ValueError, TypeError, OverflowError, RecursionError):
            return _plain(_foreign(value), inside)
    except BaseException:
        return f"<{type(value).__name__}: no JSON form>"


def _foreign(value: object) -> object:
    """Values that msgspec does not know: subclasses, numpy scalars and arrays, dates of libraries, anything."""
    if isinstance(value, str):
        return str.__str__(value)
    for name in ("tolist", "__index__", "__float__", "isoformat"):
        method = getattr(type(value), name, None)
        if method is not None:
            try:
                return cast(object, method(value))
            except BaseException:
                continue
    if isinstance(value, Mapping):
        return dict(value)
    try:
        return list(value) if hasattr(type(value), "__iter__") else repr(value)  # type: ignore[call-overload]
    except BaseException:
        return f"<{type(value).__name__}: no JSON form>"


_encode = msgspec.json.Encoder(enc_hook=_foreign).encode
