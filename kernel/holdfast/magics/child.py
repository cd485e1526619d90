"""A process that a cell runs: what it writes, as it is written, and its end.

It must never leave a process of an interrupted command behind, wait for one that goes on in the background, or let
one wait for a keyboard.

A child's standard input is empty, so that whatever asks a question gets "end of file" and not a cell that hangs.
It has a session of its own, without a controlling terminal: an interrupt reaches it once (from us), and nothing in
it can ask behind our back through /dev/tty.

Rejected: forwarding its questions to `input()` (nothing tells a terminal that a program waits for its answer); a
controlling terminal (its hang-up would end what was started with `&` when the command is over).
"""

from __future__ import annotations

import asyncio
import atexit
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import IO, Any

from holdfast.magics.pipes import TICK, WINDOWS, Output, SelectorWatch, Sink, ThreadWatch, Watch, encoding, terminal
from holdfast.magics.port import Kernel

#: Seconds that a child has after each thing that we do to end it, and the rest of its family when it is gone.
GRACE, GRACE_OF_OTHERS = 3.0, 0.2
#: Seconds without a word after which we believe that what still could write is in the background.
LINGER = 0.05
#: What an interrupt does, and what further ones or a lack of patience do.
_MEASURES = (2, 15, 9)  # SIGINT, SIGTERM, SIGKILL: Windows has no names for some
#: Children with something in the background that still writes for a cell.
_attached: set[Child] = set()


