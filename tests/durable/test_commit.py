"""The commit of a cell: what is stored, what is not looked at, and what the reply says."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from helpers.durable import Notebook
from holdfast.durable import commit as commit_module
from holdfast.durable.store.memory import MemoryStore
from holdfast.durable.store.port import Commit

ALIASING = (
    "shared = {'n': 0}",
    "l1 = [shared, 1]",
    "l2 = [shared, 2]",
    "shared['n'] += 1",
    "class Node:\n    def __init__(self, name):\n        self.name = name; self.kids = []; self.parent = None",
    "root = Node('root'); kid = Node('kid')\nroot.kids.append(kid); kid.parent = root",
    "nodes = {'root': root, 'kid': kid}",
    (
        "def make():\n    count = [0]\n    def inc():\n        count[0] += 1\n        return count[0]\n"
        "    def get():\n        return count\n    return inc, get\ninc, get = make()"
    ),
    "inc(); inc()",
    "cnt = get()",
    "m = root.kids.append",
    "cyc = []\ncyc.append(cyc)",
    "Alias = Node\ngrand = Alias('g'); kid.kids.append(grand)",
    "from collections import defaultdict as dd\ndef4 = dd(list)\ndef4['x'].append(shared)",
    "g1 = lambda: shared\nfns = [make, g1]",
    "l3 = l1\nl3.append('late')",
    "shared['n'] += 10",
)


class Recorded(MemoryStore):
    """Keeps what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.commits: list[Commit] = []

    def commit(self, commit: Commit) -> int:
        """See the port."""
        number = super().commit(commit)
        self.commits.append(commit)
        return number


def _written(*cells: str) -> tuple[Notebook, Commit]:
    store = Recorded()
    notebook = Notebook(store)
    for code in cells:
        notebook.run(code)
        assert not notebook.errors
    return notebook, store.commits[-1]


@pytest.mark.parametrize(
    "question",
    [
        "l1[0] is l2[0]",
        "l1[0] is shared",
        "l3 is l1",
        "root.kids[0] is kid",
        "kid.parent is root",
        "nodes['kid'] is kid",
        "type(root) is Node",
        "Alias is Node",
        "kid.kids[0] is grand",
        "cnt is get()",
        "cyc[0] is cyc",
        "m.__self__ is root.kids",
        "def4['x'][0] is shared",
        "g1() is shared",
        "fns[0] is make",
        "g1.__globals__ is globals()",
        "shared == {'n': 11}",
        "(inc(), cnt[0]) == (3, 3)",
    ],
)
def test_aliases_survive(question: str) -> None:
    """Two names for one object lead to one object after a restore."""
    notebook, _ = _written(*ALIASING)
    other, report = notebook.restored()
    assert report.lost == ()
    assert eval(question, other.namespace.dict)


def test_an_untouched_component_is_not_looked_at() -> None:
    """A cell that does not lead to a value does not even pickle it."""
    notebook, _ = _written(
        "class Loud:\n    asked = 0\n    def __reduce__(self):\n        Loud.asked += 1\n        return (int, ())",
        "loud = Loud()",
    )
    asked = notebook.namespace.dict["Loud"].asked  # type: ignore[attr-defined]
    for code in ("x = 1", "y = [x]", "y.append(2)", "del x"):
        notebook.run(code)
    assert notebook.namespace.dict["Loud"].asked == asked  # type: ignore[attr-defined]


def test_only_what_changed_is_written() -> None:
    """A cell's commit holds records of its own changes only."""
    _, commit = _written("a = [1]; b = [2]", "a.append(b[0])")
    assert set(commit.names) == {"a"}
    assert len(commit.records) == 1


def test_reading_writes_nothing() -> None:
    """A cell that only reads leaves no record behind."""
    _, commit = _written("a = [1]; b = {'k': a}\ndef f():\n    return b", "print(f(), a, b['k'])")
    assert (commit.records, dict(commit.names), dict(commit.tokens)) == ((), {}, {})


def test_a_deleted_variable_leaves_the_manifest() -> None:
    """`del` of a name, and of the last use of a definition, is part of the delta."""
    notebook, commit = _written("a = [1]\ndef f(): pass", "b = a", "del a, f")
    assert commit.names["a"] is None
    assert commit.names["f"] is None
    gc.collect()
    notebook.run("c = 1")
    head = notebook.store.head()
    assert head is not None
    assert set(head.names) == {"b", "c"}
    assert not head.tokens


def test_components_split_when_examined_again() -> None:
    """Variables that no longer share anything are stored apart."""
    _, commit = _written("s = []\na = [s]; b = [s]", "a[0] = 1; del s")
    versions = commit.names
    assert versions["a"] != versions["b"]


def test_a_definition_is_stored_once() -> None:
    """Calling a function, or making instances of a class, does not store it again."""
    _, commit = _written("class C:\n    def f(self):\n        return 1", "c = C()\nd = c.f()")
    assert not commit.tokens


