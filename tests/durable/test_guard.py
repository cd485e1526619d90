"""User code inside a commit: muted, ended when it takes too long, and never the end of the commit."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

import pytest

from helpers.durable import Notebook
from holdfast.durable.commit import SessionCommitter
from holdfast.durable.guard import AGAIN, Guard, hooked
from holdfast.durable.pickling.lost import LostValue, Unkeepable

#: Seconds that user code has here, and those after which a test says that it was not ended at all.
LIMIT, HANGS = 0.1, 60.0


class Timers:
    """Calls functions in some seconds, on a thread of its own."""

    def __init__(self) -> None:
        self._due: list[tuple[float, Callable[[], None]]] = []
        self._changed = threading.Condition()
        self._over = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """See `Guard`."""
        with self._changed:
            self._due.append((monotonic() + seconds, call))
            self._changed.notify()

    def _run(self) -> None:
        while not self._over:
            with self._changed:
                now = monotonic()
                due = [one for one in self._due if one[0] <= now]
                self._due = [one for one in self._due if one[0] > now]
                if not due:
                    self._changed.wait(min((at for at, _ in self._due), default=now + HANGS) - now)
            for _, call in due:
                call()

    def end(self) -> None:
        """Call nothing more."""
        self._over = True
        self.later(0, self._due.clear)
        self._thread.join()


@pytest.fixture
def muted() -> list[str]:
    """What was muted and unmuted, in order."""
    return []


@pytest.fixture
def guard(muted: list[str]) -> Iterator[Guard]:
    """One whose limit is short; the signal is given back."""
    timers = Timers()

    def mute() -> Callable[[], None]:
        muted.append("muted")
        return lambda: muted.append("heard")

    before = signal.getsignal(signal.SIGURG)
    yield Guard(timers.later, mute, LIMIT)
    timers.end()
    signal.signal(signal.SIGURG, before)


@pytest.fixture
def notebook(guard: Guard) -> Notebook:
    """A notebook whose commits are guarded."""
    made = Notebook()
    made.committer = SessionCommitter(made.namespace, made.store, made.codec, guard=guard)
    return made


ENDLESS = {
    "a loop": "while True: pass",
    "a sleep": "import time; time.sleep(3600)",
    "what catches every Exception": "while True:\n            try: time.sleep(99)\n            except Exception: pass",
    "a lock": "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()",
}


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("hook", ["__getstate__(self)", "__reduce__(self)", "__reduce_ex__(self, protocol)"])
def test_code_that_does_not_end_costs_its_object(notebook: Notebook, body: str, hook: str) -> None:
    """The object is a placeholder, the reply says why, everything else of the cell is kept."""
    begun = monotonic()
    notebook.run(
        f"import time\nclass Slow:\n    def {hook}:\n        {body}\nslow, other, both = Slow(), [1], [2, Slow()]"
    )
    assert monotonic() - begun < HANGS
    assert not notebook.failed
    lost = notebook.notes["lost"]
    assert isinstance(lost, list)
    assert sorted(path for path, _, _ in lost) == ["both[1]", "slow"]
    assert lost[0][2] == f"the code that says how to store a Slow took longer than {LIMIT:g} s"
    back, _ = notebook.restored()
    assert back.namespace.dict["other"] == [1]
    space: dict[str, Any] = back.namespace.dict
    assert space["both"][0] == 2
    assert type(space["slow"]) is LostValue


def test_the_next_commit_tries_again(notebook: Notebook) -> None:
    """What took too long once is kept when it no longer does."""
    notebook.run(
        "import time\nwait = [3600]\n"
        "class Slow:\n    def __getstate__(self):\n        if wait: time.sleep(wait[0])\n        return {'x': 5}\n"
        "slow = Slow()"
    )
    assert "lost" in notebook.notes
    notebook.run("wait.clear(); slow")  # no sleep of 0 s either, in which others may have the processor
    assert "lost" not in notebook.notes
    back, _ = notebook.restored()
    slow: Any = back.namespace.dict["slow"]
    assert slow.x == 5


def test_what_overran_has_less_time_until_it_ends_in_time(guard: Guard) -> None:
    """A class that overran does not hold up each commit for as long; once it did end, it has its time again."""

    class Slow:
        pass

    Slow.__module__ = "__main__"
    ended = threading.Event()
    for limit in (LIMIT, LIMIT * AGAIN):
        with guard, pytest.raises(Unkeepable, match=f"longer than {limit:g} s"):
            guard.call(lambda _: ended.wait(), None, Slow)
    with guard:
        guard.call(id, None, Slow)
    with guard, pytest.raises(Unkeepable, match=f"longer than {LIMIT:g} s"):
        guard.call(lambda _: ended.wait(), None, Slow)


def test_within_one_commit_a_class_overruns_once(guard: Guard) -> None:
    """A thousand objects of a class that hangs cost one deadline, not a thousand."""

    class Slow:
        pass

    Slow.__module__ = "__main__"
    calls = []

    def hang(_: object) -> None:
        calls.append(1)
        threading.Event().wait()

    with guard:
        for _ in range(100):
            with pytest.raises(Unkeepable):
                guard.call(hang, None, Slow)
    assert len(calls) == 1


def test_an_alarm_that_comes_late_rings_in_vain(guard: Guard) -> None:
    """The signal may arrive when the user's code has just ended."""
    with guard:
        guard.call(id, None, int)
    guard._late = guard._number
    signal.raise_signal(signal.SIGURG)


