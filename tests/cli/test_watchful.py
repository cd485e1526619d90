"""A wait for a reply looks again and again, and not longer than it was told to."""

from __future__ import annotations

import asyncio
from queue import Empty

import pytest

from holdfast.cli.watchful import LOOK, watchful


class Channel:
    """Has a message at the n-th look."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.turns: list[float] = []

    async def get_msg(self, timeout: float) -> str:
        """As of jupyter_client."""
        self.turns.append(timeout)
        if len(self.turns) < self.at:
            raise Empty
        return "reply"


def test_it_looks_until_there_is_a_message() -> None:
    """Without a timeout, for ever."""
    channel = Channel(at=9)
    assert asyncio.run(watchful(channel.get_msg)()) == "reply"
    assert channel.turns == [LOOK] * 9


def test_it_does_not_wait_longer_than_it_was_told_to() -> None:
    """The last turn is what is left."""
    channel = Channel(at=99)
    with pytest.raises(Empty):
        asyncio.run(watchful(channel.get_msg)(timeout=2.5 * LOOK))
    assert channel.turns == pytest.approx([LOOK, LOOK, LOOK / 2])
