"""What the kernel does with cells that cannot be compiled and requests that cannot be served."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from helpers.kernel import DELIMITER, Client, Kernel, wait_for

REQUESTS: dict[str, dict[str, object]] = {
    "execute_request": {"code": "1"},
    "complete_request": {"code": "1", "cursor_pos": 1},
    "inspect_request": {"code": "1", "cursor_pos": 1, "detail_level": 0},
    "is_complete_request": {"code": "1"},
    "history_request": {"hist_access_type": "tail", "n": 1},
    "comm_info_request": {},
    "kernel_info_request": {},
    "connect_request": {},
    "usage_request": {},
    "interrupt_request": {},
    "debug_request": {"type": "request", "seq": 1, "command": "debugInfo", "arguments": {}},
    "create_subshell_request": {},
    "delete_subshell_request": {"subshell_id": "no such"},
    "list_subshell_request": {},
}

# ---------------------------------------------------------------- cells


@pytest.mark.parametrize(
    ("code", "ename"),
    [
        pytest.param("x = 1\0", "SyntaxError", id="a null byte"),
        pytest.param("\0", "SyntaxError", id="nothing but a null byte"),
        pytest.param("x = '\ud800'", "UnicodeEncodeError", id="a lone surrogate"),
        pytest.param("\udfff", "UnicodeEncodeError", id="nothing but a lone surrogate"),
        pytest.param("x = (" + "'a'\n" * 1_250_000, "SyntaxError", id="5 MB that do not end"),
        pytest.param("(" * 10_000 + ")" * 10_000, None, id="10,000 nested parentheses"),
        pytest.param("-" * 100_000 + "1", None, id="100,000 signs"),
        pytest.param("1" + "+1" * 100_000, None, id="100,000 terms"),
        pytest.param("f" + "()" * 20_000, None, id="20,000 calls"),
        pytest.param("if 1:\n" + "".join(" " * n + "if 1:\n" for n in range(1, 150)), None, id="150 levels"),
        pytest.param("def f(:", "SyntaxError", id="a syntax error"),
        pytest.param("return 1", "SyntaxError", id="return outside a function"),
        pytest.param("  x = 1\n y = 2", "IndentationError", id="a bad indent"),
        pytest.param("\u00a0x = 1", "SyntaxError", id="a no-break space"),
        pytest.param("'" + "x" * 100, "SyntaxError", id="an open string"),
        pytest.param("x = 0777", "SyntaxError", id="an old octal number"),
        pytest.param("9" * 10_000, "SyntaxError", id="a number of 10,000 digits"),
        pytest.param("*", "SyntaxError", id="a star"),
        pytest.param("\r", "", id="a carriage return"),
        pytest.param("async def", "SyntaxError", id="half a coroutine"),
        pytest.param("await", "SyntaxError", id="half an await"),
        pytest.param("yield 1", "SyntaxError", id="yield outside a function"),
        pytest.param("# coding: nonsense\n1", "", id="an unknown encoding"),
        pytest.param("\ufeff1", "SyntaxError", id="a byte order mark"),
        pytest.param("x: int = \u221e", "SyntaxError", id="an infinity"),
    ],
)
def test_a_cell_that_cannot_be_compiled_is_an_error(kernel: Kernel, code: str, ename: str | None) -> None:
    """The reply names what the compiler said (None: one of several, "": it compiles), and the kernel lives."""
    result = kernel.run(code)
    if ename == "":
        assert result.reply["status"] == "ok"
    else:
        assert result.reply["status"] == "error"
        assert ename is None or result.reply["ename"] == ename
        assert sum(map(len, result.reply["traceback"])) < 100_000
    assert kernel.run("1 + 1").result == "2"


def test_five_megabytes_of_code_run(kernel: Kernel) -> None:
    """A long cell is slow to send and nothing else."""
    assert kernel.run("text = '" + "x" * 5_000_000 + "'\nlen(text)").result == "5000000"


def test_a_syntax_error_points_at_its_line(kernel: Kernel) -> None:
    """The traceback of a syntax error holds the label of the cell, the line and no frame of ours."""
    result = kernel.run("x = 1\nfor i in 3 print(i)")
    assert f"Cell In[{result.reply['execution_count']}], line 2" in result.traceback
    assert "for i in 3 print(i)" in result.traceback
    assert "holdfast/" not in result.traceback


def test_a_failing_cell_shows_no_frame_of_ours(kernel: Kernel) -> None:
    """Tracebacks hold the user's frames and lines only, in sync and async cells alike."""
    for code in ("def f(): 1/0\nf()", "async def f(): 1/0\nawait f()"):
        result = kernel.run(code)
        count = result.reply["execution_count"]
        assert f"Cell In[{count}], line 2" in result.traceback
        assert f"Cell In[{count}], line 1, in f" in result.traceback
        assert "holdfast" not in result.traceback