class Child:
    """One process of a cell and all that it starts."""

    def __init__(self, kernel: Kernel) -> None:
        # An interrupt is raised when these return: no process is forgotten, and no line lost.
        for function in (Child._start, Output.hand_on, SelectorWatch._take, SelectorWatch.close):
            kernel.protected(function)
        self.process: subprocess.Popen[bytes] | None = None
        self._outputs: list[Output] = []
        self._watch: Watch | None = None
        self._measures = 0
        self._deadline = 0.0
        self._quiet_since = 0.0
        self._owner = os.getpid()

    # ------------------------------------------------------------ its life

    def run(self, command: Sequence[str] | str, sinks: Sequence[Sink], **how: Any) -> int:
        """Run it to its end; the exit status, below 0 for a signal.

        `sinks`: one for both its streams, or one for each.  For `how` see `start`.  KeyboardInterrupt: it was
        interrupted; nothing of it lives any more.
        """
        interrupted: KeyboardInterrupt | None = None
        over = False
        try:
            while True:
                try:
                    if interrupted is not None:
                        self._take_measure()
                    elif self.process is None:
                        self.start(command, sinks, **how)
                    while not self._is_over():
                        self._turn(self._patience())
                    break
                except KeyboardInterrupt as error:
                    if self.process is None:
                        raise
                    interrupted = error
            over = True
        finally:
            self._let_go(over)
        if interrupted is not None:
            raise interrupted.with_traceback(None)
        return self.status

    async def awaited(self, command: Sequence[str] | str, sinks: Sequence[Sink], **how: Any) -> int:
        """As `run`, while the loop goes on; a task that is cancelled ends the child first."""
        stopped: BaseException | None = None
        over = False
        try:
            while True:
                try:
                    if stopped is not None:
                        self._take_measure()
                    elif self.process is None:
                        self.start(command, sinks, **how)
                    while not self._is_over():
                        if not self._turn(0):
                            await self._something()
                    break
                except (asyncio.CancelledError, KeyboardInterrupt) as error:
                    if self.process is None:
                        raise
                    stopped = error
            over = True
        finally:
            self._let_go(over)
        if stopped is not None:
            raise stopped.with_traceback(None)
        return self.status

    @property
    def status(self) -> int:
        """The exit status."""
        assert self.process is not None
        return self.process.wait()

    def start(
        self,
        command: Sequence[str] | str,
        sinks: Sequence[Sink],
        *,
        on_terminal: bool = False,
        stdin: IO[bytes] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it: words, or text for the shell.  OSError: it cannot be.

        `on_terminal`: it writes to one of 80 columns.  `stdin`: a file that it reads.
        """
        self._start(command, sinks, on_terminal, stdin, environment)

    def go_on_beside(self) -> threading.Thread:
        """Let it go on in the background; its output still belongs to this cell.  The thread ends with the output."""
        _attached.add(self)
        thread = threading.Thread(target=self._drain, name="holdfast-child", daemon=True)
        thread.start()
        return thread

    def hang_up(self) -> None:
        """Tell it that the kernel ends, as a terminal that is closed does."""
        if self._owner == os.getpid():
            self._signal(1)

    # ------------------------------------------------------------ in detail

    def _start(
        self,
        command: Sequence[str] | str,
        sinks: Sequence[Sink],
        on_terminal: bool,
        stdin: IO[bytes] | None,
        environment: Mapping[str, str] | None,
    ) -> None:
        ends = [terminal() if on_terminal and not WINDOWS else os.pipe() for _ in sinks]
        writers = [writer for _, writer in ends]
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=writers[0],
                stderr=writers[-1],
                env=environment,
                **_apart(command),
            )
        except BaseException:
            for reader, _ in ends:
                os.close(reader)
            raise
        finally:
            for writer in writers:
                os.close(writer)
        text = encoding()
        self._outputs = [Output(reader, sink, text) for (reader, _), sink in zip(ends, sinks, strict=True)]
        self._watch = (ThreadWatch if WINDOWS else SelectorWatch)(self._outputs, self.process.pid)

    def _turn(self, seconds: float | None) -> bool:
        assert self._watch is not None
        came = self._watch.wait(seconds)
        if came:
            self._quiet_since = 0.0
        return came

    async def _something(self) -> None:
        """Until there may be something to do."""
        assert self._watch is not None
        loop, patience, descriptor = asyncio.get_running_loop(), self._patience(), self._watch.fileno()
        woken: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            if not woken.done():
                woken.set_result(None)

        timer = loop.call_later(TICK if patience is None or descriptor < 0 else patience, wake)
        if descriptor >= 0:
            loop.add_reader(descriptor, wake)
        try:
            await woken
        finally:
            timer.cancel()
            if descriptor >= 0:
                loop.remove_reader(descriptor)

    def _is_over(self) -> bool:
        """Whether it has ended, and what it wrote is handed on."""
        assert self.process is not None
        if self.process.poll() is None:
            return False
        if 0 < self._measures <= len(_MEASURES) and self._others_live():
            return False
        if all(output.ended for output in self._outputs):
            return True
        # What it started in the background may write for hours.
        self._quiet_since = self._quiet_since or monotonic()
        return monotonic() - self._quiet_since >= LINGER

    def _patience(self) -> float | None:
        """Seconds to wait for something; takes the next measure when there is none left."""
        assert self.process is not None
        if self._measures:
            if self.process.returncode is not None:
                self._deadline = min(self._deadline, monotonic() + GRACE_OF_OTHERS)
            if monotonic() >= self._deadline:
                self._take_measure()
            return TICK
        if self.process.returncode is not None:
            return LINGER
        # Only the main thread is woken by an interrupt.
        main = threading.current_thread() is threading.main_thread()
        return None if main and any(not output.ended for output in self._outputs) else TICK

    def _take_measure(self) -> None:
        """The next step to its end."""
        if self.process is None:
            return
        if self._measures < len(_MEASURES):
            self._signal(_MEASURES[self._measures])
        self._measures += 1
        self._deadline = monotonic() + GRACE

    def _signal(self, number: int) -> None:
        assert self.process is not None
        with suppress(OSError):
            if not WINDOWS:
                os.killpg(self.process.pid, number)
            elif number == _MEASURES[0]:
                self.process.send_signal(getattr(signal, "CTRL_BREAK_EVENT"))  # noqa: B009 - Windows only
            else:
                self.process.kill()

    def _others_live(self) -> bool:
        """Whether any of its family is left; a member that nobody has waited for yet counts, for a while."""
        assert self.process is not None
        if WINDOWS:
            return False
        try:
            os.killpg(self.process.pid, 0)
        except OSError:
            return False
        return True

    def _let_go(self, over: bool) -> None:
        """The last step; a child that is not over is killed: a sink failed, or one interrupt followed the other."""
        if self.process is None or self._watch is None:
            return
        if not over:
            self._signal(_MEASURES[-1])
            self.process.wait()
            self._close()
        elif any(not output.ended for output in self._outputs):
            self.go_on_beside()
        else:
            self._watch.close()

    def _close(self) -> None:
        assert self._watch is not None
        self._watch.close()
        for output in self._outputs:
            output.close()

    def _drain(self) -> None:
        assert self._watch is not None
        assert self.process is not None
        try:
            while any(not output.ended for output in self._outputs):
                self._watch.wait(None)
        finally:
            _attached.discard(self)
            self._close()
        self.process.wait()


@atexit.register
def _hang_up() -> None:
    for child in list(_attached):
        child.hang_up()


def _apart(command: Sequence[str] | str) -> dict[str, Any]:
    """How to start a child that no signal to the kernel reaches, and which shell takes a text."""
    if WINDOWS:
        return {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0), "shell": isinstance(command, str)}
    if not isinstance(command, str):
        return {"start_new_session": True}
    return {"start_new_session": True, "shell": True, "executable": shell()}


def shell() -> str | None:
    """The person's own shell, as their terminal has it; None for the system's."""
    found = os.environ.get("SHELL", "")
    refuses = os.path.basename(found) in ("nologin", "false")
    return found if not refuses and os.path.isfile(found) and os.access(found, os.X_OK) else None