def test_the_users_own_handler_of_the_signal_is_called(guard: Guard) -> None:
    """Who uses SIGURG goes on getting it."""
    heard: list[int] = []
    signal.signal(signal.SIGURG, lambda number, _: heard.append(number))
    with guard:
        guard.call(id, None, int)
    signal.raise_signal(signal.SIGURG)
    assert heard == [signal.SIGURG]


def test_an_interrupt_costs_the_object_whose_code_it_met(notebook: Notebook) -> None:
    """Ctrl-C in a `__getstate__` does not void the commit."""
    notebook.run(
        "class Stopped:\n    def __getstate__(self):\n        raise KeyboardInterrupt\none, other = Stopped(), 7"
    )
    assert not notebook.failed
    assert notebook.notes["lost"] == [["one", "Stopped", "the code that says how to store a Stopped was interrupted"]]
    assert notebook.restored()[0].namespace.dict["other"] == 7


def test_on_another_thread_code_is_ended_too(guard: Guard) -> None:
    """A loop on a thread that gets no signals ends at its next bytecode, and nothing is raised there afterwards."""

    class Slow:
        pass

    def spin(_: object) -> None:
        while True:
            pass

    Slow.__module__ = "__main__"
    said: list[str] = []

    def run() -> None:
        with guard:
            try:
                guard.call(spin, None, Slow)
            except Unkeepable as error:
                said.append(str(error))
        said.append("went on")

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(HANGS)
    assert said == [f"the code that says how to store a Slow took longer than {LIMIT:g} s", "went on"]


def test_output_is_muted_while_values_are_pickled(notebook: Notebook, muted: list[str]) -> None:
    """Muting begins before user code runs and ends with the draft."""
    notebook.namespace.dict["muted"] = muted
    notebook.run(
        "class Loud:\n    def __getstate__(self):\n        muted.append('code')\n        return {}\nloud = Loud()"
    )
    assert muted[0] == "muted"
    assert "code" in muted
    assert muted[-1] == "heard"


def test_what_the_code_binds_belongs_to_the_next_commit(notebook: Notebook) -> None:
    """A variable made by a `__getstate__` is in the next commit, whatever that cell names."""
    notebook.run(
        "class Makes:\n    def __getstate__(self):\n        globals()['made'] = [1]\n        return {}\none = Makes()"
    )
    assert not notebook.failed
    notebook.run("1 + 1")
    assert notebook.restored()[0].namespace.dict["made"] == [1]


def test_only_classes_with_hooks_of_their_own_are_watched() -> None:
    """An ordinary class, and one written in C, costs no watching."""

    class Plain:
        pass

    class Own(Plain):
        def __getstate__(self) -> object:
            return {}

    class Below(Own):
        pass

    assert [hooked(cls) for cls in (Plain, int, bytearray, threading.Event, Own, Below)] == [False] * 4 + [True] * 2
