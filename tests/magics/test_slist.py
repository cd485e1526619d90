"""What `x = !command` gives."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from holdfast.magics.slist import SList

LINES = SList(["b 2 x", "a 10", "", "c"])


def test_it_is_a_list_of_lines() -> None:
    """It equals, and shows itself as, a plain list."""
    assert LINES == ["b 2 x", "a 10", "", "c"]
    assert repr(LINES) == "['b 2 x', 'a 10', '', 'c']"


def test_the_shortcuts_give_the_text() -> None:
    """`.n` has line ends, `.s` blanks; `.l` is a plain list."""
    assert (LINES.n, LINES.s) == ("b 2 x\na 10\n\nc", "b 2 x a 10  c")
    assert type(LINES.l) is list
    assert (LINES.nlstr, LINES.spstr) == (LINES.n, LINES.s)


def test_p_gives_the_paths_that_exist(tmp_path: Path) -> None:
    """A line that is no path is left out."""
    assert SList([str(tmp_path), "no such file", ""]).p == [tmp_path]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (LINES.grep("A"), ["a 10"]),
        (LINES.grep("a", prune=True), ["b 2 x", "", "c"]),
        (LINES.grep("2", field=1), ["b 2 x"]),
        (LINES.grep("10", field=7), []),
        (LINES.grep(lambda line: len(line) == 1), ["c"]),
        (LINES.grep(lambda line: line.startswith("a"), prune=True), ["b 2 x", "", "c"]),
    ],
)
def test_grep_finds_lines(found: SList, expected: list[str]) -> None:
    """By regular expression in any case of letters or by function, in the line or in one word of it."""
    assert found == expected
    assert type(found) is SList


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [((0,), ["b", "a", "c"]), ((1, 0), ["2 b", "10 a", "c"]), ((-1,), ["x", "10", "c"]), ((9,), [])],
)
def test_fields_takes_words(numbers: tuple[int, ...], expected: list[str]) -> None:
    """Those that a line has; a line without any is left out."""
    assert LINES.fields(*numbers) == expected


def test_fields_without_numbers_gives_all_words() -> None:
    """As a list for each line."""
    assert repr(LINES.fields()) == "[['b', '2', 'x'], ['a', '10'], [], ['c']]"


@pytest.mark.parametrize(
    ("field", "nums", "expected"),
    [
        (None, False, ["", "a 10", "b 2 x", "c"]),
        (0, False, ["", "a 10", "b 2 x", "c"]),
        (1, False, ["", "c", "a 10", "b 2 x"]),
        (1, True, ["", "c", "b 2 x", "a 10"]),
    ],
)
def test_sort_gives_another_list(field: int | None, nums: bool, expected: list[str]) -> None:
    """By the line or by a word, as text or as a number; the list itself stays as it is."""
    assert LINES.sort(field, nums) == expected
    assert LINES[0] == "b 2 x"


def test_parts_and_sums_have_the_shortcuts() -> None:
    """Slices and sums are of the same class; an item is text."""
    assert type(LINES[1:]) is SList
    assert type(LINES + LINES) is SList
    assert LINES[1] == "a 10"


def test_it_is_kept_with_the_session() -> None:
    """It comes back from a pickle as what it was."""
    again = pickle.loads(pickle.dumps(LINES))
    assert again == LINES
    assert type(again) is SList
