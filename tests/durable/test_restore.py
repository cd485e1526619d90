"""A restore: everything under its name, or a `LostValue` that says why."""

from __future__ import annotations

import os
import random
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from helpers.durable import Notebook
from holdfast.durable.faults import Tampered
from holdfast.durable.restore import Restorer
from holdfast.durable.store.memory import MemoryStore
from holdfast.durable.store.port import Record


@pytest.fixture(autouse=True)
def _surroundings(tmp_path: Path) -> Iterator[None]:
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


def _same(*cells: str) -> Notebook:
    """Run the cells; a restore must describe itself as the live namespace does."""
    notebook = Notebook()
    for code in cells:
        notebook.run(code)
        assert not notebook.errors
        assert notebook.failed == ""
    other, report = notebook.restored()
    assert report.lost == ()
    assert other.describe() == notebook.describe()
    return other


def test_an_empty_store_restores_nothing() -> None:
    """Before the first commit there is nothing to say."""
    notebook = Notebook()
    assert Restorer(notebook.committer, notebook.store, notebook.codec).restore() is None


def test_the_count_and_the_epoch_come_back() -> None:
    """The next cell gets the next number."""
    notebook = Notebook()
    notebook.run("a = 1")
    notebook.run("b = 2")
    _, report = notebook.restored()
    assert (report.count, report.epoch, report.kept) == (2, 0, ("a", "b"))


@pytest.mark.parametrize(
    "cells",
    [
        ("5", "x = 1", "'seven'", "_", "[_]", "Out[1]"),
        ("_ = 'mine'", "5"),
        ("a = [1]\na", "a.append(_)", "del Out[1]"),
        tuple(str(i) for i in range(12)),
        ("Out", "In", "[Out]"),
    ],
    ids=range(5),
)
def test_results_and_inputs_come_back(cells: tuple[str, ...]) -> None:
    """`Out`, `In`, `_`, `__`, `___`, `_i` are as they were, and go on from there."""
    other = _same(*cells)
    other.run("'next'")
    assert other.namespace.dict["_"] == "next" or "_ = 'mine'" in cells


CYCLES_TEXT = """\
### class that holds its instance
class C:
    items = []
c = C()
C.items.append(c)
all = C.items
### method of an instance that the class holds
class C:
    items = []
    def f(self):
        return 1
c = C()
C.items.append(c.f)
x = [C.items, c.f]
### function in its own default
def f(x=[]):
    return x
f.__defaults__[0].append(f)
d = f.__defaults__[0]
### closure over itself
def make():
    def f(n):
        return f(n - 1) if n else 'end'
    return f
f = make()
### two functions over each other
def make():
    def even(n):
        return n == 0 or odd(n - 1)
    def odd(n):
        return n != 0 and even(n - 1)
    return even, odd
even, odd = make()
### class in a closure of its method
def make():
    class C:
        def me(self):
            return C
    return C
C = make()
c = C()
### super()
class A:
    def f(self):
        return [1]
class B(A):
    def f(self):
        return super().f()
b = B()
### subclass registry
class Base:
    known = {}
    def __init_subclass__(cls):
        Base.known[cls.__name__] = cls
class One(Base): pass
class Two(Base): pass
one = One(); k = Base.known
### old and new class of one name
class P:
    pass
old = P()
class P:
    z = 1
new = P()
### list in itself through a class
class C: pass
l = []
C.l = l
l.append(C)
l.append(l)
### user reduce
class R:
    def __init__(self, v):
        self.v = v
    def __reduce__(self):
        return R, (self.v,)
r = R([1]); s = [r]
### state with a method
class S:
    def __init__(self):
        self.n = 1
    def __getstate__(self):
        return {'n': self.n}
    def __setstate__(self, state):
        self.fix(state)
    def fix(self, state):
        self.__dict__.update(state)
s = S()
### hash by a method
class H:
    def __init__(self, k):
        self.k = k
    def __hash__(self):
        return hash(self.k)
    def __eq__(self, o):
        return self.k == o.k
h = H(1)
d = {h: 'a'}
"""
CYCLES = {
    title.strip(): tuple(code.rstrip("\n").split("\n---\n"))
    for title, _, code in (part.partition("\n") for part in CYCLES_TEXT.split("### ")[1:])
}


@pytest.mark.parametrize("name", CYCLES)
def test_definitions_and_what_they_hold(name: str) -> None:
    """Cycles through functions, classes, cells and their state come back with their identities."""
    _same(*CYCLES[name])


def test_a_restored_class_works_on() -> None:
    """Instances made before are of the restored class; new ones can be made; a change goes to both."""
    other = _same("class C:\n    items = []\n    def put(self, x):\n        self.items.append(x)\nc = C()", "c.put(1)")
    other.run("d = C(); d.put(2); ok = isinstance(c, C) and c.items is d.items and C.items == [1, 2]")
    assert other.namespace.dict["ok"] is True
    again, _ = other.restored()
    assert again.describe() == other.describe()


