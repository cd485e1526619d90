"""Descriptors 1 and 2 as pipes that we read: order with `print`, nothing blocks, everything is put back."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from holdfast.output.attribution import Attribution
from holdfast.output.descriptors import Descriptors
from holdfast.output.mailbox import Mailbox

HANG = 60.0


class Capture:
    """Captured descriptors; `text` is what was collected."""

    def __init__(self) -> None:
        self.mailbox = Mailbox(lambda: None, lambda: None)
        self.attribution = Attribution()
        self.attribution.newest = "cell"
        self.descriptors = Descriptors(self.mailbox, self.attribution)

    def install(self) -> None:
        """Take the descriptors; in the test itself, because pytest takes them back between its phases."""
        self.descriptors.install()

    def chunks(self) -> list[tuple[object, str, str]]:
        """What was collected, one chunk per stream in a row."""
        self.descriptors.collect()
        return self.mailbox.take()  # type: ignore[return-value]

    def text(self, name: str = "stdout") -> str:
        """What was written to one stream."""
        return "".join(text for _, stream, text in self.chunks() if stream == name)


@pytest.fixture
def capture() -> Iterator[Capture]:
    """Descriptors that are given back, whatever the test did to them."""
    made = Capture()
    yield made
    made.descriptors.uninstall()


def test_what_is_written_below_python_is_collected(capture: Capture) -> None:
    """As text of the newest cell, by stream."""
    capture.install()
    os.write(1, b"out")
    os.write(2, b"err")
    assert capture.chunks() == [("cell", "stdout", "out"), ("cell", "stderr", "err")]


def test_output_of_children_is_collected(capture: Capture) -> None:
    """Of a child that inherits the descriptors."""
    capture.install()
    subprocess.run([sys.executable, "-c", "import os; os.write(1, b'a'); os.write(2, b'b')"], check=True)
    assert capture.chunks() == [("cell", "stdout", "a"), ("cell", "stderr", "b")]


def test_it_is_collected_before_the_next_write(capture: Capture) -> None:
    """Only when something is there."""
    capture.install()
    capture.descriptors.collect_if_any()
    assert capture.mailbox.take() == []
    os.write(1, b"x")
    capture.descriptors.collect_if_any()
    assert capture.mailbox.take() == [("cell", "stdout", "x")]


def test_a_write_waits_for_a_reader_that_has_not_appended_yet(capture: Capture) -> None:
    """The kernel thread holds text that came earlier: ours may not overtake it."""
    capture.install()
    entered, go = threading.Event(), threading.Event()
    mailbox_write = capture.mailbox.write

    def slow_write(chunk: tuple[object, str, str]) -> None:
        entered.set()
        go.wait(HANG)
        mailbox_write(chunk)

    capture.mailbox.write = slow_write  # type: ignore[method-assign]
    os.write(1, b"first")
    kernel_thread = threading.Thread(target=capture.descriptors.collect)
    kernel_thread.start()
    assert entered.wait(HANG)
    done = threading.Event()

    def write_ours() -> None:
        capture.descriptors.collect_if_any()
        mailbox_write(("cell", "stdout", "second"))
        done.set()

    main = threading.Thread(target=write_ours)
    main.start()
    assert not done.wait(0.05)
    go.set()
    main.join()
    kernel_thread.join()
    assert [text for _, _, text in capture.chunks()] == ["first", "second"]


def test_a_child_that_writes_much_is_not_blocked(capture: Capture) -> None:
    """More than a pipe holds goes through while somebody watches the readers."""
    capture.install()
    size = 3_000_000
    child = subprocess.Popen([sys.executable, "-c", f"import os, sys; sys.stdout.write('x' * {size})"])
    got = ""
    while child.poll() is None:
        got += capture.text()
    got += capture.text()
    assert len(got) == size


def test_characters_are_put_together(capture: Capture) -> None:
    """One that comes in two parts, and bytes that are none."""
    capture.install()
    os.write(1, "é".encode()[:1])
    assert capture.text() == ""
    os.write(1, "é".encode()[1:] + b"\xff")
    assert capture.text() == "é\ufffd"


def test_the_readers_can_be_watched(capture: Capture) -> None:
    """Both, and they are not the captured descriptors."""
    capture.install()
    readers = capture.descriptors.readers
    assert len(readers) == 2
    assert not {0, 1, 2} & set(readers)


def test_the_launchers_stderr_lives_on(capture: Capture) -> None:
    """Our own log goes there, not below a cell."""
    capture.install()
    original = capture.descriptors.original_stderr
    assert original > 2
    os.write(original, b"")
    assert capture.chunks() == []


# ---------------------------------------------------------------- hostile cells


@pytest.mark.parametrize("target", [1, 2])
def test_a_closed_descriptor_is_put_back(capture: Capture, target: int) -> None:
    """`os.close(1)`."""
    capture.install()
    os.close(target)
    capture.descriptors.heal()
    os.write(target, b"again")
    assert capture.text("stdout" if target == 1 else "stderr") == "again"


def test_a_redirected_descriptor_is_put_back(capture: Capture) -> None:
    """`os.dup2(devnull, 1)` without the way back."""
    capture.install()
    with open(os.devnull, "wb") as null:
        os.dup2(null.fileno(), 1)
    os.write(1, b"lost")
    capture.descriptors.heal()
    os.write(1, b"again")
    assert capture.text() == "again"


def test_a_healthy_descriptor_is_left_alone(capture: Capture) -> None:
    """Nothing that is in the pipe is lost by looking."""
    capture.install()
    os.write(1, b"kept")
    before = os.fstat(1)
    capture.descriptors.heal()
    assert os.fstat(1) == before
    assert capture.text() == "kept"


def test_without_its_own_ends_it_gives_up_quietly(capture: Capture) -> None:
    """`os.closerange` took those too: nothing is captured any more, and nothing raises."""
    capture.install()
    for end in capture.descriptors._ends:
        os.close(end._writer)
        os.close(end.reader)
        os.close(end.target)
    capture.descriptors.heal()
    capture.descriptors.collect_if_any()
    capture.descriptors.collect()
    assert capture.mailbox.take() == []


def test_what_c_code_buffers_is_flushed(capture: Capture) -> None:
    """A pipe is no terminal, so C holds text back until it is told."""
    capture.install()
    import ctypes

    libc = ctypes.CDLL(None)
    libc.printf(b"from C")
    capture.descriptors.flush_c()
    assert capture.text() == "from C"


def test_a_child_does_not_read_the_parents_pipes(capture: Capture) -> None:
    """What a forked child collects would be missing in the parent."""
    capture.install()
    os.write(1, b"the parent's")
    child = os.fork()
    if child == 0:
        try:
            capture.descriptors.collect()
            capture.descriptors.collect_if_any()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert capture.text() == "the parent's"


def test_uninstalling_gives_the_descriptors_back() -> None:
    """What 1 and 2 were before they are again, and what was still in the pipes is not lost."""
    before = os.fstat(1), os.fstat(2)
    capture = Capture()
    capture.install()
    os.write(1, b"last")
    capture.descriptors.uninstall()
    assert (os.fstat(1), os.fstat(2)) == before
    assert capture.mailbox.take() == [("cell", "stdout", "last")]
    assert capture.descriptors.readers == ()


def test_one_descriptor_can_be_diverted(capture: Capture) -> None:
    """What was written before and after goes the usual way; the other one always does."""
    capture.install()
    taken: list[str] = []
    os.write(1, b"before ")
    undo = capture.descriptors.divert("stdout", taken.append)
    os.write(1, b"within")
    os.write(2, b"err")
    undo()
    os.write(1, b"after")
    assert taken == ["within"]
    assert capture.chunks() == [("cell", "stdout", "before "), ("cell", "stderr", "err"), ("cell", "stdout", "after")]


def test_diversions_nest(capture: Capture) -> None:
    """The inner one ends first."""
    capture.install()
    outer: list[str] = []
    inner: list[str] = []
    undo_outer = capture.descriptors.divert("stdout", outer.append)
    undo_inner = capture.descriptors.divert("stdout", inner.append)
    os.write(1, b"in")
    undo_inner()
    os.write(1, b"out")
    undo_outer()
    assert (inner, outer) == (["in"], ["out"])
