"""SIGINT: the cell is stopped, the kernel's bookkeeping never."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from types import FrameType
from typing import cast

import pytest

from helpers.workshop import Workshop
from holdfast.executor import interrupt as module
from holdfast.executor.interrupt import Interrupts, finishing, interruptible, protected

HANG = 60.0


@pytest.fixture(autouse=True)
def _own_handler(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """SIGINT goes back to pytest; we never lead a process group here, whoever started the tests."""
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(os, "getpgrp", lambda: 0)
    yield
    signal.signal(signal.SIGINT, before)
    # An interrupted `exec` of a string makes Python end itself by SIGINT at exit, until another one ends well.
    exec("")


class Later:
    """Calls from another thread after a moment, as the kernel thread does."""

    def __init__(self) -> None:
        self.timers: list[threading.Timer] = []

    def __call__(self, seconds: float, call: Callable[[], None]) -> None:
        timer = threading.Timer(seconds, call)
        self.timers.append(timer)
        timer.start()

    def join(self) -> None:
        """Wait for those that are due."""
        for timer in self.timers:
            timer.join()


@pytest.fixture
def later() -> Iterator[Later]:
    """A scheduler whose threads have ended after the test."""
    made = Later()
    yield made
    made.join()


@pytest.fixture
def shop(later: Later) -> Iterator[Workshop]:
    """A runner whose cells can be interrupted; they put into `ready` when they may be.

    It is a queue in C: an interrupt inside `Event.set` may leave the event locked for good.
    """

    def make(shop: Workshop) -> Interrupts:
        return Interrupts(shop.ns, shop.sources.labels, shop.loop, later)

    with Workshop(make, asyncio=asyncio, ready=SimpleQueue()) as made:
        made.stoppable.install()  # type: ignore[attr-defined]
        yield made


def _interrupt(shop: Workshop, code: str, times: int = 1) -> str:
    """Run `code`, which sets `ready`, and interrupt it then; how it ended."""
    ready = shop.ns["ready"]
    assert isinstance(ready, SimpleQueue)

    def send() -> None:
        for _ in range(times):
            if ready.get(timeout=HANG):
                shop.stoppable.send()  # type: ignore[attr-defined]

    sender = threading.Thread(target=send)
    sender.start()
    outcome = shop.run(code)
    for _ in range(times):
        ready.put(0)
    sender.join()
    return outcome.ename


# ---------------------------------------------------------------- cells


@pytest.mark.parametrize(
    "code",
    [
        "ready.put(1)\nwhile True: pass",
        "import time\nready.put(1)\ntime.sleep(60)",
        "ready.put(1)\nawait asyncio.sleep(60)",
        "await asyncio.sleep(0)\nready.put(1)\nwhile True: pass",
        "ready.put(1)\nawait asyncio.Event().wait()",
        "def f():\n    ready.put(1)\n    while True: pass\nf()",
        "async def f():\n    while True: yield await asyncio.sleep(0)\nready.put(1)\nasync for x in f(): pass",
        "import threading\nready.put(1)\nthreading.Event().wait()",
        "import threading\nc = threading.Condition()\nwith c:\n    ready.put(1)\n    c.wait()",
        "exec('ready.put(1)\\nwhile True: pass')",
        "ready.put(1)\nsorted([3, 1, 2], key=lambda x: [0 for _ in iter(int, 1)])",
        "class A:\n    def __repr__(self):\n        ready.put(1)\n        while True: pass\nrepr(A())",
        "import re\nready.put(1)\n[re.sub('a', 'b', 'c') for _ in iter(int, 1)]",
    ],
)
def test_a_cell_is_stopped(shop: Workshop, code: str) -> None:
    """Loops, sleeps, awaits, locks, children, library code on the cell's behalf; the next cell runs."""
    assert _interrupt(shop, code) == "KeyboardInterrupt"
    assert shop.value("1") == 1


class Unheard:
    """A cell that a signal has been sent to, whose handler has run `heard` times when the timer ends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.timers: list[Callable[[], None]] = []
        self.sent = 0
        loop = asyncio.new_event_loop()
        loop.close()
        self.interrupts = Interrupts({}, (__file__,), loop, lambda _seconds, call: self.timers.append(call))
        self.interrupts.install()
        self.interrupts.begin()
        monkeypatch.setattr(signal, "pthread_kill", self._kill)

    def _kill(self, _thread: int, _signal: int) -> None:
        self.sent += 1

    def hear(self) -> None:
        """The handler runs."""
        with pytest.raises(KeyboardInterrupt):
            self.interrupts.handle(signal.SIGINT, sys._getframe())


def test_a_signal_that_is_not_heard_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It came just before a system call, which it did not end."""
    cell = Unheard(monkeypatch)
    cell.interrupts.drain = lambda: bytes([signal.SIGINT])
    cell.interrupts.arrived()
    cell.timers.pop()()
    assert cell.sent == 1
    assert len(cell.timers) == 1  # that one is listened to as well


