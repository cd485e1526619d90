"""Programs whose variables come back in a fresh interpreter with their values and their identities."""
# ruff: noqa: E501 (tables of programs read better one a line)

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import streams
from helpers.streams import elsewhere, run, save

#: (name, program, what is true after loading)
CASES: list[tuple[str, str, str]] = [
    ("aliases", "x = [1]; y = {'a': x}; z = (x, y)", "y['a'] is x and z[1] is y"),
    ("a cycle", "x = []; x.append(x)", "x[0] is x"),
    ("the namespace", "g = globals()", "g is globals()"),
    ("the module", "import sys; m = sys.modules['__main__']", "m.__dict__ is globals()"),
    ("a module alias", "import os.path as p", "p is __import__('os').path"),
    ("a function", "k = [1]\ndef f(a, b=k, *, c=2):\n    return a, b, c, k", "f(0) == (0, [1], 2, [1]) and f(0)[3] is k and f.__globals__ is globals()"),
    ("recursion", "def fact(n): return n * fact(n - 1) if n else 1\ng = fact\ndel fact\nfact = g", "fact(5) == 120 and g is fact"),
    ("a lambda", "f = lambda x, y=2: x * y", "f(4) == 8"),
    ("closures over one cell", "def make():\n    n = 0\n    def up():\n        nonlocal n\n        n += 1\n    return up, lambda: n\nup, get = make(); up()", "get() == 1 and (up(), get())[1] == 2"),
    ("function attributes", "def f(): pass\nf.n = f", "f.n is f"),
    ("async and generators", "async def a(): return 3\ndef g():\n    yield from (1, 2)", "list(g()) == [1, 2] and __import__('asyncio').run(a()) == 3"),
    ("class", "class P:\n    'doc'\n    kept = []\n    def m(self): return self.kept\np = P()", "p.m() is P.kept and P.__doc__ == 'doc' and type(p) is P"),
    ("old and new class", "class P: v = 1\nold = P()\nclass P: v = 2\nnew = P()", "old.v == 1 and new.v == 2 and type(new) is P and type(old) is not P and type(old).__name__ == 'P'"),
    ("super", "class A:\n    def f(self): return 1\nclass B(A):\n    def f(self): return super().f() + 1\nb = B()", "b.f() == 2"),
    ("slots", "class S:\n    __slots__ = ('a', '__b')\n    def __init__(self): self.a = self; self.__b = 2\n    def b(self): return self.__b\ns = S()", "s.a is s and s.b() == 2 and not hasattr(s, '__dict__')"),
    ("slots below slots", "class A: __slots__ = ('a',)\nclass B(A): __slots__ = ('b', '__dict__')\nb = B(); b.a, b.b, b.c = 1, 2, 3", "(b.a, b.b, b.c) == (1, 2, 3)"),
    ("dataclass", "import dataclasses\n@dataclasses.dataclass(order=True)\nclass D:\n    a: int\n    b: list = dataclasses.field(default_factory=list)\nd = D(1)", "D(1) == d and D(2) > d and D(3).b == [] and dataclasses.fields(D)[1].name == 'b' and dataclasses.replace(d, a=5).a == 5"),
    ("frozen dataclass with slots", "import dataclasses\n@dataclasses.dataclass(frozen=True, slots=True)\nclass D:\n    a: int = 4\nd = {D(): 1}", "d[D()] == 1 and D(4).a == 4"),
    ("enum", "import enum\nclass E(enum.Enum):\n    A = 1\n    B = [2]\n    C = 1\n    def f(self): return self.name\ne = E.B", "e is E.B and E(1) is E.A and E.C is E.A and list(E) == [E.A, E.B] and e.f() == 'B' and E([2]) is E.B"),
    ("flags", "import enum\nclass F(enum.IntFlag):\n    R = 1\n    W = 2\nf = F.R | F.W", "f == F(3) and f & F.R is F.R and F.R == 1"),
    ("string enum", "import enum\nclass E(enum.StrEnum):\n    A = enum.auto()\nd = {E.A: 1}", "d['a'] == 1 and d[E.A] == 1 and isinstance(E.A, str)"),
    ("named tuples", "import typing, collections\nclass N(typing.NamedTuple):\n    a: int\n    b: str = 'x'\nn = N(1)\nC = collections.namedtuple('C', 'p q')\nc = C(1, [n])", "n == N(1) and n.b == 'x' and c.q[0] is n and c._replace(p=2).p == 2"),
    ("abstract classes", "import abc\nclass A(abc.ABC):\n    @abc.abstractmethod\n    def f(self): ...\nclass B(A):\n    def f(self): return 1\nclass V: pass\nA.register(V)\nb = B()", "b.f() == 1 and isinstance(V(), A) and isinstance(b, A) and A.__abstractmethods__ == {'f'}"),
    ("protocol", "import typing\n@typing.runtime_checkable\nclass P(typing.Protocol):\n    def f(self) -> int: ...\nclass C:\n    def f(self): return 1\nc = C()", "isinstance(c, P) and not isinstance(3, P)"),
    ("generic", "import typing\nT = typing.TypeVar('T')\nclass G(typing.Generic[T]):\n    x: T\ng = G[int]()\na = G[str]", "G.__parameters__ == (T,) and a.__origin__ is G and isinstance(g, G)"),
    ("type parameters", "class G[T]:\n    def f(self, x: T) -> T: return x\ndef h[U](x: U) -> U: return x\ntype L[V] = list[V]", "G.__type_params__[0].__name__ == 'T' and h(3) == 3 and L[int].__args__ == (int,)"),
    ("new type", "import typing\nN = typing.NewType('N', int)", "N(3) == 3 and N.__supertype__ is int"),
    ("__init_subclass__ above a base without a __dict__", "import collections.abc, typing\nT = typing.TypeVar('T')\nclass A(collections.abc.Sized, typing.Generic[T]):\n    def __len__(self): return 3\nclass B(A): pass\nclass C(B, dict): pass\nb = B()", "len(b) == 3 and type(b) is B and B.__bases__ == (A,) and A.__bases__ == (collections.abc.Sized, typing.Generic) and C.__bases__ == (B, dict)"),
    ("__init_subclass__ beside slots", "log = []\nclass P: __slots__ = ()\nclass Q(P):\n    def __init_subclass__(cls, **k): log.append(cls.__name__)\nclass R(Q): __slots__ = ('v',)\nclass S(R, P): pass\ns = S()\ns.v, s.w = 1, 2", "log == ['R', 'S'] and (s.v, s.w) == (1, 2) and type(s) is S and S.__bases__ == (R, P)"),
    ("a dict that hides its items", "class D(dict): items = [1]\nd = D(a=1); d.x = [2]\ne = D(); e.keys = None", "dict(d) == {'a': 1} and d.x == [2] and d.items == [1] and type(d) is D and e == {} and e.keys is None"),
    ("__init_subclass__ is not run", "log = []\nclass A:\n    def __init_subclass__(cls, **k): log.append(cls.__name__)\nclass B(A): pass\nclass C(B): __slots__ = ('x',)", "log == ['B', 'C'] and B.__mro__ == (B, A, object) and C.__bases__ == (B,)"),
    ("__set_name__ is not run", "log = []\nclass D:\n    def __set_name__(self, o, n): log.append(n); self.n = n\nclass C: d = D()", "log == ['d'] and C.d.n == 'd'"),
    ("metaclass is not run", "log = []\nclass M(type):\n    def __new__(m, *a, **k): log.append('new'); return super().__new__(m, *a)\n    def __call__(c, *a): log.append('call'); return super().__call__(*a)\n    def __setattr__(c, k, v): log.append(k)\nclass C(metaclass=M): z = 1\nc = C()", "log == ['new', 'call'] and type(C) is M and c.z == 1"),
    ("decorators are not run", "log = []\ndef deco(f):\n    log.append(f.__name__)\n    return f\n@deco\ndef f(): return 1\n@deco\nclass C: pass", "log == ['f', 'C'] and f() == 1"),
    ("class that refers to itself", "class C: pass\nC.me = C; C.one = C()", "C.me is C and type(C.one) is C"),
    ("classes in a circle", "class A: pass\nclass B(A): pass\nA.b = B", "A.b is B and issubclass(B, A)"),
    ("descriptors", "class C:\n    @property\n    def p(self): return 1\n    @p.setter\n    def p(self, v): self.v = v\n    @staticmethod\n    def s(): return 2\n    @classmethod\n    def c(cls): return cls\nc = C(); c.p = 5", "c.p == 1 and c.v == 5 and C.s() == 2 and c.c() is C"),
    ("cached property", "import functools\nclass C:\n    @functools.cached_property\n    def p(self): return []\nc = C(); q = c.p", "c.p is q"),
    ("subclasses of built-ins", "class L(list): pass\nclass D(dict):\n    def __missing__(self, k): return k\nl = L([1]); l.x = l; d = D(a=l)", "l.x is l and d['a'] is l and d[7] == 7 and type(l) is L"),
    ("exceptions", "class E(ValueError):\n    def __init__(self, a, b): super().__init__(a); self.b = b\ne = E(1, [2]); e.__cause__ = KeyError(e.b); e.add_note('n')", "e.args == (1,) and e.b == [2] and e.__cause__.args[0] is e.b and e.__notes__ == ['n']"),
    ("__reduce__ of the user's", "class R:\n    def __init__(self, v): self.v = v\n    def __reduce__(self): return R, (self.v,)\nr = R([1]); s = r", "r is s and r.v == [1]"),
    ("__getstate__ and __setstate__", "class S:\n    def __getstate__(self): return {'a': 1}\n    def __setstate__(self, s): self.b = s['a']\ns = S()", "s.b == 1 and not hasattr(s, 'a')"),
    ("exec in a dict of its own", "d = {'k': 3}\nexec('def f(): return k', d)\nf = d['f']", "f() == 3"),
    ("singledispatch", "import functools\n@functools.singledispatch\ndef f(x): return 'any'\n@f.register\ndef _(x: int): return 'int'\ndel _", "f(3) == 'int' and f('') == 'any'"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _main() -> Iterator[None]:
    """Give `__main__` back."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


def test_programs_come_back_in_a_fresh_interpreter() -> None:
    """Each program's variables load in another process, where its expression is true and nothing is lost."""
    saved = []
    lost = {}
    for name, code, expression in CASES:
        one = save(run(code))
        saved.append((one, expression))
        if one.lost:
            lost[name] = one.lost
    answers = elsewhere(saved)
    assert not lost
    assert {case[0]: answer for case, answer in zip(CASES, answers, strict=True) if answer} == {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_the_same_process_loads_beside_the_live_values(case: tuple[str, str, str]) -> None:
    """Loading while the originals live gives others, and leaves the originals' classes alone."""
    namespace = run(case[1])
    live = {name: _ids(value) for name, value in namespace.items() if isinstance(value, type)}
    restored = streams.restore(save(namespace))
    assert eval(case[2], restored)
    assert {name: _ids(namespace[name]) for name in live} == live
    assert all(restored[name] is not namespace[name] for name in live)


def _ids(cls: object) -> dict[str, int]:
    return {name: id(value) for name, value in vars(cls).items() if name != "__slotnames__"}


leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
keys = st.integers() | st.text()


@st.composite
def graphs(draw: st.DrawFn) -> list[object]:
    """Containers that hold leaves and each other, cycles included."""
    kinds = draw(st.lists(st.sampled_from(["list", "dict", "set", "tuple"]), min_size=1, max_size=8))
    made: list[object] = [{"list": [], "dict": {}, "set": set(), "tuple": ()}[kind] for kind in kinds]
    for i, one in enumerate(made):
        parts = draw(st.lists(leaves | st.integers(0, len(made) - 1).map(made.__getitem__), max_size=5))
        if isinstance(one, list):
            one.extend(parts)
        elif isinstance(one, dict):
            one.update({draw(keys): part for part in parts})
        elif isinstance(one, set):
            one.update(draw(st.lists(keys, max_size=5)))
        else:
            made[i] = tuple(parts)
    return made


@settings(
    max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None
)
@given(graphs())
def test_graphs_keep_values_and_identity(made: list[object]) -> None:
    """Containers come back equal in shape: the same text for both, in which each object has a number."""
    from helpers.isomorphism import describe

    namespace = run("")
    namespace.update({f"v{i}": one for i, one in enumerate(made)})
    names = [name for name in namespace if name.startswith("v")]
    restored = streams.restore(save(namespace))
    one = describe({n: namespace[n] for n in names}, namespace, lambda _: False)
    assert describe({n: restored[n] for n in names}, restored, lambda _: False) == one


def test_equal_dumps_of_one_value_are_equal_bytes() -> None:
    """A stream holds no ids and no counters: the same values give the same bytes again."""
    namespace = run(
        "class P: pass\np = P(); p.x = [p]; f = lambda: p\nimport enum\nclass E(enum.Enum): A = 1\ns = {'b', 'a'}"
    )
    assert save(namespace)[:3] == save(namespace)[:3]