def test_lone_surrogates_in_output_arrive(kernel: Kernel) -> None:
    """What is not Unicode text is escaped, not lost, in streams, results and errors."""
    result = kernel.run("print('a\\ud800b')\ndisplay({'k': 'c\\ud800d'})\nraise ValueError('e\\ud800f')")
    assert "\\ud800" in result.stdout
    assert "d" in str(result.of_type("display_data")[0].content)
    assert "\\ud800" in result.reply["evalue"]


# ---------------------------------------------------------------- requests


@pytest.mark.parametrize("msg_type", [name for name in REQUESTS if name not in ("interrupt_request",)])
@pytest.mark.parametrize("content", [b"[]", b"null", b"", b"{", b'"x"', b"\xff\xfe"])
def test_content_that_is_no_object_is_refused(kernel: Kernel, msg_type: str, content: bytes) -> None:
    """A request whose content is not a JSON object gets an error reply, busy and idle."""
    result = kernel.request(msg_type, content)
    assert (result.reply["status"], result.states) == ("error", ["busy", "idle"])
    assert result.reply["evalue"]


@pytest.mark.parametrize(
    ("msg_type", "content"),
    [
        ("execute_request", {}),
        ("execute_request", {"code": 5}),
        ("execute_request", {"code": None}),
        ("execute_request", {"code": "1", "user_expressions": [1]}),
        ("execute_request", {"code": "1", "silent": "yes"}),
        ("complete_request", {"cursor_pos": 3}),
        ("complete_request", {"code": ["x"], "cursor_pos": 0}),
        ("complete_request", {"code": "x", "cursor_pos": "0"}),
        ("inspect_request", {"code": "x", "cursor_pos": 0.5}),
        ("is_complete_request", {}),
        ("history_request", {"hist_access_type": "nonsense"}),
        ("history_request", {"hist_access_type": "range", "session": "x"}),
        ("delete_subshell_request", {}),
        ("shutdown_request", {"restart": "maybe"}),
    ],
)
def test_content_of_the_wrong_shape_is_refused(kernel: Kernel, msg_type: str, content: Mapping[str, object]) -> None:
    """A missing field or one of the wrong type gets an error reply that says which."""
    result = kernel.request(msg_type, content)
    assert (result.reply["status"], result.states) == ("error", ["busy", "idle"])
    assert result.reply["ename"]
    assert result.reply["evalue"]


@pytest.mark.parametrize("channel", ["shell", "control"])
@pytest.mark.parametrize("msg_type", [name for name in REQUESTS if name != "interrupt_request"])
def test_every_request_is_answered(kernel: Kernel, msg_type: str, channel: str) -> None:
    """Each request type is replied to under its own name on the channel it came in on."""
    result = kernel.request(msg_type, REQUESTS[msg_type], channel)
    assert result.reply_message.channel == channel
    assert result.reply_message.msg_type == msg_type.removesuffix("_request") + "_reply"
    assert result.states == ["busy", "idle"]


@pytest.mark.parametrize("msg_type", ["complete_request", "inspect_request"])
@pytest.mark.parametrize("cursor", [-1, -(10**6), 4, 10**6, 2**62])
@pytest.mark.parametrize("code", ["", "abc"])
def test_a_cursor_out_of_range_is_answered(kernel: Kernel, msg_type: str, cursor: int, code: str) -> None:
    """A cursor outside the code leads to a reply, not to silence."""
    content = {"code": code, "cursor_pos": cursor, "detail_level": 0}
    assert kernel.request(msg_type, content).reply["status"] in ("ok", "error")


