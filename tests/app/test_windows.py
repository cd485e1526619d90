"""Interrupt and parent watch on Windows, with handles that a fake waits for."""

from __future__ import annotations

import threading

import pytest

from holdfast.app.windows import watch


class Handles:
    """Hands out the signalled handles in order, then blocks until the end of the test."""

    def __init__(self, *signalled: int) -> None:
        self._signalled = list(signalled)
        self.asked: list[list[int]] = []
        self.over = threading.Event()

    def __call__(self, handles: list[int]) -> int:
        self.asked.append(handles)
        if not self._signalled:
            self.over.wait(60)
            raise SystemExit
        return handles.index(self._signalled.pop(0))


def test_the_interrupt_event_interrupts_each_time_it_is_set() -> None:
    """JPY_INTERRUPT_EVENT is waited for again after each interrupt, until the parent's handle ends the watch."""
    seen: list[str] = []
    done = threading.Event()
    environ = {"JPY_INTERRUPT_EVENT": "7", "JPY_PARENT_PID": "9"}

    def orphaned() -> None:
        seen.append("orphaned")
        done.set()

    assert watch(environ, lambda: seen.append("interrupt"), orphaned, Handles(7, 7, 9))
    assert done.wait(60)
    assert seen == ["interrupt", "interrupt", "orphaned"]
    for thread in threading.enumerate():
        if thread.name == "holdfast-windows":
            thread.join(60)


@pytest.mark.parametrize("environ", [{}, {"JPY_INTERRUPT_EVENT": ""}, {"JPY_PARENT_PID": "1"}, {"JPY_PARENT_PID": "x"}])
def test_without_handles_nothing_is_watched(environ: dict[str, str]) -> None:
    """No thread is started where the launcher gave no handle."""
    before = threading.active_count()
    assert not watch(environ, lambda: None, lambda: None, Handles())
    assert threading.active_count() == before
