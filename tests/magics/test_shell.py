"""`!command` and `x = !command`, in this process."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from helpers.magic import MagicKernel
from holdfast.magics.shell import Shell, terminal_environment
from holdfast.magics.slist import SList

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="commands of a POSIX shell")


@pytest.fixture
def kernel() -> MagicKernel:
    """A kernel with a variable."""
    return MagicKernel(name="Ada")


@pytest.fixture
def shell(kernel: MagicKernel) -> Shell:
    """Its shell."""
    return Shell(kernel)


def test_a_command_shows_both_its_streams(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """On stdout, in their order."""
    shell("echo a; echo b >&2; echo c")
    assert capsys.readouterr() == ("a\r\nb\r\nc\r\n", "")


def test_its_end_is_a_variable(shell: Shell, kernel: MagicKernel) -> None:
    """`_exit_code`, which the commit is told of."""
    shell("exit 3")
    assert kernel.namespace["_exit_code"] == 3
    assert kernel.touches == [("_exit_code",)]


def test_variables_are_filled_in(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of the session, and the shell's own stay."""
    shell("HERE=x; echo {name} $name ${HERE} $HERE {name.upper()}")
    assert capsys.readouterr().out == "Ada Ada x x ADA\r\n"


def test_lines_are_a_list(shell: Shell, kernel: MagicKernel) -> None:
    """Of both streams, without line ends of any kind; no terminal is seen."""
    found = shell.lines("printf 'a\\r\\n\\nb\\n'; echo {name} >&2; [ -t 1 ] && echo terminal; exit 5")
    assert found == ["a", "", "b", "Ada"]
    assert type(found) is SList
    assert kernel.namespace["_exit_code"] == 5


def test_an_awaited_command_is_filled_in_where_it_stands(
    shell: Shell, kernel: MagicKernel, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the variables of then, before it runs."""
    command = shell.awaited("echo {name}; exit 2")
    kernel.namespace["name"] = "Eve"
    asyncio.run(command)
    assert capsys.readouterr().out == "Ada\r\n"
    assert kernel.namespace["_exit_code"] == 2


def test_a_pager_turns_no_pages(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the person's own is: nobody could press a key."""
    monkeypatch.setenv("PAGER", "less")
    assert shell.lines("echo $PAGER $GIT_PAGER $MANPAGER") == ["cat cat cat"]


@pytest.mark.parametrize(("term", "expected"), [("screen", "xterm-256color"), ("dumb", "dumb"), ("", "xterm-256color")])
def test_colours_are_those_of_jupyter(monkeypatch: pytest.MonkeyPatch, term: str, expected: str) -> None:
    """Not those of the terminal that the server was started in; a session can be set to have none."""
    monkeypatch.setenv("TERM", term)
    assert terminal_environment()["TERM"] == expected


def test_it_runs_where_the_kernel_is(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: os.PathLike[str]) -> None:
    """In its folder, with its environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINE", "yes")
    assert shell.lines("pwd; echo $MINE") == [str(tmp_path), "yes"]
