"""Cells run, one at a time, and each ends in exactly one outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from helpers.workshop import Workshop
from holdfast.executor.outcome import Job, Outcome
from holdfast.executor.runner import ExitRequested
from holdfast.executor.traceback import Report


@pytest.fixture
def shop() -> Iterator[Workshop]:
    """A fresh runner."""
    with Workshop() as made:
        yield made


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("1 + 1", [2]),
        ("x = 1\nx + 1", [2]),
        ("await asyncio.sleep(0, 5)", [5]),
        ("x = await asyncio.sleep(0, 5)\nx", [5]),
        ("    5", [5]),
        ("x = 1", []),
        ("5;", []),
        ("None", []),
        ("await asyncio.sleep(0)", []),
        ("", []),
        ("# nothing", []),
    ],
)
def test_the_value_of_the_last_expression_is_shown(shop: Workshop, code: str, shown: list[object]) -> None:
    """Sync or async, unless it is None or silenced."""
    shop.ns["asyncio"] = asyncio
    assert shop.run(code) == Outcome()
    assert [value for _, value in shop.notes.shown] == shown


def test_names_bound_by_one_cell_are_there_for_the_next(shop: Workshop) -> None:
    """Whatever the mode of either."""
    import_, bind = "import asyncio", "a = await asyncio.sleep(0, 1)"
    assert shop.value(import_, bind, "def f(): return a + b", "b = 2", "f()") == 3


def test_results_are_remembered(shop: Workshop) -> None:
    """`_`, `Out` and `In` move on with stored cells."""
    assert shop.value("1", "_ + 1", "(_, __, Out[1], In[2])") == (2, 1, 1, "_ + 1")


@pytest.mark.parametrize("fields", [{"stored": False}, {"stored": False, "silent": True}])
def test_a_cell_without_history_leaves_none(shop: Workshop, fields: dict[str, bool]) -> None:
    """Its value is not `_`, its code not in `In`."""
    shop.run("41")
    shop.run("42", **fields)
    assert shop.ns["_"] == 41
    assert "42" not in shop.ns["In"]  # type: ignore[operator]


def test_a_silent_cell_shows_nothing(shop: Workshop) -> None:
    """It still runs."""
    assert shop.run("x = 5\nx", silent=True) == Outcome()
    assert (shop.notes.shown, shop.ns["x"]) == ([], 5)


def test_there_is_one_dict(shop: Workshop) -> None:
    """`globals()`, a function's `__globals__` and the namespace are the same object, in any mode."""
    shop.run("import asyncio\ndef f(): pass\na = globals()", "await asyncio.sleep(0)\nb = globals()")
    ns = shop.ns
    assert ns["a"] is ns["b"] is ns is ns["f"].__globals__  # type: ignore[attr-defined]


# ---------------------------------------------------------------- failures


