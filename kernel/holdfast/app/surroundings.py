"""What a runner needs of other rings: showing, describing, reporting, and the steps around a cell.

It must never decide anything about a cell's outcome.
"""

from __future__ import annotations

import ast
import asyncio
import sys
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, cast

from msgspec import Raw

from holdfast.app.banner import is_attended
from holdfast.compat import figures
from holdfast.compat.ipython.install import CellHooks
from holdfast.executor import child
from holdfast.executor.compile import Unit
from holdfast.executor.coroutines import CoroutineWatch
from holdfast.executor.outcome import Job
from holdfast.executor.runner import Around, Runner
from holdfast.executor.source import Sources
from holdfast.executor.wrapping import Wrapping
from holdfast.machine.events import Published
from holdfast.magics.options import Options
from holdfast.magics.parse import Asked, Lowered, lower
from holdfast.magics.registry import Magics
from holdfast.namespace.namespace import Namespace
from holdfast.output import display
from holdfast.output.attribution import MUTED, Attribution
from holdfast.output.descriptors import Descriptors
from holdfast.output.formatters import Formatters
from holdfast.output.mailbox import Mailbox
from holdfast.output.streams import Streams
from holdfast.wire.frames import to_json
from holdfast.wire.message import Message

if TYPE_CHECKING:
    from holdfast.executor.traceback import Report


#: Seconds.  pyzmq lets go of the GIL for every frame.  Beside a cell that computes, the kernel thread waits this long
#: to get it back each time: with Python's 5 ms a completion takes 100 ms, with half a millisecond one.
SWITCH_INTERVAL = 0.0005
#: What user code may set it to; with half a second every reply would take seconds.
SLOWEST_SWITCH = 0.01


