"""`%session`, with a session that only has names for its answers."""

from __future__ import annotations

import pytest

from holdfast.magics.builtin.session import COMMANDS, UnknownCommand, make


class Told:
    """See `Session`."""

    lost = "all that was lost"

    def why(self, name: str) -> object:
        """The name that was asked for."""
        return f"why {name}"

    def log(self) -> object:
        """All commits."""
        return "the log"


TOLD = Told()


def run(rest: str) -> object:
    """What `%session rest` shows; it has no value."""
    shown: list[object] = []
    make(lambda: TOLD, shown.append)(rest)
    (one,) = shown
    return one


@pytest.mark.parametrize(
    ("rest", "shown"),
    [("", TOLD), ("why", TOLD.lost), ("why x", "why x"), ("why  box['a b'] ", "why box['a b']"), ("log", "the log")],
)
def test_it_shows_what_it_is_asked_for(rest: str, shown: object) -> None:
    """Alone an overview, with a word more of one thing."""
    assert run(rest) == shown


@pytest.mark.parametrize("rest", ["wy", "log 5", "whyx", "-h"])
def test_other_words_are_an_error_that_lists_the_known(rest: str) -> None:
    """Nothing is shown, and the error says all there is."""
    with pytest.raises(UnknownCommand) as caught:
        run(rest)
    text = str(caught.value)
    assert repr(rest) in text
    assert all(f"%session {name}" in text for name in COMMANDS)
