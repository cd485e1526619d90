"""New code for old functions and classes, in place."""

from __future__ import annotations

import sys
import textwrap
from types import ModuleType
from typing import Any

import pytest

from holdfast.magics.patching import Patcher

HEAD = "import abc, dataclasses, enum, functools\n"


def patched(old: str, new: str, *names: str) -> tuple[ModuleType, Patcher]:
    """A module of the old code, whose objects of these names took on the new one."""
    # Data classes look their module up.
    module = sys.modules["edited"] = ModuleType("edited")
    try:
        exec(HEAD + textwrap.dedent(old), module.__dict__)
        before = dict(module.__dict__)
        exec(HEAD + textwrap.dedent(new), module.__dict__)
    finally:
        del sys.modules["edited"]
    patcher = Patcher()
    for name in names:
        assert patcher.patch(before[name], module.__dict__[name]), name
        module.__dict__[name] = before[name]
    return module, patcher


def test_a_function_runs_the_new_code() -> None:
    """With its new defaults, documentation and signature."""
    old = "def f(a): return 1"
    module, _ = patched(old, "def f(a, b=2, *, c=3):\n    'new'\n    return a + b + c", "f")
    assert (module.f(1), module.f.__doc__) == (6, "new")


def test_what_a_decorator_wraps_is_served_too() -> None:
    """The wrapper, and the function that somebody holds apart from it."""
    code = """
        def deco(f):
            @functools.wraps(f)
            def wrapper(*args): return ({}, f(*args))
            return wrapper
        @deco
        def g(x): return x {}
        inner = g.__wrapped__
    """
    module = ModuleType("edited")
    exec(HEAD + textwrap.dedent(code.format(1, "")), module.__dict__)
    g, inner = module.g, module.inner
    exec(HEAD + textwrap.dedent(code.format(2, "* 10")), module.__dict__)
    assert Patcher().patch(g, module.g)
    assert (g(3), inner(3), g.__wrapped__ is inner) == ((2, 30), 30, True)


def test_a_cache_is_emptied() -> None:
    """What it holds was computed by the old code."""
    code = "@functools.lru_cache\ndef f(x): return x + {}"
    module = ModuleType("edited")
    exec(HEAD + code.format(1), module.__dict__)
    f = module.f
    assert f(1) == 2
    exec(HEAD + code.format(5), module.__dict__)
    assert Patcher().patch(f, module.f)
    assert f(1) == 6


def test_a_function_with_other_cells_cannot_be_patched() -> None:
    """Its code would look for what is not there."""
    code = "def make(a, b):\n    def f(): return {}\n    return f\nf = make(1, 2)"
    module = ModuleType("edited")
    exec(code.format("a"), module.__dict__)
    old = module.f
    exec(code.format("a + b"), module.__dict__)
    assert not Patcher().patch(old, module.f)
    assert old() == 1


OLD = """
    class Base:
        def who(self): return "base"
    class C(Base):
        tag = 1
        gone = 1
        def who(self): return "old " + super().who()
        @property
        def p(self): return 1
        @staticmethod
        def s(): return 1
        @classmethod
        def c(cls): return cls.tag
        class Inner:
            def i(self): return 1
    c = C()
    inner = C.Inner()
    method = c.who
"""
NEW = """
    class Base:
        def who(self): return "BASE"
    class Other: pass
    class C(Base, Other):
        tag = 2
        def who(self): return "new " + super().who()
        @property
        def p(self): return 2
        @staticmethod
        def s(): return 2
        @classmethod
        def c(cls): return cls.tag
        def more(self): return "more"
        class Inner:
            def i(self): return 2
"""


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("c.who()", "new BASE"),
        ("method()", "new BASE"),
        ("c.p", 2),
        ("c.s()", 2),
        ("c.c()", 2),
        ("c.more()", "more"),
        ("inner.i()", 2),
        ("hasattr(c, 'gone')", False),
        ("type(c) is C and C.__bases__ == (Base, Other)", True),
        ("isinstance(c, Base) and type(inner) is C.Inner", True),
    ],
)
def test_objects_of_a_class_have_what_is_new(expression: str, value: object) -> None:
    """Methods, properties, bases and nested classes; what is gone is gone; each class is the same object."""
    module, _ = patched(OLD, NEW, "Base", "C")
    assert eval(expression, module.__dict__) == value


def test_members_of_an_enum_stay_the_same_objects() -> None:
    """Values change, members come and go, methods are new."""
    old = "class E(enum.Enum):\n    A = 1\n    B = 2\na = E.A"
    new = "class E(enum.Enum):\n    A = 10\n    C = 3\n    AA = 10\n    def twice(self): return self.value * 2"
    module, _ = patched(old, new, "E")
    cls: Any = module.E
    assert (module.a is cls.A, cls(10), cls["C"], cls.AA) == (True, module.a, cls.C, module.a)
    assert ([member.name for member in cls], module.a.twice(), type(cls.C)) == (["A", "C"], 20, cls)
    assert not hasattr(cls, "B")


def test_a_member_that_is_a_text_is_replaced_where_it_is_another() -> None:
    """A text cannot change; one that stays as it was is the same object."""
    old = "class E(enum.StrEnum):\n    A = 'a'\n    B = 'b'\nb = E.B"
    module, _ = patched(old, "class E(enum.StrEnum):\n    A = 'aa'\n    B = 'b'", "E")
    cls: Any = module.E
    assert (f"{cls.A}", cls("aa") is cls.A, isinstance(cls.A, cls), module.b is cls.B) == ("aa", True, True, True)


def test_a_dataclass_has_its_new_fields() -> None:
    """New objects have them, old ones have new methods."""
    old = "@dataclasses.dataclass\nclass P:\n    x: int = 1\np = P(5)"
    new = "@dataclasses.dataclass\nclass P:\n    x: int = 1\n    y: int = 2\n    def both(self): return self.x, self.y"
    module, _ = patched(old, new, "P")
    assert (repr(module.P(3)).rpartition(".")[2], module.p.both()) == ("P(x=3, y=2)", (5, 2))


def test_an_abstract_class_knows_what_is_abstract() -> None:
    """After the edit as after a new import."""
    old = "class A(abc.ABC):\n    pass"
    new = "class A(abc.ABC):\n    @abc.abstractmethod\n    def f(self): ..."
    module, _ = patched(old, new, "A")
    with pytest.raises(TypeError, match="abstract"):
        module.A()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("class A:\n    __slots__ = ('x',)", "class A:\n    __slots__ = ('x', 'y')"),
        ("class A: pass", "class A(int): pass"),
        ("class A: pass", "class A(abc.ABC): pass"),
        ("class A: pass", "def A(): pass"),
        ("A = 1", "A = 2"),
    ],
)
def test_what_is_laid_out_otherwise_cannot_be_patched(old: str, new: str) -> None:
    """It says so, and nothing has changed."""
    module = ModuleType("edited")
    exec(HEAD + old, module.__dict__)
    before = module.A
    exec(HEAD + new, module.__dict__)
    assert not Patcher().patch(before, module.A)
