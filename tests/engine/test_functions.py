"""Users' durable functions on the embedded engine, and the guards against what they may do to it."""

from __future__ import annotations

import asyncio
import base64
import json
import pickle
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from helpers.engines import wall
from helpers.kernel import wait_for
from holdfast.engine.embedded import EmbeddedEngine

HANG = 60.0
KEY = b"k" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the session's file goes."""
    return tmp_path / "session.sqlite"


@pytest.fixture
def engine(path: Path) -> Iterator[EmbeddedEngine]:
    """An engine on a new file."""
    engine = opened(path)
    yield engine
    engine.close()


def opened(path: Path, key: bytes = KEY) -> EmbeddedEngine:
    """An engine on the file, as a process that starts now has it."""
    return EmbeddedEngine(path, wall, durability="process", key=key, create=True)


async def double(ctx: Any, n: int) -> int:
    return 2 * n


async def job(ctx: Any, n: int) -> int:
    first: int = await ctx.run(double, n)
    return first + 1


def asleep(engine: EmbeddedEngine, task: str) -> None:
    """Return once a function waits for somebody else."""
    for _ in range(3000):
        if engine.ledger._rows("SELECT 1 FROM engine_tasks WHERE id = ? AND state = 'suspended'", (task,)):
            return
        threading.Event().wait(0.01)
    pytest.fail(f"{task} is not suspended")


def settle_raw(engine: EmbeddedEngine, id: str, state: str, data: bytes) -> None:
    """Settle as another tool would: with bytes."""
    value = {"data": base64.b64encode(data).decode()}
    engine.ledger.request({"kind": "promise.settle", "id": id, "state": state, "value": value})


# ---------------------------------------------------------------- running and recovering


def test_a_function_runs_and_is_recorded(engine: EmbeddedEngine) -> None:
    """The same id again is the same run."""
    calls = []

    @engine.functions.register
    async def count(ctx: Any, n: int) -> int:
        calls.append(n)
        return n

    assert engine.functions.run("a", count, 1).result(HANG) == 1
    assert engine.functions.run("a", count, 2).result(HANG) == 1
    assert calls == [1]
    assert engine.wait("a").value == 1


def test_many_run_at_once(engine: EmbeddedEngine) -> None:
    """From any thread, each with its children."""
    functions = engine.functions
    functions.register(job)
    futures = [functions.run(f"j{n}", job, n) for n in range(30)]
    assert [future.result(HANG) for future in futures] == [2 * n + 1 for n in range(30)]


def test_what_a_process_left_is_finished_by_the_next(path: Path) -> None:
    """Its settled children are not run again, and the run goes on once the function is registered."""
    began, steps = threading.Event(), []

    async def step(ctx: Any, life: str) -> str:
        steps.append(life)
        return life

    def work(life: str, wait: bool) -> Any:
        async def long(ctx: Any) -> list[str]:
            first = await ctx.run(step, life)
            began.set()
            if wait:
                await asyncio.Event().wait()
            return [first, await ctx.run(step, life)]

        return long

    engine = opened(path)
    engine.functions.register(work("one", wait=True))
    engine.functions.run("a", "long")
    assert began.wait(HANG)
    engine._functions.close(0)  # type: ignore[union-attr]
    engine.ledger.close()
    again = opened(path)
    again.functions.start()
    held = again.functions._connection._held
    wait_for(lambda: list(held) == ["a"], "the task of the other process")
    assert again.wait("a", 0.2).state == "pending"
    assert list(held) == ["a"]  # and not tried: its function is not there yet
    again.functions.register(work("two", wait=False))
    assert again.functions.get("a").result(HANG) == ["one", "two"]
    assert steps == ["one", "two"]
    again.close()


def test_a_function_that_waits_for_the_outside_is_woken_by_another_engine(engine: EmbeddedEngine, path: Path) -> None:
    """A second connection settles; the message reaches the function through the file."""
    ids: list[str] = []
    asked = threading.Event()

    @engine.functions.register
    async def ask(ctx: Any) -> str:
        answer = ctx.promise()
        ids.append(await answer.id())
        asked.set()
        got: str = await answer
        return got

    future = engine.functions.run("a", ask)
    assert asked.wait(HANG)
    asleep(engine, "a")
    other = opened(path)
    other.settle(ids[0], "resolved", "from outside")
    other.close()
    assert future.result(HANG) == "from outside"


