"""The user's loop: not to be ended by user code, steppable from inside a cell, and code for scripts runs in it."""

from __future__ import annotations

import asyncio
import contextvars
import selectors
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from helpers.workshop import Workshop
from holdfast.executor.loop import Nesting, UserLoop


@pytest.fixture
def nesting() -> Iterator[Nesting]:
    """The entry points of asyncio, wrapped."""
    made = Nesting()
    made.install()
    yield made
    made.uninstall()


@pytest.fixture
def shop(nesting: Nesting) -> Iterator[Workshop]:
    """A runner whose cells may nest loops; the loop is the thread's, as in a kernel."""
    with Workshop(asyncio=asyncio) as made:
        yield made


@pytest.fixture
def loop() -> Iterator[UserLoop]:
    """A loop that is closed afterwards."""
    made = UserLoop()
    yield made
    made._leaving = True
    made.close()


def _drive(loop: UserLoop, main: Callable[[], Awaitable[object]]) -> None:
    async def all_of_it() -> None:
        try:
            await main()
        finally:
            loop.leave()

    task = loop.create_task(all_of_it())
    loop.drive()
    task.result()


# ---------------------------------------------------------------- driving


def test_it_runs_until_it_is_told_to_leave(loop: UserLoop) -> None:
    """`drive` returns after `leave`."""
    called: list[int] = []
    loop.call_soon(called.append, 1)
    loop.call_soon(loop.leave)
    loop.drive()
    assert called == [1]


@pytest.mark.parametrize("name", ["stop", "close"])
def test_user_code_cannot_end_it(loop: UserLoop, name: str) -> None:
    """`stop` and `close` between cells do nothing."""

    async def main() -> None:
        getattr(loop, name)()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    _drive(loop, main)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_what_escapes_a_task_does_not_end_it(loop: UserLoop, error: type[BaseException]) -> None:
    """The loop is entered again; the task has the exception as its result."""

    async def raising() -> None:
        raise error

    task = loop.create_task(raising())
    loop.call_later(0.001, loop.leave)
    loop.drive()
    assert isinstance(task.exception(), error)


def test_it_can_be_closed_once_it_has_left() -> None:
    """The kernel itself does so at its end."""
    loop = UserLoop()
    loop.call_soon(loop.leave)
    loop.drive()
    loop.close()
    assert loop.is_closed()


# ---------------------------------------------------------------- stepping from inside


