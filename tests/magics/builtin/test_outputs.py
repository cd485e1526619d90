"""`%outputs`: the words go on as they are."""

from __future__ import annotations

import pytest

from holdfast.magics.builtin.outputs import make


@pytest.mark.parametrize("words", ["", "41", "2:41"])
def test_the_words_are_handed_on(words: str) -> None:
    """Whoever knows the cells decides what they mean."""
    asked: list[str] = []
    make(asked.append)(words)
    assert asked == [words]
