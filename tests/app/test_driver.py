"""The kernel thread over the in-memory transport: events in order, effects performed, nothing kills it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from helpers.hands import HANG_SECONDS, MemoryKernel, WatchedTransport
from helpers.messages import KEY, Seen, cell, frames
from holdfast.app import driver as module
from holdfast.durable.memory import MemoryCommitter
from holdfast.durable.port import Done
from holdfast.machine.events import Published
from holdfast.wire.message import Message


@pytest.fixture
def kernel() -> Iterator[MemoryKernel]:
    """A running driver."""
    with MemoryKernel() as made:
        yield made


def _types(seen: list[Seen]) -> list[str]:
    return [message.content.get("execution_state", message.msg_type) for message in seen]


def _streams(seen: list[Seen]) -> list[tuple[str, str, str]]:
    return [
        (message.parent, message.content["name"], message.content["text"])
        for message in seen
        if message.msg_type == "stream"
    ]


def test_the_first_message_is_starting(kernel: MemoryKernel) -> None:
    """Before anything else the kernel says that it starts, to nobody in particular."""
    first = kernel.wait_for(bool)[0]
    assert (first.channel, first.content, first.parent) == ("iopub", {"execution_state": "starting"}, "")


def test_a_cell_is_served(kernel: MemoryKernel) -> None:
    """Busy, input, reply and idle leave in this order, and the hands ran it."""
    assert _types(kernel.request("execute_request", {"code": "x"})) == [
        "busy",
        "execute_input",
        "execute_reply",
        "idle",
    ]
    assert kernel.hands.calls == [("remember", 1, "x", None), ("run", "x", 1, None)]


@pytest.mark.parametrize(
    ("msg_type", "content", "call"),
    [
        ("interrupt_request", {}, ("interrupt",)),
        ("create_subshell_request", {}, ("open_subshell", "subshell-1")),
        ("comm_msg", {"comm_id": "c"}, ("deliver", "comm_msg", None)),
    ],
)
def test_effects_reach_the_hands(kernel: MemoryKernel, msg_type: str, content: dict[str, object], call: object) -> None:
    """What the machine asks for is done."""
    kernel.request(msg_type, content)
    assert kernel.hands.calls == [call]


def test_a_language_request_is_served_on_a_pool_thread(kernel: MemoryKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel thread never waits for it."""
    threads: list[str] = []

    def look(_token: Message) -> object:
        threads.append(threading.current_thread().name)
        return {"status": "ok"}

    monkeypatch.setattr(kernel.hands, "look", look)
    assert _types(kernel.request("complete_request", {"code": "x"})) == ["busy", "complete_reply", "idle"]
    assert threads != ["holdfast-kernel"]


def test_requests_are_answered_while_a_cell_runs(kernel: MemoryKernel) -> None:
    """P8: kernel_info and completion do not wait for the cell."""
    kernel.hands.hold.add("long")
    kernel.put("execute_request", {"code": "long"})
    assert _types(kernel.request("kernel_info_request", channel="control")) == ["busy", "kernel_info_reply", "idle"]
    assert _types(kernel.request("complete_request", {"code": "x"})) == ["busy", "complete_reply", "idle"]
    kernel.wait_for(lambda seen: _types(seen)[-2:] == ["idle", "busy"])


# ---------------------------------------------------------------- commits


