"""Every request but execute_request: events in, effects out."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.bench import CONNECTION, INFO, Bench, busy, commit, idle, reply, runs, sends
from helpers.messages import cell, message
from holdfast.machine.effects import (
    Answer,
    Debug,
    Interrupt,
    Leave,
    Log,
    Look,
    OpenSubshell,
    Send,
    Stop,
)
from holdfast.machine.events import Asked, Committed, Finished, Handled, Left, Looked, Stopping
from holdfast.wire.contents import CONTENTS, ErrorReply, InputRequest, Status
from holdfast.wire.message import Draft, Message

REQUIRED: dict[str, dict[str, object]] = {
    "complete_request": {"code": "a"},
    "inspect_request": {"code": "a"},
    "is_complete_request": {"code": "a"},
    "execute_request": {"code": "a"},
    "delete_subshell_request": {"subshell_id": "none"},
    "comm_open": {"comm_id": "c"},
    "comm_msg": {"comm_id": "c"},
    "comm_close": {"comm_id": "c"},
}
BESIDE = [
    "complete_request",
    "inspect_request",
    "is_complete_request",
    "history_request",
    "comm_info_request",
    "usage_request",
]
REQUESTS = sorted(name for name in CONTENTS if name.endswith("_request"))


def _request(msg_type: str, channel: str = "shell", **more: Any) -> Message:
    return message(msg_type, REQUIRED.get(msg_type, {}), channel, **more)


def test_the_first_status_has_no_parent() -> None:
    """`starting` answers nobody."""
    assert Bench().machine.starting() == [Send("iopub", Draft("status", Status("starting"), idents=(b"status",)))]


@pytest.mark.parametrize("channel", ["shell", "control"])
@pytest.mark.parametrize(
    ("msg_type", "content", "effects", "answer"),
    [
        ("kernel_info_request", {}, [], INFO),
        (
            "connect_request",
            {},
            [],
            {"status": "ok", "shell_port": 1, "iopub_port": 2, "stdin_port": 3, "control_port": 4, "hb_port": 5},
        ),
        ("interrupt_request", {}, [Interrupt()], {"status": "ok"}),
        ("create_subshell_request", {}, [OpenSubshell("subshell-1")], {"status": "ok", "subshell_id": "subshell-1"}),
        ("list_subshell_request", {}, [], {"status": "ok", "subshell_id": []}),
        (
            "delete_subshell_request",
            {"subshell_id": "x"},
            [],
            ErrorReply("UnknownSubshell", "there is no subshell 'x'; list_subshell_request names those there are"),
        ),
    ],
)
def test_requests_that_are_answered_in_one_step(
    channel: str, msg_type: str, content: dict[str, object], effects: list[object], answer: object
) -> None:
    """Busy, what they ask for, the reply on their own channel, idle."""
    bench, request = Bench(), message(msg_type, content, channel)
    assert bench.receive(request) == [*busy(request), *effects, *reply(request, answer), *idle(request)]


def test_the_ports_are_those_of_the_state() -> None:
    """connect_reply says what was bound, which wiring puts into the state later."""
    assert Bench().state.connection is CONNECTION


@pytest.mark.parametrize("msg_type", ["kernel_info_request", "interrupt_request", "list_subshell_request"])
def test_a_request_beside_a_cell_is_followed_by_the_cells_busy(msg_type: str) -> None:
    """JupyterLab must not show an idle kernel in the middle of a cell."""
    bench, a, request = Bench(), cell(), message(msg_type, channel="control")
    bench.receive(a)
    effects = bench.receive(request)
    assert effects[:1] == busy(request)
    assert effects[-2:] == [*idle(request), *busy(a)]


@pytest.mark.parametrize("msg_type", BESIDE)
def test_language_requests_are_looked_up_beside_the_cell(msg_type: str) -> None:
    """Busy and the look at once; reply, idle and the cell's busy when the answer is there."""
    bench, a, request = Bench(), cell(), _request(msg_type)
    bench.receive(a)
    assert bench.receive(request) == [*busy(request), Look(request)]
    expected = [*reply(request, {"status": "ok"}), *idle(request), *busy(a)]
    assert bench.step(Looked(request, {"status": "ok"})) == expected


@pytest.mark.parametrize("msg_type", BESIDE)
def test_language_requests_need_no_cell(msg_type: str) -> None:
    """Between cells there is no busy to repeat."""
    bench, request = Bench(), _request(msg_type)
    bench.receive(request)
    assert bench.step(Looked(request, {"status": "ok"})) == [*reply(request, {"status": "ok"}), *idle(request)]


