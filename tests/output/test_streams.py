"""`sys.stdout` and `sys.stderr` of the user's code."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
from collections.abc import Callable, Iterator

import pytest

from holdfast.output.attribution import TOKEN, Attribution
from holdfast.output.mailbox import Mailbox
from holdfast.output.streams import OutputStream, Streams


class Below:
    """What was written below Python; counts the looks."""

    def __init__(self) -> None:
        self.looks = 0

    def collect_if_any(self) -> None:
        """Nothing is ever there."""
        self.looks += 1

    def divert(self, name: str, sink: Callable[[str], object]) -> Callable[[], None]:
        """The same."""
        return lambda: None


class Studio:
    """Streams and what was written to them."""

    def __init__(self) -> None:
        self.mailbox = Mailbox(lambda: None, lambda: None)
        self.attribution = Attribution()
        self.attribution.newest = "newest"
        self.below = Below()
        self.streams = Streams(self.mailbox, self.attribution, self.below)
        self.out, self.err = self.streams.out, self.streams.err

    def taken(self) -> list[object]:
        """What was written since the last call."""
        return self.mailbox.take()

    def text(self) -> str:
        """The text that was written since the last call."""
        return "".join(item[2] for item in self.taken())  # type: ignore[index]


@pytest.fixture
def studio() -> Iterator[Studio]:
    """Streams that are not installed."""
    made = Studio()
    yield made
    made.streams.uninstall()


def test_a_write_becomes_a_chunk(studio: Studio) -> None:
    """Of the newest cell, under the stream's name; the number of characters is returned."""
    assert (studio.out.write("héllo"), studio.err.write("x"), studio.out.write("")) == (5, 1, 0)
    assert studio.taken() == [("newest", "stdout", "héllo"), ("newest", "stderr", "x")]


def test_a_write_belongs_to_the_cell_of_its_context(studio: Studio) -> None:
    """Not to the newest one, unless the user asked for that."""
    token = TOKEN.set("mine")
    try:
        studio.out.write("a")
        studio.attribution.follows("newest")
        studio.out.write("b")
    finally:
        TOKEN.reset(token)
    assert studio.taken() == [("mine", "stdout", "a"), ("newest", "stdout", "b")]


def test_print_works(studio: Studio) -> None:
    """With all that `print` can do."""
    print("a", 1, sep="-", end="!\n", file=studio.out, flush=True)
    print(file=studio.out)
    assert studio.text() == "a-1!\n\n"


class Text(str):
    """A string of a library."""

    def __str__(self) -> str:
        raise RuntimeError("not asked for")


def test_subclasses_of_str_are_written_as_plain_text(studio: Studio) -> None:
    """What crosses to the kernel thread is nobody's own class."""
    studio.out.write(Text("markup"))
    (chunk,) = studio.taken()
    assert chunk == ("newest", "stdout", "markup")
    assert type(chunk[2]) is str


@pytest.mark.parametrize("value", [b"bytes", 5, None])
def test_only_text_can_be_written(studio: Studio, value: object) -> None:
    """The error is that of any text stream."""
    with pytest.raises(TypeError, match=rf"must be str, not {type(value).__name__}"):
        studio.out.write(value)  # type: ignore[arg-type]


def test_lone_surrogates_can_be_written(studio: Studio) -> None:
    """The encoder escapes them later; a cell does not fail for them."""
    studio.out.write("\ud800")
    assert studio.text() == "\ud800"


def test_lines_can_be_written(studio: Studio) -> None:
    """Any iterable of them."""
    studio.out.writelines(iter(["a\n", "b\n"]))
    assert studio.text() == "a\nb\n"


def test_what_was_written_below_comes_first(studio: Studio) -> None:
    """Each print looks once: its own newline does not, a bare newline does."""
    print("a", file=studio.out)
    assert studio.below.looks == 1
    print(file=studio.out)
    assert studio.below.looks == 2
    print("b", file=studio.out)
    assert studio.below.looks == 3


# ---------------------------------------------------------------- what libraries ask


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("encoding", "UTF-8"),
        ("errors", "backslashreplace"),
        ("name", "<stdout>"),
        ("mode", "w"),
        ("newlines", None),
        ("closed", False),
        ("line_buffering", True),
        ("write_through", True),
    ],
)
def test_attributes_that_libraries_read(studio: Studio, name: str, value: object) -> None:
    """They are those of a text stream."""
    assert getattr(studio.out, name) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [("isatty", False), ("readable", False), ("writable", True), ("seekable", False), ("flush", None), ("close", None)],
)
def test_questions_that_libraries_ask(studio: Studio, name: str, value: object) -> None:
    """A stream that can be written to and nothing else."""
    assert getattr(studio.out, name)() == value


def test_they_are_text_streams(studio: Studio) -> None:
    """For `isinstance`, with the descriptors of the process."""
    assert isinstance(studio.out, io.TextIOBase)
    assert (studio.out.fileno(), studio.err.fileno()) == (1, 2)


@pytest.mark.parametrize("name", ["read", "readline", "seek", "tell", "truncate", "detach"])
def test_what_they_cannot_do_is_refused(studio: Studio, name: str) -> None:
    """As any stream refuses it, also through the binary one."""
    with pytest.raises((io.UnsupportedOperation, OSError)):
        getattr(studio.out, name)(*([0] if name == "seek" else []))


