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

    def diff(self, one: str, other: str = "") -> object:
        """The two that were asked for."""
        return f"diff {one} {other}"

    def log(self) -> object:
        """All commits."""
        return "the log"


class Moves:
    """See `Moves`."""

    def attach(self, name: str) -> str:
        """Which session."""
        return f"attached to {name}"

    def begin_anew(self) -> str:
        """That it does."""
        return "begun anew"


TOLD = Told()


def run(rest: str) -> object:
    """What `%session rest` shows; it has no value."""
    shown: list[object] = []
    make(lambda: TOLD, shown.append, Moves)(rest)
    (one,) = shown
    return one


@pytest.mark.parametrize(
    ("rest", "shown"),
    [
        ("", TOLD),
        ("why", TOLD.lost),
        ("why x", "why x"),
        ("why  box['a b'] ", "why box['a b']"),
        ("log", "the log"),
        ("diff 1 2", "diff 1 2"),
        ("diff 1", "diff 1 "),
    ],
)
def test_it_shows_what_it_is_asked_for(rest: str, shown: object) -> None:
    """Alone an overview, with a word more of one thing."""
    assert run(rest) == shown


@pytest.mark.parametrize(
    ("rest", "said"), [("attach  my notes.ipynb ", "attached to my notes.ipynb\n"), ("new", "begun anew\n")]
)
def test_it_asks_for_another_session(rest: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And prints what is going to happen; a name may have blanks."""
    make(lambda: TOLD, lambda shown: None, Moves)(rest)
    assert capsys.readouterr().out == said


@pytest.mark.parametrize("rest", ["wy", "log 5", "whyx", "-h"])
def test_other_words_are_an_error_that_lists_the_known(rest: str) -> None:
    """Nothing is shown, and the error says all there is."""
    with pytest.raises(UnknownCommand) as caught:
        run(rest)
    text = str(caught.value)
    assert repr(rest) in text
    assert all(f"%session {name}" in text for name in COMMANDS)
