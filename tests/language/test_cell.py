"""The names that a cell binds, from its text."""

from __future__ import annotations

import pytest

from holdfast.language import cell, text

VISIBLE = [
    ("x = 1\n", {"x": "statement"}),
    ("a, (b, *c) = f()\n", {"a": "statement", "b": "statement", "c": "statement"}),
    ("x: int = 1\n", {"x": "statement"}),
    ("x.y = 1\nz[0] = 2\nx == 3\n", {}),
    ("import os.path, numpy as np\n", {"os": "module", "np": "module"}),
    ("from a import b as c, d\n", {"c": "module", "d": "module"}),
    ("from a import (b,\n  c)\n", {"b": "module", "c": "module"}),
    ("def f(a, *b, c: int = {}, **d): pass\n", {"f": "function"}),
    ("def f(a, /, b='x,y'):\n    ", {"f": "function", "a": "param", "b": "param"}),
    ("class A:\n    x = 1\n    def m(self):\n        ", {"A": "class", "self": "param"}),
    ("class A:\n    x = 1\n    ", {"A": "class", "x": "statement"}),
    ("def f():\n    y = 1\nz = 2\n", {"f": "function", "z": "statement"}),
    ("for i, j in x: ", {"i": "statement", "j": "statement"}),
    ("with open(x) as f: ", {"f": "statement"}),
    ("if (n := 3): ", {"n": "statement"}),
    ("g = lambda p, q: ", {"p": "param", "q": "param"}),
    ("x = 1", {}),
    ("'x = 1'\n# y = 2\n", {}),
    ("a = 1; b = 2; ", {"a": "statement", "b": "statement"}),
]


@pytest.mark.parametrize(("code", "names"), VISIBLE)
def test_bindings_follow_scopes(code: str, names: dict[str, str]) -> None:
    """Names are visible where Python would see them at the end of the text."""
    found = cell.bindings(text.scan(code))
    assert {name: binding.kind for name, binding in found.items()} == names


def test_function_bindings_know_their_parameters() -> None:
    """A function's parameters are kept, with annotations that are dotted names."""
    found = cell.bindings(text.scan("def f(a: str, b: list[int] = [], *, c: 'p.Q'):\n    "))
    assert found["f"].params == ["a", "b", "c"]
    assert [found[name].hint for name in "abc"] == ["str", "", "p.Q"]


def test_names_of_a_function_are_local() -> None:
    """A name bound in a function is marked, so that the session's is not taken for it."""
    found = cell.bindings(text.scan("x = 1\ndef f(y):\n    z = 2\n    "))
    assert {name for name in found if found[name].local} == {"y", "z"}