def test_a_debugger_is_answered_beside_the_cell() -> None:
    """Busy and the request at once; the debugger's answer, idle and the cell's busy when it is there."""
    bench, a, request = Bench(), cell(), message("debug_request", {"seq": 3, "command": "threads"}, "control")
    bench.receive(a)
    assert bench.receive(request) == [*busy(request), Debug(request)]
    expected = [*reply(request, {"success": True}), *idle(request), *busy(a)]
    assert bench.step(Looked(request, {"success": True})) == expected


# ---------------------------------------------------------------- what cannot be served


@pytest.mark.parametrize("msg_type", REQUESTS)
@pytest.mark.parametrize("channel", ["shell", "control"])
@pytest.mark.parametrize("content", [b"[]", b"{", b'{"code":5,"subshell_id":5,"restart":5,"seq":"x"}'])
def test_a_malformed_request_gets_one_error_reply(msg_type: str, channel: str, content: bytes) -> None:
    """P8: an error reply, never silence, with its own busy and idle."""
    bench, request = Bench(), message(msg_type, content, channel)
    if not request.fault:  # this request has no field that the content gets wrong
        return
    log, sent = f"refused {msg_type}: {request.fault}", f"cannot serve {msg_type}: {request.fault}"
    assert bench.receive(request) == [
        *busy(request),
        Log(log),
        *reply(request, ErrorReply("BadRequest", sent)),
        *idle(request),
    ]


@pytest.mark.parametrize("msg_type", ["comm_open", "comm_msg", "comm_close"])
def test_a_malformed_comm_message_is_logged(msg_type: str) -> None:
    """Nobody waits for a reply to it; busy and idle still frame it."""
    bench, request = Bench(), message(msg_type, b"[]")
    assert bench.receive(request) == [*busy(request), Log(f"refused {msg_type}: {request.fault}"), *idle(request)]


@pytest.mark.parametrize("content", [{}, b"5"])
@pytest.mark.parametrize("msg_type", ["a_new_request", "execute_reply", "", "status", "input_reply"])
def test_an_unknown_message_is_ignored_with_a_log_line(msg_type: str, content: Any) -> None:
    """No reply, but busy and idle, for a client that waits for those."""
    bench, request = Bench(), message(msg_type, content)
    effects = bench.receive(request)
    assert [effects[0], effects[-1]] == [*busy(request), *idle(request)]
    assert [type(effect) for effect in effects] == [Send, Log, Send]


# ---------------------------------------------------------------- stdin


def test_a_prompt_goes_to_the_client_whose_cell_asks() -> None:
    """On stdin, to the identity of the cell's request, with its header as parent."""
    bench, a = Bench(), cell(idents=(b"me",))
    bench.receive(a)
    draft = Draft("input_request", InputRequest("name? ", True), a.raw_header, (b"me",))
    assert bench.step(Asked(a, "name? ", True)) == [Send("stdin", draft)]


def test_an_answer_is_handed_on_once() -> None:
    """The first input_reply answers; a second one finds no open prompt."""
    bench, a, answer = Bench(), cell(), message("input_reply", {"value": "x"}, "stdin")
    bench.receive(a)
    bench.step(Asked(a, ""))
    assert bench.receive(answer) == [Answer("x")]
    assert bench.receive(answer) == [Log("ignored an input_reply: no cell waits for one")]


def test_a_prompt_of_a_cell_that_is_over_is_ended() -> None:
    """A thread that asks after its cell has ended gets end of file: nobody would ever answer it."""
    bench, a = Bench(), cell()
    bench.receive(a)
    bench.finish(a)
    assert bench.step(Asked(a, "late? ")) == [Log("ended a prompt of a cell that no longer runs"), Answer("\x04")]


def test_a_prompt_that_outlives_its_cell_is_ended() -> None:
    """A thread that still waits when its cell ends gets end of file, or every later prompt would wait for it."""
    bench, a = Bench(), cell()
    bench.receive(a)
    bench.step(Asked(a, "? "))
    assert bench.step(Finished(a)) == [Answer("\x04"), *commit(a, 1)]
    assert bench.state.prompt is None


def test_a_cell_that_ends_leaves_the_prompt_of_another_open() -> None:
    """A subshell's cell ends while the main one waits for an answer."""
    bench, a, b = Bench(), cell(), cell(subshell_id="subshell-1")
    bench.receive(message("create_subshell_request", channel="control"), a, b)
    bench.step(Asked(a, "? "))
    bench.finish(b)
    assert bench.receive(message("input_reply", {"value": "x"}, "stdin")) == [Answer("x")]


