"""Messages of the Debug Adapter Protocol, to bytes and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.debug.messages import Decoder, encode
from holdfast.errors import DebugError

MESSAGES = st.lists(st.dictionaries(st.text(), st.integers() | st.text() | st.none(), max_size=4), max_size=5)


@given(MESSAGES, st.integers(1, 40))
def test_messages_come_back_however_they_are_cut(messages: list[dict[str, object]], size: int) -> None:
    """A socket hands over pieces of any length."""
    data, decoder = b"".join(map(encode, messages)), Decoder()
    pieces = [data[n : n + size] for n in range(0, len(data), size)]
    assert [message for piece in pieces for message in decoder.feed(piece)] == messages


def test_other_headers_are_passed_over() -> None:
    """The protocol allows for more of them, in any case."""
    data = b"Content-Type: x\r\ncontent-length: 2\r\n\r\n{}"
    assert list(Decoder().feed(data)) == [{}]


@pytest.mark.parametrize(
    "data",
    [
        b"Content-Length: two\r\n\r\n{}",
        b"Content-Length: 999999999999\r\n\r\n",
        b"Content-Type: x\r\n\r\n{}",
        b"Content-Length: 2\r\n\r\n[]",
        b"Content-Length: 2\r\n\r\n{{",
        b"x" * 5000,
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    """With a sentence, and without taking memory for it."""
    with pytest.raises(DebugError, match="debugpy sent"):
        list(Decoder().feed(data))
