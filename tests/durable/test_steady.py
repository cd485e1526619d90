"""Values that a thread changes while they are committed: never a torn one, and named when there is no quiet look."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest

from helpers.durable import Notebook
from holdfast.durable import steady
from holdfast.durable.pickling.lost import LostValue

#: Commits beside a thread that changes what is committed: in every run, and in the nightly one.
OFTEN, NIGHTLY = 100, 10_000
MADE = """
import numpy as np
class P:
    def __init__(self): self.v = 0
objects = [P() for _ in range(40)]
table = {'first': P(), 'second': P(), 'third': P()}
array = np.zeros(40_000)
grows = {}
"""


@contextmanager
def beside(work: Callable[[], object]) -> Iterator[None]:
    """A thread that does its work again and again."""
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            work()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        sys.setswitchinterval(interval)


def kept(notebook: Notebook, *names: str) -> dict[str, Any]:
    """What the store has of some variables now."""
    other, _ = notebook.restored()
    return {name: other.namespace.dict.get(name) for name in names}


def one_instant(values: list[float]) -> bool:
    """Whether numbers that are set one after the other, each to the next round's, were so at some instant."""
    return all(a >= b for a, b in pairwise(values)) and values[0] - values[-1] <= 1


@pytest.mark.parametrize("attempts", [OFTEN, pytest.param(NIGHTLY, marks=pytest.mark.nightly)])
def test_what_a_thread_changes_is_never_torn(attempts: int) -> None:
    """Whatever is stored was there at one instant, round by round; what has no quiet look is named."""
    notebook = Notebook()
    notebook.run(MADE)
    space: dict[str, Any] = notebook.namespace.dict
    number = [0]

    def work() -> None:
        number[0] += 1
        now = number[0]
        for one in space["objects"]:
            one.v = now
        for one in space["table"].values():
            one.v = now
        space["array"][:20_000] = now
        space["array"][20_000:] = now
        space["grows"][now] = [now]
        space["grows"].pop(now - 50, None)

    stored = unstable = 0
    with beside(work):
        for attempt in range(attempts):
            notebook.run("objects, table, array, grows;", live=True)
            assert not notebook.failed
            named = notebook.notes.get("unstable", [])
            assert isinstance(named, list)
            stored, unstable = stored + 4 - len(named), unstable + len(named)
            if attempt % 10 == 0:
                check(kept(notebook, "objects", "table", "array", "grows"))
    assert stored
    assert stored + unstable == 4 * attempts
    notebook.run("objects, table, array, grows;")
    assert "unstable" not in notebook.notes
    last = kept(notebook, "objects", "grows")
    assert {one.v for one in last["objects"]} == {number[0]}
    assert last["grows"] == space["grows"]


def check(found: dict[str, Any]) -> None:
    """Each value is one that was there at some instant."""
    assert not any(isinstance(value, LostValue) for value in found.values())
    assert one_instant([one.v for one in found["objects"]])
    assert one_instant([one.v for one in found["table"].values()])
    assert one_instant(found["array"].tolist())
    keys = list(found["grows"])
    assert all(found["grows"][key] == [key] for key in keys)
    assert keys == list(range(keys[0], keys[-1] + 1)) if keys else True


@pytest.fixture
def restless(monkeypatch: pytest.MonkeyPatch) -> list[Notebook]:
    """Where no thread can be told to have been quiet; the notebook changes `x` at every look."""
    notebook = Notebook()
    notebook.run("class Moves:\n    def __init__(self): self.n = 0\nx, y = Moves(), [1]")
    moves: Any = notebook.namespace.dict["x"]
    monkeypatch.setattr(steady, "others", lambda: [threading.current_thread()])
    monkeypatch.setattr("holdfast.durable.audit.others", steady.others)
    dump = notebook.committer.publisher._codec.dump

    def changing(values: dict[str, object], world: Any) -> Any:
        moves.n += 1
        return dump(values, world)

    monkeypatch.setattr(steady.Witness, "mark", lambda _: None)
    notebook.committer.publisher._codec = notebook.codec.__class__(
        **{field: getattr(notebook.codec, field) for field in notebook.codec.__struct_fields__ if field != "dump"},
        dump=changing,
    )
    return [notebook]


def test_what_changes_all_the_time_is_named_and_keeps_its_last_version(restless: list[Notebook]) -> None:
    """After some looks the reply names it; the rest of the cell is stored."""
    (notebook,) = restless
    notebook.run("x; y.append(2)", live=True)
    assert notebook.notes["unstable"] == ["x"]
    other, restored = notebook.restored()
    space: dict[str, Any] = other.namespace.dict
    assert (space["x"].n, space["y"]) == (0, [1, 2])
    assert restored.older == ("x",)


def test_what_never_had_a_quiet_look_is_a_placeholder(restless: list[Notebook]) -> None:
    """It is named after a crash, and not silently missing."""
    (notebook,) = restless
    notebook.run("new = [x]", live=True)
    assert notebook.notes["unstable"] == ["new", "x"]
    other, restored = notebook.restored()
    assert isinstance(other.namespace.dict["new"], LostValue)
    assert [path for path, _, _ in restored.lost] == ["new"]


def test_a_quiet_look_stores_it_after_all(restless: list[Notebook], monkeypatch: pytest.MonkeyPatch) -> None:
    """The audit, or the next cell, finds it quiet, and nothing is held any more."""
    (notebook,) = restless
    notebook.run("x", live=True)
    monkeypatch.setattr("holdfast.durable.audit.others", list)
    assert notebook.audit() == ("x",)
    assert not notebook.committer.held
    assert notebook.restored()[1].older == ()


def test_a_thread_that_waits_costs_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that used no CPU meanwhile has changed nothing."""
    if sys.platform != "linux":
        pytest.skip("threads have no clock to be read from outside")
    notebook = Notebook()
    looks: list[int] = []
    dump = notebook.codec.dump

    def counted(values: dict[str, object], world: Any) -> Any:
        looks.append(1)
        return dump(values, world)

    notebook.committer.publisher._codec = notebook.codec.__class__(
        **{field: getattr(notebook.codec, field) for field in notebook.codec.__struct_fields__ if field != "dump"},
        dump=counted,
    )
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    try:
        notebook.run("a = [1]", live=True)
        assert len(looks) == 1
    finally:
        ended.set()
        thread.join()
