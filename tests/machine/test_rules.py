"""What holds after any sequence of events: one reply each, brackets closed, order kept, P1."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from helpers.bench import CONNECTION, INFO
from helpers.messages import message
from holdfast.machine.effects import Commit, Debug, Deliver, Effect, Leave, Look, Run, Send, Stop
from holdfast.machine.events import (
    Asked,
    CommitFailed,
    Committed,
    Event,
    Finished,
    Handled,
    Left,
    Looked,
    Opened,
    Published,
    Received,
    Stopping,
    Wrote,
)
from holdfast.machine.machine import Machine
from holdfast.machine.state import KernelState
from holdfast.wire.contents import CONTENTS, ErrorReply, Status
from holdfast.wire.message import Message

OTHER_REQUESTS: list[tuple[str, dict[str, object] | bytes]] = [
    ("kernel_info_request", {}),
    ("connect_request", {}),
    ("interrupt_request", {}),
    ("debug_request", {}),
    ("list_subshell_request", {}),
    ("complete_request", {"code": "a"}),
    ("complete_request", {"code": 5}),
    ("inspect_request", {"code": "a"}),
    ("is_complete_request", {"code": "a"}),
    ("history_request", {}),
    ("comm_info_request", {}),
    ("usage_request", {}),
    ("execute_request", b"{"),
    ("execute_request", {"code": None}),
    ("delete_subshell_request", {}),
    ("an_unknown_request", {}),
    ("comm_msg", b"["),
]
SHELLS = [None, "subshell-1", "subshell-2"]


def _is_refusal(send: Send) -> bool:
    return isinstance(send.draft.content, ErrorReply) and send.draft.content.status == "error"


class Kernel(RuleBasedStateMachine):
    """A machine whose every effect is watched; the rules are what clients and the user's side may do."""

    @initialize(opening=st.booleans(), nameless=st.booleans())
    def start(self, opening: bool, nameless: bool) -> None:
        """A fresh machine, perhaps one whose session is still being restored, or that nobody gave a name."""
        self.machine = Machine(KernelState(INFO, CONNECTION))
        self.machine.state.opening, self.machine.state.nameless = int(opening), nameless
        self.requests: list[Message] = []
        self.replies: dict[bytes, list[Send]] = {}
        self.states: dict[bytes, list[str]] = {}
        self.running: list[Message] = []
        self.finished: list[Message] = []
        self.committed: set[bytes] = set()
        self.looks_due: list[Message] = []
        self.comms_due: list[Message] = []
        self.sent: list[tuple[str | None, bytes]] = []
        self.leaving = self.stopped = False
        self.last_status: tuple[bytes, str] = (b"", "idle")

    # ------------------------------------------------------------ what is watched

    def _step(self, event: Event) -> None:
        if self.stopped:
            return
        for effect in self.machine.step(event):
            self._watch(effect)

    def _watch(self, effect: Effect) -> None:
        assert not self.stopped, f"{effect} after the stop"
        if isinstance(effect, Send):
            self._watch_send(effect)
        elif isinstance(effect, Run):
            assert not self.leaving, "a cell starts while the kernel leaves"
            assert not self.machine.state.opening, "a cell starts before its session is there"
            assert all(token.header.subshell_id != effect.subshell for token in self.running), "two cells in one shell"
            self.running.append(effect.token)
        elif isinstance(effect, Commit):
            assert effect.token in self.finished
        elif isinstance(effect, Look | Debug):
            self.looks_due.append(effect.token)
        elif isinstance(effect, Deliver):
            self.comms_due.append(effect.token)
        elif isinstance(effect, Leave):
            assert not self.leaving, "leaves twice"
            self.leaving = True
        elif isinstance(effect, Stop):
            self.stopped = True

    def _watch_send(self, effect: Send) -> None:
        draft = effect.draft
        if draft.msg_type.endswith("_reply") and effect.channel != "iopub":
            self.replies.setdefault(draft.parent, []).append(effect)
            if draft.msg_type == "execute_reply" and not isinstance(draft.content, ErrorReply):
                aborted = getattr(draft.content, "status", "") == "aborted"
                assert aborted or draft.parent in self.committed, "P1: a reply before its commit"
        if draft.msg_type == "status":
            assert isinstance(draft.content, Status)
            self.states.setdefault(draft.parent, []).append(draft.content.execution_state)
            self.last_status = (draft.parent, draft.content.execution_state)

    # ------------------------------------------------------------ what may happen

    def _receive(self, msg_type: str, content: dict[str, object] | bytes, channel: str, **more: Any) -> Message:
        request = message(msg_type, content, channel, **more)
        if not self.stopped:
            self.requests.append(request)
        self._step(Received(request))
        return request

    @rule(
        shell=st.sampled_from(SHELLS),
        silent=st.booleans(),
        stop=st.booleans(),
        late=st.integers(0, 3),
        session=st.sampled_from(["one", "two"]),
        metadata=st.sampled_from([b"{}", b'{"cellId": "one"}', b'{"cellId": 1}']),
    )
    def execute(self, shell: str | None, silent: bool, stop: bool, late: int, session: str, metadata: bytes) -> None:
        """A client sends a cell."""
        content: dict[str, object] = {"code": "x", "silent": silent, "stop_on_error": stop}
        date = f"2026-01-01T00:00:0{late}Z"
        more = {"subshell_id": shell, "session": session, "date": date, "metadata": metadata}
        request = self._receive("execute_request", content, "shell", **more)
        self.sent.append((shell, request.raw_header))

    @rule(request=st.sampled_from(OTHER_REQUESTS), channel=st.sampled_from(["shell", "control"]))
    def ask(self, request: tuple[str, dict[str, object] | bytes], channel: str) -> None:
        """A client sends any other request."""
        self._receive(request[0], request[1], channel)

    @rule(
        msg_type=st.sampled_from(["comm_open", "comm_msg", "comm_close"]),
        shell=st.sampled_from(SHELLS),
    )
    def comm(self, msg_type: str, shell: str | None) -> None:
        """A client sends a comm message."""
        self._receive(msg_type, {"comm_id": "c"}, "shell", subshell_id=shell)

    @rule(which=st.sampled_from(["create", "subshell-1", "subshell-2"]))
    def subshell(self, which: str) -> None:
        """A client makes or deletes a subshell."""
        if which == "create":
            self._receive("create_subshell_request", {}, "control")
        else:
            self._receive("delete_subshell_request", {"subshell_id": which}, "control")

    @rule()
    def opened(self) -> None:
        """The session is restored."""
        if self.machine.state.opening:
            self._step(Opened(5))

    @rule(at=st.integers(0, 5), ename=st.sampled_from(["", "", "ValueError"]), took=st.integers(0, 4))
    def finish(self, at: int, ename: str, took: int) -> None:
        """A cell ends."""
        if self.running:
            token = self.running.pop(at % len(self.running))
            self.finished.append(token)
            self._step(Finished(token, ename, at=took))

    @rule(at=st.integers(0, 5), fails=st.booleans())
    def commit(self, at: int, fails: bool) -> None:
        """The commit of a cell comes back."""
        if self.finished:
            token = self.finished.pop(at % len(self.finished))
            self.committed.add(token.raw_header)
            self._step(CommitFailed(token, "disk full") if fails else Committed(token))

    @rule(at=st.integers(0, 5))
    def look(self, at: int) -> None:
        """A language request was served."""
        if self.looks_due:
            self._step(Looked(self.looks_due.pop(at % len(self.looks_due)), {"status": "ok"}))

    @rule(at=st.integers(0, 5))
    def handle(self, at: int) -> None:
        """A comm message was delivered."""
        if self.comms_due:
            self._step(Handled(self.comms_due.pop(at % len(self.comms_due))))

    @rule(at=st.integers(0, 20), kind=st.sampled_from(["write", "publish", "ask"]))
    def output(self, at: int, kind: str) -> None:
        """A cell, perhaps one that is long over, writes, publishes or asks."""
        cells = [request for request in self.requests if request.msg_type == "execute_request" and not request.fault]
        if not cells:
            return
        token = cells[at % len(cells)]
        if kind == "write":
            self._step(Wrote(token, "stdout", "text"))
        elif kind == "publish":
            self._step(Published(token, "display_data", {"data": {}}))
        else:
            self._step(Asked(token, "? "))

    @rule()
    def answer(self) -> None:
        """The person at the keyboard answers."""
        self._step(Received(message("input_reply", {"value": "x"}, "stdin")))

    @rule(restart=st.booleans(), by_request=st.booleans())
    def leave(self, restart: bool, by_request: bool) -> None:
        """Rarely, the end comes."""
        if len(self.requests) % 7 == 6:
            if by_request:
                self._receive("shutdown_request", {"restart": restart}, "control")
            else:
                self._step(Stopping("SIGTERM"))

    # ------------------------------------------------------------ what always holds

    @invariant()
    def nobody_gets_two_replies(self) -> None:
        """A request is replied to at most once, on its own channel."""
        for request in getattr(self, "requests", ()):
            replies = self.replies.get(request.raw_header, [])
            assert len(replies) <= 1, request
            assert all(send.channel == request.channel for send in replies)

    @invariant()
    def a_running_main_cell_is_seen_as_busy(self) -> None:
        """What frontends show last is busy, for as long as a cell runs in the main shell."""
        machine = getattr(self, "machine", None)
        if machine is not None and machine.state.main.running is not None:
            assert self.last_status[1] == "busy"

    def teardown(self) -> None:
        """Everything that is due comes back; then everyone has an answer and every busy its idle."""
        if not hasattr(self, "machine"):
            return
        while self.machine.state.opening:
            self.opened()
        while (self.running or self.finished or self.looks_due or self.comms_due) and not self.stopped:
            self.look(0)
            self.handle(0)
            self.finish(0, "", 0)
            self.commit(0, False)
        if self.leaving:
            self._step(Left())
            assert self.stopped
        for request in self.requests:
            self._check(request)
        self._check_order()

    def _check(self, request: Message) -> None:
        replies = self.replies.get(request.raw_header, [])
        is_request = request.msg_type in CONTENTS and request.msg_type.endswith("_request")
        assert len(replies) == int(is_request), f"{request.msg_type} has {len(replies)} replies"
        states = self.states.get(request.raw_header, [])
        assert states, f"{request.msg_type} has no status"
        assert (states[0], states[-1], states.count("idle")) == ("busy", "idle", 1)

    def _check_order(self) -> None:
        """Cells of one shell that ran or were aborted are answered in the order in which they were sent."""
        order = {raw: n for n, (raw, sends) in enumerate(self.replies.items()) if not _is_refusal(sends[0])}
        for shell in SHELLS:
            answered = [order[raw] for name, raw in self.sent if name == shell and raw in order]
            assert answered == sorted(answered)


Kernel.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestKernel = Kernel.TestCase