@pytest.mark.parametrize("late", [False, True])
def test_a_signal_that_is_heard_is_not_sent_again(monkeypatch: pytest.MonkeyPatch, late: bool) -> None:
    """Whichever of handler and kernel thread is the first to see it."""
    cell = Unheard(monkeypatch)
    delivered = bytearray([signal.SIGINT])

    def drain() -> bytes:
        taken = bytes(delivered)
        delivered.clear()
        return taken

    cell.interrupts.drain = drain
    steps = [cell.interrupts.arrived, cell.hear]
    for step in reversed(steps) if late else steps:
        step()
    for timer in cell.timers:
        timer()
    assert cell.sent == 0


@pytest.mark.parametrize("signals", [b"", bytes([signal.SIGTERM])])
def test_other_signals_are_not_listened_to(monkeypatch: pytest.MonkeyPatch, signals: bytes) -> None:
    """Only SIGINT stops a cell."""
    cell = Unheard(monkeypatch)
    cell.interrupts.drain = lambda: signals
    cell.interrupts.arrived()
    assert not cell.timers


def test_showing_a_value_can_be_interrupted(shop: Workshop) -> None:
    """A `__repr__` that never ends is the user's code too."""

    def show(value: object) -> None:
        shop.ns["ready"].put(1)  # type: ignore[attr-defined]
        while True:
            pass

    shop.notes.on_show = show
    assert _interrupt(shop, "5") == "KeyboardInterrupt"


def test_a_nested_loop_can_be_interrupted(shop: Workshop) -> None:
    """`run_until_complete` in a sync cell, in which nothing of the cell's own is on the stack below the loop."""
    code = "ready.put(1)\nasyncio.get_running_loop().run_until_complete(asyncio.sleep(60))"
    assert _interrupt(shop, code) == "KeyboardInterrupt"
    assert shop.value("1") == 1


def test_a_cell_may_catch_it(shop: Workshop) -> None:
    """It is an ordinary exception: `finally` and `except` run."""
    code = "try:\n    ready.put(1)\n    while True: pass\nexcept KeyboardInterrupt:\n    x = 'caught'"
    assert _interrupt(shop, code) == ""
    assert shop.ns["x"] == "caught"


@pytest.mark.parametrize(
    "code",
    [
        "while True:\n  try:\n    ready.put(1)\n    while True: pass\n  except BaseException: pass",
        "while True:\n  try:\n    ready.put(1)\n    await asyncio.sleep(60)\n  except BaseException: pass",
    ],
)
def test_a_cell_that_swallows_it_is_stopped_in_the_end(shop: Workshop, code: str) -> None:
    """From the third interrupt on, every line of the cell raises."""
    assert _interrupt(shop, code, times=module.INSIST) == "KeyboardInterrupt"
    assert shop.value("1") == 1
    assert all(sys.monitoring.get_tool(tool) != "holdfast.interrupt" for tool in range(6))


def test_a_task_that_is_cancelled_counts_as_interrupted(shop: Workshop) -> None:
    """Not as CancelledError, which the person did not ask for."""
    assert _interrupt(shop, "ready.put(1)\nawait asyncio.sleep(60)") == "KeyboardInterrupt"
    cancelled = shop.run("asyncio.current_task().cancel()\nawait asyncio.sleep(1)")
    assert cancelled.ename == "CancelledError"