def test_a_cell_that_is_run_again_replaces_its_function(engine: EmbeddedEngine) -> None:
    """The SDK alone refuses a name twice."""

    def define(value: int) -> Any:
        async def same(ctx: Any) -> int:
            return value

        return engine.functions.register(same)

    assert engine.functions.run("a", define(1)).result(HANG) == 1
    assert engine.functions.run("b", define(2)).result(HANG) == 2


def test_a_blocking_function_blocks_nothing_else(engine: EmbeddedEngine) -> None:
    """It has a thread; the engine's loop goes on."""
    go = threading.Event()

    def slow(ctx: Any) -> str:
        assert go.wait(HANG)
        return "slow"

    engine.functions.register(slow)
    engine.functions.register(job)
    waiting = engine.functions.run("a", slow)
    assert engine.functions.run("b", job, 1).result(HANG) == 3
    go.set()
    assert waiting.result(HANG) == "slow"


# ---------------------------------------------------------------- guards


@pytest.mark.parametrize("ended", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_a_function_that_is_ended_does_not_end_the_engine(engine: EmbeddedEngine, ended: type[BaseException]) -> None:
    """The run is rejected, the next one works."""

    async def stop(ctx: Any) -> None:
        raise ended

    engine.functions.register(stop)
    engine.functions.register(job)
    with pytest.raises(Exception, match=ended.__name__):
        engine.functions.run("a", stop).result(HANG)
    assert engine.functions.run("b", job, 1).result(HANG) == 3


def test_a_failing_function_is_not_tried_again(engine: EmbeddedEngine) -> None:
    """The SDK's default is 30 times; the caller gets the exception as it was."""
    calls = []

    @engine.functions.register
    async def fail(ctx: Any) -> None:
        calls.append(1)
        raise ZeroDivisionError("once")

    with pytest.raises(ZeroDivisionError, match="once"):
        engine.functions.run("a", fail).result(HANG)
    assert calls == [1]


def test_a_result_that_is_not_json_is_an_error(engine: EmbeddedEngine) -> None:
    """The SDK alone would run the function again and again for ever."""
    calls = []

    @engine.functions.register
    async def strange(ctx: Any) -> object:
        calls.append(1)
        return object()

    with pytest.raises(Exception, match="not JSON"):
        engine.functions.run("a", strange).result(HANG)
    assert calls == [1]


class Bomb:
    """Unpickling it leaves a trace."""

    went_off: list[int] = []

    def __reduce__(self) -> Any:
        return (Bomb.went_off.append, (1,))


def test_a_pickle_in_a_foreign_rejection_is_not_run(engine: EmbeddedEngine) -> None:
    """Whoever may settle a promise must not run code in the kernel; the message arrives."""
    pickled = base64.b64encode(pickle.dumps(Bomb())).decode()
    error = json.dumps({"__type": "error", "message": "no", "__py_pickle": pickled, "__holdfast_mac": "00"})
    engine.create("a")
    settle_raw(engine, "a", "rejected", error.encode())
    with pytest.raises(Exception, match="no"):
        engine.functions.get("a").result(HANG)
    assert Bomb.went_off == []


def test_a_pickle_of_another_key_is_not_run(path: Path) -> None:
    """An exception keeps its type only for who wrote it."""
    first = opened(path)

    @first.functions.register
    async def fail(ctx: Any) -> None:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError):
        first.functions.run("a", fail).result(HANG)
    first.close()
    for key, kind in ((KEY, "ZeroDivisionError"), (b"other", "ApplicationError")):
        again = opened(path, key)
        with pytest.raises(Exception, match="mine") as caught:
            again.functions.get("a").result(HANG)
        assert type(caught.value).__name__ == kind
        again.close()


def test_an_answer_that_is_not_json_reaches_the_function_as_text(engine: EmbeddedEngine) -> None:
    """The SDK alone redelivers it 1,241 times a second and never answers."""
    ids: list[str] = []
    asked = threading.Event()

    @engine.functions.register
    async def ask(ctx: Any) -> str:
        answer = ctx.promise()
        ids.append(await answer.id())
        asked.set()
        got: str = await answer
        return got

    future = engine.functions.run("a", ask)
    assert asked.wait(HANG)
    settle_raw(engine, ids[0], "resolved", b"hello")
    assert future.result(HANG) == "hello"


