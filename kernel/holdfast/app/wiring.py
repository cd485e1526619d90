"""Builds the kernel: the only file that sees every concrete class.

It must never decide anything at run time; what varies comes in as settings.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextvars import Context
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, cast

from holdfast import cell
from holdfast.app import foreign, ipython, postmortem
from holdfast.app.banner import RestoreBanner
from holdfast.app.driver import Driver
from holdfast.app.hands import Hands, finisher
from holdfast.app.identity import kernel_info
from holdfast.app.interaction import Exiter, Help
from holdfast.app.kept import KeptOutputs
from holdfast.app.lifesigns import PACE, LifeSigns
from holdfast.app.magics import cell_kernel, magic_builtins, meaning
from holdfast.app.naming import asked, kernel_id
from holdfast.app.parent import watch_parent
from holdfast.app.promises import CellPromises
from holdfast.app.services import Services
from holdfast.app.session import DurableSession
from holdfast.app.settings import Settings
from holdfast.app.signals import Signals
from holdfast.app.surroundings import (
    SWITCH_INTERVAL,
    BlockingAround,
    CellSurroundings,
    CoroutinesAround,
    FiguresAround,
    OutputAround,
)
from holdfast.clock import Clock
from holdfast.compat import figures, finder, inline, widgets
from holdfast.durable.memory import MemoryCommitter
from holdfast.executor.interrupt import Interrupts, interruptible, protected
from holdfast.executor.loop import Nesting, UserLoop
from holdfast.executor.runner import Runner, Stoppable
from holdfast.executor.source import Sources
from holdfast.language.history import History
from holdfast.machine.events import Asked, Counted, Opened, Stopping
from holdfast.machine.machine import Machine
from holdfast.machine.state import KernelState
from holdfast.magics.options import Options
from holdfast.magics.registry import Magics
from holdfast.namespace.namespace import Namespace, add_builtins
from holdfast.output import display
from holdfast.output.attribution import Attribution, mute
from holdfast.output.comms import Comms
from holdfast.output.descriptors import Descriptors
from holdfast.output.formatters import Formatters
from holdfast.output.mailbox import NUDGE, Mailbox
from holdfast.output.streams import Streams
from holdfast.stdin.prompts import Asker, Prompts
from holdfast.transport.heartbeat import Heartbeat
from holdfast.transport.inherited import close_in_children
from holdfast.transport.sockets import Sockets
from holdfast.wire.connection import ConnectionInfo
from holdfast.wire.contents import ExecuteRequest
from holdfast.wire.frames import Encoder
from holdfast.wire.message import Message
from holdfast.wire.signing import Signer

if TYPE_CHECKING:
    from holdfast.durable.guard import Guard

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

# Not OutputStream.write: it lets go of the GIL when it looks at the pipes, so in a loop that prints every signal
# that the kernel thread sends would arrive in it, and none in the cell.
for _function in (Mailbox.write, Mailbox.post, Mailbox.publish, Mailbox.take, Descriptors.collect, UserLoop.drive):
    protected(_function)
interruptible(Mailbox.pause)


class Kernel:
    """The object graph of one kernel process.  Made and run on the main thread."""

    def __init__(
        self,
        info: ConnectionInfo,
        settings: Settings,
        session: str,
        log: Callable[[str], None],
        connection_file: str = "",
    ) -> None:
        self._kernel_id, said = kernel_id(connection_file, info.key), asked(os.environ)
        keeps = settings.durability != "off"
        goes = keeps and not said.given and not said.notebook
        self.clock = Clock()
        self.log = log
        self.session_id = session
        self.info = info
        signer = Signer(info.key.encode(), info.signature_scheme)
        self.state = KernelState(kernel_info(self._kernel_id if goes else ""), info)
        self.state.nameless = keeps and said.nameless
        self.driver = Driver(
            Machine(self.state),
            signer,
            Encoder(session, _username(), signer),
            MemoryCommitter(),
            self.clock,
            self._log,
        )
        self._is_known_shell = settings.ipython_compat
        self._output(settings)
        self._user_side(settings)
        self._language()
        self.sockets = Sockets(info, self.driver.loop.call_later, self.clock.monotonic)

    def _log(self, text: str) -> None:
        self.log(text)

    def _output(self, settings: Settings) -> None:
        mailbox = self.driver.mailbox
        self.attribution = Attribution()
        self.descriptors = Descriptors(mailbox, self.attribution)
        self.streams = Streams(mailbox, self.attribution, self.descriptors)
        # JupyterLab's debugger and line_profiler know a cell by a folder of this name.
        self.sources = Sources(f"{_temporary_folder()}/ipykernel_{os.getpid()}")
        self.formatters = Formatters(self._cannot_show)
        hidden = (_PACKAGE,)
        self.magics = Magics(Options())
        self.surroundings = CellSurroundings(
            mailbox, self.attribution, self.formatters, self.sources, hidden, settings.threads_blocking, self.magics
        )
        self.surroundings.options, self.surroundings.below = self.magics.options, self.descriptors.collect_if_any
        self.comms = Comms(self.surroundings.publish)

    def _cannot_show(self, _value: object, _mime: str, error: BaseException) -> None:
        """A representation of a value failed: say so below the cell, its other representations are shown."""
        self.runner.complain(error)

    def _user_side(self, settings: Settings) -> None:
        self.promises = CellPromises(self.session_id, settings.durability, self.clock, self._say)
        self.prompts = self.promises.prompts = Prompts(self.promises.engine, self._asker, self._ask)
        self.namespace = Namespace({"input": self.prompts.input}, settings.out_limit)
        self.loop = UserLoop()
        self.nesting = Nesting()
        self.context = Context()
        self.interrupts = Interrupts(
            self.namespace.dict, self.sources.labels, self.loop, self.driver.later, self.loop.is_stuck
        )
        self._done = finisher(self.driver.mailbox, self.clock.monotonic)
        self.runner = self._make_runner(self.loop, self.context, self.interrupts)
        output = OutputAround(self.attribution, self.streams, self.descriptors)
        banner = self.banner = RestoreBanner(self.surroundings.publish)
        self.session = DurableSession(
            settings,
            os.environ,
            self._kernel_id,
            self.namespace,
            self._current,
            banner,
            self.clock,
            self.loop,
            self.promises,
            partial(self._make_guard, settings.deadline),
        )
        self.kept = KeptOutputs(
            self.driver, self.session, self.clock.monotonic, self.surroundings.publish, self.attribution.current
        )
        self.signs = LifeSigns(lambda: self.session.watch, self.loop)
        self.driver.committer, self.session.on_move = self.session, self._opened
        self.surroundings.asked = meaning(self.magics, self.namespace)
        self.surroundings.compiled = self.session.compiled
        shown = FiguresAround(self.surroundings, self._current, self.session.ended_in_background)
        self.surroundings.ended = shown.ended
        self.surroundings.around = [
            self.signs,
            self.promises,
            self.session,  # the first to begin is the last to end: what all others did is committed too
            self.session.transactions,  # what they did is rolled back too
            output,
            banner,
            BlockingAround(self._current, self.clock.monotonic),
            shown,
            CoroutinesAround(self.namespace, self._current),
            self.surroundings.hooks,
        ]

    def _make_guard(self, deadline: float) -> Guard:
        from holdfast.durable.guard import Guard

        interruptible(Guard.call)
        return Guard(self.driver.later, mute, deadline)

    def _make_runner(self, loop: asyncio.AbstractEventLoop, context: Context, stoppable: Stoppable) -> Runner:
        runner = Runner(self.namespace, self.sources, loop, context, stoppable, self.surroundings, self._done)
        return runner

    def _current(self) -> Runner:
        """The runner of the calling thread."""
        return self.hands.current()

    def _language(self) -> None:
        self.history = History()
        services = Services(self.namespace, self.history, self.comms, self.magics)
        self.hands = Hands(
            self.loop,
            self._make_runner,
            self.runner,
            self.interrupts,
            self.driver.mailbox,
            self.comms,
            self.prompts,
            self.history,
            services.look,
        )

    # ------------------------------------------------------------ what user code calls

    def _asker(self) -> Asker:
        token = cast("Message | None", self.attribution.current())
        if token is None:
            return None, False, ""
        answers = isinstance(token.content, ExecuteRequest) and token.content.allow_stdin
        return token, answers, self.promises.of(token)

    def _say(self, text: str) -> None:
        """A sentence to the user, below the cell that runs."""
        self.surroundings.publish("stream", {"name": "stderr", "text": f"{text}\n"})

    def _ask(self, token: object, prompt: str, password: bool) -> None:
        self.driver.mailbox.post(Asked(cast(Message, token), prompt, password))

    def _install_builtins(self) -> None:
        values: dict[str, object] = {
            "input": self.prompts.input,
            "exit": Exiter("exit"),
            "quit": Exiter("quit"),
            "display": display.display,
            "update_display": display.update_display,
            "clear_output": display.clear_output,
            Help.NAME: Help(self.namespace.dict, self._current, self.magics),
            **magic_builtins(self._current, self.magics),
        }
        self.magics.make_kernel = partial(
            cell_kernel,
            self._current,
            self.namespace,
            self.sources,
            self.surroundings,
            self.magics,
            self.history,
            self.prompts,
        )
        add_builtins(values)
        follows, payload = self.attribution.follows, lambda payload: self._current().payload.append(payload)
        cell.install(follows, payload, self.session.overview)
        cell.travel = self.session.travel
        self.session.on_count = lambda count: self.driver.mailbox.post(Counted(count))
        self.magics.offer("checkout", "holdfast.magics.builtin.timeline", "checkout", _current_session)
        self.magics.offer("undo", "holdfast.magics.builtin.timeline", "undo", _current_session)
        cell.outputs = self.kept.data
        self.magics.offer("outputs", "holdfast.magics.builtin.outputs", self.kept.show)
        cell.transactions = self.session.transactions
        self.magics.offer("transaction", "holdfast.magics.builtin.transaction", self.session.transactions)
        self.magics.offer(
            "session", "holdfast.magics.builtin.session", _current_session, display.display, lambda: self.session.moves
        )

    def _install_hooks(self) -> None:
        """Libraries find us when they are imported; nothing is imported for it."""
        widgets.install(self.comms)
        finder.when_imported("getpass", self._adopt_getpass)
        inline.install()
        foreign.install(self.loop, self.namespace.dict, self.interrupts, self.runner)
        postmortem.install(self.sources.labels, lambda: self.magics.kernel.touched(), self.surroundings)
        figures.register(self.formatters)
        if self._is_known_shell:
            hooks = self.surroundings.hooks
            ipython.install(self.magics, self._current, self.attribution, self.comms, hooks, self.session_id)

    def _adopt_getpass(self, module: ModuleType) -> None:
        module.getpass = self.prompts.getpass  # type: ignore[attr-defined]

    # ------------------------------------------------------------ life

    def bind(self) -> dict[str, int]:
        """Bind all sockets; the ports by channel.  Raises `AddressTaken`.

        Whoever reads the ports may interrupt or end us from then on, so the signals are taken first.
        """
        self.signals = Signals(self.interrupts, lambda: self.driver.mailbox.post(Stopping("SIGTERM")))
        self.signals.install()
        self.sockets.bind()
        self.heartbeat = Heartbeat(self.sockets.context, self.info)
        ports = {**self.sockets.ports, "hb": self.heartbeat.port}
        close_in_children(ports.values(), self.info.ip, self.info.transport)
        return ports

    def run(self) -> None:
        """Serve until told to leave; returns on the main thread when everything has been sent."""
        self.namespace.install()
        self.descriptors.install()
        self.streams.install()
        self.attribution.install()
        self.nesting.install()
        self._install_builtins()
        self._install_hooks()
        display.install(self.surroundings.publish, self.formatters)
        sys.displayhook = self.surroundings.displayhook
        asyncio.set_event_loop(self.loop)
        sys.setswitchinterval(SWITCH_INTERVAL)
        watched: dict[int, Callable[[], None]]
        watched = {fd: partial(self._arrived, channel) for fd, channel in self.sockets.descriptors.items()}
        watched |= dict.fromkeys(self.descriptors.readers, self._collect)
        watched[self.signals.reader.fileno()] = self.interrupts.arrived
        self.hands.on_leave, self.hands.on_identify = self._end_session, self._identify
        self.hands.on_served = self.session.stirred
        self.heartbeat.start()
        self.driver.give_up, self.driver.on_debug = self._give_up, self._debug
        # Clients are answered while the session is being restored; only cells wait for it.
        self.state.opening = 1
        self.driver.start(self.sockets, self.hands, watched)
        watch_parent(os.environ, self.interrupts.send, self._orphaned, self.driver.later)
        self._sample()
        self._opened(self.context.run(self.session.open))  # what is restored into the context of the cells is theirs
        self.loop.drive()
        self.driver.join(2)

    def _debug(self, token: Message) -> None:
        """On the kernel thread: the first request of a debugger makes it."""
        from holdfast.app.debugging import Debugging

        given = (self.driver, self.sources, self.namespace, self.surroundings, self.interrupts, self.magics, _PACKAGE)
        self.driver.on_debug = Debugging(*given).serve
        self.driver.on_debug(token)

    def _opened(self, count: int) -> None:
        """A session is open: the first, or another one."""
        self.promises.open(self.session.session, self.session.epoch, count, self.banner.note)
        self.kept.open(count)
        self.driver.mailbox.post(Opened(count))

    def _identify(self, cell: str) -> None:
        """On the main thread: the first cell may say whose session this is; it waits for `Opened`."""
        moved = False
        try:
            moved = self.context.run(self.session.moves.of_cell, cell, self.banner.note)
        finally:
            if not moved:
                self.driver.mailbox.post(Opened(max(0, len(self.namespace.results.inputs) - 1)))

    def _end_session(self, restart: bool) -> None:
        self.signs.forgive()
        try:
            foreign.end_children()
        finally:
            self.promises.close()
            self.session.close(restart)

    def _give_up(self) -> None:
        """On the kernel thread: what keeps the main one is not waited for."""
        self.signs.leave(self.state.restart)
        foreign.end_children()
        os._exit(0)

    def _sample(self) -> None:
        self.signs.sample()
        self.driver.later(PACE, self._sample)

    def _orphaned(self) -> None:
        self.driver.mailbox.post(Stopping("the process that started the kernel is gone"))

    def _collect(self) -> None:
        """On the kernel thread: a child or C code wrote, perhaps while nothing of ours runs that would look."""
        # This thread must not be held back by a full mailbox: it is the one that empties it.
        if self.driver.mailbox.pending > NUDGE:
            self.driver.pump()
        self.descriptors.collect()

    def _arrived(self, channel: str) -> None:
        self.sockets.stale(channel)
        self.driver.pump()


def _current_session() -> object:
    from holdfast.current import session

    return session


def _username() -> str:
    return os.environ.get("USER") or os.environ.get("USERNAME") or "holdfast"


def _temporary_folder() -> str:
    return os.environ.get("TMPDIR", "/tmp").rstrip("/") if os.name == "posix" else os.environ.get("TEMP", ".")
