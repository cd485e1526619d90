"""`input()` and `getpass()`: prompts for the person at the keyboard."""

from __future__ import annotations

import pytest

from helpers.kernel import Kernel, wait_for


def test_input_asks_and_returns_the_answer(kernel: Kernel) -> None:
    """A prompt reaches the client's stdin channel, and its answer the cell."""
    result = kernel.run("name = input('Name: '); name", answers=["Ada"])
    assert (result.asked, result.result) == ([("Name: ", False)], "'Ada'")


def test_input_works_on_every_execution(kernel: Kernel) -> None:
    """The fifth input() works like the first."""
    for n in range(5):
        assert kernel.run("input()", answers=[f"answer {n}"]).result == f"'answer {n}'"


def test_one_cell_may_ask_many_times(kernel: Kernel) -> None:
    """Prompts of one cell come one after the other, in order."""
    result = kernel.run("[input(f'{n}? ') for n in range(4)]", answers=list("abcd"))
    assert result.asked == [(f"{n}? ", False) for n in range(4)]
    assert result.result == "['a', 'b', 'c', 'd']"


def test_getpass_asks_for_a_password(kernel: Kernel) -> None:
    """getpass() asks with password set, and so does the name imported from the module."""
    result = kernel.run("from getpass import getpass\ngetpass('PIN: ')", answers=["1234"])
    assert (result.asked, result.result) == ([("PIN: ", True)], "'1234'")


def test_getpass_has_its_usual_prompt(kernel: Kernel) -> None:
    """Without an argument getpass asks for the password."""
    assert kernel.run("import getpass as g; g.getpass()", answers=["x"]).asked == [("Password: ", True)]


def test_a_prompt_belongs_to_its_cell(kernel: Kernel) -> None:
    """The parent of an input_request is the cell that asks, and it goes to the client that sent it."""
    other = kernel.another_client()
    try:
        result = kernel.execute("input()")
        kernel.wait_for_prompt(result)
        assert not [m for m in other.arrived if m.channel == "stdin"]
        kernel.answer("mine")
        assert kernel.finish(result, ["unused"]).result == "'mine'"
    finally:
        other.close()


def test_what_was_printed_before_a_prompt_is_shown_before_it(kernel: Kernel) -> None:
    """Output of the cell does not wait for the answer."""
    result = kernel.execute("print('before'); input()")
    kernel.wait_for_prompt(result)
    kernel.until(lambda: result.stdout, "the text printed before the prompt")
    assert result.stdout == "before\n"
    kernel.answer("")
    kernel.until(lambda: result.is_done, "the end")


@pytest.mark.parametrize("answer", ["", "  spaces  ", "\u2603 \U0001f600", "two\nlines", "x" * 1_000_000])
def test_any_text_is_an_answer(kernel: Kernel, answer: str) -> None:
    """Answers arrive as they were typed, however long and in any script."""
    kernel.run("got = input()", answers=[answer])
    assert kernel.run("(len(got), got[:20])").result == repr((len(answer), answer[:20]))


@pytest.mark.parametrize("call", ["input()", "__import__('getpass').getpass()"])
def test_no_client_no_prompt(kernel: Kernel, call: str) -> None:
    """With allow_stdin=False a prompt is an error at once; it says what to do."""
    result = kernel.run(call, allow_stdin=False)
    assert result.reply["ename"] == "StdinNotImplementedError"
    assert "does not answer prompts" in result.reply["evalue"]
    assert result.asked == []


def test_end_of_file_raises(kernel: Kernel) -> None:
    """Ctrl-D, which clients send as \\x04, is EOFError."""
    assert kernel.run("input()", answers=["\x04"]).reply["ename"] == "EOFError"


def test_input_takes_one_argument(kernel: Kernel) -> None:
    """The prompt is shown as text, whatever it is; more arguments are a TypeError, as in Python."""
    assert kernel.run("input(5)", answers=["x"]).asked == [("5", False)]
    assert kernel.run("input(1, 2)").reply["ename"] == "TypeError"


