"""A program on a pseudo-terminal, typed at and read like a person would.

It must never leave its program behind: closing ends the whole process group of the terminal.

Rejected: `pty.fork` (it forks a process that may have threads, which Python warns about, and warnings are
errors here); `preexec_fn` to take the terminal (the same); pexpect (one more dependency for what `select`
does).
"""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

INTERRUPT = "\x03"
END_OF_FILE = "\x04"
ENTER = "\r"
TAB = "\t"

# What moves the cursor, sets colours or titles; it is not text.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # control sequences
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # operating system commands, such as the title
    r"|\x1b[@-Z\\-_=>78]"  # two-character sequences
    r"|[\x00-\x06\x08\x0b-\x1a\x7f]"
)

# Only the leader of a new session can take a terminal, and only from within.
_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios\nfcntl.ioctl(0, termios.TIOCSCTTY, 0)\nos.execv(sys.argv[1], sys.argv[1:])\n"
)


class Terminal:
    """A running program, its keyboard and what it has written to its screen.

    `screen` is all text so far with escape sequences taken out; `wait_for` looks only at what came after the
    last match, so that an echo seen once is not found twice.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        rows: int = 50,
        columns: int = 120,
    ) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._descriptor = ours
        self._raw = b""
        self._seen = 0
        self._closed = False
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _TAKE_TERMINAL, *command],
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                cwd=cwd,
                # The program would wait for the terminal to report where its cursor is; this one has none.
                env={**env, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"},
                start_new_session=True,
            )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)

    @property
    def screen(self) -> str:
        """All text written so far, without escape sequences."""
        return _ESCAPES.sub("", self._raw.decode("utf-8", "replace")).replace("\r\n", "\n")

    def press(self, text: str) -> None:
        """Press the keys of `text`."""
        keys = text.encode()
        while keys:
            keys = keys[os.write(self._descriptor, keys) :]

    def paste(self, text: str) -> None:
        """Paste `text`, which may have several lines, as one insertion (bracketed paste)."""
        self.press(f"\x1b[200~{text}\x1b[201~")

    def wait_for(self, pattern: str, *, timeout_s: float = 90.0) -> re.Match[str]:
        """Read until `pattern` is on the screen after the last match, and return the match.

        Raises:
            AssertionError: the program ended, or `timeout_s` passed, before it came; with the screen.
        """
        wanted = re.compile(pattern)
        deadline = time.monotonic() + timeout_s
        while True:
            found = wanted.search(self.screen, self._seen)
            if found is not None:
                self._seen = found.end()
                return found
            if not self._read(deadline):
                raise AssertionError(f"{pattern!r} did not come; since the last match:\n{self.unseen}")

    @property
    def unseen(self) -> str:
        """The text after the last match."""
        return self.screen[self._seen :]

    def wait_end(self, *, timeout_s: float = 90.0) -> int:
        """Read until the program has ended and return its exit code.

        Raises:
            AssertionError: it still runs after `timeout_s`; with the screen.
        """
        deadline = time.monotonic() + timeout_s
        while self._read(deadline):
            pass
        try:
            return self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the program did not end; since the last match:\n{self.unseen}") from None

    def _read(self, deadline: float) -> bool:
        """Read once; False when the program closed its terminal or the deadline has passed."""
        readable, _, _ = select.select([self._descriptor], [], [], max(0.0, deadline - time.monotonic()))
        if not readable:
            return False
        try:
            chunk = os.read(self._descriptor, 65536)
        except OSError as error:
            # Linux says EIO where the other end of a terminal is closed.
            if error.errno != errno.EIO:
                raise
            return False
        self._raw += chunk
        return bool(chunk)

    def close(self, *, grace_s: float = 30.0) -> None:
        """Hang up; end the program and its process group if they are not gone after `grace_s`."""
        if self._closed:
            return
        self._closed = True
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGHUP)
            try:
                self.process.wait(grace_s)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
