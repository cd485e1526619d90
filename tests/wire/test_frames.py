"""Frames to messages: what is taken, what is refused and how, and what a child echoes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.messages import DATE, KEY, frames, header, message, read, sign
from holdfast.errors import BadFrames, BadSignature, PeerError, Replayed
from holdfast.wire import frames as wire
from holdfast.wire.contents import CONTENTS, CompleteRequest, ExecuteRequest, Status
from holdfast.wire.frames import DELIMITER, Encoder, decode
from holdfast.wire.message import Draft, Header
from holdfast.wire.signing import Signer

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.text(), JSON, max_size=4)


def _encoder() -> Encoder:
    return Encoder("kernel", "someone", Signer(KEY))


def _encoded(draft: Draft) -> list[bytes]:
    return [bytes(frame) for frame in _encoder().encode(draft, DATE)]


# ---------------------------------------------------------------- decoding


@given(content=OBJECTS, metadata=OBJECTS, parent=OBJECTS, buffers=st.lists(st.binary(), max_size=3))
def test_what_a_client_writes_is_read(
    content: dict[str, object], metadata: dict[str, object], parent: dict[str, object], buffers: list[bytes]
) -> None:
    """Content, metadata, parent header and buffers of a message arrive as they were sent."""
    got = message("a_new_request", content, metadata=metadata, parent=parent, buffers=buffers)
    assert (got.content, got.metadata, got.parent_header, got.buffers, got.fault) == (
        content,
        metadata,
        parent,
        tuple(buffers),
        "",
    )


def test_a_known_content_is_typed() -> None:
    """The content of a known message type becomes its struct, missing fields their defaults."""
    got = message("execute_request", {"code": "1", "silent": True, "unknown": [1]})
    assert got.content == ExecuteRequest(code="1", silent=True)


def test_the_header_is_typed_and_kept_raw() -> None:
    """The header is read into its fields, and its bytes are kept as they came."""
    raw = b'{ "msg_id":"a", "msg_type":"x_request", "session":"s", "subshell_id":"sub", "odd":[1e999999] }'
    got = message("", raw_header=raw)
    assert got.header == Header(msg_id="a", msg_type="x_request", session="s", subshell_id="sub")
    assert got.raw_header == raw


@pytest.mark.parametrize("idents", [(), (b"one",), (b"one", b"two", b"")])
def test_identities_are_what_stands_before_the_delimiter(idents: tuple[bytes, ...]) -> None:
    """Any number of routing frames is taken, and kept for the way back."""
    assert message("x", idents=idents).idents == idents


GOOD = frames("execute_request", {"code": "1"})


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        ([], "delimiter"),
        ([b""], "delimiter"),
        (GOOD[2:], "delimiter"),
        (GOOD[:2], "0 frames"),
        (GOOD[:3], "1 frames"),
        (GOOD[:6], "4 frames"),
        (frames("x", raw_header=b""), "header"),
        (frames("x", raw_header=b"{"), "header"),
        (frames("x", raw_header=b"[]"), "header"),
        (frames("x", raw_header=b"{}"), "msg_id"),
        (frames("x", raw_header=b'{"msg_id":"a"}'), "msg_type"),
        (frames("x", raw_header=b'{"msg_id":1,"msg_type":"x"}'), "str"),
        (frames("x", raw_header=b'{"msg_id":"\xff","msg_type":"x"}'), "header"),
        (frames("x", raw_header=b"[" * 100_000), "header"),
        (frames("x", raw_header=b'{"deep":' + b"[" * 100_000), "header"),
        (frames("x", parent=b"[1]"), "header"),
        (frames("x", parent=b"{]}"), "header"),
        (frames("x", metadata=b'"text"'), "header"),
        (frames("x", metadata=b'{"a":' * 100_000), "header"),
    ],
)
def test_malformed_frames_are_refused(bad: list[bytes], word: str) -> None:
    """Frames that are no message raise BadFrames, which says what is wrong with them."""
    with pytest.raises(BadFrames, match=word):
        decode(bad, Signer(KEY))


def test_a_message_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The size of all frames together is bounded."""
    monkeypatch.setattr(wire, "MAX_MESSAGE", 1000)
    with pytest.raises(BadFrames, match="larger than 1000"):
        decode(frames("x", buffers=[bytes(1000)]), Signer(KEY))


def test_nothing_is_parsed_before_the_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    """A forged message is dropped before a byte of its JSON is decoded."""

    def decoder(_raw: bytes) -> Header:
        raise AssertionError("decoded a forged header")

    monkeypatch.setattr(wire, "_decode_header", decoder)
    with pytest.raises(BadSignature):
        decode(frames("x", key=b"another"), Signer(KEY))


def test_a_replay_is_refused() -> None:
    """The same signed message is taken once."""
    signer = Signer(KEY)
    decode(GOOD, signer)
    with pytest.raises(Replayed):
        decode(GOOD, signer)


@given(st.lists(st.binary(max_size=40) | st.sampled_from([DELIMITER, *GOOD]), max_size=10))
def test_no_frames_raise_anything_but_a_peer_error(parts: list[bytes]) -> None:
    """Whatever comes in, the only exceptions are those the driver drops a message for."""
    try:
        decode(parts, Signer(b""))
    except PeerError:
        return


