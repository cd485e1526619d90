"""The short cut for plain containers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.output.pretty import REGISTRY, PrettyPrinter, pretty
from holdfast.output.pretty.plain import plain

scalars = st.one_of(st.integers(), st.floats(), st.text(max_size=30), st.booleans(), st.none(), st.binary(max_size=9))


def containers(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Lists, tuples and dicts of `items`, and sets of scalars."""
    return st.one_of(
        st.lists(items, max_size=8),
        st.lists(items, max_size=4).map(tuple),
        st.dictionaries(scalars, items, max_size=5),
        st.sets(scalars, max_size=6),
        st.frozensets(scalars, max_size=6),
    )


def by_the_engine(obj: object, max_width: int, max_seq_length: int) -> str:
    """The layout without the short cut."""
    p = PrettyPrinter(max_width=max_width, max_seq_length=max_seq_length)
    p.pretty(obj)
    p.flush()
    return str(p.output.getvalue())  # type: ignore[attr-defined]


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(scalars, containers, max_leaves=50),
    st.sampled_from([79, 40, 20, 5]),
    st.sampled_from([1000, 3, 1, 0]),
)
def test_the_short_cut_is_the_engine(obj: object, max_width: int, max_seq_length: int) -> None:
    """What the short cut lays out is what the engine lays out, to the character."""
    short = plain(obj, max_width, max_seq_length, REGISTRY)
    assert short == by_the_engine(obj, max_width, max_seq_length)


def deep(levels: int) -> object:
    """A list in a list in a list."""
    obj: list[Any] = []
    for _ in range(levels):
        obj = [obj]
    return obj


class Int(int):
    """A subclass is not plain: it may have a `__repr__`."""


@pytest.mark.parametrize(
    "obj",
    [object(), int, [object()], [[{"a": (int,)}]], Int(1), [Int(1)], {(1, 2): 3}, {(1, 2)}, deep(50)],
)
def test_what_is_not_plain_is_left_alone(obj: object) -> None:
    """Anything that could run a user's code, break in a key, or never end is left to the engine."""
    assert plain(obj, 79, 1000, REGISTRY) is None


def test_deep_lists_are_shown_whole() -> None:
    """What the short cut leaves to the engine is shown, not cut."""
    assert pretty(deep(50)) == "[" * 51 + "]" * 51
