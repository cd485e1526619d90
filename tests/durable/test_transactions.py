"""The four policies, and blocks, over a notebook without a kernel: what is durable when, and what is refused."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Mapping

import pytest

from helpers.durable import Notebook
from holdfast.durable.faults import NotKept
from holdfast.durable.policies import (
    ALWAYS,
    EXPLICIT,
    ON_SUCCESS,
    POLICIES,
    ROLLBACK,
    NotCommitted,
    NoTransaction,
    TransactionOpen,
    UnknownPolicy,
    left_behind,
    parse,
)
from holdfast.durable.preimage import RolledBack, TransactionRefused
from holdfast.durable.reports import Cell
from holdfast.durable.transactions import Running, Transactions
from holdfast.executor.compile import compile_cell


class Tried:
    """A notebook with transactions; `run` is a cell as the kernel runs it."""

    def __init__(self, *cells: str, keeps: bool = True) -> None:
        self.notebook = Notebook()
        self.committer = self.notebook.committer
        self.transactions = Transactions(self.notebook.namespace, self.committer if keeps else None)
        self.notes: Mapping[str, object] = {}
        self.failed = ""
        for code in cells:
            self.notebook.run(code)

    def __getitem__(self, name: str) -> object:
        return self.notebook.namespace.dict[name]

    def run(self, code: str, policy: str = "", best_effort: bool = False) -> RolledBack | None:
        """Run a cell under a policy, or the session's."""
        unit = compile_cell(code, "<cell>")
        codes = tuple(one for one in (unit.body, unit.last) if one is not None)
        count, policy = self.notebook.count + 1, policy or self.transactions.policy
        self.transactions.begin(Running(count, code, codes, unit.tree, epoch=1, policy=policy, best_effort=best_effort))
        self.notebook.execute(code)
        failed = bool(self.notebook.errors)
        self.notebook.errors.clear()
        report = self.transactions.end(failed)
        cell = Cell(count, code, codes, unit.tree, "error" if failed else "ok", epoch=1)
        self.transactions.commit(cell, self._done, report, True)
        return report

    def _done(self, notes: Mapping[str, object], reason: str) -> None:
        self.notes, self.failed = notes, reason

    def stored(self, *names: str) -> list[object]:
        """What a kernel that was killed now would have."""
        other, _ = self.notebook.restored()
        return [other.namespace.dict.get(name) for name in names]


@pytest.mark.parametrize("policy", POLICIES)
def test_a_cell_that_succeeds(policy: str) -> None:
    """Its changes stay; they are durable, but for an explicit transaction."""
    tried = Tried("a = [1]")
    assert tried.run("a.append(2)", policy) is None
    assert tried["a"] == [1, 2]
    assert tried.stored("a") == ([[1]] if policy == EXPLICIT else [[1, 2]])
    assert tried.notes == ({"uncommitted": [2]} if policy == EXPLICIT else {})


@pytest.mark.parametrize(
    ("policy", "live", "stored"),
    [(ALWAYS, [1, 2], [1, 2]), (ON_SUCCESS, [1, 2], [1]), (ROLLBACK, [1], [1]), (EXPLICIT, [1, 2], [1])],
)
def test_a_cell_that_fails(policy: str, live: list[int], stored: list[int]) -> None:
    """What its changes are in memory, and after a kill."""
    tried = Tried("a = [1]")
    tried.run("a.append(2); 1 / 0", policy)
    assert (tried["a"], tried.stored("a")) == (live, [stored])


def test_a_rollback_stores_nothing_but_the_row() -> None:
    """The cell is in the log with what became of it, and no name is stored again."""
    tried = Tried("a = [1]; import pandas as pd; f = pd.DataFrame({'x': [1]}); s = {1, 'b'}")
    tried.run("a.append(2); f.loc[0, 'x'] = 5; s.add(3); n = 1\n1 / 0", ROLLBACK)
    entry = tried.notebook.store.log(newest=1)[-1]
    assert (entry.status, entry.bound, entry.deleted, entry.count) == ("rolled back", (), (), 2)
    assert tried.notes["rolled_back"] == {"names": ("a", "f", "s"), "removed": ("n",), "replaced": (), "failed": ()}


