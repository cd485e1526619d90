"""The notebook's variables while nothing stands still."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from holdfast.debug.variables import FIRST, Variables, is_ours


class Hostile(list[int]):
    """Its own code must not run."""

    def __iter__(self) -> Iterator[int]:
        raise AssertionError("called")

    def __len__(self) -> int:
        raise AssertionError("called")


class Point:
    """Has attributes."""

    def __init__(self) -> None:
        self.x = 1


def variables() -> Variables:
    """By repr and `__dict__`."""
    return Variables(lambda value: f"<{type(value).__name__}>", lambda value: getattr(value, "__dict__", {}))


def named(found: list[dict[str, object]]) -> list[object]:
    """Their names."""
    return [variable["name"] for variable in found]


def test_they_are_the_users_and_sorted() -> None:
    """Private names and the kernel's own are left out."""
    namespace: dict[str, object] = dict.fromkeys(["b", "A", "a", "_p", "__name__", "In", "Out", "_1", "input", "exit"])
    assert named(variables().globals(namespace)) == ["A", "a", "b"]


@pytest.mark.parametrize(
    ("value", "children"),
    [
        ([7, 8], ["0", "1"]),
        ((7,), ["0"]),
        ({7}, ["0"]),
        ({"k": 1, 2: 3}, ["<str>", "<int>"]),
        (Point(), ["x"]),
        (Hostile([1]), ["0"]),
        (range(3), None),
        ("text", None),
        ([], None),
        (math, None),
        (Point, None),
        (5, None),
    ],
)
def test_a_value_has_its_parts_for_children(value: object, children: list[str] | None) -> None:
    """Items, entries and attributes; none for what has none, and for classes and modules."""
    found = variables()
    [variable] = found.globals({"v": value})
    reference = variable["variablesReference"]
    assert (reference >= FIRST) == (children is not None)
    assert named(found.children(reference) or []) == (children or [])


def test_a_long_container_shows_its_first_items() -> None:
    """Nobody scrolls through a million."""
    found = variables()
    [variable] = found.globals({"v": list(range(1_000_000))})
    assert len(found.children(variable["variablesReference"]) or []) == 500


def test_references_end_with_the_next_look() -> None:
    """Values are not kept alive for ever."""
    found = variables()
    [variable] = found.globals({"v": [1]})
    found.globals({})
    assert found.children(variable["variablesReference"]) is None


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("In", True),
        ("_", True),
        ("___", True),
        ("_12", True),
        ("_i3", True),
        ("_oh", True),
        ("_mine", False),
        ("x", False),
    ],
)
def test_names_of_the_history_are_not_the_users(name: str, ours: bool) -> None:
    """They are in every notebook, and hidden from the list of globals."""
    assert is_ours(name) is ours
