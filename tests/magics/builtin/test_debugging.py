"""`%debug`, `%%debug`, `%pdb` and Python's debugger as cells have it, over the kernel in memory."""

from __future__ import annotations

import bdb
import builtins
import sys
from collections.abc import Callable

import pytest

from helpers.magic import MagicKernel
from holdfast.errors import StdinNotImplementedError
from holdfast.magics.builtin import debugger
from holdfast.magics.words import BadWords

Answer = Callable[..., list[str]]


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Answer:
    """What is typed at the prompts; gives the list of prompts that were asked."""
    monkeypatch.setattr(debugger, "labels", {"<piece>": "Cell In[1]"})

    def answer(*lines: str) -> list[str]:
        asked: list[str] = []
        typed = iter(lines)

        def fake_input(prompt: str = "") -> str:
            asked.append(prompt)
            try:
                return next(typed)
            except StopIteration:
                raise StdinNotImplementedError("input") from None

        monkeypatch.setattr(builtins, "input", fake_input)
        return asked

    return answer


@pytest.fixture
def kernel() -> MagicKernel:
    """Its last cell has failed in a function."""
    kernel = MagicKernel()
    try:
        kernel.run("def f(a):\n    b = a * 2\n    return 1 / 0\nf(4)")
    except ZeroDivisionError as error:
        kernel.last_error = error
    return kernel


def test_the_last_error_is_looked_at(kernel: MagicKernel, answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    """From the frame where it was raised; up stops at the cell."""
    asked = answer("p b", "up", "up", "q")
    kernel.line("debug")
    out = capsys.readouterr().out
    assert asked == ["ipdb> "] * 4
    assert out.startswith("> Cell In[1](3)f()\n")
    assert "\n8\n" in out
    assert "> Cell In[1](4)<module>()" in out
    assert "*** Oldest frame" in out


def test_without_an_error_there_is_nothing_to_look_at(capsys: pytest.CaptureFixture[str]) -> None:
    """It says so."""
    MagicKernel().line("debug")
    assert "no error yet" in capsys.readouterr().err


def test_variables_may_be_others_afterwards(
    kernel: MagicKernel, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever commits is told."""
    told: list[bool] = []
    monkeypatch.setattr(debugger, "touched", lambda: told.append(True))
    answer("q")
    kernel.line("debug")
    assert told == [True]


def test_where_nobody_can_answer_it_is_said(kernel: MagicKernel, answer: Answer) -> None:
    """No hang, no loop."""
    answer()
    with pytest.raises(StdinNotImplementedError):
        kernel.line("debug")


def test_an_interrupt_leaves_the_prompt(kernel: MagicKernel, answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cell ends with it."""

    def interrupted(_prompt: str = "") -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(builtins, "input", interrupted)
    with pytest.raises(KeyboardInterrupt):
        kernel.line("debug")


def test_a_cell_is_stepped_through(kernel: MagicKernel, answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    """From its first line; nothing is traced afterwards."""
    before = sys.gettrace()
    try:
        answer("n", "c")
        kernel.run("%%debug\nx = 1\ny = x + 1\n")
        after = sys.gettrace()
    finally:
        sys.settrace(before)
    out = capsys.readouterr().out
    assert (kernel.namespace["y"], after) == (2, None)
    assert out.index("> Cell In[1](2)<module>()") < out.index("> Cell In[1](3)<module>()")


def test_a_statement_can_be_left(kernel: MagicKernel, answer: Answer) -> None:
    """`q` ends it, and that is no error."""
    before = sys.gettrace()
    try:
        answer("q")
        kernel.line("debug never = 1")
    finally:
        sys.settrace(before)
    assert "never" not in kernel.namespace


def test_the_debugger_never_takes_the_interrupt(answer: Answer) -> None:
    """`pdb` would set a handler of its own when it goes on."""
    made = debugger.Debugger(nosigint=False)
    assert made.nosigint is True
    assert issubclass(debugger.Debugger, bdb.Bdb)


@pytest.mark.parametrize(
    ("words", "states"), [(["on", "off"], [True, False]), (["", ""], [True, False]), (["1"], [True])]
)
def test_each_error_can_open_it(words: list[str], states: list[bool], capsys: pytest.CaptureFixture[str]) -> None:
    """`%pdb` changes it and says how it is."""
    kernel = MagicKernel()
    seen = []
    for word in words:
        kernel.line(f"pdb {word}")
        seen.append(kernel.options.pdb)
    said = "".join(f"Automatic pdb calling has been turned {'ON' if state else 'OFF'}\n" for state in states)
    assert (seen, capsys.readouterr().out) == (states, said)


def test_another_word_is_said() -> None:
    """It is neither on nor off."""
    with pytest.raises(BadWords, match="neither"):
        MagicKernel().line("pdb maybe")