@pytest.mark.parametrize(
    ("code", "ename", "evalue"),
    [
        ("1 / 0", "ZeroDivisionError", "division by zero"),
        ("await asyncio.sleep(0)\n1 / 0", "ZeroDivisionError", "division by zero"),
        ("1 +* 2", "SyntaxError", "invalid syntax"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
        ("raise SystemExit(3)", "SystemExit", "3"),
        ("raise GeneratorExit", "GeneratorExit", ""),
        ("raise asyncio.CancelledError", "CancelledError", ""),
        ("await asyncio.sleep(0); raise asyncio.CancelledError", "CancelledError", ""),
        ("asyncio.current_task().cancel(); await asyncio.sleep(1)", "CancelledError", ""),
        ("raise StopIteration", "StopIteration", ""),
        ("class E(BaseException): pass\nraise E('own')", "E", "own"),
        ("'\ud800'", "UnicodeEncodeError", None),
        ("def f(): f()\nf()", "RecursionError", None),
    ],
)
def test_whatever_a_cell_raises_is_its_outcome(shop: Workshop, code: str, ename: str, evalue: str | None) -> None:
    """Name, text and traceback; the runner goes on."""
    shop.ns["asyncio"] = asyncio
    outcome = shop.run(code)
    assert outcome.ename == ename
    assert evalue is None or evalue in outcome.evalue
    assert outcome.traceback
    assert shop.run("1") == Outcome()


def test_the_traceback_speaks_of_the_cell(shop: Workshop) -> None:
    """By its number and line, with the source."""
    text = "\n".join(shop.run("x = 1", "def f():\n    1 / 0\n\nf()").traceback)
    assert "Cell In[2]" in text
    assert "1 / 0" in text


def test_an_outcome_does_not_keep_the_frames(shop: Workshop) -> None:
    """What only the failed cell's frames held is let go; the newest error keeps its own, for `pdb.pm()`."""
    shop.run(
        "import weakref\nclass A: pass\nrefs = []\ndef f():\n    a = A()\n    refs.append(weakref.ref(a))\n    1 / 0"
    )
    shop.run("f()")
    assert shop.value("refs[0]() is None") is False
    shop.run("1 / 0")
    assert shop.value("refs[0]() is None") is True


def test_a_value_that_cannot_be_shown_fails_the_cell(shop: Workshop) -> None:
    """An exception of `__repr__` is the user's."""

    def refuse(value: object) -> None:
        raise ValueError("no repr")

    shop.notes.on_show = refuse
    assert shop.run("5").evalue == "no repr"


def test_an_error_that_cannot_be_shown_ends_the_cell(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every job ends in an outcome, even when its traceback fails."""

    def fail(error: BaseException) -> Report:
        raise SystemExit("in the report")

    with monkeypatch.context() as patch:
        patch.setattr(shop.notes, "report", fail)
        outcome = shop.run("1 / 0")
    assert (outcome.ename, outcome.evalue) == ("ZeroDivisionError", "this error could not be shown")
    assert shop.run("1") == Outcome()


def test_exit_ends_the_cell_well_and_asks_to_leave(shop: Workshop) -> None:
    """With the payload that consoles read."""
    shop.ns["exit"] = ExitRequested
    outcome = shop.run("raise exit()")
    assert (outcome.ename, outcome.leave) == ("", True)
    assert outcome.payload == ({"source": "ask_exit", "keepkernel": False},)


# ---------------------------------------------------------------- user expressions, payload, notes


def test_user_expressions_are_evaluated_after_the_cell(shop: Workshop) -> None:
    """Each has its own status; one that fails does not fail the cell."""
    outcome = shop.run("x = 5", user_expressions={"good": "x * 2", "bad": "nothing", "odd": "1 +"})
    good, bad, odd = (outcome.user_expressions[name] for name in ("good", "bad", "odd"))
    assert outcome.ename == ""
    assert good == {"status": "ok", "data": {"text/plain": "10"}, "metadata": {}}
    assert [(e["status"], e["ename"]) for e in (bad, odd)] == [  # type: ignore[index]
        ("error", "NameError"),
        ("error", "SyntaxError"),
    ]


def test_a_failed_cells_expressions_are_not_evaluated(shop: Workshop) -> None:
    """As the protocol says."""
    assert shop.run("1 / 0", user_expressions={"a": "1"}).user_expressions == {}


def test_payload_and_notes_belong_to_one_cell(shop: Workshop) -> None:
    """What a cell leaves there is in its outcome, and not in the next one's."""
    shop.ns["runner"] = shop.runner
    outcome = shop.run("runner.payload.append({'source': 'page'}); runner.notes['k'] = 1")
    assert (outcome.payload, outcome.metadata) == (({"source": "page"},), {"k": 1})
    assert shop.run("1") == Outcome()


# ---------------------------------------------------------------- asyncio


def test_a_sync_cell_can_start_tasks(shop: Workshop) -> None:
    """It runs inside the loop's step, so `asyncio.create_task` works; the task goes on beside later cells."""
    shop.run("import asyncio\nasync def f(): x.append(1)\nx = []\nt = asyncio.create_task(f())")
    assert shop.value("await t; x") == [1]


def test_context_variables_stay_set(shop: Workshop) -> None:
    """Set in one cell, seen in the next; also when set after an `await`."""
    shop.run("import asyncio, contextvars\nv = contextvars.ContextVar('v', default=0)\nv.set(1)")
    assert shop.value("v.get()") == 1
    assert shop.value("await asyncio.sleep(0); v.set(2)", "v.get()") == 2
    assert shop.value("await asyncio.sleep(0); v.get()") == 2


def test_the_callers_context_is_not_touched(shop: Workshop) -> None:
    """Cells have a context of their own."""
    variable: ContextVar[int] = ContextVar("variable", default=0)
    shop.ns["variable"] = variable
    shop.run("variable.set(5)")
    assert variable.get() == 0


def test_a_cell_that_is_cancelled_before_its_first_step_ends(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that cancels all others must not make a cell disappear without a reply."""
    shop.run(
        "import asyncio\nasync def killer():\n    for _ in range(5):\n        await asyncio.sleep(0)\n"
        "        for task in asyncio.all_tasks():\n            if task is not asyncio.current_task(): task.cancel()\n"
        "t = asyncio.create_task(killer())"
    )
    assert shop.run("await asyncio.sleep(0)").ename in ("CancelledError", "")
    # Without a race: the cell's task is cancelled in the step that makes it.
    plain = asyncio.Task

    def born_cancelled(*arguments: Any, **keywords: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = plain(*arguments, **keywords)
        task.cancel()
        return task

    with monkeypatch.context() as patch:
        patch.setattr(asyncio, "Task", born_cancelled)
        assert shop.run("await asyncio.sleep(0)").ename == "CancelledError"
    assert shop.run("1") == Outcome()


def test_a_task_that_raises_systemexit_ends_nothing(shop: Workshop) -> None:
    """The loop is entered again, and the waiting cell gets the exception."""
    shop.run("import asyncio\nasync def f(): raise SystemExit(3)")
    outcome = shop.run("await asyncio.create_task(f())")
    assert outcome.ename == "SystemExit"
    assert shop.run("1") == Outcome()


# ---------------------------------------------------------------- modes


@pytest.mark.parametrize("mode", ["", "%%thread\n"])
def test_a_cell_in_a_thread_is_a_cell(shop: Workshop, mode: str) -> None:
    """It binds, shows and fails like any other."""
    assert (
        shop.value(f"{mode}import threading\nx = threading.current_thread() is threading.main_thread()\nx") is not mode
    )
    assert shop.ns["x"] is (not mode)
    assert shop.run(f"{mode}1 / 0").ename == "ZeroDivisionError"


def test_tasks_go_on_beside_a_cell_in_a_thread(shop: Workshop) -> None:
    """The loop is free while the thread blocks: the cell waits for what only a task can do."""
    shop.run(
        "import asyncio, threading\nevent = threading.Event()\n"
        "async def f():\n    await asyncio.sleep(0)\n    event.set()\nt = asyncio.create_task(f())"
    )
    assert shop.value("%%thread\nevent.wait(60)") is True


def test_a_cell_in_the_background_is_replied_to_at_once(shop: Workshop) -> None:
    """It goes on beside the next cells, and its names are there when it is done."""
    shop.run("import asyncio\ngo = asyncio.Event(); done = asyncio.Event()")
    assert shop.run("%%bg\nawait go.wait()\nx = 5\ndone.set()") == Outcome()
    assert "x" not in shop.ns
    assert shop.value("go.set(); await done.wait(); x") == 5


@pytest.mark.parametrize(("code", "failed"), [("x = 5", False), ("1 / 0", True), ("import asyncio; 1 / 0", True)])
def test_the_end_of_a_cell_in_the_background_is_told(shop: Workshop, code: str, failed: bool) -> None:
    """Its reply left when it began: whoever keeps what it did must hear of its end."""
    shop.run("import asyncio\ngo = asyncio.Event()")
    shop.run(f"%%bg\nawait go.wait()\n{code}")
    assert shop.notes.over == []
    shop.run("go.set()\nfor _ in range(5): await asyncio.sleep(0)")
    assert shop.notes.over == [(2, failed)]


def test_the_mode_of_the_running_cell_is_known(shop: Workshop) -> None:
    """The steps around it keep a cell otherwise that goes on after its reply."""
    modes: list[str] = []
    for code in ("1", "%%bg\n1", "%%thread\n1", "1 +"):
        shop.run(code)
        modes.append(shop.runner.mode)
    assert modes == ["", "bg", "thread", ""]


# ---------------------------------------------------------------- the steps around a cell


class Step:
    """Notes its calls; may raise."""

    def __init__(self, log: list[str], name: str, fails: str = "") -> None:
        self.log, self.name, self.fails = log, name, fails

    def before(self, job: Job) -> None:
        """See `Around`."""
        self.log.append(f"{self.name}+")
        if self.fails == "before":
            raise ValueError(f"{self.name} cannot begin")

    def after(self, job: Job, failed: bool) -> None:
        """See `Around`."""
        self.log.append(f"{self.name}-{'!' if failed else ''}")
        if self.fails == "after":
            raise SystemExit(f"{self.name} cannot end")


@pytest.mark.parametrize(("code", "mark"), [("1", ""), ("1 / 0", "!"), ("1 +", "!")])
def test_steps_frame_the_cell(shop: Workshop, code: str, mark: str) -> None:
    """In order before, in reverse after, and told whether it failed."""
    log: list[str] = []
    shop.notes.around = [Step(log, "a"), Step(log, "b")]
    shop.run(code)
    assert log == ["a+", "b+", f"b-{mark}", f"a-{mark}"]


def test_a_step_that_cannot_begin_fails_the_cell(shop: Workshop) -> None:
    """Those that began are ended; the code does not run."""
    log: list[str] = []
    shop.notes.around = [Step(log, "a"), Step(log, "b", "before"), Step(log, "c")]
    assert shop.run("x = 1").evalue == "b cannot begin"
    assert (log, "x" in shop.ns) == (["a+", "b+", "a-!"], False)


def test_a_step_that_cannot_end_is_shown(shop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    """The others end all the same, and the outcome is the cell's."""
    log: list[str] = []
    shop.notes.around = [Step(log, "a"), Step(log, "b", "after")]
    assert shop.run("x = 1") == Outcome()
    assert log == ["a+", "b+", "b-", "a-"]
    assert "b cannot end" in capsys.readouterr().err


def test_the_unit_is_known_to_the_steps(shop: Workshop) -> None:
    """What the cell's own code mentions, while its steps run."""
    names: list[tuple[str, ...]] = []

    class Look(Step):
        def after(self, job: Job, failed: bool) -> None:
            names.append(shop.runner.unit.names if shop.runner.unit is not None else ())

    shop.notes.around = [Look([], "look")]
    shop.run("a = len('x')", "1 +")
    assert names == [("len", "a"), ()]
