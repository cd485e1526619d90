"""The history of this session and of earlier ones."""

from __future__ import annotations

import pytest

from holdfast.language.history import Entry, History


@pytest.fixture
def history() -> History:
    """Two earlier sessions of two cells, and this one of three."""
    made = History([[Entry(1, "a1"), Entry(2, "a2", "A2")], [Entry(1, "b1"), Entry(2, "a2")]])
    for count, raw in enumerate(["c1", "a2", "c\n3"], 1):
        made.append(count, raw)
    made.set_output(2, "out")
    return made


CASES: list[tuple[dict[str, object], list[list[object]]]] = [
    ({"hist_access_type": "tail", "n": 2}, [[3, 2, "a2"], [3, 3, "c\n3"]]),
    ({"hist_access_type": "tail", "n": 4}, [[2, 2, "a2"], [3, 1, "c1"], [3, 2, "a2"], [3, 3, "c\n3"]]),
    ({"hist_access_type": "tail", "n": 0}, []),
    ({"hist_access_type": "tail", "n": 2, "output": True}, [[3, 2, ["a2", "out"]], [3, 3, ["c\n3", None]]]),
    ({"hist_access_type": "range", "session": 0, "start": 1, "stop": 2}, [[3, 1, "c1"]]),
    ({"hist_access_type": "range", "session": 3, "start": 1, "stop": 2}, [[3, 1, "c1"]]),
    ({"hist_access_type": "range", "session": -1, "start": 2, "stop": None}, [[2, 2, "a2"]]),
    ({"hist_access_type": "range", "session": 1, "start": None}, [[1, 1, "a1"], [1, 2, "a2"]]),
    ({"hist_access_type": "range", "start": -1}, [[3, 3, "c\n3"]]),
    ({"hist_access_type": "range", "start": 1, "stop": -1}, [[3, 1, "c1"], [3, 2, "a2"]]),
    ({"hist_access_type": "range", "session": 9}, []),
    ({"hist_access_type": "range", "session": -9}, []),
    ({"hist_access_type": "search", "pattern": "a*", "n": 2}, [[2, 2, "a2"], [3, 2, "a2"]]),
    ({"hist_access_type": "search", "pattern": "a*", "unique": True}, [[1, 1, "a1"], [3, 2, "a2"]]),
    ({"hist_access_type": "search", "pattern": "c*3"}, [[3, 3, "c\n3"]]),
    ({"hist_access_type": "search", "pattern": "a"}, []),
    ({"hist_access_type": "search", "pattern": "?1", "n": 1}, [[3, 1, "c1"]]),
    ({"hist_access_type": "search", "pattern": "A*"}, []),
]


@pytest.mark.parametrize(("request_", "expected"), CASES)
def test_requests(history: History, request_: dict[str, object], expected: list[list[object]]) -> None:
    """Tail, range and search answer with one numbering of sessions, oldest first."""
    assert history.request(**request_) == expected  # type: ignore[arg-type]


def test_unknown_access_type_is_refused(history: History) -> None:
    """An access type that is none is an error that names it."""
    with pytest.raises(ValueError, match="'all' is not known: use 'tail'"):
        history.request("all")


def test_output_of_an_unknown_cell_is_dropped(history: History) -> None:
    """A result of a cell that was not stored changes nothing."""
    before = history.request("tail", True, n=10)
    history.set_output(99, "x")
    assert history.request("tail", True, n=10) == before


def test_outputs_are_bounded() -> None:
    """A giant result is kept in part only."""
    history = History()
    history.append(1, "x", "y" * 10**6)
    (found,) = history.request("tail", True, n=1)
    assert len(found[2][1]) == 100_000  # type: ignore[index]
