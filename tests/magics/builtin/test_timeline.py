"""`%checkout` and `%undo`, with a session that only notes what is asked of it."""

from __future__ import annotations

import pytest

from holdfast.magics.builtin.timeline import Misused, make


class Noted:
    """See `Session`."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def checkout(self, cell: str) -> None:
        """Where to."""
        self.asked.append(f"to {cell}")

    def undo(self) -> None:
        """That it is asked."""
        self.asked.append("undo")


@pytest.mark.parametrize(
    ("name", "rest", "asked"),
    [("checkout", "41", "to 41"), ("checkout", "2:41", "to 2:41"), ("checkout", "@7", "to @7"), ("undo", "", "undo")],
)
def test_it_asks_the_session(name: str, rest: str, asked: str) -> None:
    """With the place as it was written."""
    session = Noted()
    make(name, lambda: session)(rest)
    assert session.asked == [asked]


@pytest.mark.parametrize(
    ("name", "rest", "usage"),
    [("checkout", "", "%checkout 41 (a cell)"), ("checkout", "1 2", "%checkout @57"), ("undo", "3", "%undo alone")],
)
def test_what_it_does_not_understand(name: str, rest: str, usage: str) -> None:
    """It says how it goes, and asks for nothing."""
    session = Noted()
    with pytest.raises(Misused) as caught:
        make(name, lambda: session)(rest)
    assert usage in str(caught.value)
    assert session.asked == []
