"""Output of C code and of child processes: file descriptors 1 and 2, read through pipes.

It must never let a full pipe block a writer for good: the kernel thread reads it, whatever the main thread
does.  Order with `print` is kept by looking at the pipes before each write of ours (half a microsecond).

Rejected: sending our own text through the pipes too (exact order for free, but a system call for each write
and no way to tell whose text it is); reading only at the end of a cell (a child that writes 64 KiB stops).
"""

from __future__ import annotations

import codecs
import os
import select
import sys
import threading
from collections.abc import Callable

from holdfast.output.attribution import Attribution
from holdfast.output.mailbox import Mailbox

_CHUNK = 65_536


class Descriptors:
    """Descriptors 1 and 2 of this process, turned into pipes that we read."""

    def __init__(self, mailbox: Mailbox, attribution: Attribution) -> None:
        self._mailbox = mailbox
        self._attribution = attribution
        self._lock = threading.Lock()
        self._ends: list[_End] = []
        self._ready = _never

    def install(self) -> None:
        """Put the pipes in place.  The original descriptors live on: the second is where our log goes.

        On Windows a pipe cannot be waited for together with sockets; output of C code and of children stays
        with the launcher there.
        """
        if os.name != "posix":
            return
        self._ends = [_End(1, "stdout"), _End(2, "stderr")]
        if hasattr(select, "poll"):
            poll = select.poll()
            for end in self._ends:
                poll.register(end.reader, select.POLLIN)
            self._ready = poll.poll  # type: ignore[assignment]
        os.register_at_fork(after_in_child=self._after_fork)

    def _after_fork(self) -> None:
        """This process is a child: what it reads from the pipes would be missing in the parent.

        And with a reader of its own it would wait on a full pipe for ever once the kernel is gone.
        """
        for end in self._ends:
            try:
                os.close(end.reader)
            except OSError:
                continue
        self._ends = []
        self._ready = _never
        self._lock = threading.Lock()

    @property
    def readers(self) -> tuple[int, ...]:
        """The descriptors to watch for what was written below Python."""
        return tuple(end.reader for end in self._ends)

    @property
    def original_stderr(self) -> int:
        """Where the launcher reads our log."""
        return self._ends[1].original if self._ends else 2

    def collect_if_any(self) -> None:
        """What was written below Python goes before what we are about to write.

        1. The kernel thread has read the child's bytes and has not appended them yet.
        2. The main thread finds the pipe empty and appends its own text: the order is lost.
        So a held lock counts as "something is there", and is waited for; so does another thread that is
        looking at this moment, which a poll object refuses.
        """
        try:
            if not self._lock.locked() and not self._ready(0):
                return
        except RuntimeError:
            pass
        self.collect()

    def collect(self) -> None:
        """Read the pipes until they are empty."""
        with self._lock:
            for end in self._ends:
                text = end.read()
                if text and end.sink is not None:
                    end.sink(text)
                elif text:
                    self._mailbox.write((self._attribution.newest, end.name, text))

    def divert(self, name: str, sink: Callable[[str], object]) -> Callable[[], None]:
        """Give `sink` the text of one descriptor until what is returned is called; it must only keep it."""
        self.flush_c()
        self.collect_if_any()
        found = [(end, end.sink) for end in self._ends if end.name == name]
        for end, _before in found:
            end.sink = sink

        def undo() -> None:
            self.flush_c()
            self.collect()
            for end, before in found:
                end.sink = before

        return undo

    def heal(self) -> None:
        """Before a cell: a descriptor that user code closed or redirected is put back."""
        for end in self._ends:
            end.heal()

    def flush_c(self) -> None:
        """After a cell that used ctypes: C's own buffers hold text, because a pipe is no terminal."""
        ctypes = sys.modules.get("ctypes")
        if ctypes is not None and os.name == "posix":
            try:
                ctypes.CDLL(None).fflush(None)
            except Exception:
                return

    def uninstall(self) -> None:
        """Give the original descriptors back."""
        self.collect()
        for end in self._ends:
            end.close()
        self._ends = []
        self._ready = _never


class _End:
    """One captured descriptor."""

    def __init__(self, target: int, name: str) -> None:
        self.target = target
        self.name = name
        #: Who gets the text instead of the mailbox.
        self.sink: Callable[[str], object] | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.original = os.dup(target) if _is_open(target) else os.open(os.devnull, os.O_WRONLY)
        self.reader, self._writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.dup2(self._writer, target)
        self._inode = os.fstat(self._writer).st_ino

    def read(self) -> str:
        parts: list[bytes] = []
        # Bounded: a child that writes faster than we read must not keep us here.
        while len(parts) < 64:
            try:
                data = os.read(self.reader, _CHUNK)
            except (BlockingIOError, OSError):
                break
            if not data:
                break
            parts.append(data)
            if len(data) < _CHUNK:
                break
        return self._decoder.decode(b"".join(parts)) if parts else ""

    def heal(self) -> None:
        try:
            if os.fstat(self.target).st_ino == self._inode:
                return
        except OSError:
            pass
        try:
            os.dup2(self._writer, self.target)
        except OSError:  # our own end was closed too (os.closerange): there is nothing left to put back
            return

    def close(self) -> None:
        os.dup2(self.original, self.target)
        for descriptor in (self.reader, self._writer, self.original):
            try:
                os.close(descriptor)
            except OSError:
                continue


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _never(_timeout: int) -> bool:
    return False
