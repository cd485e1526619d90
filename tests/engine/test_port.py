"""What every engine of durable promises must do.

A new engine is one more entry of `ENGINES`: a function of a clock that returns it, and a way to end it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.engines import TemporaryEngine
from holdfast.clock import FakeClock
from holdfast.engine.fallback import FallbackEngine
from holdfast.engine.memory import MemoryEngine
from holdfast.engine.port import Engine, Promise, State

HANG = 60.0

Make = Callable[[FakeClock], Engine]
ENGINES: dict[str, Make] = {
    "memory": lambda clock: MemoryEngine(clock.monotonic),
    "embedded": TemporaryEngine,
    "fallback": lambda clock: FallbackEngine(MemoryEngine(clock.monotonic), MemoryEngine(clock.monotonic), pytest.fail),
}
SETTLED: list[State] = ["resolved", "rejected", "rejected_canceled"]


@pytest.fixture
def clock() -> FakeClock:
    """A clock that the test moves."""
    return FakeClock(1000.0)


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest, clock: FakeClock) -> Iterator[Engine]:
    """Each engine, fresh."""
    engine = ENGINES[request.param](clock)
    yield engine
    end(engine)


def end(engine: Engine) -> None:
    """Let an engine go that holds a file."""
    if isinstance(engine, TemporaryEngine):
        engine.close()


# ---------------------------------------------------------------- create


def test_a_promise_is_created_pending(engine: Engine) -> None:
    """With what it was created with."""
    assert engine.create("a", {"x": 1}, {"tag": "t"}) == Promise("a", "pending", {"x": 1}, None, {"tag": "t"})


def test_creating_twice_is_creating_once(engine: Engine) -> None:
    """The second call finds the first promise, whatever it says itself."""
    first = engine.create("a", 1, {"tag": "t"})
    assert engine.create("a", 2, {"other": "t"}) == first
    assert len(engine.list_open()) == 1


def test_creating_what_is_settled_finds_it_settled(engine: Engine) -> None:
    """A recorded answer is there at once for who runs the same cell again."""
    engine.create("a")
    settled = engine.settle("a", "resolved", 5)
    assert engine.create("a") == settled


@pytest.mark.parametrize("value", [None, True, 5, 1.5, "text", [1, "a"], {"a": {"b": [None]}}])
def test_small_json_comes_back(engine: Engine, value: object) -> None:
    """Parameters and values are small JSON, and the same afterwards."""
    assert engine.create("a", value).param == value
    assert engine.settle("a", "resolved", value).value == value


# ---------------------------------------------------------------- settle


@pytest.mark.parametrize("state", SETTLED)
def test_a_promise_is_settled(engine: Engine, state: State) -> None:
    """It is no longer open, and keeps its parameter and tags."""
    engine.create("a", 1, {"tag": "t"})
    assert engine.settle("a", state, "value") == Promise("a", state, 1, "value", {"tag": "t"})
    assert engine.list_open() == []


@pytest.mark.parametrize("first", SETTLED)
@pytest.mark.parametrize("second", SETTLED)
def test_the_first_settling_wins(engine: Engine, first: State, second: State) -> None:
    """P5: the second one is told what holds."""
    engine.create("a")
    settled = engine.settle("a", first, 1)
    assert engine.settle("a", second, 2) == settled
    assert engine.wait("a", 0) == settled


def test_a_promise_that_is_not_there_cannot_be_settled(engine: Engine) -> None:
    """A KeyError that names it."""
    with pytest.raises(KeyError, match="nothing"):
        engine.settle("nothing", "resolved")


# ---------------------------------------------------------------- wait


def test_waiting_for_what_is_settled_returns_at_once(engine: Engine) -> None:
    """With its value."""
    engine.create("a")
    engine.settle("a", "resolved", 5)
    assert engine.wait("a").value == 5


def test_waiting_ends_with_the_time(engine: Engine) -> None:
    """A promise that nobody settles comes back pending."""
    engine.create("a")
    assert engine.wait("a", 0.01).state == "pending"


def test_a_waiter_is_woken(engine: Engine) -> None:
    """By another thread's settling, and every one of several waiters."""
    engine.create("a")
    got: list[Promise] = []
    waiters = [threading.Thread(target=lambda: got.append(engine.wait("a", HANG))) for _ in range(3)]
    for waiter in waiters:
        waiter.start()
    engine.settle("a", "resolved", 5)
    for waiter in waiters:
        waiter.join()
    assert [promise.value for promise in got] == [5, 5, 5]