@given(st.sampled_from(sorted(CONTENTS)), st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_signed_content_raises(msg_type: str, content: bytes) -> None:
    """Content of the wrong shape is told in `fault`, because its sender is owed an error reply."""
    got = message(msg_type, content)
    assert got.fault or isinstance(got.content, CONTENTS[msg_type])


@pytest.mark.parametrize(
    ("msg_type", "content"),
    [
        ("execute_request", b""),
        ("execute_request", b"{"),
        ("execute_request", b"[]"),
        ("execute_request", b"null"),
        ("execute_request", b"{}"),
        ("execute_request", b'{"code": 5}'),
        ("execute_request", b'{"code": null}'),
        ("execute_request", b'{"code": "\xff\xfe"}'),
        ("execute_request", b'{"code": "1", "user_expressions": {"a": 5}}'),
        ("execute_request", b'{"code": "1", "silent": "yes"}'),
        ("execute_request", b'{"code": "1", "x": ' + b"[" * 100_000),
        ("complete_request", b'{"code": "1", "cursor_pos": "end"}'),
        ("complete_request", b'{"code": "1", "cursor_pos": 1.5}'),
        ("complete_request", b'{"code": "1", "cursor_pos": NaN}'),
        ("comm_msg", b'{"data": {}}'),
        ("input_reply", b'{"value": 5}'),
        ("an_unknown_type", b"5"),
    ],
)
def test_a_content_of_the_wrong_shape_is_a_fault(msg_type: str, content: bytes) -> None:
    """An authentic message that cannot be read is handed on, with the reason and an empty content."""
    got = message(msg_type, content)
    assert (bool(got.fault), got.content) == (True, {})


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (rb'{"code": "x = \ud800"}', "x = \ud800"),
        (rb'{"code": "\udcff\ud83d\ude00"}', "\udcff\U0001f600"),
        (b'{"code": "1", "ignored": NaN}', "1"),
        (b'{"code": "1", "ignored": [-Infinity, Infinity]}', "1"),
        (b'\xef\xbb\xbf{"code": "1"}', "1"),
    ],
)
def test_what_python_clients_write_beyond_json_is_read(raw: bytes, code: str) -> None:
    """NaN, infinities, lone surrogates and a byte order mark, which Python's encoder writes, are read back."""
    assert message("execute_request", raw).content == ExecuteRequest(code=code)


def test_a_known_request_tolerates_null_where_clients_send_it() -> None:
    """A cursor of null is the default, not a fault."""
    assert message("complete_request", {"code": "a", "cursor_pos": None}).content == CompleteRequest("a")


# ---------------------------------------------------------------- encoding


@given(content=OBJECTS, metadata=OBJECTS, buffers=st.lists(st.binary(), max_size=3))
def test_what_is_encoded_is_read_by_a_client(
    content: dict[str, object], metadata: dict[str, object], buffers: list[bytes]
) -> None:
    """A client finds topic, type, content, metadata and buffers as they were given."""
    draft = Draft("display_data", content, idents=(b"display_data",), metadata=metadata, buffers=buffers)
    seen = read("iopub", _encoded(draft))
    got = (seen.msg_type, seen.content, seen.metadata, seen.buffers, seen.idents)
    assert got == ("display_data", content, metadata, tuple(buffers), (b"display_data",))


def test_the_header_of_what_we_send() -> None:
    """Our header has the fields that the protocol asks for, and ids that count."""
    encoder = _encoder()
    heads = [json.loads(bytes(encoder.encode(Draft("status", Status("idle")), DATE)[2])) for _ in range(2)]
    assert heads == [
        {
            "msg_id": f"kernel_{n}",
            "msg_type": "status",
            "date": DATE,
            "session": "kernel",
            "username": "someone",
            "version": "5.5",
        }
        for n in (1, 2)
    ]


@pytest.mark.parametrize("username", ['a"b', "a\\b", "é", "\n", "\ud800"])
def test_an_odd_username_is_escaped(username: str) -> None:
    """The header stays JSON whatever the user is called."""
    encoder = Encoder("kernel", username, Signer(KEY))
    frames_ = encoder.encode(Draft("status", {}), DATE)
    assert json.loads(bytes(frames_[2]))["username"] == username


@given(st.dictionaries(st.text(min_size=1), JSON, max_size=4), st.integers(0, 3))
def test_the_parent_header_is_echoed_byte_for_byte(extra: dict[str, object], indent: int) -> None:
    """A reply and a published message carry the bytes of the request's header, whatever stands in it."""
    raw = json.dumps({**extra, "subshell_id": None, **header("x_request")}, indent=indent or None).encode()
    request = message("", raw_header=raw)
    for draft in (request.reply({}), request.publish("stream", {})):
        parts = _encoded(draft)
        assert parts[parts.index(DELIMITER) + 3] == raw


def test_a_header_beyond_doubles_comes_back_unchanged() -> None:
    """Numbers that no double can hold, odd spacing and escapes survive the way back."""
    raw = b'{"msg_id" : "\\u0061", "msg_type":"x_request","n":123456789012345678901234567890.5,"date":"soon"}'
    parts = _encoded(message("", raw_header=raw).reply({}))
    assert parts[4] == raw


def test_a_message_without_a_parent_has_an_empty_one() -> None:
    """What answers nobody has an empty object as its parent header."""
    assert _encoded(Draft("status", {}, idents=(b"status",)))[4] == b"{}"


def test_what_we_send_is_signed() -> None:
    """The signature covers header, parent header, metadata and content in that order."""
    parts = _encoded(Draft("status", {"a": 1}, buffers=[b"not signed"]))
    assert parts[1] == sign(parts[2:6])


def test_buffers_are_not_copied() -> None:
    """A buffer leaves as the object that was handed in: 100 MB are not copied on the way."""
    buffer = memoryview(bytearray(b"data"))
    assert _encoder().encode(Draft("comm_msg", {}, buffers=[buffer]), DATE)[-1] is buffer
