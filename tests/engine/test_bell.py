"""Waiting that no interrupt can spoil."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType

import pytest

from holdfast.engine.bell import Bell

HANG = 60.0


def test_a_ring_wakes_all_who_wait() -> None:
    """Each of them once."""
    bell = Bell()
    waiters = [threading.Thread(target=bell.wait, args=(bell.heard, HANG)) for _ in range(5)]
    for waiter in waiters:
        waiter.start()
    bell.ring()
    start = time.monotonic()
    for waiter in waiters:
        waiter.join()
    assert time.monotonic() - start < HANG / 2


def test_a_ring_before_the_wait_is_not_missed() -> None:
    """What was seen before it is old."""
    bell = Bell()
    since = bell.heard
    bell.ring()
    bell.wait(since)


@pytest.mark.parametrize("seconds", [0.0, -1.0, 0.01])
def test_a_wait_ends_with_the_time(seconds: float) -> None:
    """Whether or not there is any left."""
    bell = Bell()
    bell.wait(bell.heard, seconds)
    assert bell.heard == 0


def test_no_interrupt_leaves_it_locked() -> None:
    """Signals at any moment of many waits: another thread rings on, and nobody is left waiting."""
    bell = Bell()
    over = threading.Event()
    rings = 0

    def ring() -> None:
        nonlocal rings
        while not over.is_set():
            bell.ring()
            rings += 1
            time.sleep(0)

    def raising(_signum: int, frame: FrameType | None) -> None:
        while frame is not None and frame.f_code is not test_no_interrupt_leaves_it_locked.__code__:
            if frame.f_code is Bell.wait.__code__:
                raise KeyboardInterrupt
            frame = frame.f_back

    before = signal.signal(signal.SIGALRM, raising)
    ringing = threading.Thread(target=ring)
    ringing.start()
    interrupted = waited = 0
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        while waited + interrupted < 1500:
            try:
                bell.wait(bell.heard, 0.0001)
                waited += 1
            except KeyboardInterrupt:
                interrupted += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    seen = rings
    while rings == seen:
        time.sleep(0)
    over.set()
    ringing.join()
    assert interrupted
