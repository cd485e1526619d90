"""A checkout: the namespace of an earlier cell, with the living objects wherever they are the same."""

from __future__ import annotations

import os
import random
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.durable import Notebook
from holdfast.app.opening import last_commit
from holdfast.durable.checkout import Switch
from holdfast.durable.pickling.lost import LostValue
from holdfast.durable.restore import Restorer
from holdfast.durable.settle import NotSettled
from holdfast.durable.store.memory import MemoryStore
from holdfast.durable.store.points import Point
from holdfast.errors import StoreError


@pytest.fixture(autouse=True)
def _surroundings() -> Iterator[None]:
    """Put back what the cells change around the variables."""
    cwd, path, environ, state = os.getcwd(), list(sys.path), dict(os.environ), random.getstate()
    main = sys.modules["__main__"]
    with warnings.catch_warnings():
        yield
    os.chdir(cwd)
    sys.path[:] = path
    os.environ.clear()
    os.environ.update(environ)
    random.setstate(state)
    sys.modules["__main__"] = main


def played(*cells: str) -> Notebook:
    """A notebook after these cells."""
    notebook = Notebook()
    for code in cells:
        notebook.run(code)
        assert (notebook.errors, notebook.failed) == ([], "")
    return notebook


COUNTER = """\
def make():
    n = 0
    def step():
        nonlocal n
        n += 1
        return n
    return step
step = make()"""
CLASS = """\
class C:
    seen = 0
    def name(self):
        return 'old'
c = C()
other = C()"""


@pytest.mark.parametrize(
    ("cells", "same", "expression", "value"),
    [
        (("a = [1]; b = a; big = [2]", "a.append(2)"), "big", "a, b is a", ([1], True)),
        (("a = [1]; b = a", "b = [1]"), "", "a is b", True),
        (("a = [1]; b = [a]; c = 5", "del a"), "c", "b[0] is a", True),
        (("a = 1", "a = 2; z = 3"), "", "a, 'z' in globals()", (1, False)),
        ((COUNTER, "step(); step()"), "step make", "step()", 1),
        (("def f(x=[]): x.append(1); return x", "f(); f.note = 1"), "f", "f(), vars(f)", ([1], {})),
        (("def f(): return 1\ng = f", "def f(): return 2"), "g", "f(), g is f", (1, True)),
        ((CLASS, "C.seen = 5; C.name = lambda self: 'new'"), "C c other", "c.seen, c.name()", (0, "old")),
        ((CLASS, "c.own = 3"), "C other", "type(c) is C, vars(c)", (True, {})),
        ((CLASS, "class C: pass"), "c other", "type(c) is C", True),
        ((CLASS, "del C, c, other; import gc; gc.collect()"), "", "type(c) is C and type(other) is C", True),
        (("class C:\n    items = []\nkept = C.items", "C.items.append(1)"), "C", "kept, C.items is kept", ([], True)),
        (("class C:\n    items = []\nkept = C.items", "C.more = 1"), "C kept", "C.items is kept", True),
        (("kept = []\ndef f(x=kept): return x", "kept.append(1)"), "f", "f() is kept, kept", (True, [])),
        (("kept = []\ndef f(x=kept): return x", "f.y = 1"), "f kept", "f() is kept, vars(f)", (True, {})),
        (
            ("import enum\nclass E(enum.Enum):\n    A = 1\nx = [E.A]; y = [1]", "E.A.note = 5"),
            "E y",
            "x[0] is E.A, hasattr(E.A, 'note')",
            (True, False),
        ),
        (
            ("import numpy as np\nm = {i: np.full(9000, i) for i in range(80)}; k = m[3]", "m[3][0] = 7"),
            "",
            "int(m[3][0]), k is m[3], int(m[4][0])",
            (3, True, 4),
        ),
        (
            ("import numpy as np\na = np.arange(9.); v = a[2:]", "v[0] = 5; x = 1"),
            "",
            "v.base is a, float(a[2])",
            (True, 2.0),
        ),
        (("import weakref\nclass C: pass\nc = C(); w = weakref.ref(c)", "del c"), "C", "w() is c", True),
        (("x = 1\nx", "x = [2]\nx", "_"), "", "_ , Out", (1, {1: 1})),
        (("_ = 'mine'; a = [1]", "del _; 5"), "a", "_", "mine"),
    ],
)
def test_the_state_of_the_first_cell(cells: tuple[str, ...], same: str, expression: str, value: object) -> None:
    """Values and aliases are those of then; what did not change, and each class and function, is the same object."""
    notebook = played(*cells)
    ns = notebook.namespace.dict
    before = {name: ns[name] for name in same.split() if name in ns}
    last = notebook.describe()
    notebook.checkout("1")
    assert {name for name, obj in before.items() if ns[name] is not obj} == set()
    assert eval(expression, ns) == value
    notebook.checkout(str(len(cells)))
    unlike = [pair for pair in zip(last, notebook.describe(), strict=False) if pair[0] != pair[1]]
    assert [pair for pair in unlike if not pair[0].startswith(("_i", "#"))] == []


