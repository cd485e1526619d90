"""A subshell: cells in a thread of their own, on the same namespace."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextvars import Context
from queue import Queue
from typing import Any

import pytest

from helpers.workshop import Notes
from holdfast.executor.loop import Nesting
from holdfast.executor.outcome import Job, Outcome
from holdfast.executor.runner import Runner, Stoppable
from holdfast.executor.source import Sources
from holdfast.executor.subshell import Subshell, Turn
from holdfast.namespace.namespace import Namespace

HANG = 60.0


class Side:
    """A namespace with a subshell on it."""

    def __init__(self) -> None:
        self.namespace = Namespace()
        self.ns = self.namespace.dict
        self.sources = Sources("/tmp/holdfast_subshell")
        self.notes = Notes(self.sources)
        self.outcomes: Queue[Outcome] = Queue()
        self.subshell = Subshell("test", self._make)
        self._count = 0

    def _make(self, loop: asyncio.AbstractEventLoop, context: Context, stoppable: Stoppable) -> Runner:
        return Runner(self.namespace, self.sources, loop, context, stoppable, self.notes, self._done)

    def _done(self, _job: Job, outcome: Outcome) -> None:
        self.outcomes.put(outcome)

    def submit(self, code: str) -> None:
        """Start a cell."""
        self._count += 1
        self.subshell.runner.submit(Job("token", code, self._count))

    def run(self, code: str) -> Outcome:
        """Run a cell to its end."""
        self.submit(code)
        return self.outcomes.get(timeout=HANG)


@pytest.fixture
def side() -> Iterator[Side]:
    """A subshell that has ended after the test."""
    made = Side()
    yield made
    made.subshell.close()
    made.subshell.join(HANG)


def test_it_has_a_thread_of_its_own(side: Side) -> None:
    """Cells run there, and only there it is the current one."""
    side.ns["subshell"] = side.subshell
    assert side.run("import threading\nwhere = threading.current_thread().name, subshell.is_current()") == Outcome()
    assert side.ns["where"] == ("holdfast-test", True)
    assert not side.subshell.is_current()


def test_it_shares_the_namespace(side: Side) -> None:
    """What is bound here is there at once, both ways."""
    side.ns["x"] = 1
    side.run("y = x + 1")
    assert side.ns["y"] == 2


def test_it_awaits_on_a_loop_of_its_own(side: Side) -> None:
    """Tasks of one cell go on beside the next."""
    side.run("import asyncio\nlog = []\nasync def f(): log.append(1)\nt = asyncio.create_task(f())")
    assert side.run("await t\nloop = asyncio.get_running_loop()") == Outcome()
    assert side.ns["log"] == [1]
    assert side.ns["loop"] is side.subshell._loop


def test_context_variables_stay_set(side: Side) -> None:
    """Within one subshell, as in the main one."""
    side.run("import contextvars\nv = contextvars.ContextVar('v', default=0)\nv.set(5)")
    side.run("x = v.get()")
    assert side.ns["x"] == 5


@pytest.mark.parametrize(
    "code",
    [
        "ready.set()\nwhile True: pass",
        "import asyncio\nready.set()\nawait asyncio.sleep(60)",
        "import asyncio\nready.set()\nwhile True: await asyncio.sleep(0)",
    ],
)
def test_its_cell_can_be_interrupted(side: Side, code: str) -> None:
    """An `await` through its loop, plain code at its next bytecode; the next cell runs."""
    ready = side.ns["ready"] = threading.Event()
    side.submit(code)
    assert ready.wait(HANG)
    side.subshell.interrupts.send()
    assert side.outcomes.get(timeout=HANG).ename == "KeyboardInterrupt"
    assert side.run("x = 1") == Outcome()


def test_an_interrupt_without_a_cell_does_nothing(side: Side) -> None:
    """The next cell is not hit by it."""
    side.run("x = 1")
    side.subshell.interrupts.send()
    assert side.run("x = 2") == Outcome()


@pytest.mark.parametrize(
    "code", ["raise SystemExit", "import asyncio\nasync def f(): raise SystemExit\nawait asyncio.create_task(f())"]
)
def test_nothing_ends_its_thread(side: Side, code: str) -> None:
    """Neither a cell nor a task that raises SystemExit."""
    assert side.run(code).ename == "SystemExit"
    assert side.run("x = 1") == Outcome()


def test_stopping_its_loop_does_not_end_it(side: Side) -> None:
    """As in the main shell, `loop.stop()` is not the user's to say."""
    side.run("import asyncio\nasyncio.get_running_loop().stop()")
    assert side.run("x = 1") == Outcome()


def test_code_for_scripts_runs_in_it(side: Side) -> None:
    """`asyncio.run` in a cell of a subshell works as in the main shell."""
    nesting = Nesting()
    nesting.install()
    try:
        assert side.run("import asyncio\nx = asyncio.run(asyncio.sleep(0, 5))") == Outcome()
    finally:
        nesting.uninstall()
    assert side.ns["x"] == 5


def test_closing_waits_for_the_cell(side: Side) -> None:
    """The cell that runs is replied to; then the thread ends."""
    go: Any = threading.Event()
    side.ns["go"], side.ns["ready"] = go, threading.Event()
    side.submit("ready.set(); go.wait(60); x = 1")
    assert side.ns["ready"].wait(HANG)  # type: ignore[attr-defined]
    side.subshell.close()
    go.set()
    assert side.outcomes.get(timeout=HANG) == Outcome()
    side.subshell.join(HANG)
    assert not side.subshell._thread.is_alive()


def test_it_can_be_closed_twice(side: Side) -> None:
    """A deletion and the end of the kernel may meet."""
    side.subshell.close()
    side.subshell.join(HANG)
    side.subshell.close()


def _in_thread(call: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=call)
    thread.start()
    return thread


def test_a_turn_that_nobody_takes_is_run_here() -> None:
    """The main thread is kept by a cell; when it comes to it, it is over."""
    ran: list[object] = []
    turn = Turn(ran.append)
    assert turn.wait("subshell", 0)  # type: ignore[arg-type]
    assert not turn.take("main")  # type: ignore[arg-type]
    assert ran == ["subshell"]


def test_a_turn_that_is_taken_is_waited_for() -> None:
    """The subshell goes on with its next message when this one is over, however long it takes."""
    ran: list[object] = []
    begun, go = threading.Event(), threading.Event()

    def call(runner: object) -> None:
        begun.set()
        go.wait(HANG)
        ran.append(runner)

    turn = Turn(call)
    main = _in_thread(lambda: turn.take("main"))  # type: ignore[arg-type]
    begun.wait(HANG)
    waiting = _in_thread(lambda: ran.append(turn.wait("subshell", 0)))  # type: ignore[arg-type]
    assert ran == []
    go.set()
    main.join(HANG)
    waiting.join(HANG)
    assert ran == ["main", False]


def test_a_turn_that_fails_is_over() -> None:
    """Nobody waits for it for ever."""
    turn = Turn(lambda runner: 1 / 0)  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        turn.take("main")  # type: ignore[arg-type]
    assert not turn.wait("subshell", 0)  # type: ignore[arg-type]