def test_an_uncommitted_cell_is_in_the_log() -> None:
    """With its code and its count, so that a number is never given twice, and without changes."""
    tried = Tried("a = [1]")
    tried.run("a.append(2); b = 1", EXPLICIT)
    entry = tried.notebook.store.log(newest=1)[-1]
    assert (entry.count, entry.code, entry.status, entry.bound) == (2, "a.append(2); b = 1", "uncommitted", ())
    other, report = tried.notebook.restored()
    assert (report.count, other.namespace.dict["In"]) == (2, ["", "a = [1]", "a.append(2); b = 1"])


def test_nothing_is_held_for_ever() -> None:
    """The audit waits while something is held back, and what was let go of is let go when it is committed."""
    tried = Tried("class P: pass\na = [P()]")
    held = weakref.ref(tried["a"][0])  # type: ignore[index]
    tried.run("a.clear()", EXPLICIT)
    gc.collect()
    assert (tried.transactions.holds, held() is None) == (True, False)
    tried.transactions.commit_now()
    gc.collect()
    assert (tried.transactions.holds, held() is None) == (False, True)
    assert tried.stored("a") == [[]]


def test_a_commit_takes_in_all_that_was_held() -> None:
    """Names bound, deleted, changed in place and by functions, and results, of several cells."""
    tried = Tried("a = [1]; gone = 1; box = {}\ndef put(v): box[v] = v")
    tried.transactions.choose(EXPLICIT)
    tried.run("a.append(2); del gone")
    tried.run("put(3)")
    tried.run("new = a\n'shown'")
    assert tried.transactions.uncommitted == (2, 3, 4)
    tried.run("later = 1")
    tried.transactions.commit_now()
    other, _ = tried.notebook.restored()
    names = other.namespace.dict
    assert (names["a"], "gone" in names, names["box"], names["later"]) == ([1, 2], False, {3: 3}, 1)
    assert (names["new"] is names["a"], names["Out"]) == (True, {4: "shown"})


def test_a_rollback_of_several_cells() -> None:
    """Back to the state of the last commit, in the same objects; what a cell made and another changed is gone."""
    tried = Tried("a = [1]; b = {'a': a}")
    before = tried["a"]
    tried.transactions.choose(EXPLICIT)
    tried.run("c = [a]; a.append(2)")
    tried.run("c[0].append(3); b = 1; g = (i for i in c)")
    tried.run("next(g)")
    report = tried.transactions.roll_back_now()
    assert str(report) == "Rolled back: a, b put back; c, g removed"
    assert (tried["a"] is before, before, tried["b"]) == (True, [1], {"a": [1]})
    tried.run("d = 1")
    assert tried.transactions.uncommitted == (5,)


def test_after_a_failure_the_next_success_commits_both() -> None:
    """`commit_on_success`: what a failed cell left is taken in with the next cell that does not fail."""
    tried = Tried("a = [1]; b = [1]")
    tried.run("a.append(2); 1 / 0", ON_SUCCESS)
    assert (tried.notes, tried.transactions.holds) == ({"uncommitted": [2]}, True)
    tried.run("b.append(2)", ON_SUCCESS)
    assert (tried.stored("a", "b"), tried.transactions.holds) == ([[1, 2], [1, 2]], False)


def test_a_savepoint_in_an_explicit_transaction() -> None:
    """A cell with `rollback_on_failure` undoes itself; the transaction goes on, and can undo all."""
    tried = Tried("a = [1]")
    tried.transactions.choose(EXPLICIT)
    tried.run("a.append(2)")
    tried.run("a.append(3); 1 / 0", ROLLBACK)
    assert (tried["a"], tried.transactions.uncommitted) == ([1, 2], (2,))
    tried.transactions.roll_back_now()
    assert tried["a"] == [1]


