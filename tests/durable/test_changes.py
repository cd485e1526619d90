"""What two states differ in, commits as a table, a checkout in words: read off the store, nothing is made."""

from __future__ import annotations

import pytest

from helpers.durable import Notebook
from holdfast.durable.changes import changes, log, told
from holdfast.durable.reports import CHECKOUT, UNDO, Switched
from holdfast.durable.store.memory import MemoryStore

CLASS = "class C:\n    def __init__(self): self.x = 1\n    def __setstate__(self, state): raise SystemExit\nc = C()"


def compared(first: str, second: str) -> dict[str, tuple[str, str, str]]:
    """The rows of what the second cell changed."""
    notebook = Notebook()
    notebook.run(first)
    notebook.run(second)
    assert (notebook.errors, notebook.failed) == ([], "")
    notebook.audit()
    store = notebook.store
    head = store.head()
    assert head is not None
    return {row.name: (row.what, row.before, row.after) for row in changes(store, store.at(1), head)}


@pytest.mark.parametrize(
    ("first", "second", "rows"),
    [
        ("a = 1; b = 'x'; s = {1}", "a = 2.5; del b; n = None", {
            "a": ("changed", "1", "2.5"), "b": ("removed", "'x'", ""), "n": ("added", "", "None"),
        }),
        ("a = [1]; b = a; same = [1]", "a.append((2, {'k': b'v'}))", {
            "a": ("changed", "[1]", "[1, (2, {'k': b'v'})]"), "b": ("changed", "[1]", "[1, (2, {'k': b'v'})]"),
        }),
        ("a = list(range(9))", "a = 'x' * 500", {
            "a": ("changed", "[0, 1, 2, 3, 4, ...]", "'xxxxxxxxxxxxxxxxxxxxx...xxxxxxxxxxxxxxxxxxxxxx'"),
        }),
        (CLASS, "c.x = [5]", {"c": ("changed", "C(x=1)", "C(x=[5])")}),
        (CLASS, "C.note = 1", {"C": ("changed", "class C", "class C"), "c": ("changed", "C(x=1)", "C(x=1)")}),
        ("def f(): pass", "def f(): return 1\ng = f", {
            "f": ("changed", "function f", "function f"), "g": ("added", "", "function f"),
        }),
        ("import json; j = 1", "j = json", {"j": ("changed", "1", "module json")}),
        ("import datetime as d; x = d.date(2026, 1, 2)", "x = d.timedelta(3); y = [d.date(2026, 1, 2)]", {
            "x": ("changed", "datetime.date(2026, 1, 2)", "datetime.timedelta(days=3)"),
            "y": ("added", "", "[datetime.date(2026, 1, 2)]"),
        }),
        ("import enum\nclass E(enum.Enum):\n    A = 1\n    B = 2\ne = E.A", "e = E.B", {
            "e": ("changed", "E.A", "E.B"),
        }),
        ("import numpy as np; a = np.zeros((3, 4))", "a[0] = 1", {
            "a": ("changed", "array f8 (3, 4)", "array f8 (3, 4)"),
        }),
        ("import numpy as np; a = np.zeros(300_000)", "a[0] = 1", {
            "a": ("changed", "array f8 (300000,)", "array f8 (300000,), 1 of 3 MiB differ"),
        }),
        ("import pandas as pd; d = pd.DataFrame({'a': [1]})", "d['b'] = 2", {
            "d": ("changed", "DataFrame", "DataFrame"),
        }),
        ("import numpy as np; m = {i: np.full(9000, i) for i in range(80)}; x = [m]; y = 1", "m[3][0] = 5", {
            name: ("changed", text, text) for name, text in (("m", "{0: …, 1: …, 2: …, 3: …, 4: …, ...}"),
                                                             ("x", "[{0: …, 1: …, 2: …, 3: …, 4: …, ...}]"))
        }),
        ("g = 1", "g = (i for i in 'ab')", {
            "g": ("lost", "1", "lost: Python cannot save where a generator stands"),
        }),
        ("a = 1", "b = [print, len, type, int]", {"b": ("added", "", "[print, len, type, int]")}),
        ("a = 1", "5; None", {}),
    ],
)  # fmt: skip
def test_what_differs(first: str, second: str, rows: dict[str, tuple[str, str, str]]) -> None:
    """Names that came, went or changed, with their values in short; no class's own code runs."""
    assert {name: row for name, row in compared(first, second).items() if name != "_"} == rows


