"""The words behind a magic's name: options, and the text that they leave."""

from __future__ import annotations

import pytest

from holdfast.magics.words import BadWords, Options, split


@pytest.mark.parametrize(
    ("text", "found", "left"),
    [
        ("x + 1", {}, "x + 1"),
        ("-n 10 -r3 f(-1)", {"n": "10", "r": "3"}, "f(-1)"),
        ("-qo f( )  # a", {"q": "", "o": ""}, "f( )  # a"),
        ("-n10 -5", {"n": "10"}, "-5"),
        ("--name x --flag 'y z'", {"name": "x", "flag": ""}, "'y z'"),
        ("--name=x rest", {"name": "x"}, "rest"),
        ("-n 'a b' c", {"n": "a b"}, "c"),
        ("-q -- -n 3", {"q": ""}, "-n 3"),
        ("-n 1 -n 2", {"n": "2"}, ""),
    ],
)
def test_options_come_first(text: str, found: dict[str, str], left: str) -> None:
    """Options are taken off the front; the text behind them is as it was written."""
    options = Options("%m", text, "n:r:qo", ("name:", "flag"))
    assert ({name: options.get(name) for name in found}, options.text) == (found, left)


@pytest.mark.parametrize("text", ["-x 1", "--other", "-n", "--n 3", "-qx"])
def test_what_there_is_not_is_said(text: str) -> None:
    """An unknown option, or one without its word, names the magic and what there is."""
    with pytest.raises(BadWords, match=r"^%m: "):
        Options("%m", text, "n:q", ("name:",))


def test_a_number_must_be_one() -> None:
    """-n takes a whole number."""
    assert Options("%m", "-n 12", "n:").number("n", 1) == 12
    with pytest.raises(BadWords, match="whole number"):
        Options("%m", "-n abc", "n:").number("n", 1)


def test_every_word_of_an_option_that_came_twice() -> None:
    """All of them, in order."""
    assert Options("%m", "-s a -s b", "s:").all("s") == ["a", "b"]


def test_quotes_keep_words_together() -> None:
    """As in a shell; one that is not closed is said."""
    assert split("%m", "a 'b c' d") == ["a", "b c", "d"]
    with pytest.raises(BadWords, match="not closed"):
        split("%m", "a 'b")