def test_a_failed_commit_leaves_the_transaction_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: the sentence says so, and nothing is lost."""

    def full(commit: object) -> int:
        raise NotKept("/x", "No space left on device")

    tried = Tried("a = [1]")
    tried.transactions.choose(EXPLICIT)
    tried.run("a.append(2)")
    with monkeypatch.context() as patch:
        patch.setattr(tried.notebook.store, "commit", full)
        with pytest.raises(NotCommitted, match=r"still open.*No space left"):
            tried.transactions.commit_now()
    assert (tried.transactions.uncommitted, tried.stored("a")) == ((2,), [[1]])
    tried.transactions.commit_now()
    assert (tried.transactions.uncommitted, tried.stored("a")) == ((), [[1, 2]])


def test_what_is_lost_is_refused() -> None:
    """Before anything runs, with place, kind and reason; what cannot reach it may run."""
    tried = Tried("g = (i for i in [1]); box = {'g': [g]}; a = []\ndef f(): return next(g)")
    for code in ("next(g)", "box", "f()", "eval('1')"):
        with pytest.raises(TransactionRefused, match=r"\(a generator\): Python cannot save") as refused:
            tried.run(code, ROLLBACK)
        assert refused.value.what
    assert tried.run("a.append(1); 1 / 0", ROLLBACK) == RolledBack(("a",))


def test_best_effort_names_what_could_not_be() -> None:
    """The rest is rolled back."""
    tried = Tried("g = (i for i in [1]); a = []")
    report = tried.run("a.append(next(g)); 1 / 0", ROLLBACK, best_effort=True)
    assert report is not None
    assert (report.names, [path for path, _, _ in report.failed], tried["a"]) == (("a",), ["g"], [])
    assert str(report) == "Rolled back: a put back; g (a generator) could not be"


def test_opaque_objects_are_replaced_by_what_they_were() -> None:
    """The variables lead to other objects then, and are named; those that did not change stay the same ones."""
    tried = Tried("it = iter([1, 2, 3]); next(it); other = iter([1]); pair = [other]")
    before = tried["other"]
    report = tried.run("next(it); pair, other\n1 / 0", ROLLBACK)
    assert str(report) == "Rolled back: it replaced"
    assert (next(tried["it"]), tried["other"] is before) == (2, True)  # type: ignore[call-overload]


def test_what_leads_to_an_opaque_object_stays_the_same() -> None:
    """Lists, attributes, closures and aliases hold its successor, and are the objects that they were."""
    tried = Tried(
        """\
import collections
class P:
    __slots__ = ("it",)
def make(it):
    def get(): return it
    return get
