"""jupyter console on the kernel, through a pseudo-terminal: what a person at a plain terminal does.

It must never reach into the kernel: what is typed goes through the console's own prompt, what is seen is its
screen. The evidence is always something that the typed line does not contain, because the terminal echoes it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from helpers.peers import KERNEL, Household, PeerEnvironment
from helpers.terminal import END_OF_FILE, ENTER, INTERRUPT, Terminal

pytestmark = pytest.mark.timeout(600, func_only=True)


@pytest.fixture
def console(peers: PeerEnvironment, household: Household) -> Iterator[Terminal]:
    """A console whose first prompt has been seen."""
    command = peers.command("jupyter_console", "--kernel", KERNEL)
    with Terminal(command, env=household.environment(), cwd=household.work) as terminal:
        terminal.wait_for(r"In \[1\]: ", timeout_s=180)
        yield terminal


def run(console: Terminal, code: str) -> None:
    """Type one line of code and press Enter."""
    console.press(code + ENTER)


def test_shows_the_value_of_an_expression(console: Terminal) -> None:
    """`1+1` is answered by `Out[1]: 2`, and the next prompt counts on."""
    run(console, "1+1")
    console.wait_for(r"Out\[1\]: 2\n")
    console.wait_for(r"In \[2\]: ")


def test_awaits_at_the_top_level(console: Terminal) -> None:
    """An `await` outside of any function gives its value."""
    run(console, "import asyncio")
    console.wait_for(r"In \[2\]: ")
    run(console, "await asyncio.sleep(0, 'x' * 3)")
    console.wait_for(r"Out\[2\]: 'xxx'\n")


def test_answers_an_input(console: Terminal) -> None:
    """The prompt of `input()` is shown, and what is typed after it is the value."""
    run(console, "answer = input('na' + 'me? ')")
    console.wait_for(r"name\? ")
    console.press("ada\n")
    console.wait_for(r"In \[2\]: ")
    run(console, "answer.upper()")
    console.wait_for(r"Out\[2\]: 'ADA'\n")


def test_interrupts_a_loop_and_goes_on(console: Terminal) -> None:
    """Ctrl-C ends `while True: pass` with KeyboardInterrupt, and the next cell has the names of before."""
    console.paste("kept = 6\nprint('go' + 'ing')\nwhile True: pass\n\n")
    run(console, "")
    console.wait_for(r"going\n")
    console.press(INTERRUPT)
    console.wait_for(r"KeyboardInterrupt")
    console.wait_for(r"In \[2\]: ")
    run(console, "kept * 7")
    console.wait_for(r"Out\[2\]: 42\n")


def test_leaves_at_the_end_of_input(console: Terminal) -> None:
    """Ctrl-D asks whether to leave; after a yes the console shuts the kernel down and ends with code 0."""
    run(console, "1+1")
    console.wait_for(r"In \[2\]: ")
    console.press(END_OF_FILE)
    console.wait_for(r"really want to exit \(\[y\]/n\)\?")
    console.press("y\n")
    console.wait_for(r"Shutting down kernel")
    assert console.wait_end() == 0
