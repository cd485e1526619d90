"""`input()` and `getpass()`: a prompt is a promise, answered once."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future

import msgspec
import pytest

from holdfast.engine.memory import MemoryEngine
from holdfast.engine.port import Promise, State
from holdfast.errors import PromptCancelledError, StdinNotImplementedError
from holdfast.stdin.prompts import Prompts

HANG = 60.0


class Room:
    """Prompts over the memory engine; `answers` is what the person says to each prompt, in order."""

    def __init__(self, *answers: str | Callable[[], None]) -> None:
        self.engine = _Dying(lambda: 0.0)
        self.answers = list(answers)
        self.asked: list[tuple[object, str, bool]] = []
        self.who: tuple[object, bool, str] = ("token", True, "k1-c1")
        self.prompts = Prompts(lambda: self.engine, lambda: self.who, self._ask)

    def again(self, *answers: str | Callable[[], None]) -> Room:
        """Another process on the same engine."""
        room = Room(*answers)
        room.engine = self.engine
        return room

    def _ask(self, token: object, prompt: str, password: bool) -> None:
        self.asked.append((token, prompt, password))
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, str):
                assert self.prompts.answer(answer)
            else:
                answer()


class _Killed(BaseException):
    """The process ends here, and nothing of it is done any more."""


def _die() -> None:
    raise _Killed


def _interrupt() -> None:
    raise KeyboardInterrupt


class _Dying(MemoryEngine):
    """Nothing is settled on the way out of a process that was killed."""

    def settle(self, id: str, state: State, value: object = None) -> Promise:
        """See the port."""
        if isinstance(sys.exception(), _Killed):
            return self.wait(id, 0)
        return super().settle(id, state, value)


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
    tags = {"resonate:external": "true", "resonate:origin": "k1-c1"}
    assert found == [("k1-c1", None, {}), ("k1-c1-i1", param, tags)]
    assert [promise.id for promise in room.engine.list_open()] == ["k1-c1"]


def test_an_answer_from_outside_counts() -> None:
    """P5: whoever settles the promise first has answered; the client's later answer changes nothing."""
    room = Room()
    room.answers = [lambda: room.engine.settle("k1-c1-i1", "resolved", "from outside")]  # type: ignore[list-item]
    assert room.prompts.input() == "from outside"
    assert not room.prompts.answer("too late")


@pytest.mark.parametrize(("value", "text"), [(5, "5"), (None, ""), (True, "True"), ("", "")])
def test_an_answer_from_outside_is_text(value: object, text: str) -> None:
    """Other tools settle with any JSON, or with nothing."""
    room = Room()
    room.answers = [lambda: room.engine.settle("k1-c1-i1", "resolved", value)]  # type: ignore[list-item]
    assert room.prompts.input() == text


@pytest.mark.parametrize("state", ["rejected", "rejected_canceled"])
def test_a_prompt_that_was_cancelled_from_outside_says_so(state: State) -> None:
    """It is not the answer "None"; code that expects the end of the input sees one."""
    room = Room()
    room.answers = [lambda: room.engine.settle("k1-c1-i1", state)]  # type: ignore[list-item]
    with pytest.raises(EOFError, match=r"'name\? ' was cancelled.*run the cell again"):
        room.prompts.input("name? ")


def test_the_second_answer_is_refused() -> None:
    """A client that sends two: the first one counts."""
    room = Room()

    def twice() -> None:
        assert room.prompts.answer("first")
        assert not room.prompts.answer("second")

    room.answers = [twice]
    assert room.prompts.input() == "first"


def test_the_client_loses_against_who_was_faster() -> None:
    """The promise was settled before the client's answer could be written down."""
    room = Room()

    def both() -> None:
        room.engine.settle("k1-c1-i1", "resolved", "from outside")
        assert room.prompts.answer("typed")

    room.answers = [both]
    assert room.prompts.input() == "from outside"


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
    room = Room(_interrupt, "x")
    with pytest.raises(KeyboardInterrupt):
        room.prompts.input()
    assert room.engine.wait("k1-c1-i1").state == "rejected_canceled"
    assert not room.prompts.answer("late")
    assert room.prompts.input() == "x"


# ---------------------------------------------------------------- a cell that is run again


