"""`input()` and `getpass()`: a prompt is a promise, answered once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from holdfast.engine.memory import MemoryEngine
from holdfast.errors import StdinNotImplementedError
from holdfast.stdin.prompts import Prompts

HANG = 20.0


class Room:
    """Prompts over the memory engine; `answers` is what the person says to each prompt, in order."""

    def __init__(self, *answers: str | Callable[[], None]) -> None:
        self.engine = MemoryEngine(lambda: 0.0)
        self.answers = list(answers)
        self.asked: list[tuple[object, str, bool]] = []
        self.who: tuple[object, bool, str] = ("token", True, "k1-c1")
        self.prompts = Prompts(self.engine, lambda: self.who, self._ask)

    def _ask(self, token: object, prompt: str, password: bool) -> None:
        self.asked.append((token, prompt, password))
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, str):
                assert self.prompts.answer(answer)
            else:
                answer()


def _in_thread(call: Callable[[], str]) -> Future[str]:
    future: Future[str] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def test_input_asks_and_returns_the_answer() -> None:
    """The prompt goes to the client whose cell asks."""
    room = Room("Ada")
    assert room.prompts.input("name? ") == "Ada"
    assert room.asked == [("token", "name? ", False)]


def test_input_takes_any_prompt() -> None:
    """Like Python's own: anything that has a `str`, or nothing."""
    room = Room("", "")
    room.prompts.input(5)
    room.prompts.input()
    assert [prompt for _, prompt, _ in room.asked] == ["5", ""]


@pytest.mark.parametrize("keywords", [{}, {"stream": object()}, {"echo_char": "*"}])
def test_getpass_hides_what_is_typed(keywords: dict[str, object]) -> None:
    """It asks for a password; the signature is that of the standard library."""
    room = Room("secret")
    assert room.prompts.getpass(**keywords) == "secret"  # type: ignore[arg-type]
    assert room.asked == [("token", "Password: ", True)]


@pytest.mark.parametrize("function", ["input", "getpass"])
def test_a_client_that_cannot_answer_is_not_asked(function: str) -> None:
    """The error is the one that clients expect, names the function and says what to do."""
    room = Room()
    room.who = ("token", False, "")
    with pytest.raises(StdinNotImplementedError, match=rf"{function}\(\) was called") as caught:
        getattr(room.prompts, function)("? ")
    assert isinstance(caught.value, NotImplementedError)
    assert room.asked == []


def test_the_end_of_input_is_an_eoferror() -> None:
    """Ctrl-D in a console arrives as "\\x04"."""
    with pytest.raises(EOFError):
        Room("\x04").prompts.input()


def test_a_prompt_is_a_promise_before_it_is_sent() -> None:
    """Whoever hears of the prompt finds its promise open, with what was asked and the tag of outside answers."""
    room = Room()
    found: list[tuple[str, object, object]] = []

    def look() -> None:
        found.extend((promise.id, promise.param, promise.tags) for promise in room.engine.list_open())
        room.prompts.answer("x")

    room.answers = [look]
    room.prompts.input("name? ")
    param = {"prompt": "name? ", "password": False}
    assert found == [("k1-c1-i1", param, {"resonate:external": "true"})]
    assert room.engine.list_open() == []


def test_an_answer_from_outside_counts() -> None:
    """P5: whoever settles the promise first has answered; the client's later answer changes nothing."""
    room = Room()
    room.answers = [lambda: room.engine.settle("k1-c1-i1", "resolved", "from outside")]  # type: ignore[list-item]
    assert room.prompts.input() == "from outside"
    assert not room.prompts.answer("too late")


def test_an_answer_without_a_prompt_is_refused() -> None:
    """Nothing is open, so nothing is kept for a later prompt."""
    assert not Room().prompts.answer("x")


def test_each_prompt_of_a_cell_is_a_promise_of_its_own() -> None:
    """They are numbered within the cell."""
    room = Room("a", "b")
    assert [room.prompts.input(), room.prompts.input()] == ["a", "b"]
    assert room.engine.wait("k1-c1-i2").value == "b"


def test_two_cells_that_take_turns_do_not_share_answers() -> None:
    """A cell of a subshell asks between two prompts of another cell: no answer is used twice."""
    room = Room("a", "b", "c")
    got = []
    for prefix in ("k1-c1", "k1-c2", "k1-c1"):
        room.who = ("token", True, prefix)
        got.append(room.prompts.input())
    assert got == ["a", "b", "c"]


def test_an_interrupted_prompt_is_cancelled() -> None:
    """Its promise does not stay open, and the next prompt works."""
    room = Room()

    def interrupt() -> None:
        raise KeyboardInterrupt

    room.answers = [interrupt, "x"]
    with pytest.raises(KeyboardInterrupt):
        room.prompts.input()
    assert room.engine.wait("k1-c1-i1").state == "rejected_canceled"
    assert not room.prompts.answer("late")
    assert room.prompts.input() == "x"


@pytest.fixture
def two() -> tuple[Room, list[threading.Event]]:
    """A room where each prompt is announced."""
    announced = [threading.Event(), threading.Event()]
    return Room(*(event.set for event in announced)), announced


def test_prompts_wait_for_each_other(two: tuple[Room, list[threading.Event]]) -> None:
    """One prompt is open at a time: an input_reply does not say which one it answers."""
    room, (first, second) = two
    one = _in_thread(lambda: room.prompts.input("one"))
    assert first.wait(HANG)
    other = _in_thread(lambda: room.prompts.input("two"))
    assert len(room.engine.list_open()) == 1
    assert not second.is_set()
    room.prompts.answer("1")
    assert one.result(HANG) == "1"
    assert second.wait(HANG)
    room.prompts.answer("2")
    assert other.result(HANG) == "2"