@pytest.mark.parametrize(
    ("msg_type", "content"),
    [("execute_request", {"code": "1"}), ("input_reply", {"value": 5}), ("input_reply", b"["), ("odd", {})],
)
def test_only_answers_belong_on_stdin(msg_type: str, content: Any) -> None:
    """Anything else there is logged; a cell sent there does not run, and the prompt stays open."""
    bench, a, odd = Bench(), cell(), message(msg_type, content, "stdin")
    bench.receive(a)
    bench.step(Asked(a, "? "))
    effects = bench.receive(odd)
    assert [type(effect) for effect in effects] == [Log]
    assert bench.state.prompt is a


# ---------------------------------------------------------------- the end


@pytest.mark.parametrize("restart", [False, True])
def test_shutdown_waits_for_the_users_side(restart: bool) -> None:
    """Leave first; the replies, on iopub and on the channel, idle and the stop when the user's side has ended."""
    bench, request = Bench(), message("shutdown_request", {"restart": restart}, "control")
    assert bench.receive(request) == [*busy(request), Leave(restart)]
    content = {"status": "ok", "restart": restart}
    assert bench.step(Left()) == [
        Send("iopub", request.publish("shutdown_reply", content)),
        *reply(request, content),
        *idle(request),
        Stop(),
    ]


def test_a_second_shutdown_is_answered_with_the_first() -> None:
    """Both get a reply; the kernel leaves once, as the first one said."""
    bench = Bench()
    first, second = (message("shutdown_request", {"restart": r}, c) for r, c in ((True, "control"), (False, "shell")))
    bench.receive(first)
    assert bench.receive(second) == busy(second)
    effects = bench.step(Left())
    content = {"status": "ok", "restart": True}
    assert reply(first, content)[0] in effects
    assert reply(second, content)[0] in effects
    assert effects.count(Stop()) == 1


@pytest.mark.parametrize("msg_type", [name for name in REQUESTS if name != "shutdown_request"])
def test_a_request_while_leaving_gets_an_error_reply(msg_type: str) -> None:
    """Nothing is begun any more, and nobody is left waiting."""
    bench, late = Bench(), _request(msg_type)
    bench.receive(message("shutdown_request"))
    evalue = f"cannot serve {msg_type}: the kernel is shutting down"
    effects = bench.receive(late)
    assert [type(effect) for effect in effects] == [Send, Log, Send, Send]
    assert reply(late, ErrorReply("BadRequest", evalue))[0] in effects


def test_a_cell_that_ends_while_leaving_is_replied_to() -> None:
    """Its reply leaves before the shutdown_reply."""
    bench, a = Bench(), cell()
    bench.receive(a, message("shutdown_request"))
    bench.step(Finished(a, "KeyboardInterrupt"))
    assert [send.draft.msg_type for send in sends(bench.step(Committed(a)), "shell")] == ["execute_reply"]


def test_what_is_queued_while_leaving_is_refused() -> None:
    """A cell that waits when the shutdown comes does not start, however the running one ends; it gets a reply."""
    bench, a, b = Bench(), cell("a"), cell("b")
    bench.receive(a, b, message("shutdown_request"))
    effects = bench.finish(a)
    assert runs(effects) == []
    evalue = "cannot serve execute_request: the kernel is shutting down"
    assert reply(b, ErrorReply("BadRequest", evalue))[0] in effects


def test_what_still_waits_when_the_kernel_goes_is_refused() -> None:
    """A cell that never ends is left behind; the ones that wait for it, and it, still get a reply before the stop."""
    bench, a, b, look = Bench(), cell("a"), cell("b"), message("complete_request", {"code": ""})
    shutdown = message("shutdown_request", channel="control")
    bench.receive(a, b, look, shutdown)
    effects = bench.step(Left())
    assert {send.draft.parent for send in sends(effects, "shell")} >= {a.raw_header, b.raw_header}
    assert effects[-1] == Stop()


def test_a_signal_ends_the_kernel_without_a_request() -> None:
    """`Stopping` leaves and stops; there is nobody to reply to."""
    bench = Bench()
    assert bench.step(Stopping("SIGTERM")) == [Log("stopping: SIGTERM"), Leave(False)]
    assert bench.step(Stopping("SIGTERM")) == []
    assert bench.step(Left()) == [Stop()]


def test_a_shutdown_after_a_signal_is_answered() -> None:
    """A request that comes while the kernel leaves for another reason gets its reply."""
    bench, request = Bench(), message("shutdown_request")
    bench.step(Stopping("SIGTERM"))
    assert bench.receive(request) == busy(request)
    assert reply(request, {"status": "ok", "restart": False})[0] in bench.step(Left())


def test_a_comm_message_that_ends_beside_a_cell() -> None:
    """Its idle is followed by the cell's busy."""
    bench, m, a = Bench(), message("comm_msg", {"comm_id": "c"}), cell()
    bench.receive(m, a)
    assert bench.step(Handled(m)) == [*idle(m), *busy(a)]