def test_it_is_a_commit_that_a_restart_goes_on_from() -> None:
    """After a crash the checked-out state is there, with `In`, and the count goes on upwards."""
    notebook = played("x = [1]", "x.append(2)", "y = x")
    notebook.checkout("1")
    one, two = notebook.store.log()[-2:]
    assert (one.status, one.parent, one.epoch, one.count) == ("checkout", 1, 1, 4)
    assert (two.status, two.parent, two.epoch, two.count) == ("ok", one.number, 1, 4)
    notebook.run("z = 5")
    other, report = notebook.restored()
    assert (report.kept, report.lost, report.count) == (("x", "z"), (), 5)
    assert other.describe() == notebook.describe()
    assert other.namespace.dict["In"] == ["", "x = [1]", "", "", "\n%checkout 1", "z = 5"]


def test_what_the_cell_did_before_is_stored_and_undone() -> None:
    """`%undo` after `%checkout` comes back to all that was there, also to what the cell itself had done."""
    notebook = played("x = [1]", "x.append(2)")
    notebook.checkout("1", first="x.append(3); new = x")
    assert (notebook.namespace.dict["x"], "new" in notebook.namespace.dict) == ([1], False)
    notebook.checkout("")
    ns = notebook.namespace.dict
    assert (ns["x"], ns["new"] is ns["x"]) == ([1, 2, 3], True)


def test_undo_goes_further_back_each_time() -> None:
    """Cell by cell; then there is nothing to undo."""
    notebook = played("x = 1", "x = 2", "x = 3")
    seen = []
    for _ in range(2):
        notebook.checkout("")
        seen.append(notebook.namespace.dict["x"])
    assert seen == [2, 1]


def test_branches_are_kept() -> None:
    """From a checkout on another line goes; one can go from each to the other."""
    notebook = played("x = [0]", "x.append(1)", "left = x")
    notebook.checkout("1")
    notebook.run("x.append(2); right = x")
    notebook.checkout("3")
    ns = notebook.namespace.dict
    assert (ns["x"], ns["left"] is ns["x"], "right" in ns) == ([0, 1], True, False)
    notebook.checkout("1:5")
    assert (ns["x"], ns["right"] is ns["x"], "left" in ns) == ([0, 2], True, False)


def test_nothing_is_stored_again_because_of_it() -> None:
    """Trips and audits write no record: what came back is what the store has."""
    notebook = played(
        "import enum\nclass E(enum.Enum):\n    A = 1", COUNTER, CLASS, "a = [{1, 2}, {'k': (3,)}]; s = 'x'"
    )
    notebook.audit()
    version = notebook.committer.publisher.next_version
    for address in ("1", "4", "2", "4"):
        notebook.checkout(address)
        assert notebook.audit() == ()
    assert notebook.committer.publisher.next_version == version


def test_changes_are_named() -> None:
    """Variables that came, changed and went; a class or function with another state inside is a change."""
    notebook = played("a = 1; gone = 2; same = [3]", CLASS, "a = 2; del gone; C.seen = 1; fresh = 4")
    switched = notebook.checkout("2")
    assert (switched.added, switched.changed, switched.gone) == (("gone",), ("C", "a"), ("fresh",))


def test_what_is_damaged_costs_only_itself() -> None:
    """The rest is there; what cannot be read is named and stands as a LostValue."""
    notebook = played("x = [1]; y = [2]", "x.append(5); y.append(5)")
    store = notebook.store
    assert isinstance(store, MemoryStore)
    del store._records[store.at(1).names["x"]]
    switched = notebook.checkout("1")
    ns = notebook.namespace.dict
    assert type(ns["x"]) is LostValue
    assert (ns["y"], [path for path, _, _ in switched.lost]) == ([2], ["x"])
    notebook.audit()
    other, _ = notebook.restored()
    assert (type(other.namespace.dict["x"]), other.namespace.dict["y"]) == (LostValue, [2])


HOSTILE = """\
class Stop:
    def __reduce__(self):
        return stop, ()
def stop():
    if armed:
        raise KeyboardInterrupt
    return Stop()
armed = []
hooked = [Stop()]"""


def test_one_that_is_interrupted_changes_nothing() -> None:
    """Nothing is bound, classes, functions and closures are as they were, and the session goes on."""
    notebook = played(
        CLASS, COUNTER, "z = [1]", HOSTILE, "hooked.append(1)\narmed.append(1)\nC.seen = 5; step(); z = 2"
    )
    step = notebook.namespace.dict["step"]
    before, number = notebook.describe(), len(notebook.store.log())
    cells = set(notebook.committer.definitions.cells.held)
    with pytest.raises(KeyboardInterrupt):
        notebook.checkout("4")
    after = notebook.describe()
    assert [line for line in after if not line.startswith("_i")] == [x for x in before if not x.startswith("_i")]
    assert len(notebook.store.log()) - number <= 1
    assert (set(notebook.committer.definitions.cells.held), step.__closure__[0].cell_contents) == (cells, 1)  # type: ignore[attr-defined]
    notebook.run("later = C.seen")
    other, _ = notebook.restored()
    assert other.namespace.dict["later"] == 5


