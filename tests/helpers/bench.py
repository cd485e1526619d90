"""A machine on the bench: events in, effects out, with the words that its tests share.

It must never decide what is expected: each test says that itself, with these words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from holdfast.machine.effects import Commit, Effect, Remember, Run, Send
from holdfast.machine.events import CommitFailed, Committed, Event, Finished, Received
from holdfast.machine.machine import Machine
from holdfast.machine.state import KernelState
from holdfast.wire.connection import ConnectionInfo
from holdfast.wire.contents import (
    ErrorContent,
    ErrorReply,
    ExecuteFailed,
    ExecuteInput,
    ExecuteOk,
    ExecuteRequest,
    Status,
)
from holdfast.wire.message import Message

INFO = {"status": "ok", "implementation": "bench"}
CONNECTION = ConnectionInfo(shell_port=1, iopub_port=2, stdin_port=3, control_port=4, hb_port=5)


class Bench:
    """A fresh machine; `step` feeds it and remembers everything that followed."""

    def __init__(self) -> None:
        self.state = KernelState(INFO, CONNECTION)
        self.machine = Machine(self.state)
        self.all: list[Effect] = []

    def step(self, event: Event) -> list[Effect]:
        """What follows from one event."""
        effects = self.machine.step(event)
        self.all += effects
        return effects

    def receive(self, *messages: Message, at: float = 0.0) -> list[Effect]:
        """What follows from messages that come in one after the other."""
        return [effect for message in messages for effect in self.step(Received(message, at))]

    def finish(self, token: Message, ename: str = "", at: float = 0.0) -> list[Effect]:
        """What follows from the end of a cell, its commit included."""
        effects = self.step(Finished(token, ename, at=at))
        return effects + self.step(Committed(token))

    def fail_commit(self, token: Message, reason: str) -> list[Effect]:
        """What follows from a good end whose commit fails."""
        self.step(Finished(token))
        return self.step(CommitFailed(token, reason))


def status(token: Message, *states: str) -> list[Effect]:
    """The status messages of `token`."""
    return [Send("iopub", token.publish("status", Status(state))) for state in states]  # type: ignore[arg-type]


def busy(token: Message) -> list[Effect]:
    """The busy of `token`."""
    return status(token, "busy")


def idle(token: Message) -> list[Effect]:
    """The idle of `token`."""
    return status(token, "idle")


def reply(token: Message, content: object, metadata: dict[str, object] | None = None) -> list[Effect]:
    """The reply to `token`, on the channel that it came in on."""
    return [Send(token.channel, token.reply(content, metadata))]


def started(token: Message, count: int, subshell: str | None = None) -> list[Effect]:
    """A cell that shows its input and counts starts."""
    code = code_of(token)
    shown = Send("iopub", token.publish("execute_input", ExecuteInput(code, count)))
    return [*busy(token), Remember(count, code=code), Run(token, count, subshell), shown]


def replied(token: Message, count: int, note: dict[str, object] | None = None) -> list[Effect]:
    """A cell that ended well is replied to, and idle."""
    return [*reply(token, ExecuteOk(count, {}, ()), note or {}), *idle(token)]


def failed(token: Message, count: int, ename: str) -> list[Effect]:
    """A cell that raised is replied to, and idle."""
    return [*reply(token, ExecuteFailed(count, ename, "", ()), {}), *idle(token)]


def raised(token: Message, ename: str) -> list[Effect]:
    """The error of a cell, for all clients."""
    return [Send("iopub", token.publish("error", ErrorContent(ename, "", ())))]


def aborted(token: Message) -> list[Effect]:
    """A cell that was not run because one before it failed: busy, aborted reply, idle."""
    why = "this cell was queued behind one that failed, and was not run"
    content = ErrorReply("Aborted", why, status="aborted")
    return [*busy(token), *reply(token, content), *idle(token)]


def commit(token: Message, count: int) -> list[Effect]:
    """The commit of a cell is asked for."""
    return [Commit(token, count)]


def code_of(token: Message) -> str:
    """The code of an execute_request."""
    assert isinstance(token.content, ExecuteRequest)
    return token.content.code


def runs(effects: Iterable[Effect]) -> list[str]:
    """The code of the cells that were started, in order."""
    return [code_of(effect.token) for effect in effects if isinstance(effect, Run)]


def sends(effects: Sequence[Effect], channel: str) -> list[Send]:
    """What was sent on one channel."""
    return [effect for effect in effects if isinstance(effect, Send) and effect.channel == channel]
