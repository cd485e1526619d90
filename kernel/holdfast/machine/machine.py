"""The centre of the kernel: `step(event) -> list[Effect]`.

It must never do anything itself.  Promise P1 (you saw the reply, so the cell survives) is an ordering of values
in the lists made here: `Finished` yields `Commit`, and only `Committed` yields the reply.

Busy and idle are written here and nowhere else.  A request that is served beside a running cell publishes its
own busy and idle, and then the running cell's busy again: without the first the server's nudge waits for ever,
without the last JupyterLab shows an idle kernel in the middle of a cell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from holdfast.machine.effects import Answer, Debug, Deliver, Effect, Identify, Leave, Log, Look, Send, Stop
from holdfast.machine.events import (
    Asked,
    CommitFailed,
    Committed,
    Counted,
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
from holdfast.machine.requests import control, execute, info, stdin, subshells
from holdfast.machine.state import KernelState, Shell
from holdfast.wire.contents import CONTENTS, ErrorReply, ExecuteRequest, InputReply, Status, Stream
from holdfast.wire.message import Draft, Message

Handler = Callable[[KernelState, Message], list[Effect]]

#: Answered in the step that receives them.
AT_ONCE: Mapping[str, Handler] = {
    "kernel_info_request": info.kernel_info,
    "connect_request": info.connect,
    "interrupt_request": control.interrupt,
    "create_subshell_request": subshells.create,
    "delete_subshell_request": subshells.delete,
    "list_subshell_request": subshells.list_all,
}
#: Served beside whatever runs; answered when `Looked` comes back.
BESIDE = frozenset(
    {
        "complete_request",
        "inspect_request",
        "is_complete_request",
        "history_request",
        "comm_info_request",
        "usage_request",
    }
)
#: Why a request that comes too late is refused.
LEAVING = "the kernel is shutting down"
COMMS = frozenset({"comm_open", "comm_msg", "comm_close"})


def status(token: Message, state: str) -> Send:
    """The status message of `token`: "busy" or "idle"."""
    return Send("iopub", token.publish("status", Status(state)))  # type: ignore[arg-type]


class Machine:
    """Feeds events to the request families and brackets them."""

    def __init__(self, state: KernelState) -> None:
        self.state = state
        self._steps: dict[type, Callable[..., list[Effect]]] = {
            Received: self._received,
            Wrote: self._wrote,
            Published: self._published,
            Finished: self._finished,
            Committed: self._committed,
            CommitFailed: self._commit_failed,
            Looked: self._looked,
            Handled: self._handled,
            Asked: self._asked,
            Opened: self._opened,
            Counted: self._counted,
            Left: self._left,
            Stopping: self._stopping,
        }

    def starting(self) -> list[Effect]:
        """The one status that has no parent; to be sent when the sockets are bound."""
        return [Send("iopub", Draft("status", Status("starting"), idents=(b"status",)))]

    def greeting(self) -> list[Effect]:
        """What a new subscriber is told: the state now.

        JupyterLab ignores the status of its own kernel_info_request, so it would show "Unknown" for a kernel that
        was started again until a cell runs.
        """
        state = "idle" if self.state.main.running is None else "busy"
        return [Send("iopub", Draft("status", Status(state), idents=(b"status",)))]  # type: ignore[arg-type]

    def step(self, event: Event) -> list[Effect]:
        """What follows from `event`, in order."""
        return self._steps[type(event)](event)

    def failed(self, event: Event, reason: str) -> list[Effect]:
        """What a client is owed when a step went wrong: an error reply, never silence."""
        return self._refuse(event.message, reason) if isinstance(event, Received) else []

    # ------------------------------------------------------------ requests

    def _received(self, event: Received) -> list[Effect]:
        message, state = event.message, self.state
        msg_type = message.msg_type
        if message.channel == "stdin":
            return self._input_reply(message)
        if state.leaving is not None and msg_type != "shutdown_request":
            return self._refuse(message, LEAVING)
        if message.fault:
            return self._refuse(message, message.fault)
        handler = AT_ONCE.get(msg_type)
        if handler is not None:
            return self._bracket(message, handler(state, message))
        if msg_type == "execute_request":
            return self._execute(event)
        if msg_type in BESIDE:
            return [status(message, "busy"), Look(message)]
        if msg_type == "debug_request":
            return [status(message, "busy"), Debug(message)]
        if msg_type in COMMS:
            return self._comm(event)
        if msg_type == "shutdown_request":
            return self._shutdown(message)
        text = f"ignored a message of unknown type {msg_type!r} on {message.channel}"
        return self._bracket(message, [Log(text)])

    def _bracket(self, token: Message, effects: list[Effect]) -> list[Effect]:
        return [status(token, "busy"), *effects, *self._idle(token)]

    def _idle(self, token: Message) -> list[Effect]:
        """Idle for `token`, then busy again for the cell that goes on running."""
        effects: list[Effect] = [status(token, "idle")]
        running = self.state.main.running
        if running is not None and running is not token:
            effects.append(status(running, "busy"))
        return effects

    def _refuse(self, message: Message, reason: str) -> list[Effect]:
        """An error reply to a request, a log line for anything else."""
        log = Log(f"refused {message.msg_type}: {reason}")
        if message.msg_type in CONTENTS and message.msg_type.endswith("_request"):
            evalue = f"cannot serve {message.msg_type}: {reason}"
            return self._bracket(message, [log, Send(message.channel, message.reply(ErrorReply("BadRequest", evalue)))])
        return self._bracket(message, [log])

    def _input_reply(self, message: Message) -> list[Effect]:
        if message.msg_type != "input_reply" or message.fault:
            return [Log(f"ignored {message.msg_type} on stdin: {message.fault or 'only input_reply belongs there'}")]
        if self.state.prompt is None:
            return [Log("ignored an input_reply: no cell waits for one")]
        self.state.prompt = None
        return [Answer(cast(InputReply, message.content).value)]

    # ------------------------------------------------------------ cells

    def _execute(self, event: Received) -> list[Effect]:
        message = event.message
        shell = self.state.shells.get(message.header.subshell_id)
        if shell is None or shell.closing:
            return self._refuse(message, f"there is no subshell {message.header.subshell_id!r}")
        if self.state.nameless and execute.is_stored(cast(ExecuteRequest, message.content)):
            self.state.nameless = False
            if isinstance(cell := message.metadata.get("cellId"), str):
                self.state.opening += 1
                shell.queue.append((message, event.at))
                return [Identify(cell)]
        if shell.running is not None or shell.queue or self.state.opening:
            shell.queue.append((message, event.at))
            return []
        if execute.sent_before(shell.failure, message):
            return self._bracket(message, execute.aborted(message))
        return [status(message, "busy"), *execute.start(self.state, shell, message, event.at)]

    def _comm(self, event: Received) -> list[Effect]:
        """Comm messages keep their place behind cells that have not started, and pass one that runs."""
        message = event.message
        shell = self.state.shells.get(message.header.subshell_id)
        if shell is None or shell.closing:
            return self._refuse(message, f"there is no subshell {message.header.subshell_id!r}")
        if shell.queue:
            shell.queue.append((message, event.at))
            return []
        return [status(message, "busy"), Deliver(message, shell.name)]

    def _finished(self, event: Finished) -> list[Effect]:
        if self.state.prompt is not event.token:
            return execute.finished(self.state, event)
        # A thread of the cell may still wait for the answer, which no client sends once the cell is over.
        self.state.prompt = None
        return [Answer(stdin.END_OF_FILE), *execute.finished(self.state, event)]

    def _committed(self, event: Committed) -> list[Effect]:
        return self._reply(event.token, {"holdfast": dict(event.note)} if event.note else {})

    def _commit_failed(self, event: CommitFailed) -> list[Effect]:
        text = f"this cell's results are not durable: {event.reason}\n"
        warning = Send("iopub", event.token.publish("stream", Stream("stderr", text)))
        return [warning, *self._reply(event.token, {"holdfast": {"failed": event.reason}})]

    def _reply(self, token: Message, note: Mapping[str, object]) -> list[Effect]:
        """Reply, idle, and the next cell; or, after a failure, the end of the queue."""
        shell = self.state.shell_of(token)
        if shell is None or shell.finished is None:
            return [Log("a commit was reported for a cell that does not run")]
        effects = execute.reply(shell, note)
        effects += [status(token, "idle"), *self._next(shell)]
        if shell is not self.state.main and self.state.main.running is not None:
            effects.append(status(self.state.main.running, "busy"))
        return effects

    def _next(self, shell: Shell) -> list[Effect]:
        """The shell is free: what is queued up to the next cell, and that cell; or the end of a deleted one."""
        effects: list[Effect] = []
        while shell.queue and shell.running is None and not self.state.opening:
            message, at = shell.queue.popleft()
            if message.msg_type in COMMS:
                # The thread of a deleted subshell is gone; its comms are not.
                effects += [status(message, "busy"), Deliver(message, None if shell.closing else shell.name)]
            elif shell.closing or self.state.leaving is not None:
                effects += self._refuse(message, "its shell has ended" if shell.closing else LEAVING)
            elif execute.sent_before(shell.failure, message, queued=True):
                effects += self._bracket(message, execute.aborted(message))
            else:
                effects += [status(message, "busy"), *execute.start(self.state, shell, message, at)]
        if shell.closing and shell.running is None:
            del self.state.shells[shell.name]
        return effects

    def _opened(self, event: Opened) -> list[Effect]:
        """Cells that came while the session was being restored start now."""
        self.state.opening = max(0, self.state.opening - 1)
        self.state.execution_count = event.count
        if self.state.opening:
            return []
        return [effect for shell in tuple(self.state.shells.values()) for effect in self._next(shell)]

    def _counted(self, event: Counted) -> list[Effect]:
        self.state.execution_count = max(self.state.execution_count, event.count)
        return []

    # ------------------------------------------------------------ what comes back

    def _wrote(self, event: Wrote) -> list[Effect]:
        token = event.token
        if token is None:
            return [Send("iopub", Draft("stream", Stream(event.name, event.text), idents=(b"stream",)))]
        if execute.is_silent(token):
            return []
        return [Send("iopub", token.publish("stream", Stream(event.name, event.text)))]

    def _published(self, event: Published) -> list[Effect]:
        token = event.token
        if token is None:
            topic = (event.msg_type.encode(),)
            draft = Draft(event.msg_type, event.content, idents=topic, metadata=event.metadata, buffers=event.buffers)
            return [Send("iopub", draft)]
        # A silent cell shows nothing, but what it does to comms is not output.
        if execute.is_silent(token) and event.msg_type not in COMMS:
            return []
        effects = execute.remember_result(self.state, event)
        effects.append(Send("iopub", token.publish(event.msg_type, event.content, event.metadata, event.buffers)))
        return effects

    def _looked(self, event: Looked) -> list[Effect]:
        token = event.token
        return [Send(token.channel, token.reply(event.content)), *self._idle(token)]

    def _handled(self, event: Handled) -> list[Effect]:
        return self._idle(event.token)

    def _asked(self, event: Asked) -> list[Effect]:
        return stdin.ask(self.state, event)

    # ------------------------------------------------------------ the end

    def _shutdown(self, message: Message) -> list[Effect]:
        state = self.state
        busy: list[Effect] = [status(message, "busy")]
        if state.leaving is not None:
            state.leaving.append(message)
            return busy
        state.leaving = [message]
        state.restart = control.wants_restart(message)
        return [*busy, Leave(state.restart)]

    def _stopping(self, event: Stopping) -> list[Effect]:
        if self.state.leaving is not None:
            return []
        self.state.leaving = []
        return [Log(f"stopping: {event.reason}"), Leave(False)]

    def _left(self, _event: Left) -> list[Effect]:
        effects: list[Effect] = []
        for shell in self.state.shells.values():
            effects += self._abandon(shell)
        for message in self.state.leaving or ():
            effects += control.shutdown_replies(self.state, message)
            effects.append(status(message, "idle"))
        effects.append(Stop())
        return effects

    def _abandon(self, shell: Shell) -> list[Effect]:
        """Nobody is left waiting: a cell that did not end with the user's side, and those behind it, are told."""
        effects: list[Effect] = []
        token, shell.running, shell.finished = shell.running, None, None
        if token is not None:
            evalue = "the kernel ended before this cell and its commit did; restart it and look at what it left"
            effects = [Send(token.channel, token.reply(ErrorReply("KernelLeft", evalue))), status(token, "idle")]
        while shell.queue:
            effects += self._refuse(shell.queue.popleft()[0], LEAVING)
        return effects
