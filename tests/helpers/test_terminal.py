"""The terminal passes keys and signals to its program, shows plain text, and leaves nothing running."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import pytest

from helpers.terminal import END_OF_FILE, INTERRUPT, Terminal


def python(code: str, folder: Path) -> Terminal:
    """A terminal in which Python runs `code`."""
    return Terminal([sys.executable, "-I", "-S", "-c", code], env=os.environ, cwd=folder)


def test_shows_text_without_escape_sequences(tmp_path: Path) -> None:
    """Colours, cursor movements and titles are not on the screen, which ends lines with a line feed."""
    with python(r"print('\x1b]0;title\x07\x1b[1;31mred\x1b[0m\x1b[2K and\x1b[?25h plain')", tmp_path) as terminal:
        assert terminal.wait_end() == 0
    assert terminal.screen == "red and plain\n"


def test_passes_a_typed_line(tmp_path: Path) -> None:
    """What is typed is echoed, and arrives in the program."""
    with python("print(input('? ').upper())", tmp_path) as terminal:
        terminal.wait_for(r"\? ")
        terminal.press("typed\n")
        terminal.wait_for("TYPED\n")
        assert terminal.wait_end() == 0


def test_finds_a_text_only_once(tmp_path: Path) -> None:
    """A match is looked for after the last one."""
    with python("print('one two one')", tmp_path) as terminal:
        terminal.wait_for("one")
        assert terminal.wait_for("one").start() == len("one two ")
        with pytest.raises(AssertionError, match="'one' did not come"):
            terminal.wait_for("one")


def test_passes_an_interrupt_as_a_signal(tmp_path: Path) -> None:
    """Ctrl-C reaches the program as SIGINT: the terminal controls it."""
    with python("import signal; print('ready', flush=True); signal.pause()", tmp_path) as terminal:
        terminal.wait_for("ready\n")
        terminal.press(INTERRUPT)
        terminal.wait_for("KeyboardInterrupt")


def test_passes_the_end_of_input(tmp_path: Path) -> None:
    """Ctrl-D ends the input of a program that reads lines."""
    with python("import sys; print('ready', flush=True); print(repr(sys.stdin.read()))", tmp_path) as terminal:
        terminal.wait_for("ready\n")
        terminal.press(END_OF_FILE)
        terminal.wait_for("''\n")


def test_says_what_is_on_the_screen_when_the_text_does_not_come(tmp_path: Path) -> None:
    """The error of a wait in vain holds the screen."""
    with (
        python("print('something else'); input()", tmp_path) as terminal,
        pytest.raises(AssertionError, match="something else"),
    ):
        terminal.wait_for("awaited", timeout_s=0.5)


def test_ends_a_program_that_does_not_leave(tmp_path: Path) -> None:
    """Closing ends a program that ignores the hang-up."""
    code = "import signal; signal.signal(1, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
    with python(code, tmp_path) as terminal:
        terminal.wait_for("deaf\n")
        terminal.close(grace_s=0.1)
        assert not psutil.pid_exists(terminal.process.pid)