class CellSurroundings:
    """See `executor.runner.Surroundings`."""

    def __init__(
        self,
        mailbox: Mailbox,
        attribution: Attribution,
        formatters: Formatters,
        sources: Sources,
        hidden: tuple[str, ...],
        threads_blocking: bool,
        magics: Magics,
    ) -> None:
        self._magics = magics
        self.options = Options()
        self._threads_blocking = threads_blocking
        self._mailbox = mailbox
        self._attribution = attribution
        self.formatters = formatters
        self._sources = sources
        self._hidden = hidden
        self.around: list[Around] = []
        #: Who publishes into which list instead of at once (see `holding`).
        self._held: tuple[int, list[tuple[str, Mapping[str, object]]]] | None = None
        #: What the meaning of a cell's text depends on besides the text.
        self.asked = Asked()
        #: Brings what finished children and C code wrote, so that it stands before what is published after it.
        self.below: Callable[[], None] = lambda: None
        #: What libraries have asked of the shell that they know.
        self.hooks = CellHooks()
        #: A cell is about to run: (job, unit, what its magics ask for).
        self.compiled: Callable[[Job, Unit, Lowered], None] = lambda job, unit, lowered: None
        #: A cell that ran in the background is over: (job, unit, whether it failed).
        self.ended: Callable[[Job, Unit, bool], None] = lambda job, unit, failed: None

    def show(self, job: Job, value: object, last: bool) -> None:
        """Publish an execute_result, unless the value displays itself."""
        data, metadata = self.formatters.format(value)
        if data and display.is_diverted():
            display.publish_display_data(data, metadata)
        elif data:
            content = {"execution_count": job.count, "data": data, "metadata": metadata}
            self.below()
            published = Published(cast(Message, job.token), "execute_result", content)
            # A cell's end follows at once and wakes the kernel thread; waking it twice makes the two threads
            # fight for the GIL.
            if last:
                self._mailbox.append(published)
            else:
                self._mailbox.post(published)

    def displayhook(self, value: object) -> None:
        """`sys.displayhook`, for user code that calls it: shows like `display`."""
        if value is not None:
            data, metadata = self.formatters.format(value)
            if data:
                display.publish_display_data(data, metadata)

    def describe(self, value: object) -> tuple[Mapping[str, object], Mapping[str, object]]:
        """The bundle of a user expression."""
        return self.formatters.format(value)

    def report(self, error: BaseException) -> Report:
        """The traceback with only the user's frames."""
        # With the first error: a session without one need not have it.
        from holdfast.executor.traceback import Report, report

        # Who leaves the debugger knows where that was.
        quits = getattr(
            sys.modules.get("bdb"), "BdbQuit", ()
        )  # not by name: a class of the user's may refuse to tell it
        mode = self.options.xmode if not issubclass(type(error), quits) else "Minimal"
        made = report(error, self._sources.labels, self._hidden, mode)
        lines = self.hooks.report(error) if self.hooks.report is not None else None
        return made if lines is None else Report(made.ename, made.evalue, lines)

    def lower(self, code: str, piece: bool = False) -> Lowered:
        """Magic syntax to Python; in a piece of a cell no command lets the loop go on: nobody may wait for it."""
        asked = self.asked.off_the_loop() if piece else self.asked
        return lower(code if self.hooks.transform is None else self.hooks.transform(code), asked)

    @property
    def transform(self) -> Callable[[ast.Module], ast.Module] | None:
        """What changes the syntax trees of cells."""
        return self.hooks.transform_tree

    def wrap(self, lowered: Lowered) -> Wrapping | None:
        """What `%%time` and its kin put around a cell."""
        around = self._magics.around
        if not lowered.wrappers and not around:
            return None
        managers = [make() for make in around]
        return Wrapping([*managers, *(self._magics.wrapper(name, rest) for name, rest in lowered.wrappers)])

    @property
    def interactivity(self) -> str:
        """`%config InteractiveShell.ast_node_interactivity`."""
        return self.options.ast_node_interactivity

    def mode(self, unit: Unit) -> str:
        """With `HOLDFAST_BLOCKING=thread`: a cell that blocks while tasks are alive runs in a thread."""
        if not self._threads_blocking or unit.is_async or not live_tasks():
            return ""
        from holdfast.executor.blocking import blocking_calls

        return "thread" if blocking_calls(unit.tree) else ""

    @contextmanager
    def holding(self, messages: list[tuple[str, Mapping[str, object]]]) -> Generator[None]:
        """Put what this thread publishes meanwhile into a list."""
        self._held = threading.get_ident(), messages
        try:
            yield
        finally:
            self._held = None

    def enter(self, token: object) -> Callable[[], None]:
        """See `Attribution.visit`."""
        return self._attribution.visit(token)

    def publish(
        self,
        msg_type: str,
        content: Mapping[str, object],
        metadata: Mapping[str, object] | None = None,
        buffers: Sequence[bytes | memoryview] | None = None,
    ) -> None:
        """Publish from user code, for the cell that the caller belongs to; thread-safe.

        It is written as JSON, and buffers are copied, here and now: what the caller changes afterwards must not show
        in the message.
        """
        token = self._attribution.current()
        if token is MUTED:
            return
        if child.is_here():
            child.display(msg_type, content)
            return
        if self._held is not None and self._held[0] == threading.get_ident():
            self._held[1].append((msg_type, dict(content)))
            return
        frozen = to_json(content)
        copies = [one if type(one) is bytes else memoryview(one).tobytes() for one in buffers or ()]
        size = len(frozen) + sum(map(len, copies))
        parent = cast("Message | None", token)
        self.below()
        self._mailbox.publish(Published(parent, msg_type, Raw(frozen), metadata or {}, copies), size)


def live_tasks() -> set[asyncio.Task[object]]:
    """Tasks of the running loop that would stop while a cell blocks it."""
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


