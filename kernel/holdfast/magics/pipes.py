"""What comes out of a child: terminals, pipes, and waiting for them.

It must never lose a byte that was written before its writer ended, nor block on one writer while another waits.
"""

from __future__ import annotations

import codecs
import os
import selectors
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

#: Gets what a child wrote, piece by piece.
Sink = Callable[[str], object]

_CHUNK = 65_536
#: Reads of one turn: a child that writes faster than we read must not keep us here.
_READS = 16
#: Seconds between two looks, where nothing tells us that a child has ended.
TICK = 0.05
WINDOWS = sys.platform == "win32"


class Output:
    """One stream of a child: bytes from a descriptor, text to a sink."""

    def __init__(self, descriptor: int, sink: Sink, encoding: str) -> None:
        self.descriptor = descriptor
        self.ended = False
        self._sink = sink
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")

    def read(self) -> bytes | None:
        """What is there; None for nothing, empty at the end."""
        try:
            return os.read(self.descriptor, _CHUNK)
        except BlockingIOError:
            return None
        except OSError:  # all writers of a terminal are gone
            return b""

    def hand_on(self, data: bytes) -> None:
        """Give the sink what was read."""
        text = self._decoder.decode(data, final=not data)
        if not data:
            self.close()
        if text:
            self._sink(text)

    def close(self) -> None:
        """Read no more."""
        if not self.ended:
            self.ended = True
            os.close(self.descriptor)


class Watch(Protocol):
    """Waits for what the outputs of a child bring."""

    def wait(self, seconds: float | None) -> bool:
        """Hand on what comes within so many seconds; whether anything did."""

    def fileno(self) -> int:
        """A descriptor that is readable when there is something; -1 if there is none like it."""

    def close(self) -> None:
        """Let go."""


class SelectorWatch:
    """By the system's selector, in the thread of the cell; the end of the process, where the system tells it, too."""

    def __init__(self, outputs: Sequence[Output], pid: int) -> None:
        self._selector = selectors.DefaultSelector()
        self._process = _process_descriptor(pid)
        for output in outputs:
            os.set_blocking(output.descriptor, False)
            self._selector.register(output.descriptor, selectors.EVENT_READ, output)
        if self._process >= 0:
            self._selector.register(self._process, selectors.EVENT_READ)

    def wait(self, seconds: float | None) -> bool:
        """See `Watch`."""
        ready = self._selector.select(seconds if self._process >= 0 else min(TICK, seconds or TICK))
        for key, _events in ready:
            if isinstance(key.data, Output):
                self._take(key.data)
            else:
                self._selector.unregister(self._process)
                os.close(self._process)
                self._process = -1
        return bool(ready)

    def _take(self, output: Output) -> None:
        parts = []
        for _ in range(_READS):
            data = output.read()
            if not data:
                break
            parts.append(data)
        if parts:
            output.hand_on(b"".join(parts))
        if data == b"":
            self._selector.unregister(output.descriptor)
            output.hand_on(b"")

    def fileno(self) -> int:
        """See `Watch`."""
        return getattr(self._selector, "fileno", lambda: -1)()

    def close(self) -> None:
        """See `Watch`."""
        self._selector.close()
        if self._process >= 0:
            os.close(self._process)
            self._process = -1


class ThreadWatch:
    """By a thread for each output, where pipes cannot be waited for (Windows)."""

    def __init__(self, outputs: Sequence[Output], _pid: int) -> None:
        from queue import Empty, SimpleQueue

        self._empty: type[Exception] = Empty
        self._arrived: SimpleQueue[tuple[Output, bytes]] = SimpleQueue()
        for output in outputs:
            threading.Thread(target=self._read, args=(output,), name="holdfast-child", daemon=True).start()

    def _read(self, output: Output) -> None:
        data: bytes | None = b" "
        while data:
            data = output.read() or b""
            self._arrived.put((output, data))

    def wait(self, seconds: float | None) -> bool:
        """See `Watch`."""
        try:
            output, data = self._arrived.get(timeout=TICK if seconds is None else min(seconds, TICK))
        except self._empty:
            return False
        output.hand_on(data)
        return True

    def fileno(self) -> int:
        """See `Watch`."""
        return -1

    def close(self) -> None:
        """See `Watch`: its threads end with what they read."""


def encoding() -> str:
    """What children write in: on Windows the code page of the system."""
    import locale

    return locale.getencoding() if WINDOWS else "utf-8"


def _process_descriptor(pid: int) -> int:
    """A descriptor that is readable when the process has ended; -1 where the system has no such thing."""
    opened = getattr(os, "pidfd_open", None)
    try:
        return -1 if opened is None else int(opened(pid))
    except OSError:
        return -1


def terminal() -> tuple[int, int]:
    """The two ends of a terminal of 80 columns that is written to only; of a pipe, where there is no terminal left."""
    import fcntl
    import struct
    import termios

    try:
        reader, both = os.openpty()
    except OSError:
        return os.pipe()
    settings = termios.tcgetattr(both)
    # Lines end with "\r\n", as in outputs that other kernels saved: a notebook's do not all change for ours.
    settings[1] |= termios.OPOST | termios.ONLCR
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(both, termios.TCSANOW, settings)
    fcntl.ioctl(both, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    try:
        # Pagers read their keyboard from stderr when all else fails.
        writer = os.open(os.ttyname(both), os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return reader, both
    os.close(both)
    return reader, writer
