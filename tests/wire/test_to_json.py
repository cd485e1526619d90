"""JSON for what user code hands over: it never fails, and never hangs."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import json
import uuid
from collections.abc import Iterator, Mapping
from typing import NoReturn

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.wire.frames import to_json

SURROGATE = "\ud800"


class Text(str):
    """A string of a library (Markup, SafeString)."""


class Count(int):
    """A number of a library."""


class Colour(enum.Enum):
    """An enumeration."""

    RED = "red"


@dataclasses.dataclass
class Point:
    """A record."""

    x: int = 1


class Record(msgspec.Struct):
    """A struct."""

    x: object = 1


class Raising:
    """Everything that an encoder may call raises."""

    def _raise(self, *_: object) -> NoReturn:
        raise SystemExit("user code")

    __iter__ = __index__ = __float__ = tolist = isoformat = _raise

    def __repr__(self) -> str:
        raise RuntimeError("user code")


class BadMapping(Mapping[str, object]):
    """A mapping whose items cannot be had."""

    def __getitem__(self, key: str) -> object:
        raise KeyError(key)

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        return iter("a")


def _strict(raw: bytes) -> object:
    def fail(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(raw.decode("utf-8", "strict"), parse_constant=fail)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (float("nan"), None),
        ([float("inf"), -float("inf"), 1.5], [None, None, 1.5]),
        (SURROGATE, "\\ud800"),
        ({SURROGATE: SURROGATE}, {"\\ud800": "\\ud800"}),
        (Text("markup"), "markup"),
        ([Text("markup"), SURROGATE], ["markup", "\\ud800"]),
        (Count(3), 3),
        ([Count(3), SURROGATE], [3, "\\ud800"]),
        (True, True),
        ([True, None, SURROGATE], [True, None, "\\ud800"]),
        (np.float64(1.5), 1.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.arange(3), [0, 1, 2]),
        (np.array([[1.5, np.nan]]), [[1.5, None]]),
        ([np.arange(2), SURROGATE], [[0, 1], "\\ud800"]),
        (dt.date(2026, 1, 2), "2026-01-02"),
        ([dt.date(2026, 1, 2), SURROGATE], ["2026-01-02", "\\ud800"]),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (decimal.Decimal("1.5"), "1.5"),
        (Colour.RED, "red"),
        ([Colour.RED, SURROGATE], ["red", "\\ud800"]),
        (Point(), {"x": 1}),
        (Record(), {"x": 1}),
        (Record(SURROGATE), {"x": "\\ud800"}),
        (b"ab", "YWI="),
        ([b"ab", SURROGATE], ["YWI=", "\\ud800"]),
        ((1, 2), [1, 2]),
        ({3}, [3]),
        (range(2), [0, 1]),
        (collections.deque([1]), [1]),
        (collections.OrderedDict(a=1), {"a": 1}),
        ({1: 1, None: 2, 1.5: 3}, {"1": 1, "None": 2, "1.5": 3}),
        (2**63, 2**63),
        (-(2**63) - 1, -(2**63) - 1),
        (2**64, 2**64),
        ([2**64, SURROGATE], [2**64, "\\ud800"]),
        (10**400, 10**400),
        (1j, "1j"),
        (int, "<class 'int'>"),
        (BadMapping(), "<BadMapping: no JSON form>"),
        (Raising(), "<Raising: no JSON form>"),
        ([Raising(), 1], ["<Raising: no JSON form>", 1]),
    ],
)
def test_values_have_a_json_form(value: object, plain: object) -> None:
    """Each value becomes what a frontend can read."""
    assert _strict(to_json(value)) == plain


def test_an_integer_beyond_pythons_limit_for_digits_is_written() -> None:
    """An integer that `str` refuses still has a form."""
    assert _strict(to_json(10**5000)) == hex(10**5000)


def test_a_container_that_holds_itself_ends() -> None:
    """A circle is cut where it closes, however often it branches."""
    branching: list[object] = [1]
    branching += [branching, branching, {"again": branching}]
    assert _strict(to_json(branching)) == [1, "...", "...", {"again": "..."}]


def test_depth_is_bounded() -> None:
    """What is nested too deep for a frontend is cut, not refused."""
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert _strict(to_json(deep))
    del deep


def test_one_bad_value_costs_only_itself() -> None:
    """The other values of a bundle stay."""
    got = _strict(to_json({"text/plain": "ok", "image/odd": BadMapping()}))
    assert got == {"text/plain": "ok", "image/odd": "<BadMapping: no JSON form>"}


WILD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.complex_numbers()
    | st.dates()
    | st.decimals()
    | st.builds(Raising),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters()) | st.integers() | st.tuples(st.text()), inner, max_size=4)
        | st.tuples(inner)
        | st.builds(Record, inner)
    ),
    max_leaves=12,
)


@given(WILD)
def test_it_never_fails(value: object) -> None:
    """Whatever comes in, valid JSON comes out."""
    _strict(to_json(value))
