"""Containers: one item a line when wider than 79 columns."""

from __future__ import annotations

from collections import Counter, OrderedDict, UserList, defaultdict, deque, namedtuple
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest

from holdfast.output.pretty import pretty


class ListOfOurs(list[Any]):
    """Shown as a list: it has no `__repr__` of its own."""


class ListWithRepr(list[Any]):
    """Shown by its own `__repr__`."""

    def __repr__(self) -> str:
        return "mine"


class DictOfOurs(dict[Any, Any]):
    """Shown as a dict."""


class SetOfOurs(set[Any]):
    """Shown as a set, but by its name when empty."""


class Unsortable:
    """An object that cannot be compared, shown by its name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


class TwoLines:
    """An object shown on two lines."""

    def __repr__(self) -> str:
        return "top\nbottom"


Point = namedtuple("Point", "x y")

LONG = list(range(30))
LINES = ",\n ".join(map(str, LONG))


def itself(kind: str) -> object:
    """A container that holds itself."""
    if kind == "list":
        items: list[Any] = [1]
        items.append(items)
        return items
    if kind == "dict":
        mapping: dict[str, Any] = {}
        mapping["a"] = mapping
        return mapping
    if kind == "tuple":
        inner: list[Any] = []
        outer = (inner,)
        inner.append(outer)
        return outer
    if kind == "defaultdict":
        default: defaultdict[int, Any] = defaultdict(list)
        default[1] = default
        return default
    if kind == "deque":
        queue: deque[Any] = deque()
        queue.append(queue)
        return queue
    if kind == "OrderedDict":
        ordered: OrderedDict[str, Any] = OrderedDict()
        ordered["a"] = ordered
        return ordered
    namespace = SimpleNamespace()
    namespace.x = namespace
    return namespace


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        ([], "[]"),
        ((), "()"),
        ({}, "{}"),
        (set(), "set()"),
        (frozenset(), "frozenset()"),
        (SetOfOurs(), "SetOfOurs()"),
        ([1, "a", 2.5, None, True, b"x", 1j], "[1, 'a', 2.5, None, True, b'x', 1j]"),
        ((1,), "(1,)"),
        (((1,),), "((1,),)"),
        ({"b": 1, "a": 2}, "{'b': 1, 'a': 2}"),
        ({3, 1, 2}, "{1, 2, 3}"),
        (frozenset({3, 1}), "frozenset({1, 3})"),
        ({1, "a", None}, "{1, None, 'a'}"),
        ({Unsortable("b"), Unsortable("a")}, "{a, b}"),
        (ListOfOurs([1]), "[1]"),
        (ListWithRepr([1]), "mine"),
        (DictOfOurs(a=1), "{'a': 1}"),
        (SetOfOurs({2, 1}), "{1, 2}"),
        (Point(1, [2]), "Point(x=1, y=[2])"),
        (defaultdict(int, {"a": 1}), "defaultdict(int, {'a': 1})"),
        (defaultdict(None), "defaultdict(None, {})"),
        (OrderedDict(), "OrderedDict()"),
        (OrderedDict(b=1, a=2), "OrderedDict([('b', 1), ('a', 2)])"),
        (Counter(), "Counter()"),
        (Counter("abb"), "Counter({'b': 2, 'a': 1})"),
        (deque([1, 2]), "deque([1, 2])"),
        (deque([1, 2], maxlen=5), "deque([1, 2], maxlen=5)"),
        (UserList([1]), "UserList([1])"),
        (MappingProxyType({"a": 1}), "mappingproxy({'a': 1})"),
        (SimpleNamespace(a=1, b="x"), "namespace(a=1, b='x')"),
        ({}.keys(), "dict_keys([])"),
    ],
)
def test_what_fits_stays_on_one_line(obj: object, expected: str) -> None:
    """A container that fits is shown on one line, sets sorted, dicts in the order of their keys."""
    assert pretty(obj) == expected


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (LONG, f"[{LINES}]"),
        (tuple(LONG), f"({LINES})"),
        (set(LONG), f"{{{LINES}}}"),
        (frozenset(LONG), "frozenset({" + ",\n           ".join(map(str, LONG)) + "})"),
        (dict.fromkeys(LONG), "{" + ",\n ".join(f"{n}: None" for n in LONG) + "}"),
        ({"k": LONG}, "{'k': [" + ",\n  ".join(map(str, LONG)) + "]}"),
        ([LONG, 1], "[[" + ",\n  ".join(map(str, LONG)) + "],\n 1]"),
        (deque(LONG), "deque([" + ",\n       ".join(map(str, LONG)) + "])"),
        (
            defaultdict(int, dict.fromkeys(LONG, 0)),
            "defaultdict(int,\n            {" + ",\n             ".join(f"{n}: 0" for n in LONG) + "})",
        ),
        (SimpleNamespace(a="x" * 50, b="y" * 50), f"namespace(a='{'x' * 50}',\n          b='{'y' * 50}')"),
        (["x" * 100], f"['{'x' * 100}']"),
        (["x" * 100, 1], f"['{'x' * 100}',\n 1]"),
        (Point(1, LONG), f"Point(x=1, y={LONG})"),
    ],
)
def test_what_does_not_fit_is_shown_item_by_item(obj: object, expected: str) -> None:
    """A container wider than 79 columns is shown one item a line, below its opening bracket."""
    assert pretty(obj) == expected


@pytest.mark.parametrize(("width", "broken"), [(79, False), (80, True)])
def test_the_line_ends_at_column_79(width: int, broken: bool) -> None:
    """79 columns fit; the closing bracket counts."""
    obj = ["x" * (width - len("['', 1]")), 1]
    assert ("\n" in pretty(obj)) is broken


@pytest.mark.parametrize(("width", "broken"), [(79, False), (80, True)])
def test_what_follows_counts(width: int, broken: bool) -> None:
    """An inner list breaks when only the brackets behind it do not fit."""
    obj = {"a": [{"b": ["y" * (width - len("{'a': [{'b': ['', 1]}]}")), 1]}]}
    assert ("\n" in pretty(obj)) is broken


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (range(5), "range(0, 5)"),
        ([0, 1, 2], "[0, 1, 2]"),
        ([0, 1, 2, 3, 4], "[0, 1, 2, ...]"),
        ((0, 1, 2, 3), "(0, 1, 2, ...)"),
        ({0: 0, 1: 1, 2: 2, 3: 3}, "{0: 0, 1: 1, 2: 2, ...}"),
        ({(0,): 0, 1: 1, 2: 2, 3: 3}, "{(0,): 0, 1: 1, 2: 2, ...}"),
        ({0, 1, 2, 3}, "{0, 1, 2, ...}"),
        ([[0, 1, 2, 3], object], "[[0, 1, 2, ...], object]"),
        (deque(range(9)), "deque([0, 1, 2, ...])"),
    ],
)
def test_long_containers_are_cut(obj: object, expected: str) -> None:
    """After `max_seq_length` items come dots, at every depth."""
    assert pretty(obj, max_seq_length=3) == expected


def test_a_thousand_items_are_shown() -> None:
    """The usual bound is a thousand items; 0 is no bound."""
    shown = [pretty(list(range(n)), max_seq_length=m).count("\n") for n, m in [(1000, 1000), (1001, 1000), (1500, 0)]]
    assert shown == [999, 1000, 1499]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("list", "[1, [...]]"),
        ("dict", "{'a': {...}}"),
        ("tuple", "([(...)],)"),
        ("defaultdict", "defaultdict(list, {1: defaultdict(...)})"),
        ("deque", "deque([deque(...)])"),
        ("OrderedDict", "OrderedDict([('a', OrderedDict(...))])"),
        ("namespace", "namespace(x=namespace(...))"),
    ],
)
def test_a_container_in_itself_is_shown_as_dots(kind: str, expected: str) -> None:
    """Recursion ends at the second sight of a container."""
    assert pretty(itself(kind)) == expected


def test_a_container_shown_twice_is_no_recursion() -> None:
    """The same list at two places is shown at both."""
    inner = [1]
    assert pretty([inner, inner]) == "[[1], [1]]"


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        ([TwoLines(), 1], "[top\n bottom,\n 1]"),
        ({"a": TwoLines(), "b": 1}, "{'a': top\n bottom,\n 'b': 1}"),
        ({(1, 2): TwoLines()}, "{(1,\n  2): top\n bottom}"),
        ([[TwoLines()]], "[[top\n  bottom]]"),
    ],
)
def test_lines_of_a_repr_are_indented(obj: object, expected: str) -> None:
    """A `repr` of several lines breaks what it stands in, and is indented with it."""
    assert pretty(obj) == expected


def test_the_environment_is_shown_as_a_mapping() -> None:
    """`os.environ` is laid out like a dict."""
    import os

    assert pretty(os.environ).startswith("environ{'")


def test_numpy_arrays_keep_their_lines() -> None:
    """Arrays in containers are indented like the place they stand in."""
    import numpy as np

    assert pretty([np.eye(2), 1]) == "[array([[1., 0.],\n        [0., 1.]]),\n 1]"


def test_data_frames_keep_their_lines() -> None:
    """Data frames in containers are indented like the place they stand in."""
    import pandas as pd

    frame = pd.DataFrame({"a": [1, 2]})
    assert pretty({"x": frame}) == "{'x':    a\n 0  1\n 1  2}"
