"""The contents that we read: the shapes that real clients send, and their defaults."""

from __future__ import annotations

import msgspec
import pytest

from holdfast.wire.contents import (
    CONTENTS,
    CommMsg,
    CommOpen,
    DebugRequest,
    DeleteSubshellRequest,
    ErrorReply,
    ExecuteFailed,
    ExecuteOk,
    ExecuteRequest,
    HistoryRequest,
    InputReply,
    InspectRequest,
    ShutdownRequest,
)


def _seen(content: object) -> object:
    """What a client reads."""
    return msgspec.json.decode(msgspec.json.encode(content))


@pytest.mark.parametrize(
    ("msg_type", "raw", "content"),
    [
        ("execute_request", b'{"code":""}', ExecuteRequest("")),
        (
            "execute_request",
            b'{"code":"a","silent":true,"store_history":false,"user_expressions":{"x":"1"},"allow_stdin":false}',
            ExecuteRequest("a", True, False, {"x": "1"}, False, True),
        ),
        ("execute_request", b'{"code":"a","user_expressions":null}', ExecuteRequest("a")),
        ("inspect_request", b'{"code":"a","cursor_pos":1,"detail_level":1}', InspectRequest("a", 1, 1)),
        ("history_request", b'{"hist_access_type":"tail","n":5}', HistoryRequest("tail", n=5)),
        ("history_request", b"{}", HistoryRequest()),
        ("comm_open", b'{"comm_id":"c","target_name":"t","data":{"a":1}}', CommOpen("c", "t", {"a": 1})),
        ("comm_msg", b'{"comm_id":"c"}', CommMsg("c")),
        ("shutdown_request", b'{"restart":true}', ShutdownRequest(True)),
        ("shutdown_request", b"{}", ShutdownRequest(False)),
        ("delete_subshell_request", b'{"subshell_id":"s"}', DeleteSubshellRequest("s")),
        ("input_reply", b'{"value":"x","status":"ok"}', InputReply("x")),
        (
            "debug_request",
            b'{"type":"request","seq":1,"command":"attach","arguments":{}}',
            DebugRequest("request", 1, "attach", {}),
        ),
    ],
)
def test_what_clients_send_is_read(msg_type: str, raw: bytes, content: object) -> None:
    """A content with the fields that clients write becomes the struct of its type."""
    assert msgspec.json.decode(raw, type=CONTENTS[msg_type]) == content


@pytest.mark.parametrize("msg_type", sorted(CONTENTS))
def test_unknown_fields_are_ignored(msg_type: str) -> None:
    """A field of a later protocol version does not make a message unreadable."""
    fields = b'"code":"","comm_id":"c","subshell_id":"s"'
    msgspec.json.decode(b'{%s,"from_the_future":[1]}' % fields, type=CONTENTS[msg_type])


@pytest.mark.parametrize("msg_type", sorted(CONTENTS))
def test_contents_are_frozen(msg_type: str) -> None:
    """What was received cannot be changed afterwards."""
    assert CONTENTS[msg_type].__struct_config__.frozen


def test_a_good_reply_has_the_fields_that_clients_read() -> None:
    """An execute_reply names status, count, expressions and payload."""
    assert _seen(ExecuteOk(3, {}, ())) == {
        "execution_count": 3,
        "user_expressions": {},
        "payload": [],
        "status": "ok",
    }


@pytest.mark.parametrize("status", ["error", "aborted"])
def test_an_error_reply_has_the_fields_that_clients_read(status: str) -> None:
    """A failed request names its exception; a failed cell its count as well."""
    common = {"status": status, "ename": "E", "evalue": "v"}
    assert _seen(ErrorReply("E", "v", status=status)) == {**common, "traceback": []}  # type: ignore[arg-type]
    failed = _seen(ExecuteFailed(3, "E", "v", ["t"], status=status))  # type: ignore[arg-type]
    extra = {"execution_count": 3, "user_expressions": {}, "payload": [], "traceback": ["t"]}
    assert failed == {**common, **extra}