def test_builtins_input_asks_too(kernel: Kernel) -> None:
    """Library code, which finds input() among the builtins, asks the same way."""
    assert kernel.run("import builtins; builtins.input('b')", answers=["x"]).asked == [("b", False)]


def test_a_deleted_input_comes_back(kernel: Kernel) -> None:
    """`del input` costs the next cell nothing."""
    kernel.run("globals().pop('input', None); import builtins; del builtins.input")
    assert kernel.run("input()", answers=["back"]).result == "'back'"


def test_a_rebound_input_stays(kernel: Kernel) -> None:
    """A name that the user bound is the user's, until it is deleted."""
    kernel.run("input = lambda: 'mine'")
    assert kernel.run("input()").result == "'mine'"
    kernel.run("del input")
    assert kernel.run("input()", answers=["x"]).result == "'x'"


def test_a_task_asks(kernel: Kernel) -> None:
    """input() in an async cell blocks the loop and works."""
    code = "async def ask():\n    return input('async? ')\nawait ask()"
    assert kernel.run(code, answers=["yes"]).result == "'yes'"


def test_a_thread_asks(kernel: Kernel) -> None:
    """A thread of the cell asks in the name of the cell."""
    code = "import threading\ngot = []\nt = threading.Thread(target=lambda: got.append(input('t? ')))\n"
    result = kernel.run(code + "t.start(); t.join(); got", answers=["from a thread"])
    assert (result.asked, result.result) == ([("t? ", False)], "['from a thread']")


def test_two_threads_ask_one_after_the_other(kernel: Kernel) -> None:
    """Prompts that meet take turns, so that an answer belongs to the prompt that was shown."""
    code = (
        "import threading\ngot = {}\n"
        "def ask(n): got[n] = input(str(n))\n"
        "ts = [threading.Thread(target=ask, args=(n,)) for n in range(3)]\n"
        "[t.start() for t in ts]; [t.join() for t in ts]; got"
    )
    result = kernel.execute(code)
    for n in range(3):
        kernel.until(lambda n=n: len([m for m in result.messages if m.channel == "stdin"]) == n + 1, "a prompt")  # type: ignore[misc]
        kernel.answer("to " + [m for m in result.messages if m.channel == "stdin"][-1].content["prompt"])
    kernel.until(lambda: result.is_done, "the end")
    assert kernel.run("got == {n: f'to {n}' for n in range(3)}").result == "True"


def test_an_answer_without_a_prompt_is_ignored(kernel: Kernel) -> None:
    """An input_reply that nobody waits for answers no later prompt."""
    kernel.answer("stray")
    kernel.run("1")
    assert kernel.run("input()", answers=["real"]).result == "'real'"


def test_a_late_answer_does_not_answer_the_next_prompt(kernel: Kernel) -> None:
    """After an interrupted prompt, its answer is ignored."""
    result = kernel.execute("input('first')")
    kernel.wait_for_prompt(result)
    kernel.interrupt()
    kernel.until(lambda: result.is_done, "the end of the interrupted prompt")
    assert result.reply["ename"] == "KeyboardInterrupt"
    ignored = "ignored an input_reply"
    before = kernel.process.log.count(ignored)
    kernel.answer("late")
    # The channels have no order among them: had it come after the next prompt, it would be an answer to that one.
    wait_for(lambda: kernel.process.log.count(ignored) > before, "the log's line about the late answer")
    assert kernel.run("input('second')", answers=["good"]).result == "'good'"


def test_sys_stdin_is_not_the_launchers(kernel: Kernel) -> None:
    """A cell that reads sys.stdin gets end of file or an error, and does not hang."""
    result = kernel.run("import sys; line = sys.stdin.readline() if sys.stdin else ''\nline")
    assert result.result == "''"