class BlockingAround:
    """Names `%%thread` once to who starves live tasks for seconds with a blocking call."""

    #: Seconds of blocking worth a line.
    LONG = 2.0

    def __init__(self, runner: Callable[[], Runner], monotonic: Callable[[], float]) -> None:
        self._runner = runner
        self._monotonic = monotonic
        self._started = 0.0
        self._hinted: set[str] = set()

    def before(self, job: Job) -> None:
        """Take the time."""
        self._started = self._monotonic()

    def after(self, job: Job, failed: bool) -> None:
        """Hint, at most once for each blocking function of a session."""
        took = self._monotonic() - self._started
        unit = self._runner().unit
        if took < self.LONG or unit is None or unit.is_async or not (starved := live_tasks()):
            return
        from holdfast.executor.blocking import BLOCKING, NESTING, blocking_calls

        calls = blocking_calls(unit.tree, wanted=BLOCKING | NESTING)
        names = [name for name in calls if name not in self._hinted]
        if names:
            self._hinted.update(names)
            text = f"{names[0]} held up {len(starved)} background task(s) for {took:.0f} s: "
            instead = "`await` the coroutine itself" if names[0] in NESTING else "start the cell with %%thread"
            print(f"{text}{instead} to let them go on", file=sys.stderr)


class OutputAround:
    """Output goes to this cell; streams and descriptors are fit for use, whatever the last cell did to them."""

    def __init__(self, attribution: Attribution, streams: Streams, descriptors: Descriptors) -> None:
        self._attribution = attribution
        self._streams = streams
        self._descriptors = descriptors

    def before(self, job: Job) -> None:
        """Heal, then take over."""
        if sys.getswitchinterval() > SLOWEST_SWITCH:
            sys.setswitchinterval(SWITCH_INTERVAL)
        self._streams.heal()
        self._descriptors.heal()
        # nbclient, and with it nbconvert and papermill, drops what comes for a cell that has ended.
        self._attribution.begin(job.token, newest_only=not is_attended(job))

    def after(self, job: Job, failed: bool) -> None:
        """What C code and finished children wrote belongs before the reply."""
        self._descriptors.flush_c()
        self._descriptors.collect_if_any()


class FiguresAround:
    """Figures that the cell left open are shown at its end; nothing of matplotlib is imported for it."""

    def __init__(
        self, surroundings: CellSurroundings, runner: Callable[[], Runner], ended: Callable[[Job, Unit, bool], None]
    ) -> None:
        self._surroundings = surroundings
        self._runner = runner
        self._ended = ended

    def before(self, job: Job) -> None:
        """What it plots is its own until it ends."""
        figures.begin(job.token)

    def after(self, job: Job, failed: bool) -> None:
        """Show and close what is open; after a failure below the traceback: the figure often shows why."""
        if self._runner().mode == "bg" and not failed:  # it only begins now
            return
        figures.end(job.token)
        if "matplotlib" not in sys.modules:
            return
        with self._surroundings.holding(self._runner().closing) if failed else nullcontext():
            figures.flush_figures()

    def ended(self, job: Job, unit: Unit, failed: bool) -> None:
        """A cell that ran in the background is over: the same, and then what else waits for that."""
        figures.end(job.token)
        try:
            if "matplotlib" in sys.modules:
                figures.flush_figures()
        finally:
            self._ended(job, unit, failed)


class CoroutinesAround:
    """Coroutines that the cell made and never awaited are named below it."""

    def __init__(self, namespace: Namespace, runner: Callable[[], Runner]) -> None:
        self._namespace = namespace
        self._runner = runner
        self.watch = CoroutineWatch()

    def before(self, job: Job) -> None:
        """Nothing."""

    def after(self, job: Job, failed: bool) -> None:
        """Look only at names that the cell's own code mentions."""
        runner = self._runner()
        names = runner.unit.names if runner.unit is not None else ()
        # Python itself has warned of those that are gone already.
        found_now = self.watch.after_cell((*names, "_"), self._namespace.dict)
        for found in (item for item in found_now if not item.collected):
            print(
                f"coroutine {found.qualname!r} (line {found.line}) is in {found.name!r} and was never awaited: "
                f"use `await {found.name}`",
                file=sys.stderr,
            )
            unawaited = cast("list[str]", runner.notes.setdefault("unawaited", []))
            unawaited.append(found.name)
