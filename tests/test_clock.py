"""Clocks: the real one moves, the fake one only when it is told to."""

from __future__ import annotations

from datetime import UTC, datetime

from holdfast.clock import Clock, FakeClock


def test_dates_have_a_zone() -> None:
    """ISO 8601, as headers need them."""
    parsed = datetime.fromisoformat(Clock().date())
    assert parsed.tzinfo is not None
    assert abs((datetime.now(UTC) - parsed).total_seconds()) < 60


def test_monotonic_does_not_go_back() -> None:
    """Two readings are in order."""
    clock = Clock()
    assert clock.monotonic() <= clock.monotonic()


def test_the_wall_clock_is_in_milliseconds() -> None:
    """Since the epoch, like the date."""
    seconds = datetime.fromisoformat(Clock().date()).timestamp()
    assert abs(Clock().wall() / 1000 - seconds) < 60
    assert FakeClock(1.5).wall() == 1500


def test_a_fake_clock_stands_still() -> None:
    """Until the test moves it."""
    clock = FakeClock(5.0)
    assert (clock.monotonic(), clock.date()) == (5.0, "1970-01-01T00:00:05+00:00")
    clock.now = 6.0
    assert (clock.monotonic(), clock.date()) == (6.0, "1970-01-01T00:00:06+00:00")


def test_a_fake_clock_stands_in_for_a_real_one() -> None:
    """Both have the same calls."""
    fake = FakeClock(1.0)
    assert Clock(fake.monotonic, fake.date).monotonic() == 1.0