def test_an_unknown_message_is_logged(kernel: Kernel) -> None:
    """An unknown type has busy, idle, a line in the log, and no reply."""
    result = kernel.send("make_coffee_request", {"sugar": True})
    kernel.until(lambda: result.states == ["busy", "idle"], "busy and idle of an unknown message")
    kernel.run("1")
    assert [m.channel for m in result.messages] == ["iopub", "iopub"]
    wait_for(lambda: "make_coffee_request" in kernel.process.log, "a line in the log")


def test_a_malformed_message_is_logged(kernel: Kernel) -> None:
    """A comm message without an id has no reply; it is logged."""
    result = kernel.send("comm_msg", {"no": "id"})
    kernel.until(lambda: result.states == ["busy", "idle"], "busy and idle of a malformed message")
    wait_for(lambda: "refused comm_msg" in kernel.process.log, "a line in the log")


def _raw(client: Client, signature: bytes | None, header: bytes, content: bytes = b'{"code": "forged = True"}') -> None:
    parts = [header, b"{}", b"{}", content]
    client.sockets["shell"].send_multipart([DELIMITER, client.sign(parts) if signature is None else signature, *parts])


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [b""],
        [b"hello"],
        [DELIMITER],
        [DELIMITER, b"", b"{}", b"{}", b"{}"],
        [DELIMITER, b"", b"{}", b"{}", b"{}", b"{}"],
        [DELIMITER] * 9,
        [b"\xff" * 1000, DELIMITER, b"0" * 64, b"\xff", b"\xff", b"\xff", b"\xff"],
    ],
)
@pytest.mark.parametrize("channel", ["shell", "control", "stdin"])
def test_frames_that_are_no_message_are_dropped(kernel: Kernel, frames: list[bytes], channel: str) -> None:
    """Frames out of shape or unsigned lead to nothing but a line in the log."""
    if frames:
        kernel.sockets[channel].send_multipart(frames)
    before = len(kernel.arrived)
    assert kernel.run("'alive'").result == "'alive'"
    assert {m.parent_header.get("msg_type") for m in kernel.arrived[before:]} == {"execute_request"}


@pytest.mark.parametrize("header", [b"{}", b"[]", b"null", b"{", b'{"msg_id": 5, "msg_type": "x"}', b'{"msg_id": "x"}'])
def test_a_signed_message_with_a_broken_header_is_dropped(kernel: Kernel, header: bytes) -> None:
    """A header that cannot be read leads to a log line; the kernel lives."""
    _raw(kernel, None, header)
    assert kernel.run("'alive'").result == "'alive'"


@pytest.mark.parametrize("signature", [b"", b"0" * 64, b"0", b"\xff" * 64])
def test_a_forged_cell_does_not_run(kernel: Kernel, signature: bytes) -> None:
    """A cell whose signature is wrong is dropped and logged."""
    kernel.run("forged = False")
    _raw(kernel, signature, json.dumps(kernel.header("execute_request")).encode())
    assert kernel.run("forged").result == "False"
    wait_for(lambda: "signature does not match" in kernel.process.log, "a line in the log")


def test_a_replayed_cell_does_not_run(kernel: Kernel) -> None:
    """The same signed message runs once."""
    kernel.run("times = 0")
    header = json.dumps(kernel.header("execute_request")).encode()
    for _ in range(3):
        _raw(kernel, None, header, b'{"code": "times += 1"}')
    assert kernel.run("times").result == "1"
    wait_for(lambda: "received before" in kernel.process.log, "a line in the log")


def test_an_unknown_subshell_is_an_error(kernel: Kernel) -> None:
    """A cell for a subshell that is not there is refused by name, and nothing runs."""
    result = kernel.run("1", header={"subshell_id": "nowhere"})
    assert result.reply["status"] == "error"
    assert "nowhere" in result.reply["evalue"]
    assert result.states == ["busy", "idle"]


def test_deleting_an_unknown_subshell_is_an_error(kernel: Kernel) -> None:
    """The error names the subshell."""
    reply = kernel.request("delete_subshell_request", {"subshell_id": "nowhere"}, "control").reply
    assert reply["status"] == "error"
    assert "nowhere" in reply["evalue"]