class HeldCommitter:
    """Commits when the test says so."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.done: Done = lambda note, reason: None

    def commit(self, count: int, done: Done) -> None:
        """See the port."""
        self.done = done
        self.asked.set()


def test_no_reply_leaves_before_the_commit_is_done() -> None:
    """P1 over a committer that takes its time, and reports from a thread of its own."""
    committer = HeldCommitter()
    with MemoryKernel(committer=committer) as kernel:
        kernel.put("execute_request", {"code": "x"})
        assert committer.asked.wait(HANG_SECONDS)
        kernel.barrier()
        assert "execute_reply" not in _types(kernel.seen())
        committer.done({"pending": ["x"]}, "")
        seen = kernel.wait_for(lambda seen: "execute_reply" in _types(seen))
        assert [m.metadata for m in seen if m.msg_type == "execute_reply"] == [{"holdfast": {"pending": ["x"]}}]


def test_a_failed_commit_is_said() -> None:
    """The cell's stderr and its reply name the reason; the next cell is fine."""
    with MemoryKernel(committer=MemoryCommitter({1: "the disk is full"})) as kernel:
        seen = kernel.request("execute_request", {"code": "x"})
        assert [text for _, _, text in _streams(seen)] == ["this cell's results are not durable: the disk is full\n"]
        assert [m.metadata for m in seen if m.is_reply] == [{"holdfast": {"failed": "the disk is full"}}]
        assert [m.metadata for m in kernel.request("execute_request", {"code": "y"}) if m.is_reply] == [{}]


# ---------------------------------------------------------------- what is dropped


def test_what_cannot_be_used_is_dropped_counted_and_logged(kernel: MemoryKernel) -> None:
    """Forged, replayed and malformed messages leave a line each, and no trace on the wire."""
    good = frames("kernel_info_request")
    for parts in (good, good, frames("execute_request", {"code": "x"}, key=b"wrong"), [b"?"]):
        kernel.transport.put("shell", parts)
    kernel.barrier()
    assert kernel.driver.dropped == 3
    words = ["received before", "signature does not match", "no <IDS|MSG> delimiter"]
    for n, (line, word) in enumerate(zip(kernel.logged, words, strict=True), 1):
        assert word in line
        assert f"({n} so far)" in line
    assert kernel.hands.ran == set()


def test_the_log_of_a_flood_is_bounded(kernel: MemoryKernel) -> None:
    """After a hundred dropped messages only every thousandth is logged."""
    for _ in range(3500):
        kernel.transport.put("shell", [b"?"])
    kernel.barrier()
    assert (kernel.driver.dropped, len(kernel.logged)) == (3500, 103)