def test_a_spinning_task_is_polled_around_seldom(loop: UserLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each poll lets go of the GIL for a moment too short for another thread to take it, and starves that thread."""
    polls = 0
    poll = selectors.DefaultSelector.select

    def counted(selector: Any, timeout: float | None = None) -> Any:
        nonlocal polls
        polls += 1
        return poll(selector, timeout)

    monkeypatch.setattr(selectors.DefaultSelector, "select", counted)

    async def main() -> None:
        for _ in range(20_000):
            await asyncio.sleep(0)

    _drive(loop, main)
    assert 1 <= polls < 10_000


def test_descriptors_are_noticed_beside_a_spinning_task(loop: UserLoop) -> None:
    """What became readable is read, though the loop never has to wait."""
    ours, theirs = socket.socketpair()
    seen: list[bytes] = []
    with ours, theirs:

        async def main() -> None:
            loop.add_reader(ours, lambda: seen.append(ours.recv(9)))
            theirs.send(b"x")
            while not seen:
                await asyncio.sleep(0)
            loop.remove_reader(ours)

        _drive(loop, main)
    assert seen == [b"x"]


def test_run_until_complete_inside_a_step(loop: UserLoop) -> None:
    """Code for scripts gets its result, and other tasks go on meanwhile."""
    log: list[str] = []

    async def other() -> None:
        log.append("other")

    async def inner() -> str:
        await asyncio.sleep(0.001)
        return "inner"

    async def main() -> None:
        task = loop.create_task(other())
        log.append(loop.run_until_complete(inner()))
        await task

    _drive(loop, main)
    assert log == ["other", "inner"]


def test_run_until_complete_raises_what_the_coroutine_raises(loop: UserLoop) -> None:
    """And the loop goes on."""

    async def inner() -> None:
        raise ValueError("inner")

    async def main() -> None:
        with pytest.raises(ValueError, match="inner"):
            loop.run_until_complete(inner())

    _drive(loop, main)


def test_it_steps_at_any_depth(loop: UserLoop) -> None:
    """A nested call inside a nested call, each with its own current task afterwards."""

    async def at(depth: int) -> int:
        me = asyncio.current_task()
        await asyncio.sleep(0)
        below = loop.run_until_complete(at(depth - 1)) if depth else 0
        assert asyncio.current_task() is me
        assert asyncio.get_running_loop() is loop
        await asyncio.sleep(0)
        return int(below) + 1

    async def main() -> None:
        assert await at(5) == 6

    _drive(loop, main)


def test_callbacks_that_an_outer_step_counted_on_run_once(loop: UserLoop) -> None:
    """A nested step takes them from the queue; the outer one finds idle ones in their place."""
    log: list[int] = []

    async def nothing() -> None:
        await asyncio.sleep(0)

    loop.call_soon(lambda: loop.run_until_complete(nothing()))
    for n in range(20):
        loop.call_soon(log.append, n)
    loop.call_later(0.001, loop.leave)
    loop.drive()
    assert log == list(range(20))


def test_a_nested_run_forever_ends_with_stop(loop: UserLoop) -> None:
    """`loop.run_forever()` in a cell runs until somebody stops it, and then the cell goes on."""
    log: list[str] = []

    async def main() -> None:
        loop.call_later(0.001, loop.stop)
        loop.run_forever()
        log.append("after")

    _drive(loop, main)
    assert log == ["after"]


def test_the_hint_to_await_is_given(loop: UserLoop) -> None:
    """Each nested `run_until_complete` tells of the better way."""
    hints: list[str] = []
    loop.on_nested = hints.append

    async def main() -> None:
        loop.run_until_complete(asyncio.sleep(0))

    _drive(loop, main)
    assert ["await" in hint for hint in hints] == [True]


# ---------------------------------------------------------------- asyncio.run and foreign loops


@pytest.mark.parametrize(
    "code",
    [
        "asyncio.run(f())",
        "asyncio.run(f(), debug=True)",
        "with asyncio.Runner() as r: x = r.run(f())\nx",
        "loop = asyncio.new_event_loop()\nx = loop.run_until_complete(f())\nloop.close()\nx",
        "asyncio.get_event_loop().run_until_complete(f())",
        "await asyncio.sleep(0)\nasyncio.run(f())",
        "async def g(): return asyncio.run(f())\nawait g()",
        "asyncio.run(asyncio.wait_for(f(), 10))",
    ],
)
def test_code_for_scripts_runs_in_a_cell(shop: Workshop, code: str) -> None:
    """Sync or async cell, `asyncio.run`, a runner, a loop of one's own, the running loop itself."""
    shop.run("async def f():\n    await asyncio.sleep(0.001)\n    return 5")
    assert shop.value(code) == 5
    assert shop.value("await f()") == 5


def test_the_outer_loop_is_back_afterwards(shop: Workshop) -> None:
    """Running loop, current task and event loop are the kernel's own again, also after a failure."""
    outcome = shop.run("async def f(): 1 / 0\nasyncio.run(f())")
    assert outcome.ename == "ZeroDivisionError"
    code = (
        "task = asyncio.current_task()\ntry: asyncio.run(f())\nexcept ZeroDivisionError: pass\nawait asyncio.sleep(0)"
    )
    assert shop.value(f"{code}\ntask is asyncio.current_task()") is True
    assert shop.value("asyncio.get_running_loop()") is shop.loop
    assert shop.value("asyncio.get_event_loop()") is shop.loop


def test_outer_tasks_resume(shop: Workshop) -> None:
    """A task of the kernel's loop waits while a nested loop runs, and goes on after it."""
    shop.run("log = []\nasync def f():\n    await asyncio.sleep(0)\n    log.append(1)\nt = asyncio.create_task(f())")
    shop.run("asyncio.run(asyncio.sleep(0.001))")
    assert shop.value("await t; log") == [1]


def test_context_variables_reach_a_nested_loop(shop: Workshop) -> None:
    """It runs on this thread, in a copy of the cell's context, as `asyncio.run` has it everywhere."""
    shop.ns["variable"] = contextvars.ContextVar("variable", default=0)
    assert shop.value("variable.set(7)\nasync def f(): return variable.get()\nasyncio.run(f())") == 7


def test_a_loop_in_a_thread_is_left_alone(shop: Workshop) -> None:
    """`asyncio.run` in a thread of the user's is the plain one."""
    code = (
        "import threading\ngot = []\nasync def f(): return asyncio.get_running_loop()\n"
        "t = threading.Thread(target=lambda: got.append(asyncio.run(f())))\nt.start(); t.join()\ngot[0]"
    )
    assert not isinstance(shop.value(code), UserLoop)


@pytest.mark.usefixtures("nesting")
def test_outside_a_cell_nothing_changes() -> None:
    """Where no kernel loop runs, the wrapped entry points behave as ever, and so do their errors."""

    async def nested() -> None:
        coroutine = asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="cannot be called from a running event loop"):
            asyncio.run(coroutine)
        coroutine.close()

    assert asyncio.run(asyncio.sleep(0, 5)) == 5
    asyncio.run(nested())


def test_uninstalling_puts_everything_back() -> None:
    """The functions that were there before are there again."""

    def entries() -> list[Any]:
        base = asyncio.BaseEventLoop
        return [asyncio.run, asyncio.runners.run, asyncio.Runner.run, base.run_forever, base.run_until_complete]

    before, made = entries(), Nesting()
    made.install()
    assert all(new is not old for new, old in zip(entries(), before, strict=True))
    made.uninstall()
    assert entries() == before


def test_what_a_signal_handler_raises_does_not_end_the_loop(loop: UserLoop) -> None:
    """It is handed over, and the loop goes on with the next step."""
    escaped: list[BaseException] = []
    loop.on_escape = escaped.append
    error = LookupError("from a handler")

    def once(timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        loop._selector.select = select
        raise error

    async def main() -> None:
        loop._selector.select = once
        await asyncio.sleep(0.001)

    select = loop._selector.select
    _drive(loop, main)
    assert escaped == [error]
