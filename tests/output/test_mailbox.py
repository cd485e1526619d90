"""The queue between the user's threads and the kernel thread: order, waking, back-pressure, no lost text."""

from __future__ import annotations

import threading
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.output import mailbox as module
from holdfast.output.mailbox import Mailbox

HANG = 60.0


class Box:
    """A mailbox that counts who was woken."""

    def __init__(self) -> None:
        self.woken = self.woken_for_text = 0
        self.mailbox = Mailbox(self._wake, self._wake_for_text)

    def _wake(self) -> None:
        self.woken += 1

    def _wake_for_text(self) -> None:
        self.woken_for_text += 1


def test_what_is_put_in_comes_out_in_order() -> None:
    """Text and events share one queue."""
    box = Box()
    box.mailbox.write(("a", "stdout", "1"))
    box.mailbox.post("event")
    box.mailbox.write(("a", "stderr", "2"))
    assert box.mailbox.take() == [("a", "stdout", "1"), "event", ("a", "stderr", "2")]
    assert box.mailbox.take() == []


def test_an_event_wakes_the_kernel_thread() -> None:
    """Each time: it may be a cell's end."""
    box = Box()
    box.mailbox.post(1)
    box.mailbox.post(2)
    assert (box.woken, box.woken_for_text) == (2, 0)


def test_only_the_first_write_after_a_silence_wakes() -> None:
    """A flood costs the writer an append and nothing else."""
    box = Box()
    for n in range(1000):
        box.mailbox.write(("a", "stdout", str(n)))
    assert (box.woken, box.woken_for_text) == (0, 1)


def test_much_text_wakes_before_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel thread begins to send before memory grows."""
    monkeypatch.setattr(module, "NUDGE", 10)
    box = Box()
    for _ in range(3):
        box.mailbox.write(("a", "stdout", "12345"))
    assert box.woken == 1


def test_it_says_whether_anything_is_in() -> None:
    """Without taking it."""
    box = Box()
    assert not box.mailbox
    box.mailbox.post(1)
    assert box.mailbox


# ---------------------------------------------------------------- who looks next


def test_a_look_that_finds_nothing_ends_the_looking() -> None:
    """The next write wakes again."""
    box = Box()
    box.mailbox.write(("a", "stdout", "1"))
    box.mailbox.take()
    assert box.mailbox.disarm()
    box.mailbox.write(("a", "stdout", "2"))
    assert box.woken_for_text == 2


def test_a_write_between_the_last_look_and_its_end_is_seen() -> None:
    """The writer saw that somebody will look, and wakes nobody: so somebody must look."""
    box = Box()
    box.mailbox.write(("a", "stdout", "1"))
    box.mailbox.take()
    box.mailbox.write(("a", "stdout", "2"))
    assert not box.mailbox.disarm()
    assert box.mailbox.armed
    assert box.mailbox.take() == [("a", "stdout", "2")]
    assert box.mailbox.disarm()
    assert box.woken_for_text == 1


class Meddling(deque[object]):
    """Lets a writer in at the moment when the kernel thread looks whether anything is there."""

    box: Box
    writes = 0

    def __bool__(self) -> bool:
        if self.writes:
            self.writes -= 1
            self.box.mailbox.write(("late", "stdout", "text"))
        return len(self) > 0


def test_a_write_in_the_middle_of_the_end_is_seen() -> None:
    """After `armed` was cleared and before the second look: the look finds it, or the writer wakes."""
    box = Box()
    items = box.mailbox._items = Meddling()
    items.box = box
    box.mailbox.write(("a", "stdout", "1"))
    box.mailbox.take()
    items.writes = 1
    ended = box.mailbox.disarm()
    assert not ended or box.woken_for_text == 2
    assert box.mailbox.take() == [("late", "stdout", "text")]


@given(st.lists(st.sampled_from(["write", "post", "look"]), max_size=50))
def test_no_text_lies_there_unseen(steps: list[str]) -> None:
    """Whatever the order of writes, events and looks: while something is in, a look is due."""
    box, due, put, taken = Box(), 0, list[object](), list[object]()
    for step in steps:
        if step == "look":
            if due:
                due -= 1
                taken += box.mailbox.take()
                due += not box.mailbox.disarm()
        else:
            item: object = ("a", "stdout", str(len(put))) if step == "write" else len(put)
            put.append(item)
            woken = box.woken + box.woken_for_text
            if step == "write":
                box.mailbox.write(item)  # type: ignore[arg-type]
            else:
                box.mailbox.post(item)
            due += box.woken + box.woken_for_text - woken
        assert due or not box.mailbox
    assert taken + box.mailbox.take() == put


# ---------------------------------------------------------------- back-pressure


@pytest.mark.parametrize("how", ["write", "publish"])
def test_a_writer_waits_when_too_much_is_pending(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Memory is bounded: it goes on when the kernel thread has taken what is there."""
    monkeypatch.setattr(module, "NUDGE", 10)
    monkeypatch.setattr(module, "HIGH_WATER", 100)
    waits, done = threading.Event(), threading.Event()
    mailbox = Mailbox(waits.set, lambda: None)
    mailbox.write(("a", "stdout", "x"))

    def work() -> None:
        if how == "write":
            mailbox.write(("a", "stdout", "y" * 200))
        else:
            mailbox.publish("display", 0)
        done.set()

    writer = threading.Thread(target=work)
    writer.start()
    assert waits.wait(HANG)
    if how == "write":
        assert not done.is_set()
    while not done.wait(0.001):
        mailbox.take()
    writer.join()
    assert mailbox.pending == 0


def test_nothing_is_lost_or_reordered_under_pressure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many writers that are held back again and again, one reader."""
    monkeypatch.setattr(module, "NUDGE", 50)
    monkeypatch.setattr(module, "HIGH_WATER", 200)
    wake = threading.Event()
    mailbox = Mailbox(wake.set, wake.set)

    def work(name: int) -> None:
        for n in range(2000):
            mailbox.write((name, "stdout", f"{n}"))

    writers = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for writer in writers:
        writer.start()
    got: list[object] = []
    while any(writer.is_alive() for writer in writers):
        wake.wait(0.01)
        wake.clear()
        got += mailbox.take()
        mailbox.disarm()
    got += mailbox.take()
    for name in range(4):
        assert [item[2] for item in got if item[0] == name] == [str(n) for n in range(2000)]  # type: ignore[index]