it = iter([1, 2, 3])
p = P(); p.it = it
box = {"l": [it, 0], "d": collections.deque([it]), "o": collections.OrderedDict(a=it), "p": p}
get, alias = make(it), it""",
        "it",
    )
    box, row = tried["box"], tried["box"]["l"]  # type: ignore[index]
    report = tried.run("next(it); row = box['l']; row.append(1); p, get\n1 / 0", ROLLBACK)
    assert report is not None
    assert report.replaced
    assert (tried["box"] is box, box["l"] is row, len(row)) == (True, True, 2)  # type: ignore[index]
    tried.notebook.execute(
        "same = [x is it for x in (alias, box['l'][0], box['d'][0], box['o']['a'], p.it, get(), Out[2])], next(it)"
    )
    assert tried["same"] == ([True] * 7, 1)


@pytest.mark.parametrize(
    ("holding", "held"),
    [
        ("deep = [{'d': {'c': it}}]", "deep[0]['d']['c']"),
        ("class A: items = [it]", "A.items[0]"),
        ("class A: direct = it", "A.direct"),
        ("def f(of=it, *, by=it): pass", "f.__defaults__[0] is f.__kwdefaults__['by'] and f.__defaults__[0]"),
        ("def f(): pass\nf.items, f.direct = [it], it", "f.items[0] is f.direct and f.direct"),
        ("class A: pass\na = A(); a.it = it\nA.first = a", "A.first.it"),
        ("[it]", "_[0]"),
    ],
)
def test_where_no_name_of_the_cell_leads_there_is_the_same_object_too(holding: str, held: str) -> None:
    """Other variables, results, classes and functions that shared what a cell has used up share what replaces it."""
    tried = Tried("it = iter([1, 2, 3])", holding)
    report = tried.run("next(it)\n1 / 0", ROLLBACK)
    assert report is not None
    assert report.replaced
    tried.notebook.execute(f"same = it is ({held}), next(it)")
    assert tried["same"] == (True, 1)


def test_a_bytearray_gets_its_size_back_when_the_view_of_it_is_gone() -> None:
    """The cell that made it longer also bound the view that holds it at that length."""
    tried = Tried("data = bytearray(b'ab')")
    report = tried.run("data.extend(b'more'); view = memoryview(data)\n1 / 0", ROLLBACK)
    assert str(report) == "Rolled back: data put back; view removed"
    assert tried["data"] == b"ab"


def test_what_holds_an_opaque_object_and_cannot_be_changed_is_replaced_too() -> None:
    """A tuple, a bound method: then all variables that share objects with it lead to new ones."""
    tried = Tried("it = iter([1, 2, 3]); pair = (it, [1]); step = it.__next__")
    report = tried.run("step(); pair\n1 / 0", ROLLBACK)
    assert report is not None
    assert set(report.replaced) >= {"it", "pair"}
    tried.notebook.execute("same = pair[0] is it, step.__self__ is it, next(it)")
    assert tried["same"] == (True, True, 1)


def test_without_a_store_opaque_objects_are_refused() -> None:
    """They could come from nowhere; everything else is rolled back from memory."""
    tried = Tried("it = iter([1]); a = [1]", keeps=False)
    unit = compile_cell("next(it)", "<cell>")
    with pytest.raises(TransactionRefused, match="nothing of this session is"):
        tried.transactions.begin(Running(2, codes=(unit.last,), policy=ROLLBACK))  # type: ignore[arg-type]


def test_a_long_list_of_names_is_cut() -> None:
    """A sentence, not a page."""
    names = tuple(f"v{i}" for i in range(20))
    assert str(RolledBack(names)).endswith("v10, v11 and 8 more put back")
    assert str(RolledBack()) == "Rolled back: nothing had changed"


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("", (ROLLBACK, False)),
        ("rollback", (ROLLBACK, False)),
        ("best_effort", (ROLLBACK, True)),
        ("explicit  best_effort", (EXPLICIT, True)),
        ("commit_on_success", (ON_SUCCESS, False)),
    ],
)
def test_words_of_a_policy(words: str, meant: tuple[str, bool]) -> None:
    """`rollback` is short for `rollback_on_failure`."""
    assert parse(words) == meant


@pytest.mark.parametrize("words", ["commit", "rollback now", "explicit explicit", "best"])
def test_other_words_are_refused(words: str) -> None:
    """The sentence lists the policies."""
    with pytest.raises(UnknownPolicy, match="commit_on_success"):
        parse(words)


def test_the_policy_cannot_change_while_cells_are_uncommitted() -> None:
    """Which of both would they be under?  Nor can a checkout go elsewhere."""
    tried = Tried("a = [1]")
    tried.run("a.append(2)", EXPLICIT)
    with pytest.raises(TransactionOpen, match=r"cell \[2\] is not committed"):
        tried.transactions.choose(ALWAYS)
    with pytest.raises(TransactionOpen):
        tried.transactions.refuse_others()
    tried.transactions.commit_now()
    tried.transactions.choose(ALWAYS)
    tried.transactions.refuse_others()


def test_the_policy_is_stored() -> None:
    """A kernel that goes on with the session goes on with it."""
    tried = Tried("a = [1]")
    tried.transactions.choose("explicit best_effort")
    tried.run("a.append(2)")
    other, _ = tried.notebook.restored()
    assert other.committer.policy == "explicit best_effort"


def test_cells_that_were_left_behind_are_told() -> None:
    """Those after the last commit, whatever was rolled back between them."""
    tried = Tried("a = [1]")
    tried.transactions.choose(EXPLICIT)
    tried.run("a.append(2)")
    tried.run("1 / 0", ROLLBACK)
    tried.run("b = 1")
    assert left_behind(tried.notebook.store.log()) == "cells [2], [4] were"
    tried.transactions.commit_now()
    assert left_behind(tried.notebook.store.log()) == ""


def test_blocks_within_a_cells_transaction_are_a_part_of_it() -> None:
    """What a block commits is rolled back with its cell."""
    tried = Tried("a = [1]")
    unit = compile_cell("a.append(2)", "<cell>")
    assert unit.last is not None
    tried.transactions.begin(Running(2, codes=(unit.last,), policy=ROLLBACK))
    block = tried.transactions.enter(ALWAYS, False, sys._getframe())
    tried.notebook.execute("a.append(2)")
    tried.transactions.leave(block, False)
    assert tried.stored("a") == [[1]]
    tried.transactions.end(True)
    assert tried["a"] == [1]


def test_there_is_nothing_to_roll_back() -> None:
    """A block without an image, a session without a transaction."""
    tried = Tried("a = [1]")
    with pytest.raises(NoTransaction, match="nothing to go back to"):
        tried.transactions.roll_back_now()
    block = tried.transactions.enter(ON_SUCCESS, False, sys._getframe())
    with pytest.raises(NoTransaction, match="keeps nothing to go back to"):
        tried.transactions.roll_back_block(block)
    for ask in (tried.transactions.commit_now, tried.transactions.roll_back_now):
        with pytest.raises(NoTransaction, match="within a"):
            ask()