def test_a_signal_that_comes_just_before_a_system_call_is_sent_again(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not end the call, and its handler would run when the call ends by itself."""
    kill, sent = signal.pthread_kill, []

    def lost_once(ident: int, number: int) -> None:
        sent.append(number)
        if len(sent) > 1:
            kill(ident, number)

    monkeypatch.setattr(signal, "pthread_kill", lost_once)
    assert _interrupt(shop, "import time\nready.put(1)\ntime.sleep(60)") == "KeyboardInterrupt"
    assert len(sent) == 2


@finishing
def _finish(ready: SimpleQueue[int], seen: Callable[[], bool]) -> str:
    ready.put(1)
    while not seen():
        pass
    ready.put(1)
    return "finished"


def test_what_is_to_finish_takes_one_interrupt(shop: Workshop) -> None:
    """The cell's code is done: stopping its commit would only lose what it computed."""
    interrupts = shop.stoppable
    assert isinstance(interrupts, Interrupts)
    shop.ns.update(finish=_finish, seen=lambda: interrupts.count > 0)
    assert _interrupt(shop, "done = finish(ready, seen)", times=1) == ""
    assert shop.ns["done"] == "finished"


def test_what_is_to_finish_is_not_interrupted_again_by_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal that it was spared is not sent again: one with the user's next, it would hide that one."""
    cell = Unheard(monkeypatch)

    @finishing
    def finish() -> int:
        cell.interrupts.handle(signal.SIGINT, sys._getframe())
        return len(cell.timers)

    assert finish() == 0
    with pytest.raises(KeyboardInterrupt):
        finish()


def test_what_is_to_finish_is_stopped_by_another_interrupt(shop: Workshop) -> None:
    """Whoever asks twice wants it to end."""
    interrupts = shop.stoppable
    assert isinstance(interrupts, Interrupts)
    ready = shop.ns["ready"]

    def seen() -> bool:
        if interrupts.count == 1 and not told:
            told.append(1)
            ready.put(1)  # type: ignore[attr-defined]
        return False

    told: list[int] = []
    shop.ns.update(finish=_finish, seen=seen)
    assert _interrupt(shop, "done = finish(ready, seen)", times=2) == "KeyboardInterrupt"


def test_nothing_happens_between_cells(shop: Workshop) -> None:
    """A late interrupt hits no cell, and not the loop."""
    shop.loop.call_soon(signal.raise_signal, signal.SIGINT)
    assert shop.value("5") == 5
    shop.stoppable.send()  # type: ignore[attr-defined]
    assert shop.value("6") == 6


def test_a_handler_that_a_cell_installed_lasts_as_long_as_the_cell(shop: Workshop) -> None:
    """The next cell is interrupted by ours."""
    shop.run("import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)")
    assert _interrupt(shop, "ready.put(1)\nwhile True: pass") == "KeyboardInterrupt"


# ---------------------------------------------------------------- whose frame it is


@interruptible
def _waiting(call: Callable[[], object]) -> object:
    return call()


@protected
def _keeping(call: Callable[[], object]) -> object:
    return call()


def _library(call: Callable[[], object]) -> object:
    return call()


def _cell(call: Callable[[], object], namespace: dict[str, object], filename: str) -> object:
    scope = {"call": call} if filename else namespace
    namespace["call"] = call
    return eval(compile("call()", filename or "<string>", "eval"), scope)


@pytest.mark.parametrize(
    ("stack", "users"),
    [
        ("", False),
        ("library", False),
        ("cell", True),
        ("cell library", True),
        ("cell library library", True),
        ("namespace", True),
        ("namespace library", True),
        ("protected", False),
        ("protected library", False),
        ("protected cell", True),
        ("protected cell library", True),
        ("protected cell protected", False),
        ("protected cell protected library", False),
        ("protected cell interruptible", True),
        ("protected interruptible", True),
        ("protected interruptible library", True),
        ("interruptible protected", False),
        ("protected cell protected interruptible library", True),
        ("cell protected cell", True),
    ],
)
def test_the_innermost_marked_frame_decides(stack: str, users: bool) -> None:
    """A cell's, one of ours that waits for the user, or one of ours that keeps books."""
    namespace: dict[str, object] = {}
    interrupts = Interrupts(namespace, {"cell_1.py"}, asyncio.SelectorEventLoop, lambda *_: None)  # type: ignore[arg-type]
    frames: list[FrameType] = []
    calls: dict[str, Callable[[Callable[[], object]], object]] = {
        "library": _library,
        "protected": _keeping,
        "interruptible": _waiting,
        "cell": lambda call: _cell(call, namespace, "cell_1.py"),
        "namespace": lambda call: _cell(call, namespace, ""),
    }

    def innermost() -> bool:
        frames.append(sys._getframe())
        return interrupts._is_the_users(sys._getframe())

    call: Callable[[], object] = innermost
    for word in reversed(stack.split()):
        call = functools.partial(calls[word], call)
    assert call() is users


def test_an_interrupt_in_our_books_is_sent_again(shop: Workshop, later: Later) -> None:
    """It raises nothing there, is not lost, and counts once."""
    handled: list[int] = []

    class Books:
        """A step around the cell that is interrupted in the middle."""

        @protected
        def before(self, job: object) -> None:
            """Not yet running: the interrupt is for nobody."""

        @protected
        def after(self, job: object, failed: bool) -> None:
            """Interrupted once, while the cell counts as running."""
            if not handled:
                signal.raise_signal(signal.SIGINT)
                handled.append(cast("Interrupts", shop.stoppable).count)

    shop.notes.around = [Books()]
    assert shop.run("x = 5").ename == ""
    later.join()
    assert (handled, shop.ns["x"]) == ([1], 5)
    assert shop.value("1") == 1


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_an_interrupt_in_our_books_is_raised_where_they_return(shop: Workshop, depth: int) -> None:
    """Each of them comes to its end first; nothing is sent again."""
    ended: list[int] = []

    def books(depth: int) -> None:
        if depth:
            _keeping(lambda: books(depth - 1))
            ended.append(depth)
        else:
            signal.raise_signal(signal.SIGINT)

    shop.ns["books"] = lambda: _keeping(lambda: books(depth))
    outcome = shop.run("try:\n    books()\n    went_on = True\nexcept KeyboardInterrupt:\n    caught = True")
    assert (outcome.ename, "went_on" in shop.ns, shop.ns["caught"]) == ("", False, True)
    assert ended == list(range(1, depth + 1))


def test_a_process_group_that_we_lead_gets_it_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children of a cell are interrupted as a terminal would."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "getpgrp", os.getpid)
    monkeypatch.setattr(os, "killpg", lambda group, number: sent.append((group, number)))
    Interrupts({}, (), asyncio.SelectorEventLoop, lambda *_: None).send()  # type: ignore[arg-type]
    assert sent == [(os.getpid(), signal.SIGINT)]