def test_a_failed_commit_is_made_up_for() -> None:
    """What a full disk kept from being stored goes with the next cell's commit."""
    notebook = Notebook(MemoryStore(failures=[2]))
    notebook.run("a = [1]\ndef f():\n    return a\nf()")
    notebook.run("a.append(2); b = 3\ndef g():\n    return b\n[5]")
    assert "disk is full" in notebook.failed
    assert notebook.notes["durable"] == "failed"
    notebook.run("c = 1")
    assert notebook.failed == ""
    other, _ = notebook.restored()
    assert other.describe() == notebook.describe()


@pytest.mark.parametrize("failing", range(1, 7))
def test_any_commit_may_fail(failing: int) -> None:
    """Whichever commit fails, the next one leaves the store as if none had."""
    notebook = Notebook(MemoryStore(failures=[failing]))
    for code in (
        "a = []",
        "b = [a]\n_ = b",
        "def f(x, k=a):\n    k.append(x)\nf(1)",
        "f(2); del b",
        "a",
        "Out[5].append(3)",
    ):
        notebook.run(code)
    notebook.run("z = 1")
    other, _ = notebook.restored()
    assert other.describe() == notebook.describe()


def test_a_value_that_cannot_be_pickled_costs_only_itself() -> None:
    """The reply names it, and the rest of its component is kept."""
    notebook, _ = _written("kept = [1]\nlost = (i for i in kept)\nboth = {'a': kept, 'b': lost}")
    lost = notebook.notes["lost"]
    assert isinstance(lost, list)
    assert any(kind == "generator" for _, kind, _ in lost)
    other, report = notebook.restored()
    assert other.namespace.dict["both"]["a"] is other.namespace.dict["kept"]  # type: ignore[index]
    assert report.lost
    assert type(other.namespace.dict["lost"]).__name__ == "LostValue"


def test_a_large_value_that_was_only_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the budget does not allow to check is said in the reply, and checked later."""
    monkeypatch.setattr(commit_module, "BUDGET", 0.0)
    notebook, _ = _written("def f(x):\n    return x\nbig = [[i] for i in range(100)]", "f(big);")
    assert "big" in notebook.notes["unchecked"]  # type: ignore[operator]
    _, report = notebook.restored()
    assert "big" in report.unchecked
    assert notebook.audit() == ()
    _, report = notebook.restored()
    assert report.unchecked == ()


@pytest.mark.parametrize("code", ["big = big + [1]", "big[0] = 5", "big.append(1)", "del big[0]", "big[0].append(2)"])
def test_what_a_cell_changes_is_never_put_off(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that the cell binds or changes in place is checked whatever it costs."""
    monkeypatch.setattr(commit_module, "BUDGET", 0.0)
    notebook, _ = _written("big = [[i] for i in range(100)]", code)
    other, _ = notebook.restored()
    assert other.namespace.dict["big"] == notebook.namespace.dict["big"]


def test_the_promise_and_the_cell_go_into_the_same_commit() -> None:
    """One transaction holds code, count, status and the cell's promise."""
    notebook, _ = _written("a = 1")
    [entry] = notebook.store.log()
    assert (entry.count, entry.code, entry.status, entry.bound) == (1, "a = 1", "ok", ("a",))


def test_results_are_entries_of_their_own() -> None:
    """`Out` joins nothing: displaying two values does not make them one component."""
    _, commit = _written("a = [1]; b = [2]", "a", "b")
    assert set(commit.names) == {"b", "@r2", "@o3=@r2"}


def test_a_value_displayed_again_and_again_is_stored_once() -> None:
    """The tenth result that is the same object costs one manifest entry."""
    notebook, _ = _written("a = {'k': list(range(50))}", *["a"] * 10)
    commit = notebook.store.commits[-1]  # type: ignore[attr-defined]
    assert commit.records == ()
    assert list(commit.names) == ["@o11=@r1"]
    other, _ = notebook.restored()
    assert all(value is other.namespace.dict["a"] for value in other.namespace.results.out.values())


@pytest.mark.filterwarnings("ignore")
def test_children_of_a_hub_are_stored_apart() -> None:
    """A new array in a dict of many does not store the others again."""
    notebook, _ = _written(
        "import numpy as np\nmodels = {i: np.full(20_000, i) for i in range(70)}", "models['new'] = np.zeros(20_000)"
    )
    commit = notebook.store.commits[-1]  # type: ignore[attr-defined]
    assert len(commit.records) == 2
    notebook.run("best = models[3]; models[5][0] = 9; del models[7]")
    other, report = notebook.restored()
    assert report.lost == ()
    assert other.describe() == notebook.describe()
    notebook.run("models.clear()")
    head = notebook.store.head()
    assert head is not None
    assert not any(name.startswith("@k") for name in head.names)


