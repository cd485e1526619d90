"""The kernel thread: feeds events to the machine and performs its effects.

It must never wait for user code, and nothing else may call `step` or touch a socket.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from holdfast.app.hands import Hands
from holdfast.clock import Clock
from holdfast.durable.port import Committer
from holdfast.errors import KernelBug, PeerError
from holdfast.machine import effects as fx
from holdfast.machine.events import (
    CommitFailed,
    Committed,
    Event,
    Left,
    Looked,
    Received,
    Wrote,
)
from holdfast.machine.machine import Machine
from holdfast.output.mailbox import FIRST, INTERVAL, Mailbox
from holdfast.threads import OwnThread, disown
from holdfast.transport.port import Transport
from holdfast.wire.contents import ErrorReply, Welcome
from holdfast.wire.frames import Encoder, decode
from holdfast.wire.message import Draft
from holdfast.wire.signing import Signer

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor
    from typing import Protocol

    from holdfast.wire.message import Message

    class Recorder(Protocol):
        """Keeps what cells show; see `app/recorder.py`."""

        def begin(self, token: Message, count: int) -> None: ...
        def sent(self, draft: Draft, frames: Sequence[bytes | memoryview]) -> None: ...
        def ended(self, token: Message) -> None: ...
        def settle(self) -> None: ...
        def close(self) -> None: ...


#: Seconds that the user's side has to end after a shutdown_request; clients kill us after 5.
LEAVE_PATIENCE = 3.0
#: Stream text is cut into messages of about this many characters.
MESSAGE_SIZE = 1_000_000
#: Seconds until a congested transport is looked at again.
CONGESTION = 0.02
#: Messages taken from the sockets before everything else has its turn.
TURN = 100


class Driver:
    """One loop on one thread.  `start` and `wake` are thread-safe, all else runs on the thread."""

    def __init__(
        self,
        machine: Machine,
        signer: Signer,
        encoder: Encoder,
        committer: Committer,
        clock: Clock,
        log: Callable[[str], None],
    ) -> None:
        self.loop = asyncio.SelectorEventLoop()
        self._pool: ThreadPoolExecutor | None = None
        self.mailbox = Mailbox(self.wake, lambda: self.later(FIRST, self._tick))
        self._machine = machine
        self._signer = signer
        self._encoder = encoder
        self.committer = committer
        self._clock = clock
        self._log = log
        self._woken = False
        self._transport: Transport | None = None
        self._hands: Hands | None = None
        #: Keeps what cells show, where a session is kept.
        self.recorder: Recorder | None = None
        self._stopping = False
        #: A look at a congested transport is due.
        self._held = False
        self._watched: Mapping[int, Callable[[], None]] = {}
        self._thread = OwnThread(target=self._run, name="holdfast-kernel", daemon=True)
        self.dropped = 0
        #: Serves a debugger's request, and posts `Looked` some time later.
        self.on_debug: Callable[[Message], None] = self._no_debugger
        #: Ends the process when all is sent and the main thread does not come back to its loop.
        self.give_up: Callable[[], None] = lambda: None
        self._perform: dict[type, Callable[..., None]] = {
            fx.Send: self._send,
            fx.Run: self._begin,
            fx.Look: self._look,
            fx.Debug: lambda effect: self.on_debug(effect.token),
            fx.Deliver: lambda effect: self.hands.deliver(effect.token, effect.subshell),
            fx.Commit: self._commit,
            fx.Remember: lambda effect: self.hands.remember(effect.count, effect.code, effect.output),
            fx.Answer: lambda effect: self.hands.answer(effect.value),
            fx.Interrupt: lambda effect: self.hands.interrupt(),
            fx.OpenSubshell: lambda effect: self.hands.open_subshell(effect.subshell),
            fx.CloseSubshell: lambda effect: self.hands.close_subshell(effect.subshell),
            fx.Identify: lambda effect: self.hands.identify(effect.cell),
            fx.Leave: self._leave,
            fx.Stop: self._stop,
            fx.Log: lambda effect: self._log(effect.text),
        }

    @property
    def hands(self) -> Hands:
        """What performs the effects that concern user code."""
        assert self._hands is not None
        return self._hands

    @property
    def is_idle(self) -> bool:
        """Whether no cell runs."""
        return all(shell.running is None for shell in self._machine.state.shells.values())

    # ------------------------------------------------------------ life

    def start(self, transport: Transport, hands: Hands, watched: Mapping[int, Callable[[], None]]) -> None:
        """Begin to serve; `watched` says what to call when a descriptor becomes readable."""
        self._transport, self._hands = transport, hands
        self._watched = watched
        self._thread.start()

    def _run(self) -> None:
        if hasattr(signal, "pthread_sigmask"):
            # SIGINT belongs to the main thread, where it interrupts system calls of the cell.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        for descriptor, call in self._watched.items():
            self.loop.add_reader(descriptor, call)
        self.loop.call_soon(self.perform, self._machine.starting())
        self.loop.call_soon(self.pump)
        while not self._stopping:
            try:
                self.loop.run_forever()
            except:  # noqa: E722 - a cell may have cleared the builtins: no name is safe to look up here
                self.loop.call_soon(self.pump)  # what the one that ended had still to take
        self.loop.close()
        if self._pool is not None:
            self._pool.shutdown(wait=False)

    def join(self, timeout: float) -> bool:
        """Wait for the thread to end; whether it has."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call on the kernel thread in some seconds; thread-safe, and nothing once that thread has ended."""
        try:
            self.loop.call_soon_threadsafe(self.loop.call_later, seconds, call)
        except RuntimeError:  # the loop is closed: a thread of the user's prints on
            return

    def wake(self) -> None:
        """Look at the mailbox soon; thread-safe and cheap when a look is due anyway.

        1. A writer appends, then finds `_woken` set: a pump is due that has not begun.
        2. The pump clears `_woken` before it takes what is there, so it takes what was appended.
        """
        if not self._woken:
            self._woken = True
            try:
                self.loop.call_soon_threadsafe(self.pump)
            except RuntimeError:  # as in `later`
                return

    # ------------------------------------------------------------ events in

    def pump(self) -> None:
        """Take everything that has happened, in order, until nothing is left."""
        assert self._transport is not None
        self._woken = False
        self._take()
        if self._over():
            return
        for n, (channel, frames) in enumerate(self._transport.receive(), 1):
            self._arrived(channel, frames)
            if self.mailbox:
                # A cell ended while others were still arriving: the main thread gets the next one now.
                self._take()
            if self._over():
                return
            if n == TURN:
                # Whoever floods a socket must not keep us from what the cell writes, nor control from its turn.
                self.wake()
                return

    def _let_go(self) -> None:
        self._held = False
        self.pump()

    def _over(self) -> bool:
        return self._stopping

    def _take(self, leaving: bool = False) -> None:
        """Events and text from the user's threads; neighbouring pieces of text become one event."""
        if not leaving and self._transport is not None and self._transport.congested:
            # It stays in the mailbox, whose writers wait when it is full: memory is bounded from end to end.
            if not self._held:
                self._held = True
                self.loop.call_later(CONGESTION, self._let_go)
            return
        token: object = None
        name = ""
        text: list[str] = []
        size = 0
        for item in self.mailbox.take():
            if type(item) is not tuple:
                if text:
                    self._step(Wrote(token, name, "".join(text)))  # type: ignore[arg-type]
                    text, size = [], 0
                self._step(item)  # type: ignore[arg-type]
                continue
            if text and (item[0] is not token or item[1] != name or size > MESSAGE_SIZE):
                self._step(Wrote(token, name, "".join(text)))  # type: ignore[arg-type]
                text, size = [], 0
            token, name, piece = item
            text.append(piece)
            size += len(piece)
        if text:
            self._step(Wrote(token, name, "".join(text)))  # type: ignore[arg-type]

    def _tick(self) -> None:
        """The stream's next look; when nothing came in, writers start the ticking again."""
        if not self.mailbox.disarm():
            self.pump()
            self.loop.call_later(INTERVAL, self._tick)

    def _arrived(self, channel: str, frames: list[bytes]) -> None:
        if channel == "iopub":
            self._subscribed(frames[0])
            return
        try:
            message = decode(frames, self._signer, channel)
        except PeerError as error:
            self.dropped += 1
            if self.dropped <= 100 or self.dropped % 1000 == 0:
                self._log(f"{error} ({self.dropped} so far)")
            return
        self._step(Received(message, self._clock.monotonic()))

    def _subscribed(self, frame: bytes) -> None:
        """Greet a new subscription (JEP 65); what is no subscription, or no text, is ignored."""
        if frame[:1] != b"\x01":
            return
        topic = frame[1:]
        try:
            welcome = Welcome(topic.decode())
        except UnicodeDecodeError:
            return
        self._send(fx.Send("iopub", Draft("iopub_welcome", welcome, idents=(topic,))))
        self.perform(self._machine.greeting())

    def _step(self, event: Event) -> None:
        try:
            self.perform(self._machine.step(event))
        except Exception as error:
            import traceback

            self._log(f"{KernelBug('the kernel thread', repr(error))}\n{traceback.format_exc()}")
            self.perform(self._machine.failed(event, repr(error)))

    # ------------------------------------------------------------ effects out

    def perform(self, effects: list[fx.Effect]) -> None:
        """Perform `effects` in order."""
        for effect in effects:
            self._perform[type(effect)](effect)

    def _send(self, effect: fx.Send) -> None:
        if self._stopping:  # the sockets are closed; a thread of the user's goes on printing
            return
        assert self._transport is not None
        frames = self._encoder.encode(effect.draft, self._clock.date())
        self._transport.send(effect.channel, frames)
        if self.recorder is not None and effect.channel == "iopub" and effect.draft.msg_type != "status":
            self._record(lambda recorder: recorder.sent(effect.draft, frames))

    def _record(self, call: Callable[[Recorder], None]) -> None:
        """A mistake of the record's must cost nobody the reply."""
        if self.recorder is not None:
            try:
                call(self.recorder)
            except Exception as error:
                self.recorder = None
                self._log(f"{KernelBug('the record of outputs', repr(error))}; it ends here")

    def settle(self) -> None:
        """Have what was shown so far recorded; waits, at most 2 s.  For any thread but the kernel's."""
        done = threading.Event()

        def call() -> None:
            self.pump()
            self._record(lambda recorder: recorder.settle())
            done.set()

        try:
            self.loop.call_soon_threadsafe(call)
        except RuntimeError:  # as in `later`
            return
        done.wait(2)

    def _begin(self, effect: fx.Run) -> None:
        self._record(lambda recorder: recorder.begin(effect.token, effect.count))
        self.hands.run(effect.token, effect.count, effect.subshell)

    def _look(self, effect: fx.Look) -> None:
        token = effect.token

        def look() -> None:
            self.mailbox.post(Looked(token, self.hands.look(token)))

        self.in_pool(look)

    def _no_debugger(self, token: Message) -> None:
        self.mailbox.post(Looked(token, ErrorReply("DebugError", "there is no debugger here")))

    def in_pool(self, call: Callable[[], object]) -> None:
        """Call on a thread of ours, which its name tells from those of the user's."""
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(thread_name_prefix="holdfast-pool", initializer=disown)
        self.loop.run_in_executor(self._pool, call)

    def _commit(self, effect: fx.Commit) -> None:
        token = effect.token
        self._record(lambda recorder: recorder.ended(token))

        def done(note: object, reason: str) -> None:
            event: Event = CommitFailed(token, reason) if reason else Committed(token, note)  # type: ignore[arg-type]
            if threading.current_thread() is self._thread:
                self._step(event)
            else:
                self.mailbox.post(event)

        self.committer.commit(effect.count, done)

    def _leave(self, effect: fx.Leave) -> None:
        self.hands.leave(effect.restart)
        self.loop.call_later(LEAVE_PATIENCE, self._left_anyway)

    def _left_anyway(self) -> None:
        """The user's side hangs in C code: what it has written so far is sent, and we go."""
        if not self._stopping:
            self._log("the running cell does not end; leaving without it")
            self._take(leaving=True)
            self._step(Left())
            self.give_up()

    def _stop(self, _effect: fx.Stop) -> None:
        if self._stopping:
            return
        self._stopping = True
        for descriptor in self._watched:
            self.loop.remove_reader(descriptor)
        assert self._transport is not None
        self._transport.close()
        self._record(lambda recorder: recorder.close())
        self.hands.stopped()
        self.loop.stop()
