"""Arrays of objects that are told to be unchanged by their pointers."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from holdfast.durable.pins import LARGE, Pins


def _strings(count: int = LARGE) -> np.ndarray:
    return np.array([f"s{i}" for i in range(count)], dtype=object)


def test_an_array_is_unchanged_until_an_element_is_another_object() -> None:
    """The first look says changed, later ones only after a change."""
    pins, array = Pins(), _strings()
    assert [pins.look(array), pins.look(array)] == [False, True]
    array[5] = "other"
    assert [pins.look(array), pins.look(array)] == [False, True]
    array[5] = 5.0
    assert pins.look(array) is False


@pytest.mark.parametrize(
    "array",
    [
        _strings(10),
        np.array([[] for _ in range(LARGE)] + [None], dtype=object)[:-1],
        _strings(2 * LARGE)[::2],
        np.array(_strings(), dtype=object).view(np.recarray),
    ],
    ids=["small", "mutable elements", "with gaps", "another class"],
)
def test_others_must_be_walked(array: np.ndarray) -> None:
    """Small arrays, and those that hold something mutable, are not pinned."""
    assert Pins().look(array) is None


def test_an_element_that_becomes_mutable_ends_the_pin() -> None:
    """A list that gets into the array is walked."""
    pins, array = Pins(), _strings()
    pins.look(array)
    array[0] = []
    assert pins.look(array) is None
    assert not pins.has(array)


def test_a_copy_does_not_outlive_its_array() -> None:
    """The memory goes with the array."""
    pins, array = Pins(), _strings()
    pins.look(array)
    assert pins.has(array)
    del array
    gc.collect()
    assert not pins._kept


def test_a_failed_commit_forgets() -> None:
    """What a commit that failed saw is looked at again."""
    pins, array = Pins(), _strings()
    pins.look(array)
    pins.forget()
    assert pins.look(array) is False
