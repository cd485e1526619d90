"""History through the shell."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.shell import TwinEdges, TwinKernel
from holdfast.language.history import Entry, History


@pytest.fixture
def history(shell: Any, kernel: TwinKernel, edges: TwinEdges) -> Any:
    """A session of three cells, the third of which runs, after one of two."""
    kernel.history = History([[Entry(1, "old()"), Entry(2, "older()")]])
    kernel.history.append(1, "a = 1")
    kernel.history.append(2, "a", "1")
    kernel.history.append(3, "running")
    edges.count = 3
    return shell.history_manager


def test_the_tail_leaves_out_the_running_cell(history: Any) -> None:
    """As libraries count on; it is there when asked for."""
    assert list(history.get_tail(2)) == [(2, 1, "a = 1"), (2, 2, "a")]
    assert list(history.get_tail(2, include_latest=True)) == [(2, 2, "a"), (2, 3, "running")]
    assert list(history.get_tail(1, output=True)) == [(2, 2, ("a", "1"))]
    assert list(history.get_tail(0)) == []


def test_ranges(history: Any) -> None:
    """Of this session and of the one before."""
    assert list(history.get_range(0, 1, 3)) == [(2, 1, "a = 1"), (2, 2, "a")]
    assert list(history.get_range(-1)) == [(1, 1, "old()"), (1, 2, "older()")]


@pytest.mark.parametrize(
    ("words", "counts"), [("2", [(2, 2)]), ("1-2", [(2, 1), (2, 2)]), ("~1/1-2 3", [(1, 1), (1, 2), (2, 3)])]
)
def test_ranges_by_words(history: Any, words: str, counts: object) -> None:
    """As `%history` takes them."""
    assert [(session, count) for session, count, _ in history.get_range_by_str(words)] == counts


def test_a_wrong_range_says_how_it_is_written(history: Any) -> None:
    """ValueError with examples."""
    with pytest.raises(ValueError, match="write 4, 2-6 or"):
        list(history.get_range_by_str("first"))


def test_search(history: Any) -> None:
    """By glob pattern."""
    assert [text for _, _, text in history.search("old*")] == ["old()", "older()"]


def test_numbers_and_lists(history: Any, kernel: TwinKernel) -> None:
    """The session's number, and In and Out."""
    kernel.namespace["In"], kernel.namespace["Out"] = ["", "a = 1"], {2: 1}
    assert history.session_number == 2
    assert history.get_last_session_id() == 1
    assert history.input_hist_raw == history.input_hist_parsed == ["", "a = 1"]
    assert history.output_hist == {2: 1}
