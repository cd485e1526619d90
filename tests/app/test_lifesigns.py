"""When the files that outlive a kernel are told how it fares."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.messages import message
from holdfast.app.died import TRIAL, Trial, forgive, on_trial
from holdfast.app.lifesigns import LifeSigns
from holdfast.executor.outcome import Job


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Path]:
    """The count of a kernel that has restored and not replied."""
    on_trial(Trial(str(tmp_path)))
    yield tmp_path / TRIAL
    forgive()


@pytest.fixture
def signs() -> Iterator[LifeSigns]:
    """Those of a kernel that keeps nothing."""
    loop = asyncio.new_event_loop()
    yield LifeSigns(lambda: None, loop)
    loop.close()


def job(silent: bool = False) -> Job:
    """A cell."""
    return Job(message("execute_request", {"code": "x"}), "x", 1, not silent, silent)


def test_the_first_reply_ends_the_trial(signs: LifeSigns, trial: Path) -> None:
    """Not its beginning, and no silent cell, which nobody sees."""
    signs.before(job(silent=True))
    signs.after(job(silent=True), False)
    signs.before(job())
    assert trial.read_text() == "1\n"
    signs.after(job(), True)
    assert not trial.exists()


def test_leaving_ends_the_trial(signs: LifeSigns, trial: Path) -> None:
    """Once is enough, twice does no harm."""
    signs.forgive()
    signs.forgive()
    assert not trial.exists()


def test_another_session_has_its_own_trial(tmp_path: Path, trial: Path) -> None:
    """A kernel that goes over to another session has left the first alive."""
    other = tmp_path / "other"
    other.mkdir()
    on_trial(Trial(str(other)))
    assert (trial.exists(), (other / TRIAL).exists()) == (False, True)


def test_a_kernel_that_keeps_nothing(signs: LifeSigns) -> None:
    """There is nothing to note, and nothing fails."""
    signs.before(job())
    signs.sample()
    signs.after(job(), False)