def test_a_wait_ends_with_what_it_was_told_to_look_for(engine: Engine) -> None:
    """Something that came by another way; whoever brings it wakes the waiters."""
    engine.create("a")
    here = threading.Event()
    got: list[Promise] = []
    waiter = threading.Thread(target=lambda: got.append(engine.wait("a", HANG, here.is_set)))
    waiter.start()
    engine.wake()
    assert got == []
    here.set()
    engine.wake()
    waiter.join()
    assert [promise.state for promise in got] == ["pending"]


def test_waiting_for_what_is_not_there(engine: Engine) -> None:
    """A KeyError that names it."""
    with pytest.raises(KeyError, match="nothing"):
        engine.wait("nothing", 0)


def test_a_waiter_is_not_woken_by_another_promise(engine: Engine) -> None:
    """It waits for its own."""
    engine.create("a")
    engine.create("b")
    engine.settle("b", "resolved", 1)
    assert engine.wait("a", 0.01).state == "pending"


def test_who_settles_first_is_the_same_for_all(engine: Engine) -> None:
    """Many threads settle one promise: all of them are told the same value."""
    engine.create("a")
    start, got = threading.Barrier(8), []

    def settle(n: int) -> None:
        start.wait(HANG)
        got.append(engine.settle("a", "resolved", n).value)

    threads = [threading.Thread(target=settle, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(got) == {engine.wait("a").value}


# ---------------------------------------------------------------- list_open


def test_open_promises_are_listed_oldest_first(engine: Engine) -> None:
    """Those whose id starts with the prefix, and no settled one."""
    for name in ("k-2", "k-1", "other", "k-3"):
        engine.create(name)
    engine.settle("k-1", "resolved")
    assert [promise.id for promise in engine.list_open("k-")] == ["k-2", "k-3"]
    assert [promise.id for promise in engine.list_open()] == ["k-2", "other", "k-3"]


# ---------------------------------------------------------------- lease


def test_a_lease_has_one_holder(engine: Engine) -> None:
    """Others are refused, the holder renews, other names are free."""
    assert engine.lease("session", "one", 10)
    assert not engine.lease("session", "two", 10)
    assert engine.lease("session", "one", 10)
    assert engine.lease("another", "two", 10)


@pytest.mark.parametrize(("passed", "free"), [(9.9, False), (10.0, True), (100.0, True)])
def test_a_lease_ends_with_its_time(engine: Engine, clock: FakeClock, passed: float, free: bool) -> None:
    """Who does not renew in time loses it."""
    engine.lease("session", "one", 10)
    clock.now += passed
    assert engine.lease("session", "two", 10) == free


def test_a_renewed_lease_lasts_from_then(engine: Engine, clock: FakeClock) -> None:
    """Renewing moves the end."""
    engine.lease("session", "one", 10)
    clock.now += 9
    engine.lease("session", "one", 10)
    clock.now += 9
    assert not engine.lease("session", "two", 10)


# ---------------------------------------------------------------- any order of calls

CALLS = st.lists(
    st.tuples(
        st.sampled_from(["create", "settle", "wait"]),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(SETTLED),
        st.integers(0, 3),
    ),
    max_size=30,
)


@pytest.mark.parametrize("make", ENGINES.values(), ids=ENGINES)
@given(calls=CALLS)
def test_any_order_of_calls_agrees_with_a_dict(make: Make, calls: list[tuple[str, str, State, int]]) -> None:
    """Create once, settle once, and the open ones in their order of birth."""
    engine, model = make(FakeClock()), dict[str, Promise]()
    for call, name, state, value in calls:
        if call == "create":
            expected = model.setdefault(name, Promise(name, param=value))
            assert engine.create(name, value) == expected
        elif name in model:
            if call == "settle" and model[name].state == "pending":
                model[name] = Promise(name, state, model[name].param, value)
            got = engine.settle(name, state, value) if call == "settle" else engine.wait(name, 0)
            assert got == model[name]
    assert list(engine.list_open()) == [promise for promise in model.values() if promise.state == "pending"]
    end(engine)