def test_a_long_value_is_told_by_its_size() -> None:
    """It is not read for a table."""
    rows = compared("a = 1", "a = list(range(500_000))")
    assert rows["a"][2].endswith("MB")


def test_what_is_gone_from_the_store_is_lost() -> None:
    """The row says why."""
    notebook = Notebook()
    notebook.run("x = [1]")
    notebook.run("x.append(2)")
    store = notebook.store
    assert isinstance(store, MemoryStore)
    del store._records[store.at(1).names["x"]]
    (row,) = changes(store, store.at(1), store.at(2))
    assert (row.what, row.before[:6], row.after) == ("lost", "lost: ", "[1, 2]")


def test_the_log_shows_lines_and_where_one_is() -> None:
    """The line that led here is marked, a branch says where from; epochs where there is more than one."""
    notebook = Notebook()
    notebook.run("x = 1")
    notebook.run("y = 2")
    table = log(notebook.store.log())
    assert table.text().splitlines()[0].split() == ["commit", "cell", "at", "status", "names", "code"]
    notebook.checkout("1")
    notebook.run("z = 3")
    table = log(notebook.store.log())
    lines = table.text().splitlines()
    assert lines[0].split() == ["commit", "cell", "epoch", "at", "status", "from", "names", "code"]
    marks = {row.commit: (row.line, row.now) for row in table}
    newest = table[-1].commit
    assert [number for number, (line, _) in marks.items() if line] == [1, newest - 2, newest - 1, newest]
    assert [number for number, (_, now) in marks.items() if now] == [newest]
    (branch,) = (line for line in lines if "checkout" in line and "@1 " in line[30:])
    assert branch.startswith("│")
    assert "-y" in branch
    assert table.data()[-1]["parent"] == newest - 1
    assert "<table>" in table.html()


SWITCHED = Switched(9, 3, 8, 41, 2, "2026-01-02T03:04:05+00:00")


@pytest.mark.parametrize(
    ("switched", "text"),
    [
        (SWITCHED, "no variable changed; %undo to come back"),
        (Switched(9, 3, 8, 41, 2, "", ("a",), ("b", "c"), ("d",)), "2 variables changed (b, c), 1 back (a), 1 gone"),
        (Switched(9, 3, 8, 41, 2, "", ("a",)), "1 variable back (a);"),
        (Switched(9, 3, 8, 41, 2, "", (), (), tuple("abcdefgh")), "8 variables gone (a, b, c, d, e, f and 2 more);"),
    ],
)  # fmt: skip
def test_a_checkout_in_words(switched: Switched, text: str) -> None:
    """How many of what, with their names."""
    assert text in told(switched, CHECKOUT, None, "2026-01-02T09:00:00+00:00")


def test_a_checkout_says_when_what_is_lost_and_what_goes_on() -> None:
    """The date where it is another day; one line for what could not come back, one for what still runs."""
    notebook = Notebook()
    notebook.run("x = 5")
    (entry,) = notebook.store.log()
    lost = (("f", "socket", "it is closed"),)
    switched = Switched(9, 3, 8, 41, 2, SWITCHED.at, lost=lost, running=("task a", "thread b"))
    lines = told(switched, CHECKOUT, None, "2026-01-02T09:00:00+00:00").splitlines()
    assert lines[0].startswith("Checked out [41] of ")
    assert "2026" not in lines[0]
    assert lines[1:] == [
        "1 could not be brought back: f (%session why)", "still running, with the values of before: task a, thread b",
    ]  # fmt: skip
    assert "of 2026-01-0" in told(switched, CHECKOUT, None, "2026-03-02T09:00:00+00:00")
    undone = told(SWITCHED, UNDO, entry, SWITCHED.at)
    assert undone == "Undid [1] (x = 5): no variable changed, %undo again goes further back; %checkout @8 to come back"
