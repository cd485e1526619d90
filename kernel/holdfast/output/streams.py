"""`sys.stdout` and `sys.stderr` of the user's code.

They must never block on a client, raise because a client is gone, or depend on what user code did to the
original streams or to file descriptors 1 and 2.
"""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Protocol

from holdfast.output.attribution import MUTED, TOKEN, Attribution
from holdfast.output.mailbox import Mailbox

#: Characters of one line that a forked child holds back at most.
LINE = 8192


class Pending(Protocol):
    """What was written below Python (file descriptors 1 and 2) and comes before the next `print`."""

    def collect_if_any(self) -> None:
        """Put it into the mailbox now."""

    def divert(self, name: str, sink: Callable[[str], object]) -> Callable[[], None]:
        """Give it to `sink` instead, until what is returned is called."""


class OutputStream(io.TextIOBase):
    """A text stream whose writes become stream messages of the cell they belong to.

    `fileno()` is the real descriptor (1 or 2), so that `subprocess.run(..., stdout=sys.stdout)` works.
    """

    def __init__(self, name: str, descriptor: int, mailbox: Mailbox, attribution: Attribution, below: Pending) -> None:
        super().__init__()
        self._stream = name
        self._descriptor = descriptor
        self._mailbox = mailbox
        self._attribution = attribution
        self._below = below
        self._post = mailbox.write
        self._collect = below.collect_if_any
        self._line_ended = True
        self._forked = False
        self._line_lock = threading.Lock()
        self._line = ""
        self._buffer: _Binary | None = None

    name = property(lambda self: f"<{self._stream}>")
    encoding = "UTF-8"
    errors = "backslashreplace"
    newlines = None
    mode = "w"
    line_buffering = True
    write_through = True

    @property
    def buffer(self) -> _Binary:
        """A binary stream that decodes into this one."""
        if self._buffer is None:
            self._buffer = _Binary(self)
        return self._buffer

    def divert(self, sink: Callable[[str], object]) -> Callable[[], None]:
        """Give `sink` what C code and children write, until what is returned is called."""
        return self._below.divert(self._stream, sink)

    def collect(self) -> None:
        """Take in what C code and children have written so far."""
        self._collect()

    def write(self, text: str) -> int:
        """Append `text`; returns the number of characters."""
        if type(text) is not str:
            if not isinstance(text, str):
                raise TypeError(f"write() argument must be str, not {type(text).__name__}")
            text = str.__str__(text)
        if self._forked:
            return self._write_below(text)
        token = TOKEN.get()
        if token is MUTED:
            return len(text)
        # The newline that ends a `print` follows its text at once; a bare `print()` follows nothing.
        if text != "\n" or self._line_ended:
            self._collect()
        self._line_ended = text[-1:] == "\n"
        attribution = self._attribution
        if token is None or attribution._follow_newest:
            token = attribution.newest
        if text:
            self._post((token, self._stream, text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]
        """Write each of `lines`."""
        for line in lines:
            self.write(line)

    def _write_below(self, text: str) -> int:
        """In a forked child: the parent reads our descriptor and knows nothing of our mailbox.

        A line is written whole, like by Python's own stream: `print` writes its newline apart, and that of a
        sibling would come in between.
        """
        with self._line_lock:
            self._line += text
            if "\n" in text or len(self._line) > LINE:
                self._flush_below()
        return len(text)

    def _flush_below(self) -> None:
        data, self._line = self._line.encode("utf-8", "backslashreplace"), ""
        while data:
            data = data[os.write(self._descriptor, data) :]

    def after_fork(self) -> None:
        """This process is a child: the kernel thread and its queue stayed in the parent."""
        self._forked = True
        self._line_lock = threading.Lock()  # a thread of the parent's may have held it
        self._line = ""

    def flush(self) -> None:
        """Text leaves by itself, but for the unfinished line of a forked child."""
        if self._forked:
            with self._line_lock:
                self._flush_below()

    def fileno(self) -> int:
        """The descriptor that C code and children write to; its output reaches the same cell."""
        return self._descriptor

    def isatty(self) -> bool:
        """Never a terminal."""
        return False

    def readable(self) -> bool:
        """Never."""
        return False

    def writable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Never."""
        return False

    def close(self) -> None:
        """Ignored: the next cell needs the stream."""

    @property
    def closed(self) -> bool:
        """Never."""
        return False

    def reconfigure(self, **_settings: object) -> None:
        """Accepted as `io.TextIOWrapper` does; nothing of it applies."""

    def __del__(self) -> None:
        """io's own would call close."""


class _Binary(io.BufferedIOBase):
    """`sys.stdout.buffer`."""

    def __init__(self, text: OutputStream) -> None:
        super().__init__()
        self._text = text
        self.raw = self
        import codecs

        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def write(self, data: object) -> int:
        """Decode and write; an incomplete character waits for its rest."""
        raw = memoryview(data).tobytes()  # type: ignore[arg-type]
        self._text.write(self._decoder.decode(raw))
        return len(raw)

    def writable(self) -> bool:
        """Always."""
        return True

    def fileno(self) -> int:
        """That of the text stream."""
        return self._text.fileno()

    def isatty(self) -> bool:
        """Never a terminal."""
        return False

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Ignored, as for the text stream."""

    def __del__(self) -> None:
        """io's own would call close."""


class Streams:
    """Our two streams in `sys`, put back when user code left something unusable there."""

    def __init__(self, mailbox: Mailbox, attribution: Attribution, below: Pending) -> None:
        self.out = OutputStream("stdout", 1, mailbox, attribution, below)
        self.err = OutputStream("stderr", 2, mailbox, attribution, below)
        self._undo: Callable[[], None] | None = None

    def install(self) -> None:
        """Become `sys.stdout` and `sys.stderr`, and stay writable in forked children."""
        was = sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__
        sys.stdout, sys.stderr = self.out, self.err
        sys.__stdout__, sys.__stderr__ = self.out, self.err  # type: ignore[misc, assignment]
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.after_fork)

        def undo() -> None:
            sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__ = was  # type: ignore[misc]

        self._undo = undo

    def after_fork(self) -> None:
        """This process is a child."""
        self.out.after_fork()
        self.err.after_fork()

    def heal(self) -> None:
        """Before a cell: a stream that is None or closed is replaced; one that the user chose stays."""
        out, err = getattr(sys, "stdout", None), getattr(sys, "stderr", None)  # `del sys.stdout` is possible
        if out is not self.out and _unusable(out):
            sys.stdout = self.out
        if err is not self.err and _unusable(err):
            sys.stderr = self.err

    def uninstall(self) -> None:
        """Put back the streams that were there before."""
        if self._undo is not None:
            self._undo()
            self._undo = None


def _unusable(stream: object) -> bool:
    try:
        return not callable(getattr(stream, "write", None)) or getattr(stream, "closed", False) is True
    except Exception:
        return True