def test_a_released_task_comes_back_slower_each_time(engine: EmbeddedEngine) -> None:
    """A poisoned task must not take the processor: the pause doubles to a minute."""
    connection = engine.functions._connection
    pauses = []
    for _ in range(12):
        connection._count({"kind": "task.release", "id": "a"})
        pauses.append(connection._pause("a"))
    assert pauses[0] == 0.05
    assert all(later >= earlier for earlier, later in pairwise(pauses))
    assert pauses[-1] == 60.0
    connection._count({"kind": "task.fulfill", "id": "a"})
    assert connection._pause("a") == 0


def test_the_environment_does_not_make_it_remote(engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """RESONATE_URL is for other programs."""
    monkeypatch.setenv("RESONATE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("RESONATE_TOKEN", "secret")
    engine.functions.register(job)
    assert engine.functions._resonate._sender.auth is None
    assert engine.functions.run("a", job, 1).result(HANG) == 3


def test_an_id_that_the_protocol_refuses_is_an_error(engine: EmbeddedEngine) -> None:
    """At once, instead of a future that never ends."""
    engine.functions.register(job)
    with pytest.raises(Exception, match="invalid id"):
        engine.functions.run("a:b", job, 1).result(HANG)


def test_a_run_that_cannot_be_kept_is_an_error(engine: EmbeddedEngine) -> None:
    """A full disk, say; the SDK's handle alone would wait for ever."""

    @engine.functions.register
    async def echo(ctx: Any, text: str) -> int:
        return len(text)

    assert engine.functions.run("a", echo, "x").result(HANG) == 1
    connection = engine.ledger._open()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Exception, match="full"):
        engine.functions.run("b", echo, "x" * 100_000).result(HANG)
    connection.execute("PRAGMA max_page_count = 1000000")
    assert engine.functions.run("c", echo, "x" * 100_000).result(HANG) == 100_000


def test_what_has_ended_leaves_no_deadline_behind(engine: EmbeddedEngine) -> None:
    """The clock looks at what is due once a second, for the life of the session."""
    engine.functions.register(job)
    for n in range(3):
        engine.functions.run(f"j{n}", job, n).result(HANG)
    due = "SELECT (SELECT count(*) FROM engine_tasks WHERE due IS NOT NULL), count(due) FROM engine_promises"
    assert engine.ledger._rows(due) == [(0, 0)]


def test_a_function_that_is_not_registered_is_named(engine: EmbeddedEngine) -> None:
    """By name it is the SDK that says so."""
    with pytest.raises(KeyError, match="job"):
        engine.functions.run("a", job, 1)
    with pytest.raises(Exception, match="function not found: nobody"):
        engine.functions.run("a", "nobody").result(HANG)


def test_closing_leaves_what_runs_for_the_next_process(
    engine: EmbeddedEngine, capfd: pytest.CaptureFixture[str]
) -> None:
    """A body that is cancelled by the end of the session is not a failure of the function, nor worth a word."""
    began = threading.Event()

    @engine.functions.register
    async def endless(ctx: Any) -> None:
        began.set()
        await asyncio.Event().wait()

    engine.functions.run("a", endless)
    assert began.wait(HANG)
    engine.functions.close(0)
    assert engine.wait("a", 0).state == "pending"
    with pytest.raises(RuntimeError, match="closed"):
        engine.functions.run("b", endless)
    assert capfd.readouterr() == ("", "")


@pytest.mark.keeps("threads", reason="a blocking function cannot be ended; its thread is a daemon")
def test_a_blocking_function_does_not_hold_up_the_end(engine: EmbeddedEngine) -> None:
    """Neither of the session nor of the process, which waits for no daemon."""
    began, threads = threading.Event(), []

    def endless(ctx: Any) -> None:
        threads.append(threading.current_thread())
        began.set()
        threading.Event().wait()

    engine.functions.register(endless)
    engine.functions.run("a", endless)
    assert began.wait(HANG)
    engine.functions.close(0)
    assert not any(thread.name == "holdfast-engine" for thread in threading.enumerate())
    assert threads[0].daemon