def test_a_bug_of_ours_is_logged_and_survived(kernel: MemoryKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """An effect that cannot be performed costs its step; the kernel goes on and asks for a report."""

    def interrupt() -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(kernel.hands, "interrupt", interrupt)
    kernel.put("interrupt_request")
    assert kernel.execute("x") == "ok"
    (bug,) = kernel.bugs()
    assert "ZeroDivisionError" in bug
    assert "please report" in bug


@pytest.mark.parametrize("odd", [SystemExit, KeyboardInterrupt])
def test_nothing_ends_the_kernel_thread(
    kernel: MemoryKernel, monkeypatch: pytest.MonkeyPatch, odd: type[BaseException]
) -> None:
    """Not even what ends a thread or a loop."""

    def interrupt() -> None:
        raise odd

    monkeypatch.setattr(kernel.hands, "interrupt", interrupt)
    kernel.put("interrupt_request")
    assert kernel.execute("x") == "ok"


# ---------------------------------------------------------------- subscriptions


@pytest.mark.parametrize("topic", [b"", b"stream", "é".encode()])
def test_a_subscription_is_greeted(kernel: MemoryKernel, topic: bytes) -> None:
    """JEP 65: the welcome names the subscription and travels under its topic."""
    kernel.transport.put("iopub", [b"\x01" + topic])
    kernel.barrier()
    (welcome,) = [message for message in kernel.seen() if message.msg_type == "iopub_welcome"]
    expected = ("iopub", (topic,), {"subscription": topic.decode()}, "")
    assert (welcome.channel, welcome.idents, welcome.content, welcome.parent) == expected


@pytest.mark.parametrize("frame", [b"", b"\x00", b"\x00stream", b"\x01\xff\xfe", b"\x02", b"hello"])
def test_what_is_no_subscription_is_ignored(kernel: MemoryKernel, frame: bytes) -> None:
    """Unsubscriptions, topics that are no text and messages upstream are not greeted."""
    kernel.transport.put("iopub", [frame])
    kernel.barrier()
    assert "iopub_welcome" not in _types(kernel.seen())


# ---------------------------------------------------------------- output


def test_neighbouring_text_is_one_message(kernel: MemoryKernel) -> None:
    """Pieces of one stream of one cell are joined; another cell, stream or event begins a new message."""
    a, b = cell("a"), cell("b")
    chunks = [(a, "stdout", "1"), (a, "stdout", "2"), (a, "stderr", "3"), (b, "stderr", "4"), (b, "stderr", "5")]

    def write() -> None:
        for chunk in chunks:
            kernel.driver.mailbox.write(chunk)

    kernel.driver.loop.call_soon_threadsafe(write)
    kernel.barrier()
    seen = kernel.wait_for(lambda seen: len(_streams(seen)) == 3)
    a_id, b_id = a.header.msg_id, b.header.msg_id
    assert _streams(seen) == [(a_id, "stdout", "12"), (a_id, "stderr", "3"), (b_id, "stderr", "45")]


def test_text_and_events_keep_their_order(kernel: MemoryKernel) -> None:
    """A display between two prints stays between them."""
    a = cell()
    for n in range(50):
        kernel.driver.mailbox.write((a, "stdout", f"{n},"))
        if n % 10 == 9:
            kernel.driver.mailbox.post(Published(a, "display_data", {"n": n}))
    seen = kernel.wait_for(lambda seen: sum(m.msg_type == "display_data" for m in seen) == 5)
    text = "".join(
        m.content["text"] if m.msg_type == "stream" else f"<{m.content['n']}>"
        for m in seen
        if m.msg_type in ("stream", "display_data")
    )
    assert text == "".join(f"{n}," + (f"<{n}>" if n % 10 == 9 else "") for n in range(50))


def test_a_lone_write_is_sent_by_itself(kernel: MemoryKernel) -> None:
    """Nothing else need happen: the writer wakes the kernel thread."""
    for text in ("first", "second"):
        kernel.driver.mailbox.write((None, "stdout", text))
        kernel.wait_for(lambda seen, text=text: ("", "stdout", text) in _streams(seen))  # type: ignore[misc]


def test_long_text_is_cut_into_messages(kernel: MemoryKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """No message grows without bound, and nothing is lost between two of them."""
    monkeypatch.setattr(module, "MESSAGE_SIZE", 1000)
    pieces = [f"{n:06d}," for n in range(3000)]
    for piece in pieces:
        kernel.driver.mailbox.write((None, "stdout", piece))
    seen = kernel.wait_for(lambda seen: sum(len(text) for _, _, text in _streams(seen)) == 21_000)
    assert "".join(text for _, _, text in _streams(seen)) == "".join(pieces)
    assert max(len(text) for _, _, text in _streams(seen)) < 1020


def test_what_a_cell_wrote_comes_before_its_reply(kernel: MemoryKernel) -> None:
    """Text that is in the mailbox when the cell ends is sent first."""
    post = kernel.hands.post

    def write_then_post(event: object) -> None:
        kernel.driver.mailbox.write((event.token, "stdout", "last words"))  # type: ignore[attr-defined]
        post(event)

    kernel.hands.post = write_then_post
    seen = kernel.request("execute_request", {"code": "x"})
    assert _types(seen) == ["busy", "execute_input", "stream", "execute_reply", "idle"]
    kernel.hands.post = post


# ---------------------------------------------------------------- fairness


class Flood(WatchedTransport):
    """Somebody sends faster than the kernel can read."""

    def __init__(self) -> None:
        super().__init__()
        self.over = False

    def receive(self) -> Iterator[tuple[str, list[bytes]]]:
        """Never ends."""
        while not self.over:
            yield "shell", [b"?"]
            yield from super().receive()
        yield from super().receive()


def test_a_flood_of_requests_does_not_hold_up_the_cell() -> None:
    """What the cell writes and its end are served although the sockets never run dry."""
    kernel = MemoryKernel()
    flood = kernel.transport = Flood()
    with kernel:
        assert kernel.execute("x") == "ok"
        kernel.driver.mailbox.write((None, "stdout", "text"))
        kernel.wait_for(lambda seen: ("", "stdout", "text") in _streams(seen))
        flood.over = True


@pytest.mark.parametrize("transport", [WatchedTransport, Flood])
def test_watched_descriptors_are_served(transport: type[WatchedTransport]) -> None:
    """The call that belongs to a descriptor is made when it becomes readable, whatever goes on on the sockets."""
    kernel = MemoryKernel()
    kernel.transport = transport()
    reader, writer = os.pipe()
    called = threading.Event()

    def call() -> None:
        os.read(reader, 10)
        called.set()

    kernel.driver.start(kernel.transport, kernel.hands, {reader: call})  # type: ignore[arg-type]
    assert kernel.execute("x") == "ok"
    os.write(writer, b"x")
    served = called.wait(HANG_SECONDS)
    kernel.transport.over = True  # type: ignore[attr-defined]
    kernel.put("shutdown_request")
    assert kernel.driver.join(HANG_SECONDS)
    os.close(reader)
    os.close(writer)
    assert served


# ---------------------------------------------------------------- the end


def test_shutdown_is_replied_to_before_the_transport_closes() -> None:
    """Everything leaves, then the transport is closed, then the main thread may go."""
    kernel = MemoryKernel()
    with kernel:
        kernel.barrier()
        kernel.put("shutdown_request", {"restart": True}, "control")
    tail = _types(kernel.seen())[-4:]
    assert tail == ["busy", "shutdown_reply", "shutdown_reply", "idle"]
    assert kernel.transport.closed
    assert kernel.hands.calls == [("leave", True), ("stopped",)]
    assert kernel.bugs() == []


def test_what_comes_after_the_end_is_dropped() -> None:
    """A thread of the user's that prints on, and requests that come too late, cause no error."""
    kernel = MemoryKernel()

    def post(event: object) -> None:
        kernel.driver.mailbox.post(event)
        kernel.driver.mailbox.write((None, "stdout", "too late"))

    kernel.hands.post = post
    with kernel:
        kernel.barrier()
        kernel.transport.put("control", frames("shutdown_request"))
        for _ in range(50):
            kernel.transport.put("shell", frames("kernel_info_request"))
        kernel.driver.wake()
    assert kernel.bugs() == []
    assert _types(kernel.seen())[-1] == "idle"


def test_a_users_side_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """After `LEAVE_PATIENCE` the shutdown is replied to without it, and what it wrote so far is sent."""
    monkeypatch.setattr(module, "LEAVE_PATIENCE", 0.01)
    kernel = MemoryKernel()
    monkeypatch.setattr(kernel.hands, "leave", lambda restart: None)
    kernel.hands.hold.add("hangs")
    with kernel:
        kernel.put("execute_request", {"code": "hangs"})
        kernel.barrier()
        kernel.driver.mailbox.write((None, "stdout", "so far"))
        kernel.put("shutdown_request", channel="control")
    seen = kernel.seen()
    assert ("", "stdout", "so far") in _streams(seen)
    assert sorted(m.msg_type for m in seen if m.is_reply and m.idents != (b"barrier",)) == [
        "execute_reply",
        "shutdown_reply",
    ]
    assert "the running cell does not end; leaving without it" in kernel.logged


def test_the_key_signs_what_leaves(kernel: MemoryKernel) -> None:
    """`read` checks every signature: this is the key that it checks with."""
    assert KEY
    assert len(kernel.request("kernel_info_request")) == 3


class _BadRecorder:
    """Fails at whatever it is told."""

    def __getattr__(self, name: str) -> object:
        raise ValueError(name)


def test_a_mistake_of_the_record_costs_no_reply(kernel: MemoryKernel) -> None:
    """It is logged, nothing more is recorded, and the cell is served."""
    kernel.driver.recorder = _BadRecorder()  # type: ignore[assignment]
    assert "execute_reply" in _types(kernel.request("execute_request", {"code": "x"}))
    assert kernel.driver.recorder is None
    assert "the record of outputs" in kernel.logged[0]
    kernel.logged.clear()
