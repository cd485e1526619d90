"""Finished files of outputs become one: nothing that is shown changes, what is not shown goes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.recorded import Written
from holdfast.durable import folding as module
from holdfast.durable.folding import MANY, due, fold
from holdfast.durable.record import FOLDER, files

PICTURE = "iVBOR" * 1000


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    """A session's folder, and pens for it."""
    made = Written(tmp_path)
    yield made
    made.close()


def _fold(written: Written, until: int, **limits: int) -> None:
    fold(str(written.folder), written.seal, until, **limits)


def _numbers(written: Written) -> list[tuple[int, int]]:
    return [(first, last) for first, last, _ in files(str(written.folder))]


def test_nothing_that_is_shown_changes(written: Written) -> None:
    """Displays, updates from later kernels, gaps; the file that is being written is left alone."""
    first, second, third = (written.pen() for _ in range(3))
    first.stream(1, "a")
    first.display(1, "old", "bar")
    first.picture(2, PICTURE)
    second.picture(3, PICTURE)
    second.display(3, "new", "bar", update=True)
    third.stream(4, "now")
    before = [written.shown(1), written.shown(2), written.shown(3, 2), written.shown(4, 3)]
    _fold(written, 2)
    third.stream(4, "!")
    assert _numbers(written) == [(1, 2), (3, 3)]
    assert [written.shown(1), written.shown(2), written.shown(3, 2)] == before[:3]
    assert written.shown(4, 3) == ["now!"]


def test_what_nobody_sees_goes(written: Written) -> None:
    """What was cleared, updates that newer ones replaced, a picture that two kernels wrote."""
    pens = [written.pen() for _ in range(2)]
    for pen in pens:
        pen.picture(1, PICTURE)
        pen.stream(2, "x" * 10_000)
        pen.clear(2)
        pen.display(3, "y", "bar")
        for n in range(100):
            pen.display(3, f"{n}", "bar", update=True)
    _fold(written, 2)
    assert written.size() < len(PICTURE) + 2000
    assert (written.shown(1), written.shown(1, 2), written.shown(3, 2)) == ([PICTURE], [PICTURE], ["99"])


def test_the_oldest_go_when_there_are_too_many(written: Written) -> None:
    """And are said to be gone."""
    pen = written.pen()
    for count in range(1, 5):
        pen.stream(count, f"{count}" * 1000)
    _fold(written, 1, limit=3000, leave=2500)
    assert [written.shown(count) for count in (1, 2, 3, 4)] == [["left 1"], ["left 1"], ["3" * 1000], ["4" * 1000]]
    with written.record() as record:
        key = record.find(1)
        assert key is not None
        left = record.outputs(key)[0].left
        assert left is not None
        assert left.reason == "newer cells needed the room"


def test_the_middle_of_a_cell_goes(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is not shown either."""
    monkeypatch.setattr("holdfast.durable.outputs.ROOM_HEAD", 2000)
    monkeypatch.setattr("holdfast.durable.outputs.ROOM_TAIL", 2000)
    pen = written.pen()
    for name in ("stdout", "stderr") * 5:
        pen.stream(1, "x" * 900, name)
    before = written.shown(1)
    _fold(written, 1)
    assert (written.shown(1), "left 6" in before) == (before, True)
    assert written.size() < 5000


def test_what_is_not_ours_is_not_copied(written: Written) -> None:
    """A changed record does not get a new home."""
    pen = written.pen()
    pen.stream(1, "a")
    size = written.size()
    pen.stream(1, "b" * 50)
    written.flip(size + 100)
    _fold(written, 1)
    assert (written.shown(1), written.size()) == (["a"], size)


@pytest.mark.parametrize("step", ["fsync", "replace", "unlink"])
def test_a_kill_in_the_middle_loses_nothing(written: Written, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Whichever step is not reached; the next time, what was left behind goes too."""
    for _ in range(2):
        written.pen().stream(1, "a")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, step, killed)
        with pytest.raises(KeyboardInterrupt):
            _fold(written, 2)
    assert (written.shown(1), written.shown(1, 2)) == (["a"], ["a"])
    _fold(written, 2)
    assert os.listdir(written.folder / FOLDER) == ["000001-000002"]
    assert (written.shown(1), written.shown(1, 2)) == (["a"], ["a"])


def test_a_folded_file_is_folded_again(written: Written) -> None:
    """With those that came after it."""
    for _ in range(3):
        written.pen().stream(1, "a")
    _fold(written, 2)
    _fold(written, 3)
    assert (_numbers(written), written.shown(1, 3)) == ([(1, 3)], ["a"])


def test_it_is_due_when_there_are_many(written: Written) -> None:
    """Or when they are large; what is being written does not count."""
    folder = str(written.folder)
    for _ in range(MANY):
        written.pen().stream(1, "a")
    assert (due(folder, MANY - 1), due(folder, MANY)) == (False, True)


def test_it_is_due_when_they_are_large(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if they are few."""
    monkeypatch.setattr(module, "LIMIT", 1000)
    for _ in range(2):
        written.pen().stream(1, "a" * 600)
    assert (due(str(written.folder), 1), due(str(written.folder), 2)) == (False, True)


def test_nothing_to_fold(written: Written) -> None:
    """No file, no change."""
    _fold(written, 5)
    assert _numbers(written) == []
