"""Performs the effects that concern user code: running, looking, comms, prompts, leaving.

It must never run user code on the kernel thread.
"""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Callable, Mapping
from contextvars import Context
from typing import Protocol, cast

from holdfast.executor.loop import UserLoop
from holdfast.executor.outcome import Job, Outcome
from holdfast.executor.runner import Runner, Stoppable
from holdfast.executor.subshell import COURTESY, Subshell, Turn
from holdfast.language.history import History
from holdfast.machine.events import Finished, Handled, Left, Stopping
from holdfast.output.comms import Comms
from holdfast.output.mailbox import Mailbox
from holdfast.stdin.prompts import Prompts
from holdfast.wire.contents import ExecuteRequest
from holdfast.wire.message import Message


class Sendable(Protocol):
    """What can be interrupted from another thread."""

    def send(self) -> None: ...
    def expect(self) -> None: ...


class Hands:
    """The kernel's hands.  Methods are called on the kernel thread unless they say otherwise."""

    def __init__(
        self,
        loop: UserLoop,
        make_runner: Callable[[asyncio.AbstractEventLoop, Context, Stoppable], Runner],
        main: Runner,
        interrupts: Sendable,
        mailbox: Mailbox,
        comms: Comms,
        prompts: Prompts,
        history: History,
        look: Callable[[Message], object],
    ) -> None:
        self._loop = loop
        self._make_runner = make_runner
        self._main = main
        self._interrupts = interrupts
        self._mailbox = mailbox
        self._comms = comms
        self._prompts = prompts
        self._history = history
        #: Serves a language request; called on a pool thread.
        self.look = look
        self._subshells: dict[str, Subshell] = {}
        #: The step of the main loop in which a cell was seen to block it.
        self._blocked = 0.0
        #: Called when a comm message has been served, on the thread that served it.
        self.on_served: Callable[[], None] = lambda: None
        #: Called on the main thread when the user's side is over: (whether a new kernel follows).
        self.on_leave: Callable[[bool], None] = lambda restart: None
        #: Called on the main thread when the first cell says whose session this is: (its id).
        self.on_identify: Callable[[str], None] = lambda cell: None

    # ------------------------------------------------------------ cells

    def _runner(self, subshell: str | None) -> Runner:
        return self._main if subshell is None else self._subshells[subshell].runner

    def current(self) -> Runner:
        """The runner whose thread calls; the main one for threads of the user's."""
        for subshell in tuple(self._subshells.values()):
            if subshell.is_current():
                return subshell.runner
        return self._main

    def run(self, token: Message, count: int, subshell: str | None) -> None:
        """Run the cell of `token` as soon as its thread is free."""
        request = cast(ExecuteRequest, token.content)
        stored = request.store_history and not request.silent
        expressions = request.user_expressions or {}
        job = Job(token, request.code, count, stored, request.silent, expressions)
        if subshell is None:
            self._interrupts.expect()
        self._runner(subshell).submit(job)

    def remember(self, count: int, code: str | None, output: str | None) -> None:
        """Keep an input or its output in the session's record."""
        if code is not None:
            self._history.append(count, code, None)
        elif output is not None:
            self._history.set_output(count, output)

    def deliver(self, token: Message, subshell: str | None) -> None:
        """Give a comm message to its callbacks, on the main thread or, if a cell blocks that, on its subshell's."""
        message: Mapping[str, object] = {
            "header": _plain(token.header),
            "parent_header": token.parent_header,
            "metadata": token.metadata,
            "content": _plain(token.content),
            "buffers": list(token.buffers),
            "msg_id": token.header.msg_id,
            "msg_type": token.msg_type,
        }

        def call(runner: Runner) -> None:
            try:
                runner.call(token, lambda: self._comms.handle(token.msg_type, message))
            finally:
                self.on_served()
                self._mailbox.post(Handled(token))

        turn = Turn(call)
        self._main.submit_call(lambda: turn.take(self._main))
        if subshell is not None:
            runner = self._runner(subshell)
            runner.submit_call(lambda: self._beside(runner, turn))

    def _beside(self, runner: Runner, turn: Turn) -> None:
        """On a subshell's thread: run what the main thread does not take."""
        step = self._loop.step
        if turn.wait(runner, 0 if step == self._blocked else COURTESY):
            self._blocked = step

    def interrupt(self) -> None:
        """Interrupt the main thread's cell and those of all subshells."""
        self._interrupts.send()
        for subshell in self._subshells.values():
            subshell.interrupts.send()

    def answer(self, value: str) -> None:
        """Settle the open prompt."""
        self._prompts.answer(value)

    def identify(self, cell: str) -> None:
        """Find the session that the cell of this id belongs to, before it runs."""
        self._loop.call_soon_threadsafe(self.on_identify, cell)

    # ------------------------------------------------------------ subshells

    def open_subshell(self, name: str) -> None:
        """Start its thread."""
        self._subshells[name] = Subshell(name, self._make_runner)

    def close_subshell(self, name: str) -> None:
        """End its thread once its cell is done."""
        self._subshells.pop(name).close()

    # ------------------------------------------------------------ the end

    def leave(self, restart: bool) -> None:
        """Interrupt what runs; when the main thread is free, run exit handlers there and report."""
        for subshell in self._subshells.values():
            subshell.close()
        if self._main.running is not None or self._subshells:
            self.interrupt()
        self._loop.call_soon_threadsafe(self._leave_main, restart)

    def _leave_main(self, restart: bool) -> None:
        """On the main thread."""
        if self._main.running is not None:  # an async cell that was cancelled cleans up; the driver's patience ends
            self._loop.call_later(0.01, self._leave_main, restart)
            return
        try:
            # Their output belongs before the shutdown_reply.  At the interpreter's own exit there is nobody
            # left to show it to, and they do not run twice.
            atexit._run_exitfuncs()
            self.on_leave(restart)
        except BaseException as error:
            self._main.complain(error)
        finally:
            self._mailbox.post(Left())

    def stopped(self) -> None:
        """All is sent: let the main thread return from its loop."""
        self._loop.call_soon_threadsafe(self._loop.leave)


def finisher(mailbox: Mailbox, monotonic: Callable[[], float]) -> Callable[[Job, Outcome], None]:
    """What a runner calls when a cell is over."""

    def done(job: Job, outcome: Outcome) -> None:
        token = cast(Message, job.token)
        finished = Finished(
            token,
            outcome.ename,
            outcome.evalue,
            outcome.traceback,
            outcome.user_expressions,
            outcome.payload,
            outcome.metadata,
            monotonic(),
            outcome.closing,
            outcome.shown,
        )
        mailbox.post(finished)
        if outcome.leave:
            mailbox.post(Stopping("a cell called exit()"))

    return done


def _plain(struct: object) -> dict[str, object]:
    """A struct as the dict that libraries expect."""
    return {name: getattr(struct, name) for name in struct.__struct_fields__}  # type: ignore[attr-defined]
