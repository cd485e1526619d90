"""A kernel without user code: the real driver and machine over the in-memory transport, and hands that obey.

It must never sleep to wait: a barrier is a request whose reply is awaited.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from helpers.bench import CONNECTION, INFO
from helpers.messages import KEY, Seen, frames, read
from holdfast.app.driver import Driver
from holdfast.clock import Clock
from holdfast.durable.memory import MemoryCommitter
from holdfast.durable.port import Committer
from holdfast.machine.events import Finished, Handled, Left
from holdfast.machine.machine import Machine
from holdfast.machine.state import KernelState
from holdfast.transport.memory import MemoryTransport
from holdfast.transport.port import Frames
from holdfast.wire.contents import ErrorReply, ExecuteRequest
from holdfast.wire.frames import Encoder
from holdfast.wire.message import Message
from holdfast.wire.signing import Signer

#: A hang guard, never an expectation.
HANG_SECONDS = 60.0
BARRIER = b"barrier"


class FakeHands:
    """Performs the effects that concern user code as if all of it did nothing, at once."""

    def __init__(self) -> None:
        self.post: Callable[[object], None] = lambda event: None
        #: Every call, in order: (name, arguments).
        self.calls: list[tuple[Any, ...]] = []
        self.keeps_calls = True
        self.ran: set[str] = set()
        self.left = False
        #: Cells whose code is here are not finished by themselves.
        self.hold: set[str] = set()

    def _note(self, *call: object) -> None:
        if self.keeps_calls:
            self.calls.append(call)

    def run(self, token: Message, count: int, subshell: str | None) -> None:
        """The cell ends at once, unless it is held."""
        assert isinstance(token.content, ExecuteRequest)
        self._note("run", token.content.code, count, subshell)
        self.ran.add(token.content.code)
        if token.content.code not in self.hold:
            self.post(Finished(token))

    def look(self, token: Message) -> object:
        """Nothing is known."""
        return ErrorReply("NotThere", token.msg_type)

    def deliver(self, token: Message, subshell: str | None) -> None:
        """The callbacks are done at once."""
        self._note("deliver", token.msg_type, subshell)
        self.post(Handled(token))

    def remember(self, count: int, code: str | None, output: str | None) -> None:
        """Noted."""
        self._note("remember", count, code, output)

    def answer(self, value: str) -> None:
        """Noted."""
        self._note("answer", value)

    def interrupt(self) -> None:
        """Noted."""
        self._note("interrupt")

    def open_subshell(self, name: str) -> None:
        """Noted."""
        self._note("open_subshell", name)

    def close_subshell(self, name: str) -> None:
        """Noted."""
        self._note("close_subshell", name)

    def leave(self, restart: bool) -> None:
        """The user's side has ended at once."""
        self._note("leave", restart)
        self.left = True
        self.post(Left())

    def stopped(self) -> None:
        """Noted."""
        self._note("stopped")


class WatchedTransport(MemoryTransport):
    """Lets a test wait for what is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = threading.Condition()
        #: Barriers whose reply was sent.
        self.barriers = 0

    def send(self, channel: str, frames: Frames) -> None:
        """See the port."""
        with self.changed:
            assert not self.closed, f"sent on {channel} after the end"
            super().send(channel, frames)
            self.barriers += channel == "shell" and frames[0] == BARRIER
            self.changed.notify_all()

    def receive(self) -> Iterator[tuple[str, list[bytes]]]:
        """See the port; closed sockets cannot be looked at."""
        for message in super().receive():
            yield message
            assert not self.closed, "looked at the sockets after the end"

    def close(self) -> None:
        """See the port."""
        with self.changed:
            super().close()
            self.changed.notify_all()


class MemoryKernel:
    """A running driver; as a context manager it ends with a shutdown request."""

    def __init__(self, *, window: int | None = None, committer: Committer | None = None) -> None:
        signer = Signer(KEY)
        if window is not None:
            signer.WINDOW = window
        self.logged: list[str] = []
        self.is_ending = False
        self.transport = WatchedTransport()
        self.hands = FakeHands()
        self.driver = Driver(
            Machine(KernelState(INFO, CONNECTION)),
            signer,
            Encoder("kernel", "tester", signer),
            committer or MemoryCommitter(),
            Clock(),
            self.logged.append,
        )
        self.hands.post = self.driver.mailbox.post
        self.driver.loop.set_exception_handler(lambda _, what: self.logged.append(f"a bug in Holdfast: {what}"))

    def __enter__(self) -> MemoryKernel:
        self.driver.start(self.transport, self.hands, {})  # type: ignore[arg-type]
        return self

    def __exit__(self, *_error: object) -> None:
        if not self.is_ending:
            self.put("shutdown_request", channel="control")
        assert self.driver.join(HANG_SECONDS), "the kernel thread does not end"

    # ------------------------------------------------------------ the client's side

    def put(
        self, msg_type: str, content: Mapping[str, object] | bytes = b"{}", channel: str = "shell", **more: Any
    ) -> None:
        """Send a signed request."""
        self.is_ending |= msg_type == "shutdown_request"
        self.transport.put(channel, frames(msg_type, content, **more))
        self.driver.wake()

    def wait_for(self, found: Callable[[list[Seen]], bool]) -> list[Seen]:
        """Everything sent, once `found` is true of it."""
        with self.transport.changed:
            done = self.transport.changed.wait_for(lambda: found(self.seen()), HANG_SECONDS)
            assert done, f"waited in vain; sent: {self.seen()[-5:]}, logged: {self.logged[-5:]}"
            return self.seen()

    def seen(self) -> list[Seen]:
        """Everything that was sent and not taken away."""
        return [read(channel, parts) for channel, parts in self.transport.sent]

    def request(
        self, msg_type: str, content: Mapping[str, object] | bytes = b"{}", channel: str = "shell", **more: Any
    ) -> list[Seen]:
        """Send a request and wait for its idle; what was sent for it, in order."""
        parts = frames(msg_type, content, **more)
        msg_id = read("shell", parts).header["msg_id"]
        self.transport.put(channel, parts)
        self.driver.wake()

        def mine(seen: list[Seen]) -> list[Seen]:
            return [message for message in seen if message.parent == msg_id]

        return mine(self.wait_for(lambda seen: any(m.content.get("execution_state") == "idle" for m in mine(seen))))

    def execute(self, code: str) -> str:
        """Run a cell; the status of its reply."""
        seen = self.request("execute_request", {"code": code})
        return next(str(message.content["status"]) for message in seen if message.is_reply)

    def barrier(self) -> None:
        """Wait until everything that was put has been served: the last of it is a request of ours."""
        due = self.transport.barriers + 1
        self.put("kernel_info_request", idents=(BARRIER,))
        with self.transport.changed:
            done = self.transport.changed.wait_for(lambda: self.transport.barriers == due, HANG_SECONDS)
        assert done, f"the kernel does not answer; logged: {self.logged[-5:]}"

    def take_some(self) -> list[tuple[str, list[bytes]]]:
        """Something that was sent, waiting for it; empty when nothing comes for too long."""
        with self.transport.changed:
            self.transport.changed.wait_for(lambda: bool(self.transport.sent), HANG_SECONDS)
        return self.take()

    def take(self) -> list[tuple[str, list[bytes]]]:
        """Everything sent, which is then forgotten; without what barriers were sent."""
        with self.transport.changed:
            sent, self.transport.sent = self.transport.sent, []
        return [(channel, parts) for channel, parts in sent if parts[0] != BARRIER]

    def bugs(self) -> list[str]:
        """What was logged as a bug of ours."""
        return [text for text in self.logged if "bug in Holdfast" in text]
