"""Large values: the reply does not wait for them, they are written beside the user, and no half of one is published."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from helpers.durable import Notebook
from holdfast.durable.pickling.lost import LostValue
from holdfast.durable.store.memory import MemoryStore
from holdfast.durable.writer import WRITING
from holdfast.errors import StoreError

MANY = 4 << 20
MAKE = f"import numpy as np\nframe = np.arange({MANY // 8}.)"


class SlowStore(MemoryStore):
    """Chunks are taken one by one, as the test lets them; `seconds` is what each takes by the injected clock."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.2
        self.now = 0.0
        self.main = threading.get_ident()
        self.gate = threading.Event()
        self.broken = False
        self.put_here: list[int] = []
        self.put_beside: list[int] = []

    def clock(self) -> float:
        """Seconds, of which only the store takes any."""
        return self.now

    def put(self, data: memoryview, *, within_budget: bool = False) -> bytes:
        """See the port."""
        if threading.get_ident() == self.main:
            self.put_here.append(data.nbytes)
            self.now += self.seconds
        else:
            self.gate.wait(120)
            self.put_beside.append(data.nbytes)
            if self.broken:
                raise StoreError("database or disk is full")
        return super().put(data, within_budget=within_budget)


class Slow(Notebook):
    """A notebook on a slow store; `over` is set when something is to be published."""

    def __init__(self, limit: float = 0.25) -> None:
        self.slow = SlowStore()
        super().__init__(self.slow)
        self.over = threading.Event()
        pending = self.committer.pending
        pending.limit, pending.ready = limit, self.over.set
        patience = pending()
        if patience is not None:
            patience._clock = self.slow.clock

    def written(self) -> None:
        """Let the writer come to its end, and publish as the kernel does between two cells."""
        self.slow.gate.set()
        pending = self.committer.pending
        patience = pending()
        assert patience is not None
        while patience.pending:
            assert self.over.wait(120)
            self.over.clear()
        pending.publish(self.committer)

    def last(self) -> Mapping[str, Any]:
        """What a kernel that is killed now leaves to the next one."""
        return self.restored()[0].namespace.dict


@pytest.fixture
def slow() -> Iterator[Slow]:
    """A notebook whose writer ends with the test."""
    made = Slow()
    yield made
    made.slow.gate.set()
    made.committer.pending.stop()


def test_a_large_value_does_not_hold_up_its_reply(slow: Slow) -> None:
    """The reply waits for 0.25 s at most, by the clock of the store, and names the value; the rest is committed."""
    slow.run(MAKE + "; small = [1]")
    assert slow.notes["pending"] == ["frame"]
    assert slow.slow.now <= 0.25 + slow.slow.seconds
    assert slow.last()["small"] == [1]


def test_a_slow_cell_waits_for_a_twentieth_of_its_time() -> None:
    """Where that is longer than the limit, the reply waits so long, and here that is enough."""
    slow = Slow()
    slow.committer.pending._seconds = 0.0
    unit = slow.execute(MAKE)
    from holdfast.durable.reports import Cell

    codes = tuple(one for one in (unit.body, unit.last) if one is not None)
    slow.committer.commit(Cell(1, MAKE, codes, unit.tree, seconds=30.0), lambda notes, _: None)
    assert not slow.committer.held
    np.testing.assert_array_equal(slow.last()["frame"], np.arange(MANY / 8))


def test_what_is_written_is_published(slow: Slow) -> None:
    """Pending, then kept: `%session`'s state follows, and a restart has the value."""
    slow.run(MAKE)
    assert set(slow.committer.held.values()) == {"writing"}
    slow.written()
    assert not slow.committer.held
    assert not slow.committer.pending.is_busy
    np.testing.assert_array_equal(slow.last()["frame"], np.arange(MANY / 8))
    assert slow.restored()[1].lost == ()


def test_what_was_written_is_not_written_again(slow: Slow) -> None:
    """To publish costs no chunk, and the audit finds it as it is."""
    slow.run(MAKE)
    slow.written()
    puts = len(slow.slow.put_here)
    assert slow.audit() == ()
    assert len(slow.slow.put_here) == puts


def test_killed_in_that_window_a_new_value_is_named(slow: Slow) -> None:
    """Nothing of it is in the manifest: a placeholder, with the reason."""
    slow.run(MAKE)
    other, restored = slow.restored()
    assert isinstance(other.namespace.dict["frame"], LostValue)
    assert restored.lost == (("frame", "value", "it was still being written"),)


def test_killed_in_that_window_the_version_of_before_is_there(slow: Slow) -> None:
    """The value of before, whole, and the banner says that it is older."""
    slow.run("import numpy as np; frame = np.zeros(3)")
    slow.run(MAKE)
    other, restored = slow.restored()
    np.testing.assert_array_equal(np.asarray(other.namespace.dict["frame"]), np.zeros(3))
    assert restored.older == ("frame",)


def test_a_value_in_a_dict_is_a_placeholder_with_it(slow: Slow) -> None:
    """A component is pending as a whole: its other names too."""
    slow.run(MAKE + "; box = {'in': frame}; beside = [1]")
    assert slow.notes["pending"] == ["box", "frame"]
    assert isinstance(slow.last()["box"], LostValue)
    slow.written()
    last = slow.last()
    assert last["box"]["in"] is last["frame"]


