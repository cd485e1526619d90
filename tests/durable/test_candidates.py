"""What a cell's code says about names."""

from __future__ import annotations

import ast

import pytest

from holdfast.durable.candidates import CHANGED, DEEP, PURE, READ, Candidates, uses


@pytest.mark.parametrize(
    ("code", "bound"),
    [
        ("x = 1", {"x"}),
        ("x.a = 1; y[0] = 2", set()),
        ("x += 1", {"x"}),
        ("del x", {"x"}),
        ("for i in range(3): pass", {"i"}),
        ("import os.path as p, sys", {"p", "sys"}),
        ("def f(): y = 1", {"f"}),
        ("def f():\n    global y\n    y = 1", {"f", "y"}),
        ("class C:\n    def m(self):\n        global z\n        del z", {"C", "z", "m", "__module__", "__qualname__"}),
        ("[x := i for i in range(3)]", {"x"}),
        ("with open('f') as g: pass", {"g"}),
        ("try: pass\nexcept E as e: pass", {"e"}),
        ("match v:\n    case [a, *b]: pass", {"a", "b"}),
        ("\n".join(f"v{i} = {i}" for i in range(300)), {f"v{i}" for i in range(300)}),
    ],
    ids=range(14),
)
def test_bound_names_are_those_that_the_code_stores(code: str, bound: set[str]) -> None:
    """Every name that running the code can bind or delete is bound, those of functions with `global` too."""
    found = Candidates([compile(code, "<cell>", "exec")])
    assert found.bound - {"__firstlineno__", "__static_attributes__"} == bound
    assert not found.dynamic


@pytest.mark.parametrize(
    "code",
    ["exec('x')", "eval('x')", "globals()['x'] = 1", "from os import *", "import __main__", "vars()", "f.__globals__"],
)
def test_dynamic_code_is_told(code: str) -> None:
    """Code that can reach every name says so."""
    assert Candidates([compile(code, "<cell>", "exec")]).dynamic


def test_names_of_inner_code_count() -> None:
    """A lambda or comprehension proposes the names that it mentions."""
    found = Candidates([compile("f(lambda v: [kept.append(w) for w in more])", "<cell>", "exec")])
    assert found.names >= {"f", "kept", "more"}


@pytest.mark.parametrize(
    ("code", "use"),
    [
        ("a[0] = 1", CHANGED),
        ("a.x = 1", CHANGED),
        ("del a[0]", CHANGED),
        ("a[0][1] = 1", DEEP),
        ("a.x.y = 1", DEEP),
        ("a['k'].append(1)", DEEP),
        ("a.append(1)", CHANGED),
        ("np.add(1, 2, out=a)", CHANGED),
        ("df = a.drop(columns='x', inplace=True)", CHANGED),
        ("f(a)", READ),
        ("a.method()", READ),
        ("b = a", READ),
        ("b = a[1:]", READ),
        ("a", READ),
        ("len(a)", PURE),
        ("print(a, a.shape)", PURE),
        ("float(a[0] + a[::2].sum())", PURE),
        ("a.head()", PURE),
        ("a.mean() > 3", PURE),
        ("b[a[0]]", PURE),
        ("[a]", READ),
        ("len(f(a))", READ),
        ("len(a); a.pop()", CHANGED),
    ],
)
def test_uses_of_a_name(code: str, use: int) -> None:
    """The strongest use of a name decides whether its check can wait."""
    assert uses(ast.parse(code))["a"] == use


@pytest.mark.parametrize(
    ("code", "calm"),
    [
        ("x = 1", True),
        ("1 + 1", True),
        ("x = y", True),
        ("x = 'a', (1, 2)", True),
        ("x, y = z", False),
        ("def f(a, b=2): return a", True),
        ("f()", False),
        ("x.a", False),
        ("x + y", False),
        ("x[0]", False),
        ("{x: 1}", False),
        ("[*x]", False),
        ("f'{x}'", False),
        ("import os", False),
        ("for i in x: pass", False),
        ("if x: pass", False),
    ],
)
def test_code_that_only_moves_values_is_calm(code: str, calm: bool) -> None:
    """It cannot change what is around it; everything that a class may define for itself can."""
    assert Candidates([compile(code, "<cell>", "exec")]).calm == calm