def test_it_can_be_reconfigured(studio: Studio) -> None:
    """Accepted as `io.TextIOWrapper` does."""
    studio.out.reconfigure(encoding="latin-1", line_buffering=False)
    studio.out.write("é")
    assert studio.text() == "é"


def test_closing_is_ignored(studio: Studio) -> None:
    """`sys.stdout.close()`, a `with` block and the end of a wrapper do not end it."""
    studio.out.close()
    with studio.out:
        studio.out.write("a")
    io.TextIOWrapper(studio.out.buffer).close()  # type: ignore[type-var]
    studio.out.write("b")
    assert studio.text() == "ab"


def test_bytes_are_decoded(studio: Studio) -> None:
    """Through `.buffer`; a character that comes in two parts is put together, a wrong one escaped."""
    buffer = studio.out.buffer
    assert buffer.write("é".encode()[:1]) == 1
    buffer.write("é".encode()[1:])
    buffer.write(bytearray(b"\xffx"))
    buffer.write(memoryview(b"y"))
    buffer.flush()
    assert studio.text() == "é\\xffxy"
    assert (buffer.writable(), buffer.isatty(), buffer.fileno(), buffer is studio.out.buffer) == (True, False, 1, True)


def test_a_text_wrapper_around_the_buffer_writes_through(studio: Studio) -> None:
    """As scripts do to change the encoding."""
    wrapper = io.TextIOWrapper(studio.out.buffer, encoding="utf-8", write_through=True)  # type: ignore[type-var]
    wrapper.write("é")
    wrapper.detach()
    assert studio.text() == "é"


def test_logging_writes_to_it(studio: Studio) -> None:
    """A handler of the standard library works."""
    handler = logging.StreamHandler(studio.err)
    handler.emit(logging.makeLogRecord({"msg": "logged"}))
    assert studio.text() == "logged\n"


# ---------------------------------------------------------------- in sys


def test_installed_streams_are_those_of_sys(studio: Studio) -> None:
    """Also the ones that Python keeps for itself; uninstalling puts all four back."""
    before: tuple[object, ...] = sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__
    studio.streams.install()
    now: tuple[object, ...] = sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__
    print("to us")
    studio.streams.uninstall()
    assert now == (studio.out, studio.err, studio.out, studio.err)
    assert (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__) == before
    assert studio.text() == "to us\n"


class NoWrite:
    """Not a stream at all."""


class Raising:
    """A stream that cannot even be looked at."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(name)


@pytest.mark.parametrize("name", ["stdout", "stderr"])
@pytest.mark.parametrize("broken", [None, 5, NoWrite(), Raising()], ids=lambda value: type(value).__name__)
def test_an_unusable_stream_is_replaced(studio: Studio, name: str, broken: object) -> None:
    """`sys.stdout = None`, or something that is no stream."""
    studio.streams.install()
    setattr(sys, name, broken)
    studio.streams.heal()
    healed = getattr(sys, name)
    studio.streams.uninstall()
    assert healed in (studio.out, studio.err)


def test_a_deleted_stream_is_replaced(studio: Studio) -> None:
    """`del sys.stdout` is possible."""
    studio.streams.install()
    del sys.stdout
    studio.streams.heal()
    healed = sys.stdout
    studio.streams.uninstall()
    assert healed is studio.out


def test_a_closed_stream_is_replaced(studio: Studio) -> None:
    """A file that the cell closed without putting stdout back."""
    studio.streams.install()
    closed = io.StringIO()
    closed.close()
    sys.stdout = closed
    studio.streams.heal()
    healed: object = sys.stdout
    studio.streams.uninstall()
    assert healed is studio.out


def test_a_stream_that_the_user_chose_stays(studio: Studio) -> None:
    """A tee, a StringIO, a redirection over several cells."""
    studio.streams.install()
    chosen = sys.stdout = io.StringIO()
    studio.streams.heal()
    healed = sys.stdout
    studio.streams.uninstall()
    assert healed is chosen


def test_redirection_works(studio: Studio) -> None:
    """`contextlib.redirect_stdout`, both ways."""
    studio.streams.install()
    with contextlib.redirect_stdout(io.StringIO()) as captured:
        print("captured")
    with contextlib.redirect_stdout(sys.stderr):
        print("to stderr")
    studio.streams.uninstall()
    assert captured.getvalue() == "captured\n"
    assert {item[1] for item in studio.taken()} == {"stderr"}  # type: ignore[index]


# ---------------------------------------------------------------- forks


def test_a_forked_child_writes_to_the_descriptor() -> None:
    """The mailbox and its reader stayed in the parent, which reads the descriptor instead."""
    reader, writer = os.pipe()
    mailbox = Mailbox(lambda: None, lambda: None)
    stream = OutputStream("stdout", writer, mailbox, Attribution(), Below())
    child = os.fork()
    if child == 0:
        try:
            stream.after_fork()
            print("from the child \ud800", file=stream)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with open(reader, "rb") as file:
        assert file.read() == b"from the child \\ud800\n"
    assert mailbox.take() == []