WAITS = {
    "frame[0] = 1": True,
    "frame.sort()": True,
    "f(frame)": True,
    "frame += 1": True,
    "change()": True,
    "exec('frame[0] = 1')": True,
    "alias": False,
    "other = [1]": False,
    "frame.mean()": False,
    "frame": False,
    "len(frame), frame.shape": False,
    "frame = 5": False,
    "del frame": False,
    "harmless()": False,
}


@pytest.mark.parametrize("code", WAITS)
def test_only_a_cell_that_can_change_it_waits(slow: Slow, code: str) -> None:
    """A cell that reads it, binds its name anew or has nothing to do with it runs at once."""
    slow.run("def f(x): pass\ndef change(): frame[0] = 5\ndef harmless(): return alias\nalias = [1]")
    slow.run(MAKE)
    from holdfast.executor.compile import compile_cell

    unit = compile_cell(code, "<cell>")
    codes = tuple(one for one in (unit.body, unit.last) if one is not None)
    assert bool(slow.committer.pending.must_wait(slow.committer, codes, unit.tree)) == WAITS[code]


def test_a_cell_that_waited_changes_the_next_version(slow: Slow) -> None:
    """What it waited for is published as it was; what it does then is stored after that."""
    slow.run(MAKE)
    jobs = list(slow.committer.pending().jobs)  # type: ignore[union-attr]
    assert not slow.committer.pending.wait(jobs, 0.01)
    slow.slow.gate.set()
    assert slow.committer.pending.wait(jobs, 120)
    slow.committer.pending.publish(slow.committer)
    slow.slow.seconds = 0.0
    slow.run("frame[0] = -1")
    assert "pending" not in slow.notes
    assert slow.last()["frame"][0] == -1


def test_a_value_that_changes_all_the_time_is_never_torn(slow: Slow) -> None:
    """A thread writes to it between any two chunks: it is tried again, then named, and the last version stays."""
    slow.run("import numpy as np; frame = np.zeros(3)")
    slow.run(MAKE)
    frame: Any = slow.namespace.dict["frame"]
    put = slow.slow.put

    def changing(data: memoryview) -> bytes:
        frame[:] += 1
        return put(data)

    writer = slow.committer.pending().writer  # type: ignore[union-attr]
    writer._put = changing
    slow.written()
    assert slow.committer.held["frame"] == "unstable"
    assert slow.last()["frame"].tolist() == [0, 0, 0]


def test_a_change_while_it_is_written_is_written_again(slow: Slow) -> None:
    """One change in the middle: the second pass sees it, and the version is the value after it, whole."""
    slow.run(MAKE)
    frame: Any = slow.namespace.dict["frame"]
    put, calls = slow.slow.put, []

    def once(data: memoryview) -> bytes:
        calls.append(1)
        if len(calls) == 3:
            frame[:] = 7
        return put(data)

    slow.committer.pending().writer._put = once  # type: ignore[union-attr]
    slow.written()
    assert slow.committer.held == {}
    assert set(slow.last()["frame"].tolist()) == {7.0}


@pytest.mark.parametrize("code", ["del frame", "frame = 5", MAKE + " + 1"])
def test_what_is_not_wanted_any_more_is_not_published(slow: Slow, code: str) -> None:
    """Deleted or bound anew while it is written: what is stored is what the names lead to."""
    slow.run(MAKE)
    slow.run(code)
    if "frame" in slow.namespace.dict and not isinstance(slow.namespace.dict["frame"], int):
        slow.written()
        assert slow.last()["frame"][0] == 1
    else:
        assert not slow.committer.pending.is_busy
        assert slow.last().get("frame") == slow.namespace.dict.get("frame")


def test_a_disk_that_is_full_is_said_by_the_next_commit(slow: Slow) -> None:
    """What could not be written beside is owed: the next cell tries itself, and its reply tells."""
    slow.run(MAKE)
    slow.slow.broken = True
    slow.written()
    assert "frame" in slow.committer._owed
    slow.run("x = 1")
    assert not slow.failed
    assert not slow.committer.held
    assert slow.last()["frame"][-1] == MANY / 8 - 1


def test_a_stop_leaves_nothing_behind(slow: Slow) -> None:
    """The kernel leaves in the middle: the thread ends, nothing is published."""
    slow.run(MAKE)
    slow.slow.gate.set()
    slow.committer.pending.stop()
    assert threading.active_count() == 1 or all(one.name != "holdfast-writer" for one in threading.enumerate())


def test_without_a_limit_every_reply_waits() -> None:
    """`HOLDFAST_PATIENCE=inf`."""
    slow = Slow(float("inf"))
    slow.run(MAKE)
    assert "pending" not in slow.notes
    assert not slow.slow.put_beside
    assert slow.last()["frame"][-1] == MANY / 8 - 1


def test_a_checkout_waits_for_what_is_written(slow: Slow) -> None:
    """What is left must come back as it was: it is stored to its end first."""
    from holdfast.durable.reports import Cell
    from holdfast.durable.settle import settle

    slow.run(MAKE)
    assert slow.committer.pending().jobs[0].state == WRITING  # type: ignore[union-attr]
    slow.slow.gate.set()
    with slow.namespace.lock:
        settle(slow.committer, Cell(2), ran=False)
    assert not slow.committer.held
