"""Commits as a tree: addresses, lines, what is undone, which inputs lead to a state."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from holdfast.durable.reports import State
from holdfast.durable.store.port import LogEntry
from holdfast.durable.timeline import NoSuchCell, NothingToUndo, Timeline


def entry(number: int, count: int, epoch: int, status: str = "ok", parent: int = -1, bound: str = "x") -> LogEntry:
    """A commit; those of cells have code."""
    code = f"cell {count} of {epoch}" if status in ("ok", "error") else ""
    where = number - 1 if parent < 0 else parent
    return LogEntry(number, count, epoch, code, status, "", tuple(bound.split()), (), where)


#: Three cells, an audit, back to [1], two more on that line; then a restart, and one cell of the clean notebook.
TREE = [
    entry(1, 1, 1),
    entry(2, 2, 1),
    entry(3, 2, 1, "audit"),
    entry(4, 3, 1),
    entry(5, 4, 2, "checkout", parent=1),
    entry(6, 4, 2, bound="@o4=@r1"),
    entry(7, 5, 2),
    entry(8, 5, 2, "end"),
    entry(9, 6, 2),
    entry(10, 6, 3, "restart"),
    entry(11, 1, 3),
]


@pytest.mark.parametrize(
    ("address", "commits", "number"),
    [
        ("3", 4, 4),
        ("2", 4, 3),
        ("[2]", 4, 3),
        ("1", 4, 1),
        ("3", 9, 4),
        ("4", 9, 6),
        ("5", 9, 8),
        ("2", 9, 3),
        ("1", 11, 11),
        ("1:1", 11, 1),
        ("2:5", 11, 8),
        ("6", 11, 9),
        ("@7", 11, 7),
        (" @10 ", 11, 10),
    ],
)
def test_addresses(address: str, commits: int, number: int) -> None:
    """A cell is its newest on the line, else the newest of all, with what the audit added; `E:N` and `@K` are exact."""
    assert Timeline(TREE[:commits]).resolve(address) == number


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("7", "there is no cell [7] in this session; %session log"),
        ("3:2", "there is no cell [2] in epoch 3 in this session"),
        ("@12", "there is no commit @12"),
        ("x", "'x' is no place in a session"),
        ("-1", "'-1' is no place in a session"),
        ("@", "'@' is no place"),
    ],
)
def test_addresses_that_lead_nowhere(address: str, reason: str) -> None:
    """The sentence says what is missing and where to look."""
    with pytest.raises(NoSuchCell) as caught:
        Timeline(TREE).resolve(address)
    assert reason in str(caught.value)


def test_a_line_leads_back_by_parents() -> None:
    """Over a checkout to its target, and on to the beginning."""
    assert [one.number for one in Timeline(TREE[:9]).line()] == [9, 8, 7, 6, 5, 1]
    assert [one.number for one in Timeline(TREE[:9]).line(4)] == [4, 3, 2, 1]


def test_a_line_ends_where_commits_were_let_go() -> None:
    """What retention took is not there."""
    assert [one.number for one in Timeline(TREE[2:4]).line()] == [4, 3]
    assert [*Timeline([]).line()] == []


UNDO = entry(7, 5, 3, "undo", parent=4)


@pytest.mark.parametrize(
    ("log", "number", "count"),
    [
        (TREE[:4], 3, 3),
        (TREE[:3], 1, 2),
        # The cell that went elsewhere is undone by what was there before it went.
        (TREE[:6], 4, 4),
        (TREE[:5], 4, 4),
        # An undone checkout is no step: what comes next is the cell before the place that it came back to.
        ([*TREE[:6], UNDO, entry(8, 5, 3, bound="@o1=@r1")], 3, 3),
        # One that also did something is a step.
        ([*TREE[:6], UNDO, entry(8, 5, 3, bound="y")], 7, 5),
        # What a cell did before it went is where one comes back to.
        ([*TREE[:4], entry(5, 4, 1, "before"), entry(6, 4, 2, "checkout", parent=1), entry(7, 4, 2)], 5, 4),
        (TREE[:8], 6, 5),
        # A checkout from the command line is undone by itself, and no part of the cell after it.
        ([*TREE[:4], entry(5, 3, 2, "checkout", parent=1), entry(6, 4, 2)], 5, 4),
        ([*TREE[:4], entry(5, 3, 2, "checkout", parent=1)], 4, 3),
    ],
)
def test_what_is_before_the_last_cell(log: Sequence[LogEntry], number: int, count: int) -> None:
    """The commit to go to, and the cell that is undone."""
    found, cell = Timeline(log).before_last()
    assert (found, cell.count) == (number, count)


@pytest.mark.parametrize("log", [[], TREE[:1], TREE[:10], TREE[3:4]], ids=["empty", "one", "restart", "let go"])
def test_nothing_to_undo(log: Sequence[LogEntry]) -> None:
    """Before the first cell, after a restart, and where older commits are gone."""
    with pytest.raises(NothingToUndo, match="nothing to undo"):
        Timeline(log).before_last()


def test_inputs_are_those_of_the_line() -> None:
    """Since the last restart; with those of cells whose own commit failed; of two with one number the older."""
    owed = msgspec.json.encode(State(inputs={5: "failed", 4: "kept as it was"}))
    states = [(3, owed), (7, owed)]
    assert Timeline(TREE).inputs(4, states) == [
        (1, "cell 1 of 1"), (2, "cell 2 of 1"), (3, "cell 3 of 1"), (4, "kept as it was"), (5, "failed"),
    ]  # fmt: skip
    assert Timeline(TREE).inputs(9, states) == [
        (1, "cell 1 of 1"), (4, "cell 4 of 2"), (5, "cell 5 of 2"), (6, "cell 6 of 2"),
    ]  # fmt: skip
    assert Timeline(TREE).inputs(11, states) == [(1, "cell 1 of 3")]
    again = [*TREE[:4], entry(5, 1, 2, "checkout", parent=4), entry(6, 1, 2)]
    assert Timeline(again).inputs(6, [])[0] == (1, "cell 1 of 1")
