"""What stands in for the recorder until a cell has shown something."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from helpers.messages import message
from holdfast.app.kept import _SILENT, Deferred
from holdfast.app.recorder import Recorder
from holdfast.wire.message import Draft, Message


class Told:
    """A recorder that notes what it is told."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def begin(self, token: Message, count: int) -> None:
        """A cell."""
        self.calls.append(f"begin {count}")

    def sent(self, draft: Draft, frames: Sequence[bytes | memoryview]) -> None:
        """A message."""
        self.calls.append(draft.msg_type)

    def ended(self, token: Message) -> None:
        """Its end."""
        self.calls.append("ended")

    def settle(self) -> None:
        """Somebody asks."""
        self.calls.append("settle")

    def close(self) -> None:
        """The end of all."""
        self.calls.append("close")


class Start:
    """A kernel that has just started: `soon` is what its thread does when it has nothing to send."""

    def __init__(self) -> None:
        self.told = Told()
        self.soon: list[Callable[[], object]] = []
        self.deferred = Deferred(self._become, self.soon.append)

    def _become(self) -> Recorder:
        recorder = cast(Recorder, self.told)
        for call in self.deferred.calls:
            call(recorder)
        self.deferred.calls.clear()
        return recorder


def test_nothing_is_made_before_something_is_shown() -> None:
    """The input of a cell is none of its outputs; then everything is told, in order."""
    start, token = Start(), message("execute_request", {"code": "x"})
    start.deferred.begin(token, 1)
    start.deferred.sent(token.publish("execute_input", {}), [])
    assert start.soon == []
    start.deferred.sent(token.publish("stream", {}), [])
    start.deferred.sent(token.publish("error", {}), [])
    start.deferred.ended(token)
    [become] = start.soon
    become()
    assert start.told.calls == ["begin 1", "stream", "error", "ended"]


def test_silent_cells_do_not_pile_up() -> None:
    """After some it is made all the same."""
    start, token = Start(), message("execute_request", {"code": "x"})
    for count in range(_SILENT):
        start.deferred.begin(token, count)
        start.deferred.ended(token)
    assert len(start.soon) == 1


def test_who_asks_has_it_made() -> None:
    """Even when nothing was shown yet."""
    start = Start()
    start.deferred.settle()
    assert start.told.calls == ["settle"]


def test_a_kernel_that_showed_nothing_leaves_nothing() -> None:
    """And one that did has it written before it goes."""
    silent, shown, token = Start(), Start(), message("execute_request", {"code": "x"})
    silent.deferred.close()
    shown.deferred.sent(token.publish("stream", {}), [])
    shown.deferred.close()
    assert (silent.told.calls, shown.told.calls) == ([], ["stream", "close"])