def test_generations_of_restores() -> None:
    """A session that is restored again and again, with a cell each time, stays what it is."""
    notebook = Notebook()
    notebook.run("class C:\n    n = 0\nc = C()\nlog = [c]\ndef f():\n    c.n += 1\n    log.append(len(log))")
    for _ in range(10):
        notebook, report = notebook.restored()
        notebook.namespace.install()
        assert report.lost == ()
        notebook.run("f(); log.append(lambda: c)")
        assert notebook.failed == ""
    other, _ = notebook.restored()
    assert other.describe() == notebook.describe()
    assert other.namespace.dict["c"].n == 10  # type: ignore[attr-defined]


def test_restarts_of_an_unchanged_session_do_not_grow_the_store() -> None:
    """A restore with its audit writes next to nothing, and the next read writes no value again."""
    notebook = Notebook()
    notebook.run("import re\nclass C: pass\nc = C()\ns = {'a', 'b', 'c'}")
    notebook.run("d = {i: [i] for i in range(500)}\ndef f(x=[1]): return x")
    notebook.audit()
    size = notebook.store.size()
    for _ in range(20):
        notebook, _ = notebook.restored()
        notebook.namespace.install()
        assert notebook.audit() == ()
        notebook.run("len(d), c, s, f;")
    assert notebook.store.size() < size * 1.05


class Broken(MemoryStore):
    """Damages the stream of one version."""

    bad = 0
    error: Exception | None = None

    def record(self, version: int) -> Record:
        """See the port."""
        record = super().record(version)
        if version == self.bad:
            if self.error is not None:
                raise self.error
            return msgspec.structs.replace(record, stream=record.stream[: len(record.stream) // 2])
        return record


@pytest.mark.parametrize("error", [None, Tampered("x", "changed")])
def test_a_bad_component_costs_only_itself(error: Exception | None) -> None:
    """A component that cannot be loaded becomes a named LostValue; the others are there."""
    store = Broken()
    notebook = Notebook(store)
    notebook.run("a = [1, 2]; b = [3]; c = a")
    head = store.head()
    assert head is not None
    store.bad, store.error = head.names["a"], error
    other, report = notebook.restored(store)
    assert other.namespace.dict["b"] == [3]
    assert {type(other.namespace.dict[name]).__name__ for name in ("a", "c")} == {"LostValue"}
    assert {path for path, _, _ in report.lost} == {"a", "c"}


@pytest.mark.parametrize("error", [None, Tampered("x", "changed")])
def test_a_bad_definition_costs_only_what_needs_it(error: Exception | None) -> None:
    """Without its class an instance is lost and named; the rest of the session is there."""
    store = Broken()
    notebook = Notebook(store)
    notebook.run("class C: pass\nc = C(); b = [3]")
    head = store.head()
    assert head is not None
    store.bad, store.error = next(iter(head.tokens.values())), error
    other, report = notebook.restored(store)
    assert other.namespace.dict["b"] == [3]
    # Nothing that needs it is there without being named.
    assert {path for path, _, _ in report.lost} & {"C", "c"}


def test_versions_are_never_given_twice() -> None:
    """After a restore new versions, tokens and keys start behind the old ones."""
    notebook = Notebook()
    notebook.run("def f(x=[]): return x\na = f()")
    other, _ = notebook.restored()
    other.namespace.install()
    other.run("def g(x=[]): return x\nb = g()")
    assert other.failed == ""
    again, _ = other.restored()
    assert again.describe() == other.describe()


def test_the_surroundings_come_back(tmp_path: Path) -> None:
    """Working folder, import path, environment, random state and warnings filters are as cells left them."""
    notebook = Notebook()
    notebook.run("import os, sys, random, warnings")
    notebook.run(f"os.chdir({str(tmp_path)!r}); sys.path.append({str(tmp_path)!r}); os.environ['HF_TEST'] = 'x'")
    notebook.run("random.seed(5); warnings.filterwarnings('ignore', message='hf')")
    expected = random.random()
    notebook.run("random.seed(5)")
    os.chdir("/")
    sys.path.remove(str(tmp_path))
    del os.environ["HF_TEST"]
    random.seed(99)
    warnings.resetwarnings()
    _, report = notebook.restored()
    assert os.getcwd() == str(tmp_path)
    assert str(tmp_path) in sys.path
    assert os.environ["HF_TEST"] == "x"
    assert random.random() == expected
    assert any(str(one[1]).find("hf") >= 0 for one in warnings.filters)
    assert len(report.ambient) == 5


def test_the_surroundings_that_nobody_changed_are_not_stored() -> None:
    """A session that changes nothing around its variables stores nothing of it."""
    notebook = Notebook()
    notebook.run("a = 1")
    head = notebook.store.head()
    assert head is not None
    assert not any(name.startswith("@a") for name in head.names)
