"""Short texts and signatures that run nothing of the value's."""

from __future__ import annotations

import functools
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from holdfast.language import brief


class Loud:
    def __repr__(self) -> str:
        raise ZeroDivisionError


SHORT = [
    (None, "None"),
    (1.5, "1.5"),
    (10**5000, "<int of 16610 bits>"),
    ("a" * 500, repr("a" * 80) + "..."),
    ([1, [2, [3, [4]]]], "[1, [2, [...]]]"),
    (list(range(100)), "[0, 1, 2, 3, 4, 5, ...]"),
    ({"a": (1,)}, "{'a': (1,)}"),
    (set(), "set()"),
    (frozenset({1}), "frozenset({1})"),
    (int, "<class 'int'>"),
    (Path("/a"), "PosixPath('/a')"),
    (np.zeros((3, 4)), "<numpy.ndarray, shape (3, 4), dtype float64>"),
    (pd.DataFrame({"a": [1]}), "<pandas.DataFrame, shape (1, 1)>"),
    (threading, f"<module 'threading' from {threading.__file__!r}>"),
]


@pytest.mark.parametrize(("value", "expected"), SHORT, ids=range(len(SHORT)))
def test_brief_is_short(value: object, expected: str) -> None:
    """Values are shown by a form that takes no time, whatever their size."""
    assert brief.brief(value) == expected


def test_brief_does_not_call_repr() -> None:
    """A `__repr__` of the user's is not called, also not inside a container."""
    assert "Loud object at 0x" in brief.brief(Loud())
    assert "Loud object at 0x" in brief.brief([Loud()], 200)


def test_brief_may_be_told_to_call_repr() -> None:
    """With `run_repr` the object's own text is used, and a failing one is named."""
    assert "whose repr raises ZeroDivisionError" in brief.brief(Loud(), 200, run_repr=True)


def test_brief_of_a_recursive_container_ends() -> None:
    """A list that holds itself is cut at a depth."""
    loop: list[object] = []
    loop.append(loop)
    assert brief.brief(loop) == "[[[...]]]"


def function(a: int, /, b: str = "x", *args: object, c: object = Loud(), **kw: int) -> list[int]:
    return []


@functools.wraps(function)
def wrapper(*args: object, **kw: object) -> object:
    return None


class Class:
    def __init__(self, q: int, *, r: int = 1) -> None: ...
    def method(self, z: int) -> None: ...
    @classmethod
    def make(cls, y: int) -> None: ...
    @staticmethod
    def free(x: int) -> None: ...
    def __call__(self, w: int) -> None: ...


SIGNATURES = [
    (function, "(a, /, b='x', *args, c=<{}.Loud>, **kw)"),
    (wrapper, "(a, /, b='x', *args, c=<{}.Loud>, **kw)"),
    (Class, "(q, *, r=1)"),
    (Class(1), "(w)"),
    (Class(1).method, "(z)"),
    (Class.make, "(y)"),
    (Class.free, "(x)"),
    (functools.partial(Class.free, x=1), "()"),
    (len, "(obj, /)"),
    ("".upper, "()"),
    (str.join, "(iterable, /)"),
    (np.zeros, "(shape, dtype=None, order='C', *, device=None, like=None)"),
    (3, None),
    (object(), None),
]


@pytest.mark.parametrize(("value", "expected"), SIGNATURES)
def test_signature_is_found_without_calls(value: object, expected: str | None) -> None:
    """Python functions, classes, instances and C functions have their parameters told."""
    found = brief.signature(value)
    shown = None if found is None else found.format(annotations=False)
    assert shown == (None if expected is None else expected.replace("{}", __name__))


def test_signature_with_annotations() -> None:
    """Annotations are as written."""
    found = brief.signature(function)
    assert found is not None
    assert found.format().startswith("(a: int, /, b: str = 'x', *args: object, c: object = <")
    assert found.format().endswith("**kw: int) -> list[int]")


def test_keyword_names_leave_out_what_is_positional_only() -> None:
    """Only parameters that can be named are offered, also of C functions."""
    for value, names in [(function, ["b", "c"]), (np.zeros, ["shape", "dtype", "order", "device", "like"])]:
        found = brief.signature(value)
        assert found is not None
        assert brief.keyword_names(found) == names
    found = brief.signature(sorted)
    assert found is not None
    assert brief.keyword_names(found) == ["key", "reverse"]


@pytest.mark.parametrize(("value", "size"), [([1], 1), (np.zeros(3), 3), (Loud(), None), (3, None), (list, None)])
def test_length_of_known_containers(value: object, size: int | None) -> None:
    """`len` is asked only where it is known to run no code of the user's."""
    assert brief.length(value) == size
