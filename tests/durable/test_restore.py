"""A restore: everything under its name, or a `LostValue` that says why."""

from __future__ import annotations

import collections
import importlib
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
from holdfast.durable.pickling.lost import LostValue
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
        ("1", "x = 2"),
        ("x = 1", "2", "x = 3"),
    ],
    ids=range(7),
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
### instance made by a method that needs its class
class S(str):
    def __new__(cls, n):
        return super().__new__(cls, n)
members = {S(14)}
### class that holds its own tuples
from typing import NamedTuple
class P(NamedTuple):
    a: int = 1
    b: list = [2]
P.kept = [P(2), P(3)]
### weak set of a function that is deleted
import weakref
def f(): pass
weak = weakref.WeakSet([f])
---
del f
### one weak reference in two places
import weakref
def f(): pass
first = weakref.ref(f, id)
second = [first]
### dead weak reference in two places
import weakref
def f(): pass
first = weakref.ref(f, id)
second = [first]
---
del f
### function with a large global of its own
import numpy as np
held = {'big': np.arange(20_000)}
exec('def f(): return big', held)
f = held.pop('f')
"""
CYCLES = {
    title.strip(): tuple(code.rstrip("\n").split("\n---\n"))
    for title, _, code in (part.partition("\n") for part in CYCLES_TEXT.split("### ")[1:])
}


@pytest.mark.parametrize("name", CYCLES)
def test_definitions_and_what_they_hold(name: str) -> None:
    """Cycles through functions, classes, cells and their state come back with their identities."""
    _same(*CYCLES[name])


def test_what_lru_cache_makes_is_no_definition() -> None:
    """A cached function brings one definition into the session, at every restore the same one."""
    other = _same("import functools\n@functools.lru_cache\ndef f(n):\n    return n\nf(1)", "info = f.cache_info()")
    known = [definition.ref() for definition in other.committer.definitions.by_token.values()]
    assert known == [other.namespace.dict["f"].__wrapped__]  # type: ignore[attr-defined]


def test_a_restore_gives_no_new_tokens() -> None:
    """Methods of a restored class keep the tokens that they had."""
    notebook = Notebook()
    notebook.run("class C:\n    def one(self): pass\n    def two(self): pass\nc = C()")
    other, _ = notebook.restored()
    assert set(other.committer.definitions.by_token) == set(notebook.committer.definitions.by_token)


@pytest.mark.parametrize(
    ("now", "lost"),
    [
        ("class A:\n    pass", {"f", "d['f']"}),
        ("1 / 0", {"A", "a", "f", "d['f']", "m"}),
        (None, {"A", "a", "f", "d['f']", "m"}),
    ],
    ids=["changed", "raises", "vanished"],
)
def test_what_a_module_of_the_users_no_longer_has_is_named(tmp_path: Path, now: str | None, lost: set[str]) -> None:
    """It is a `LostValue` wherever it was; what does not need it is as before."""
    name = f"users_{tmp_path.name}"
    file = tmp_path / f"{name}.py"
    file.write_text("class A:\n    pass\ndef f(): pass\n")
    sys.path.insert(0, str(tmp_path))
    notebook = Notebook()
    notebook.run(f"import {name} as m\nfrom {name} import A, f\na, d, kept = A(), {{'f': f, 'k': [1]}}, [1]")
    assert not notebook.errors
    del sys.modules[name]
    file.unlink()
    if now is not None:
        file.with_suffix(".py").write_text(f"{now}\n# another size")
    importlib.invalidate_caches()
    other, report = notebook.restored()
    sys.modules.pop(name, None)
    assert {path for path, _, _ in report.lost} == lost
    values = other.namespace.dict
    assert isinstance(values["f"], LostValue)
    assert (values["kept"], values["d"]["k"]) == ([1], [1])  # type: ignore[index]


def test_what_is_nested_too_deeply_is_named_under_each_name() -> None:
    """A list of 100,000 links costs the variables that lead to it, no others."""
    notebook = Notebook()
    notebook.run("head = None\nfor _ in range(100_000):\n    head = [head]\nsame, kept = head, [1]")
    other, report = notebook.restored()
    assert {path for path, _, _ in report.lost} == {"head", "same"}
    assert other.namespace.dict["kept"] == [1]
    for space in (notebook.namespace.dict, other.namespace.dict):
        assert isinstance(space["kept"], list)


def test_a_restored_array_is_stored_out_of_band_again() -> None:
    """One changed element of a restored array stores a chunk of it, not the array in a stream."""
    notebook = Notebook()
    notebook.run("import numpy as np\na = np.arange(400_000.)\nb = a[5:]")
    other, _ = notebook.restored()
    other.run("a[7] = 0.5")
    head = other.store.head()
    assert head is not None
    record = other.store.record(head.names["a"] or 0)
    assert len(record.stream) < 1000
    assert [buffer.size for buffer in record.buffers] == [3_200_000]
    again, _ = other.restored()
    assert again.describe() == other.describe()


@pytest.mark.parametrize(
    ("code", "writes"),
    [
        ("m = np.ma.masked_less(np.arange(9000), 3)\nv = m.T[1:4]", "v[0] = 5; ok = m[1] == 5"),
        ("m = np.arange(9)\nv = np.lib.stride_tricks.sliding_window_view(m, 2)", "m[3] = 70; ok = v[3, 0] == 70"),
        ("m = np.arange(9)\nv = m[2:]\nm.flags.writeable = False", "v[0] = 7; ok = m[2] == 7"),
        ("m = np.array([[1], None, 'x'], dtype=object)[:2]\nv = m[::-1]", "v[1] = 3; ok = m[0] == 3"),
        ("m = bytearray(b'abc')\nv = np.frombuffer(m, 'u1')", "try: m.extend(b'd')\nexcept BufferError: ok = True"),
    ],
    ids=["masked", "windows", "closed base", "objects", "bytes that must not move"],
)
def test_a_view_shares_its_memory_after_two_restores(code: str, writes: str) -> None:
    """What is written to one shows in the other."""
    notebook = Notebook()
    notebook.run(f"import numpy as np\n{code}")
    for _ in range(2):
        notebook, report = notebook.restored()
        assert not report.lost
        notebook.run("looked = str(m)")
    notebook.run(writes)
    assert not notebook.errors
    assert bool(notebook.namespace.dict["ok"]) is True


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


def test_a_method_has_what_its_own_globals_share_with_its_class() -> None:
    """As the `__init__` that attrs writes, whose globals hold the same fields as the class."""
    notebook = Notebook()
    notebook.run(
        "class Field: pass\nfield = Field()\nown = {'field': field, '__name__': 'written'}\n"
        "exec('def f(self): return field', own)\nC = type('C', (), {'f': own['f'], 'fields': (field,)})\n"
        "del field, own"
    )
    other, report = notebook.restored()
    assert not report.lost
    other.run("same = C().f() is C.fields[0] and type(C.fields[0]) is Field")
    assert other.namespace.dict["same"] is True


def test_functions_of_no_module_share_what_they_change() -> None:
    """Those of a file that was loaded by its path work on one state; what they assign anew is named."""
    notebook = Notebook()
    text = (
        "state = []\ncount = 0\ndef add(x): state.append(x)\ndef show(): return state\n"
        "def up():\n    global count\n    count += 1"
    )
    notebook.run(f"def load():\n    own = {{'__name__': 'loaded'}}\n    exec({text!r}, own)\n    return own")
    notebook.run("own = load(); add, show, up, state = own['add'], own['show'], own['up'], own['state']; del own")
    notebook.run("add(1)")
    other, report = notebook.restored()
    assert [path for path, _, _ in report.lost] == ["count of up"]
    other.run("add(2); same = show() is state")
    assert (other.namespace.dict["state"], other.namespace.dict["same"]) == ([1, 2], True)
    other.run("up()")
    assert "count of up" in str(other.errors[0])


def test_the_function_of_a_class_method_of_a_library_comes_back() -> None:
    """What a recursive pydantic model holds: no name of a module leads to it, but to the method bound to its class."""
    notebook = Notebook()
    notebook.run("import collections\nf = collections.Counter.fromkeys.__func__; x = [f, 1]")
    other, report = notebook.restored()
    assert not report.lost
    assert other.namespace.dict["f"] is collections.Counter.fromkeys.__func__  # type: ignore[attr-defined]
    assert other.namespace.dict["x"][0] is other.namespace.dict["f"]  # type: ignore[index]


def test_modules_are_found_where_cells_made_them_be_found(tmp_path: Path) -> None:
    """Import path, working folder and environment are there before the modules of variables are imported."""
    here, name = tmp_path / "here", f"users_{tmp_path.name}"
    for folder in (here, tmp_path / "lib", here / f"{name}_p"):
        folder.mkdir()
    text = "import os\nv = os.environ['HF_TEST']\nclass A: pass\nclass W(UserWarning): pass\n"
    (tmp_path / "lib" / f"{name}.py").write_text(text)
    (here / f"{name}_p" / "b.py").write_text("class B: pass\n")
    sys.path.insert(0, "")
    notebook = Notebook()
    notebook.run(f"import os, sys; os.chdir({str(here)!r}); sys.path.insert(0, '../lib'); os.environ['HF_TEST'] = 'x'")
    notebook.run(f"import warnings, {name} as m, {name}_p.b as n\na, b = m.A(), n.B()")
    notebook.run("warnings.simplefilter('ignore', m.W)")
    assert not notebook.errors
    for module in [module for module in sys.modules if module.startswith(name)]:
        del sys.modules[module]
    os.chdir("/")
    sys.path.remove("../lib")
    del os.environ["HF_TEST"]
    other, report = notebook.restored()
    assert not report.lost
    other.run("found = type(a) is m.A, type(b) is n.B, m.v, any(one[2] is m.W for one in warnings.filters)")
    assert other.namespace.dict["found"] == (True, True, "x", True)
    assert sys.path[:2] == ["../lib", ""]


def test_the_surroundings_that_nobody_changed_are_not_stored() -> None:
    """A session that changes nothing around its variables stores nothing of it."""
    notebook = Notebook()
    notebook.run("a = 1")
    head = notebook.store.head()
    assert head is not None
    assert not any(name.startswith("@a") for name in head.names)


def test_an_instance_whose_class_needs_a_closure_cell_to_make_it() -> None:
    """`super()` in `__new__` finds its class, whichever of the things that lead to each other is loaded first."""
    notebook = Notebook()
    for i in range(8):
        notebook.run(
            f"class S{i}:\n    one = None\n    def __new__(cls):\n"
            f"        if cls.one is None: cls.one = super().__new__(cls)\n        return cls.one\ns{i} = S{i}()"
        )
    other, report = notebook.restored()
    assert report.lost == ()
    other.run("same = [globals()[f'S{i}']() is globals()[f's{i}'] for i in range(8)]")
    assert other.namespace.dict["same"] == [True] * 8


def test_an_iterator_that_lies_in_its_own_list_keeps_its_place() -> None:
    """Python's own reduction would take a place for the end of a list that is not filled yet."""
    other = _same("x = [1, 2, 3]; i = iter(x); x.append(i); y = [next(i), next(i)]")
    assert eval("next(i)", other.namespace.dict) == 3


def test_what_a_cell_changed_by_the_name_of_a_result_is_stored() -> None:
    """Also when `_` is another one at its end."""
    other = _same("x = [1]\nx", "_.append(2)\n5", "__.append(3)\n6")
    assert other.namespace.dict["x"] == [1, 2, 3]


def test_enums_are_not_stored_again_after_a_restore() -> None:
    """What they share is the library's."""
    notebook = Notebook()
    notebook.run("import enum\nclass A(enum.Enum):\n    X = 1\nclass B(enum.Enum):\n    X = 1\nused = [A.X, B.X]")
    head = notebook.store.head()
    other, _ = notebook.restored()
    other.run("y = 1")
    other.audit()
    now = other.store.head()
    assert head is not None
    assert now is not None
    assert now.tokens == head.tokens
