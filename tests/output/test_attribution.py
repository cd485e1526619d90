"""Output belongs to the cell that started its writer."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from holdfast.output.attribution import TOKEN, Attribution

USERS: contextvars.ContextVar[str] = contextvars.ContextVar("users", default="unset")


@pytest.fixture
def attribution() -> Iterator[Attribution]:
    """Installed, and put back afterwards."""
    made = Attribution()
    made.install()
    yield made
    made.uninstall()


def _in_cell[T](attribution: Attribution, token: str, call: Callable[[], T]) -> T:
    """Run `call` as cell `token`, in a context of its own."""

    def run() -> T:
        attribution.begin(token)
        return call()

    return contextvars.copy_context().run(run)


def _thread(call: Callable[[], object]) -> object:
    got: list[object] = []
    thread = threading.Thread(target=lambda: got.append(call()))
    thread.start()
    thread.join()
    return got[0]


def test_a_cells_own_output_is_its_own(attribution: Attribution) -> None:
    """And it is the newest."""
    assert _in_cell(attribution, "a", attribution.current) == "a"
    assert attribution.newest == "a"


def test_outside_all_cells_the_newest_gets_it(attribution: Attribution) -> None:
    """Before the first there is none."""
    assert attribution.current() is None
    _in_cell(attribution, "a", lambda: None)
    assert attribution.current() == "a"


def test_a_thread_belongs_to_the_cell_that_started_it(attribution: Attribution) -> None:
    """Also when other cells have begun meanwhile."""
    go, got = threading.Event(), list[object]()

    def work() -> None:
        go.wait(60)
        got.append(attribution.current())

    def start() -> threading.Thread:
        thread = threading.Thread(target=work)
        thread.start()
        return thread

    thread = _in_cell(attribution, "a", start)
    _in_cell(attribution, "b", go.set)
    thread.join()
    assert got == ["a"]


def test_a_thread_of_a_thread_belongs_to_the_same_cell(attribution: Attribution) -> None:
    """The token is handed on."""
    got = _in_cell(attribution, "a", lambda: _thread(lambda: _thread(attribution.current)))
    assert got == "a"


def test_subclasses_and_timers_are_threads_too(attribution: Attribution) -> None:
    """Whatever `run` they have."""
    got: list[object] = []

    class Own(threading.Thread):
        def run(self) -> None:
            got.append(attribution.current())

    def start() -> None:
        threads = [Own(), threading.Timer(0, lambda: got.append(attribution.current()))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    _in_cell(attribution, "a", start)
    assert got == ["a", "a"]


def test_only_the_token_is_carried(attribution: Attribution) -> None:
    """A context variable of the user's does not appear in a thread, which Python starts with an empty context."""

    def start() -> object:
        USERS.set("set")
        return _thread(USERS.get)

    assert _in_cell(attribution, "a", start) == "unset"


def test_a_thread_started_outside_all_cells_belongs_to_the_newest(attribution: Attribution) -> None:
    """A thread that C code started has no starter either."""
    _in_cell(attribution, "a", lambda: None)
    assert _thread(attribution.current) == "a"


def test_tasks_belong_to_the_cell_that_made_them(attribution: Attribution) -> None:
    """They inherit the token with their context; callbacks and `to_thread` do as well."""

    async def main() -> list[object]:
        loop = asyncio.get_running_loop()
        called: asyncio.Future[object] = loop.create_future()
        loop.call_soon(lambda: called.set_result(attribution.current()))

        async def task() -> object:
            await asyncio.sleep(0)
            return attribution.current()

        made = asyncio.create_task(task())
        in_executor = loop.run_in_executor(None, attribution.current)
        in_thread = asyncio.to_thread(attribution.current)
        return [await made, await called, await in_thread, await in_executor]

    def run() -> list[object]:
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            return runner.run(main())

    assert _in_cell(attribution, "a", run) == ["a"] * 4


def test_a_pools_thread_works_for_the_cell_that_submits(attribution: Attribution) -> None:
    """The thread outlives the cell that made it: each call brings its own token, and leaves none behind."""
    with ThreadPoolExecutor(1) as pool:

        def ask() -> object:
            return pool.submit(attribution.current).result()

        assert [_in_cell(attribution, token, ask) for token in ("a", "b", "a")] == ["a", "b", "a"]
        mapped = _in_cell(attribution, "c", lambda: list(pool.map(lambda _: attribution.current(), range(3))))
        assert mapped == ["c"] * 3
        assert pool.submit(int, "ff", base=16).result() == 255
        # Outside all cells the call has no token, and the thread's own is that of the cell that started it.
        assert contextvars.Context().run(lambda: pool.submit(attribution.current).result()) == "a"


def test_an_exception_in_a_pool_is_handed_on(attribution: Attribution) -> None:
    """As without us."""

    def fail() -> object:
        raise ValueError("in the pool")

    with ThreadPoolExecutor(1) as pool:
        future = _in_cell(attribution, "a", lambda: pool.submit(fail))
        with pytest.raises(ValueError, match="in the pool"):
            future.result()


def test_the_user_can_ask_for_the_newest(attribution: Attribution) -> None:
    """`output_follows("newest")` and back."""
    attribution.newest = "b"
    got = []
    for which in ("newest", "starter"):
        attribution.follows(which)

        def ask() -> object:
            TOKEN.set("a")
            return attribution.current()

        got.append(contextvars.copy_context().run(ask))
    assert got == ["b", "a"]


@pytest.mark.parametrize("asked", [True, False])
def test_a_client_may_read_the_newest_only(attribution: Attribution, asked: bool) -> None:
    """As long as its cell is the newest; what the user asked for stays."""
    if asked:
        attribution.follows("newest")
    old = contextvars.copy_context()
    old.run(attribution.begin, "a")
    got = []
    for newest_only in (True, False):
        contextvars.copy_context().run(attribution.begin, "b", newest_only)
        got.append(old.run(attribution.current))
    assert got == ["b", "b" if asked else "a"]


def test_another_choice_is_refused(attribution: Attribution) -> None:
    """The error names both choices."""
    with pytest.raises(ValueError, match="'newest' or 'starter', not 'both'"):
        attribution.follows("both")  # type: ignore[arg-type]


def test_a_thread_that_cannot_start_leaves_things_as_they_were(attribution: Attribution) -> None:
    """Starting one twice raises what it always raised."""
    thread = threading.Thread(target=lambda: None)
    _in_cell(attribution, "a", thread.start)
    thread.join()
    with pytest.raises(RuntimeError, match="threads can only be started once"):
        thread.start()


def test_uninstalling_puts_everything_back() -> None:
    """Threads and pools are as they were."""

    def entries() -> tuple[object, ...]:
        return threading.Thread.start, vars(threading.Thread)["_bootstrap_inner"], ThreadPoolExecutor.submit

    before, made = entries(), Attribution()
    made.install()
    _in_cell(made, "a", lambda: None)
    during = entries()
    made.uninstall()
    assert all(now is not was for now, was in zip(during, before, strict=True))
    assert entries() == before


def test_pools_of_processes_are_left_alone(attribution: Attribution) -> None:
    """A token cannot cross to another process."""
    before: Callable[..., object] = ProcessPoolExecutor.submit
    _in_cell(attribution, "a", lambda: None)
    assert ProcessPoolExecutor.submit is before
    assert Executor.submit is not ThreadPoolExecutor.submit
