"""Messages make their own children."""

from __future__ import annotations

import pytest

from helpers.messages import message
from holdfast.wire.message import Draft


@pytest.mark.parametrize(
    ("request_type", "reply_type"),
    [
        ("execute_request", "execute_reply"),
        ("kernel_info_request", "kernel_info_reply"),
        ("odd", "odd_reply"),
        ("a_request_b_request", "a_request_b_reply"),
    ],
)
def test_a_reply_is_named_after_its_request(request_type: str, reply_type: str) -> None:
    """`X_request` is answered by `X_reply`."""
    assert message(request_type).reply({}).msg_type == reply_type


def test_a_reply_goes_back_to_who_asked() -> None:
    """It carries the identities and the raw header of the request, and its metadata."""
    request = message("x_request", idents=(b"a", b"b"))
    assert request.reply({"status": "ok"}, {"m": 1}) == Draft(
        "x_reply", {"status": "ok"}, request.raw_header, (b"a", b"b"), {"m": 1}
    )


def test_a_published_message_has_its_type_as_topic() -> None:
    """The one identity of an iopub message is its topic, which subscribers filter by."""
    request = message("x_request")
    assert request.publish("stream", {"name": "stdout"}, {"m": 1}, [b"buffer"]) == Draft(
        "stream", {"name": "stdout"}, request.raw_header, (b"stream",), {"m": 1}, [b"buffer"]
    )


def test_a_message_knows_its_type_and_channel() -> None:
    """The type is the header's, the channel the one it came in on."""
    got = message("x_request", channel="control")
    assert (got.msg_type, got.channel) == ("x_request", "control")
