"""What counts as a definition of the notebook, and when one changed."""

from __future__ import annotations

import collections
import contextlib
import functools
import gc
import textwrap
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from helpers.durable import Notebook
from holdfast.durable.definitions import Definitions, is_definition, same, signature


class Importable:
    """Found under its module and name."""

    @staticmethod
    def inner() -> None:
        """The same."""


def _here(code: str, name: str) -> object:
    namespace: dict[str, object] = {"__name__": "__main__"}
    exec(textwrap.dedent(code), namespace)
    return namespace[name]


@contextlib.contextmanager
def _manager() -> Iterator[None]:
    yield


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (Importable, False),
        (Importable.inner, False),
        (textwrap.dedent, False),
        (int, False),
        (type(None), False),
        (type(iter([])), False),
        (np.ndarray, False),
        (pd.DataFrame, False),
        (pd.DataFrame.head, False),
        (collections.namedtuple, False),
        (len, False),
        (3, False),
        (_here("def f(): pass", "f"), True),
        (_here("class C: pass", "C"), True),
        (lambda: 1, True),
        (type("Made", (), {}), True),
        (functools.wraps(textwrap.dedent)(lambda: 1), True),
        (_manager, False),
        (_here("import collections\nT = collections.namedtuple('T', 'a b')", "T"), True),
    ],
    ids=range(19),
)
def test_what_cannot_be_imported_is_a_definition(obj: object, expected: bool) -> None:
    """A function or class is one exactly when its module does not hold it under its name."""
    assert is_definition(obj) is expected


def test_a_token_is_for_life() -> None:
    """The same object keeps its token, another one of the same name gets another."""
    definitions = Definitions()
    one, other = _here("def f(): pass", "f"), _here("def f(): pass", "f")
    found = definitions.find(one)
    assert found is not None
    assert definitions.find(one) is found
    again = definitions.find(other)
    assert again is not None
    assert again.token != found.token


def test_a_dead_definition_is_told_and_its_cells_with_it() -> None:
    """When a function dies its token is among the dead, even if it refers to itself."""
    definitions = Definitions()
    make = _here("def make():\n    n = []\n    def f():\n        return f, n\n    return f", "make")
    function = make()  # type: ignore[operator]
    found = definitions.find(function)
    assert found is not None
    assert len(found.cells) == 2
    token = found.token
    del function
    gc.collect()
    assert set(definitions.dead) == {token}
    assert all(definitions.cells.drop(key) for key in found.cells)


def test_two_functions_share_a_cell_key() -> None:
    """A closure cell has one key, whoever uses it."""
    definitions = Definitions()
    make = _here("def make():\n    n = 0\n    return (lambda: n), (lambda: n + 1)", "make")
    one, other = make()  # type: ignore[operator]
    first, second = definitions.find(one), definitions.find(other)
    assert first is not None
    assert second is not None
    assert first.cells == second.cells


@pytest.mark.parametrize(
    ("code", "change", "told"),
    [
        ("def f(a=1): pass", "f.__defaults__ = (2,)", True),
        ("def f(): pass", "f.x = 1", True),
        ("def f(): pass", "f.__doc__ = 'x'", True),
        ("def f(): pass", "f.__code__ = (lambda: 2).__code__", True),
        ("class f:\n    n = 1", "f.n = 2", True),
        ("class f:\n    def g(self): pass", "f.g = lambda self: 1", True),
        ("class f:\n    def g(self): pass", "del f.g", True),
        ("class f: pass", "f.__name__ = 'g'", True),
        ("class f:\n    n = 1", "f()", False),
        ("def f(a=1): return a", "f()", False),
    ],
    ids=range(10),
)
def test_a_change_of_a_definition_is_told_by_its_parts(code: str, change: str, told: bool) -> None:
    """Signatures differ exactly when a part was replaced."""
    definitions = Definitions()
    namespace: dict[str, object] = {"__name__": "__main__"}
    exec(code, namespace)
    before = signature(namespace["f"], definitions.find)
    exec(change, namespace)
    assert same(before, signature(namespace["f"], definitions.find)) is not told


def test_a_mutable_part_cannot_be_told_by_identity() -> None:
    """A default that can change leaves the decision to the pickle."""
    assert signature(_here("def f(a=[]): pass", "f"), Definitions().find) is None


def test_redefining_does_not_grow_the_manifest() -> None:
    """A hundred versions of one function leave one token, with its cells."""
    notebook = Notebook()
    for i in range(100):
        notebook.run(f"def make():\n    n = {i}\n    def f():\n        return n\n    return f\nf = make()")
    gc.collect()
    notebook.run("x = 1")
    head = notebook.store.head()
    assert head is not None
    assert len(head.tokens) == 2
    assert len([name for name in head.names if name.startswith("@c")]) == 1


@pytest.mark.parametrize(
    "body",
    [
        "class C: pass",
        "class C:\n    def f(self): return __class__",
        "class C:\n    __slots__ = ('v', '__weakref__')",
        "class C:\n    @property\n    def f(self): return 1",
        "class C:\n    @classmethod\n    def f(cls): return 1",
        "class C:\n    class D:\n        __slots__ = ('v',)",
        "class C:\n    @functools.cached_property\n    def f(self): return 1",
        "class C:\n    @functools.singledispatchmethod\n    def f(self, x): return 1",
        "class C[T]:\n    def f(self, x: T): return x",
        "@dataclasses.dataclass(slots=True, weakref_slot=True)\nclass C:\n    v: int = 0",
        "class C(abc.ABC):\n    @abc.abstractmethod\n    def f(self): pass",
        "class C(enum.Enum):\n    A = 1",
    ],
)
def test_a_deleted_class_is_garbage(body: str) -> None:
    """Nothing of ours keeps it alive once it was stored."""
    notebook = Notebook()
    notebook.run("import abc, dataclasses, enum, functools, weakref")
    notebook.run(body)
    notebook.run("dead = weakref.ref(C)")
    notebook.run("del C")
    gc.collect()
    notebook.run("alive = dead() is not None")
    assert notebook.namespace.dict["alive"] is False


def test_a_class_may_refuse_to_say_anything() -> None:
    """What a metaclass, a `__class__` or a `__getattribute__` raises keeps no cell from being saved, nor restored."""
    notebook = Notebook()
    notebook.run("class M(type):\n    def __getattribute__(cls, name): raise RuntimeError(name)")
    notebook.run("class E(metaclass=M): kept = [1]")
    notebook.run("class D:\n    __class__ = property(lambda self: 1 / 0)\nd = D(); d.kept = [2]")
    notebook.run("class F:\n    def __getattribute__(self, name): raise RuntimeError(name)\nf = F(); x = 3")
    assert notebook.failed == ""
    other, restored = notebook.restored()
    names = other.namespace.dict
    assert (type.__dict__["__dict__"].__get__(names["E"])["kept"], names["x"]) == ([1], 3)
    assert sorted(path for path, _, _ in restored.lost) == ["D", "d", "f"]