def test_one_that_cannot_be_committed_changes_nothing() -> None:
    """A full disk: the sentence says so, every object is as it was, and the next cell is kept."""
    notebook = played(CLASS, "a = [1]", "a.append(2); C.seen = 7")
    notebook.audit()
    count = len(notebook.store.log())
    assert isinstance(notebook.store, MemoryStore)
    notebook.store._failures.add(count + 1)
    with pytest.raises(StoreError):
        notebook.checkout("2")
    ns = notebook.namespace.dict
    assert (ns["a"], ns["C"].seen) == ([1, 2], 7)  # type: ignore[attr-defined]
    notebook.run("b = 1")
    assert notebook.failed == ""


def test_nothing_goes_that_could_not_be_stored() -> None:
    """What is live cannot be kept: so it stays."""
    notebook = played("a = 1", "a = 2")
    assert isinstance(notebook.store, MemoryStore)
    notebook.store._failures.add(3)
    with pytest.raises(NotSettled, match="nothing was changed"):
        notebook.checkout("1", first="a = [3]")
    assert repr(notebook.namespace.dict["a"]) == "[3]"
    notebook.checkout("1")
    assert repr(notebook.namespace.dict["a"]) == "1"


def test_the_surroundings_come_back(tmp_path: Path) -> None:
    """Working folder, import path, environment and random states; those that no cell had changed, as at the start."""
    start, path = os.getcwd(), list(sys.path)
    notebook = played("import random; x = 1", "random.seed(3)", f"import os; os.chdir({str(tmp_path)!r})")
    notebook.run("sys = __import__('sys'); sys.path.insert(0, '/late'); os.environ['HF_LATE'] = '1'; random.random()")
    notebook.checkout("2")
    expected = random.Random(3).random()
    assert (os.getcwd(), sys.path, "HF_LATE" in os.environ) == (start, path, False)
    assert random.random() == expected
    notebook.checkout("4")
    assert (os.getcwd(), "/late" in sys.path, os.environ["HF_LATE"]) == (str(tmp_path), True, "1")


def test_after_a_clean_restart_the_earlier_timeline_is_there() -> None:
    """A namespace that began empty takes the state of a cell of before, and its own first cell stays out of it."""
    before = played("class C: pass\nx = [C()]\nx[0].me = x\nx", "x.append(2)")
    lines = [line for line in before.describe() if not line.startswith("_i")]
    head = before.store.head()
    assert head is not None
    before.store.commit(last_commit(head, 1, "2026-01-02", restart=True))
    fresh = Notebook(before.store)
    fresh.epoch = 2
    now = fresh.store.head()
    assert now is not None
    Restorer(fresh.committer, fresh.store, fresh.codec).pass_over(now)
    fresh.checkout("2")
    assert [line for line in fresh.describe() if not line.startswith("_i")] == lines
    assert fresh.namespace.dict["In"] == ["", "class C: pass\nx = [C()]\nx[0].me = x\nx", "x.append(2)"]
    assert fresh.count == 2
    again, report = fresh.restored()
    assert (again.namespace.dict["In"], report.kept) == (fresh.namespace.dict["In"], ("C", "x"))


@pytest.mark.parametrize("point", [Point.CHECKING_OUT, Point.CHECKED_OUT])
def test_the_named_points_are_passed(point: Point) -> None:
    """Before and after the commit, with nothing bound yet."""
    notebook = played("x = 1", "x = 2")
    seen: list[tuple[object, int]] = []

    def crash(here: Point) -> None:
        if here is point:
            seen.append((notebook.namespace.dict["x"], len(notebook.store.log())))

    notebook.committer.crash = crash
    notebook.checkout("1")
    ((value, commits),) = seen
    assert value == 2
    assert commits == (notebook.store.log()[-2].number - (point is Point.CHECKING_OUT))


def test_an_interrupt_that_comes_when_it_is_done_takes_nothing_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that waited for the last step is raised where that returns: then everything is as in the target."""
    notebook = played(CLASS, "C.seen = 5; a = 1")
    finish = Switch._finish

    def interrupted(self: Switch, *given: Any) -> object:
        finish(self, *given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Switch, "_finish", interrupted)
        notebook.checkout("1")
    notebook.epoch = notebook.committer.epoch
    notebook.run("seen = C.seen, 'a' in globals()")
    assert notebook.namespace.dict["seen"] == (0, False)
    other, _ = notebook.restored()
    assert other.namespace.dict["seen"] == (0, False)