@pytest.mark.filterwarnings("ignore")
def test_one_changed_element_writes_one_chunk() -> None:
    """Of a large array only the chunk that changed is put into the store."""
    puts: list[int] = []

    class Counting(MemoryStore):
        def put(self, data: memoryview, *, within_budget: bool = False) -> bytes:
            puts.append(data.nbytes)
            return super().put(data)

    notebook = Notebook(Counting())
    notebook.run("import numpy as np\na = np.arange(1 << 20)")
    assert len(puts) == 8
    puts.clear()
    notebook.run("a[300_000] = 5")
    assert puts == [1 << 20]
    other, _ = notebook.restored()
    assert other.describe() == notebook.describe()


@pytest.mark.parametrize(
    ("code", "name"),
    [("globals()['@c1'] = [1]", "@c1"), ("globals()['a b'] = [1]", "a b"), ("globals()['\\ud800'] = 1", "\ud800")],
    ids=["like ours", "no identifier", "lone surrogate"],
)
def test_strange_names_are_variables_too(code: str, name: str) -> None:
    """Whatever string is a key of the namespace is kept under it."""
    notebook, _ = _written(code)
    other, _ = notebook.restored()
    assert other.namespace.dict[name] == notebook.namespace.dict[name]


def test_a_bug_of_ours_is_said_and_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected error in a commit fails that commit, with words, and the next one looks at everything."""
    notebook = Notebook()
    monkeypatch.setattr(notebook.committer.roots, "sync_results", lambda: 1 / 0)
    notebook.run("a = [1]")
    assert "ZeroDivisionError" in notebook.failed
    monkeypatch.undo()
    notebook.run("b = 2")
    other, _ = notebook.restored()
    assert other.describe() == notebook.describe()


def test_done_is_called_exactly_once() -> None:
    """The reply waits for one call, on success and on failure."""
    notebook = Notebook(MemoryStore(failures=[1]))
    calls: list[tuple[Mapping[str, object], str]] = []
    from holdfast.durable.reports import Cell

    notebook.committer.commit(Cell(1), lambda notes, failed: calls.append((notes, failed)))
    notebook.committer.commit(Cell(2), lambda notes, failed: calls.append((notes, failed)))
    assert [bool(failed) for _, failed in calls] == [True, False]


def test_an_interrupt_in_a_commit_fails_it_and_nothing_else() -> None:
    """Ctrl-C while user code pickles is said in the reply; the next commit makes up for it."""
    notebook = Notebook()
    notebook.run(
        "ready = []\nclass I:\n    def __reduce__(self):\n"
        "        if not ready: raise KeyboardInterrupt\n        return I, ()"
    )
    notebook.run("i = I(); a = [1]")
    assert "interrupted" in notebook.failed
    notebook.run("ready.append(1)")
    assert notebook.failed == ""
    other, _ = notebook.restored()
    assert other.namespace.dict["a"] == [1]


def test_pickling_happens_inside_the_guard() -> None:
    """A deadline that the guard raises in user code costs that value only, and says so."""
    entered: list[str] = []

    @contextmanager
    def guard() -> Iterator[None]:
        entered.append("in")
        yield

    notebook = Notebook()
    notebook.committer._guard = guard()
    notebook.run("class S:\n    def __reduce__(self):\n        raise TimeoutError('too slow')\ns = S(); a = [1]")
    assert entered
    assert "too slow" in str(notebook.notes["lost"])
    other, _ = notebook.restored()
    assert other.namespace.dict["a"] == [1]


def _rows() -> Notebook:
    """A list whose check is over every budget."""
    notebook = Notebook()
    notebook.run("rows = [{'a': i} for i in range(50)]")
    for component in notebook.committer.index.components():
        component.seconds = 1e6
    return notebook


@pytest.mark.parametrize(
    ("shown", "found"), [("rows[5]", "_"), ("rows[5:7]", "_[0]"), ("{'x': rows[5]}", "_['x']"), ("(rows[5],)", "_[0]")]
)
def test_a_result_inside_of_something_large_is_stored_by_the_audit(shown: str, found: str) -> None:
    """To look at one of many rows must not cost what storing all of them does: the reply says that it comes later."""
    notebook = _rows()
    before = notebook.store.head().names  # type: ignore[union-attr]
    notebook.run(shown)
    assert "Out[2]" in notebook.notes["unchecked"]  # type: ignore[operator]
    assert notebook.store.head().names == before  # type: ignore[union-attr]
    again, report = notebook.restored()
    assert "Out[2]" in report.unchecked
    assert 2 not in again.namespace.results.out
    assert again.namespace.dict["rows"] == notebook.namespace.dict["rows"]
    notebook.audit()
    again, report = notebook.restored()
    assert again.namespace.dict["_"] is again.namespace.results.out[2]
    assert eval(f"{found} is rows[5]", again.namespace.dict)
    assert report.unchecked == ()


def test_a_result_that_was_let_go_before_the_audit_is_not_stored() -> None:
    """Nor does anything wait for it."""
    notebook = _rows()
    notebook.run("rows[5]")
    notebook.run("1")
    notebook.run("2")
    notebook.run("3")
    notebook.namespace.results.out.pop(2, None)
    notebook.audit()
    again, report = notebook.restored()
    assert 2 not in again.namespace.results.out
    assert report.unchecked == ()
