"""The walk: which nodes share a mutable object, and what each refers to."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum

import numpy as np
import pandas as pd
import pytest

from holdfast.durable.graph import HUB, Walk, is_large, soft_reach


class Box:
    """A class that can be imported."""

    def __init__(self, value: object = None) -> None:
        self.value = value

    def put(self, value: object) -> None:
        """A method."""
        self.value = value


class Color(Enum):
    """Members belong to their class."""

    RED = 1


def _walk(*values: object) -> Walk:
    walk = Walk({})
    for value in values:
        walk.reach(walk.add(), (value,))
    return walk


def _joined(*values: object) -> bool:
    walk = _walk(*values)
    return len({walk.find(node) for node in range(len(values))}) == 1


_LIST: list[object] = []
_ARRAY = np.zeros(100)
_BOX = Box()
_GENERATOR = (x for x in _LIST)
_TUPLE = (_LIST,)


@pytest.mark.parametrize(
    ("values", "joined"),
    [
        ((_LIST, _LIST), True),
        (([_LIST], {"a": _LIST}), True),
        (([1], [1]), False),
        ((_TUPLE, _TUPLE), True),
        (((1, "a"), (1, "a")), False),
        ((_ARRAY, _ARRAY[2:5]), True),
        ((_ARRAY[:3], _ARRAY.reshape(10, 10).T), True),
        ((np.zeros(3), np.zeros(3)), False),
        ((np.array([_LIST, None], dtype=object), _LIST), True),
        ((_BOX, [_BOX]), True),
        ((Box(1), Box(1)), False),
        ((_BOX.put, _BOX), True),
        ((_LIST.append, _LIST), True),
        ((len, len), False),
        ((weakref.ref(_BOX), _BOX), True),
        ((weakref.proxy(_BOX), _BOX), True),
        (([Color.RED], [Color.RED]), False),
        ((datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)), False),
        (([np, pd], [np, pd]), False),
        ((pd.DataFrame({"a": [1.0]}), pd.DataFrame({"a": [1.0]})), False),
        ((iter(_LIST), _LIST), False),
        ((b"x" * 1000, [b"x" * 1000]), False),
    ],
    ids=range(22),
)
def test_nodes_join_on_shared_mutable_objects_only(values: Sequence[object], joined: bool) -> None:
    """Two nodes are one component exactly when they reach one mutable object."""
    if values[0] is not _LIST and type(values[0]).__name__ == "list_iterator":
        joined = True  # an iterator over a list holds it
    assert _joined(*values) is joined


def test_a_generator_is_not_joined_with_what_it_holds() -> None:
    """A generator is never stored, so it does not pull what it holds into one component; it is only noticed."""
    kept: list[int] = []
    generator = ((i, kept) for i in range(3))
    walk = _walk(generator, kept)
    assert walk.find(0) != walk.find(1)
    assert any(obj is kept for obj in soft_reach(walk.opaque, {}))


def test_what_a_node_refers_to_is_reported() -> None:
    """Definitions and closure cells that a node meets are reported, once, and not walked."""

    def make() -> object:
        inside = [1]
        return lambda: inside

    function = make()
    walk = _walk([function, function], [Box, Box()])
    assert list(walk.definitions[0].values()) == [function]
    assert list(walk.definitions[1].values()) == [Box]
    assert walk.find(0) != walk.find(1)


def test_only_the_notebook_has_callbacks_of_weak_references_that_count() -> None:
    """A library's own callback is left to the pickler: the transforms of a figure have a thousand of them."""
    namespace: dict[str, object] = {"weakref": weakref, "box": Box()}
    exec("of_notebook = lambda dead: None\nref = weakref.ref(box, of_notebook)", namespace)
    walk = Walk(namespace)
    walk.reach(walk.add(), (namespace["ref"], weakref.ref(namespace["box"], lambda dead: None)))
    assert set(walk.definitions[0].values()) == {Box, namespace["of_notebook"]}


def test_the_namespace_is_not_walked() -> None:
    """The user's dict is a reference wherever it is met."""
    namespace: dict[str, object] = {}
    namespace["me"] = namespace
    walk = Walk(namespace)
    walk.reach(walk.add(), ([namespace],))
    walk.reach(walk.add(), ({"a": namespace},))
    assert walk.find(0) != walk.find(1)


def test_crossings_name_the_shared_object() -> None:
    """The object where two nodes meet is told with both."""
    shared: list[object] = []
    walk = _walk([shared], [shared])
    assert [(one, other) for one, other, obj in walk.crossings if obj is shared] == [(0, 1)]


def test_no_user_code_runs() -> None:
    """Walking asks neither `__hash__`, `__eq__`, `__class__`, `__getattribute__` nor `__len__` of anything."""

    class Meta(type):
        def __eq__(cls, other: object) -> bool:
            raise AssertionError

        __hash__ = None  # type: ignore[assignment]

    class Hostile(metaclass=Meta):
        def __getattribute__(self, name: str) -> object:
            raise AssertionError(name)

        __eq__ = __len__ = __iter__ = __hash__ = __bool__ = lambda self: 1 / 0  # type: ignore[assignment]

    assert _joined([one := Hostile()], (one,))


@pytest.mark.parametrize("kind", [list, dict])
def test_large_values_of_a_hub_are_reported(kind: type) -> None:
    """A list or dict of more than 64 large values refers to them; a smaller one holds them."""
    large = [np.zeros(10_000) for _ in range(HUB + 1)]
    small = large[:HUB]
    build = list if kind is list else lambda values: dict(enumerate(values))
    walk = _walk(build(large), build(small))
    assert len(walk.children[0]) == HUB + 1
    assert not walk.children[1]
    assert id(large[0]) in walk.ids[1]


@pytest.mark.parametrize(
    ("value", "large"),
    [
        (np.zeros(10_000), True),
        (np.zeros(10), False),
        (np.zeros(20_000)[::2], False),
        (pd.DataFrame({"a": [1]}), True),
        ("x" * 100_000, False),
        ([0] * 100_000, False),
    ],
    ids=range(6),
)
def test_what_is_large(value: object, large: bool) -> None:
    """Arrays that own 64 KiB and frames are stored on their own in a hub."""
    assert is_large(value) is large