def test_a_cell_that_died_takes_its_recorded_answers() -> None:
    """Only the question that was open is asked again."""
    room = Room("Ada")
    dead = room.prompts
    dead.input("name? ")
    room.answers = [_die]
    with pytest.raises(_Killed):
        dead.input("city? ")
    room = room.again("Paris")
    assert [room.prompts.input("name? "), room.prompts.input("city? ")] == ["Ada", "Paris"]
    assert [prompt for _, prompt, _ in room.asked] == ["city? "]
    assert room.engine.wait("k1-c1-i2", 0).value == "Paris"


def test_an_open_prompt_that_was_answered_meanwhile_is_not_asked() -> None:
    """`holdfast answer`, between the crash and the next run of the cell."""
    room = Room(_die)
    with pytest.raises(_Killed):
        room.prompts.input("name? ")
    room = room.again()
    room.engine.settle("k1-c1-i1", "resolved", "from outside")
    assert room.prompts.input("name? ") == "from outside"
    assert room.asked == []


def test_a_cell_that_ended_is_asked_anew() -> None:
    """Its answers were used, and hold for no other run."""
    room = Room("Ada")
    room.prompts.input("name? ")
    room.prompts.ended("k1-c1", "resolved", {"status": "ok"})
    room = room.again("Bob")
    assert room.prompts.input("name? ") == "Bob"
    assert room.engine.wait("k1-c1", 0).value == {"status": "ok"}


def test_an_answer_to_another_question_is_not_used() -> None:
    """A cell may take another way the second time; what it does not ask any more is cancelled."""
    room = Room("Ada", _die)
    room.prompts.input("name? ")
    with pytest.raises(_Killed):
        room.prompts.input("age? ")
    room = room.again("Paris", "36")
    assert [room.prompts.input("city? "), room.prompts.input("age? ")] == ["Paris", "36"]
    assert room.engine.wait("k1-c1-i2", 0).state == "rejected_canceled"
    assert room.engine.list_open("k1-c1-i") == []


def test_a_password_is_not_an_answer_to_a_question_that_shows_it() -> None:
    """The same words asked by input() and by getpass() are two questions."""
    room = Room("secret")
    room.prompts.getpass("word? ")
    room = room.again("shown")
    assert room.prompts.input("word? ") == "shown"


def test_a_cancelled_prompt_is_asked_again() -> None:
    """It was interrupted, the cell went on, and died later."""
    room = Room(_interrupt, "x")
    with pytest.raises(KeyboardInterrupt):
        room.prompts.input("go? ")
    assert room.prompts.input("go? ") == "x"
    room = room.again()
    assert room.prompts.input("go? ") == "x"
    assert room.asked == []


def test_the_end_of_a_cell_cancels_what_it_asked() -> None:
    """A thread of its own may still wait; nobody looks at that cell any more."""
    room = Room(lambda: None)
    asking = _in_thread(room.prompts.input)
    while not room.asked:
        threading.Event().wait(0.001)
    room.prompts.ended("k1-c1", "rejected", None)
    with pytest.raises(PromptCancelledError):
        asking.result(HANG)
    assert not room.prompts.asking


def test_the_end_of_a_cell_that_asked_nothing_costs_nothing() -> None:
    """The engine is not even opened."""
    prompts = Prompts(lambda: pytest.fail("opened"), lambda: ("token", True, "k1-c1"), lambda *_: None)
    prompts.ended("k1-c1", "resolved", None)
    assert not prompts.asking


def test_a_secret_is_marked() -> None:
    """The engine keeps answers with that tag sealed."""
    room = Room("secret")
    room.prompts.getpass()
    assert room.engine.wait("k1-c1-i1", 0).tags["holdfast:secret"] == "true"


@pytest.mark.parametrize("prompt", ["\ud800", "x" * 1_000_000, "\x00", "☃"])
def test_any_prompt_is_small_and_json_in_its_promise(prompt: str) -> None:
    """It is sent as it is, and kept so that a file can hold it."""
    room = Room("y")
    assert room.prompts.input(prompt) == "y"
    assert room.asked[0][1] == prompt
    assert len(msgspec.json.encode(room.engine.wait("k1-c1-i1", 0).param)) < 10_000


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
    assert len(room.engine.list_open("k1-c1-i")) == 1
    assert not second.is_set()
    room.prompts.answer("1")
    assert one.result(HANG) == "1"
    assert second.wait(HANG)
    room.prompts.answer("2")
    assert other.result(HANG) == "2"
