"""Prompts of a real kernel as promises: durable before they are asked, answered once, and kept over `kill -9`."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from helpers.engines import wall
from helpers.kernel import Kernel, Result, wait_for
from holdfast.durable.folder import open_session
from holdfast.durable.keys import user_key
from holdfast.engine.embedded import EmbeddedEngine
from holdfast.engine.port import Promise

HANG = 60.0
SEED = 20261121
ASK = """
from getpass import getpass
name, word, city = input('name? '), getpass('word? '), input('city? ')
name, city
"""
SECRET = "correct horse battery"


class Home:
    """The lives of one session: each `with` is a kernel on it, or somebody else who looks at its promises."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environment = {
            "HOLDFAST_DURABILITY": "process",
            "HOLDFAST_HOME": str(folder / "home"),
            "HOLDFAST_SESSION": "asking",
        }

    @contextmanager
    def kernel(self, **settings: str) -> Iterator[Kernel]:
        """A kernel that ends well, or was killed by the test."""
        kernel = Kernel(self.folder, environment={**self._environment, **settings})
        try:
            yield kernel
            if not kernel.is_over:
                kernel.shut_down()
        finally:
            kernel.process.kill()
            kernel.close()

    @property
    def file(self) -> Path:
        """The session's database."""
        (found,) = self.folder.glob("home/sessions/*/session.sqlite")
        return found

    @contextmanager
    def engine(self) -> Iterator[EmbeddedEngine]:
        """The engine in another process than the kernel's, with the user's key."""
        key = user_key(self.folder / "home", make=False)
        engine = EmbeddedEngine(self.file, wall, key=key, durability="process")
        try:
            yield engine
        finally:
            engine.close()

    def open_prompts(self) -> list[Promise]:
        """What is asked now, read from outside."""
        with self.engine() as engine:
            return [promise for promise in engine.list_open() if "resonate:external" in promise.tags]


def kill(kernel: Kernel) -> None:
    """SIGKILL."""
    kernel.process.kill()
    kernel.is_over = True


def asked(kernel: Kernel, code: str, *answers: str) -> Result:
    """Run a cell, answer its first prompts, and return when it asks the next one."""
    result = kernel.execute(code)
    for number, answer in enumerate(answers, 1):
        kernel.until(partial(asks, result, number), f"prompt {number}")
        kernel.answer(answer)
    kernel.until(partial(asks, result, len(answers) + 1), "the open prompt")
    return result


def asks(result: Result, number: int) -> bool:
    """Whether the cell has asked so often."""
    return len(result.prompts) == number


def is_over(result: Result, answered: int) -> bool:
    """Whether the cell has ended, or asks something that was not answered."""
    return result.is_done or len(result.prompts) > answered


def prompts(result: Result) -> list[str]:
    """What a cell asked."""
    return [message.content["prompt"] for message in result.prompts]


def done(kernel: Kernel, result: Result) -> Result:
    """Wait for the end of a cell that asks nothing more."""
    kernel.until(lambda: result.is_done, "the end of the cell")
    return result


def shown(result: Result) -> str:
    """The restore banner."""
    return "".join(message.content["data"]["text/plain"] for message in result.of_type("display_data"))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A session of this test's own."""
    return Home(tmp_path)


# ---------------------------------------------------------------- over a crash


def test_a_killed_cell_that_is_run_again_waits_only_for_the_open_prompt(home: Home) -> None:
    """What was answered before `kill -9` is taken at once, secrets included, and secrets are in no file."""
    with home.kernel() as kernel:
        kernel.run("x = 1")
        asked(kernel, ASK, "Ada", SECRET)
        kill(kernel)
    files = [file for file in home.folder.rglob("*") if file.is_file()]
    assert not [file for file in files if SECRET.encode() in file.read_bytes()]
    assert [promise.param for promise in home.open_prompts()] == [{"prompt": "city? ", "password": False}]
    with home.kernel() as kernel:
        result = asked(kernel, ASK)
        assert prompts(result) == ["city? "]
        kernel.answer("London")
        assert done(kernel, result).result == "('Ada', 'London')"
        assert result.reply["execution_count"] == 2
        assert kernel.run("word").result == repr(SECRET)


def test_the_first_cell_of_a_session_may_die_asking(home: Home) -> None:
    """Nothing was ever committed, and the prompt is open all the same."""
    with home.kernel() as kernel:
        asked(kernel, "[input('a? '), input('b? ')]", "1")
        kill(kernel)
    with home.kernel() as kernel:
        result = asked(kernel, "[input('a? '), input('b? ')]")
        assert prompts(result) == ["b? "]
        assert "cell [1] was waiting for input: 'b? '" in result.shown[0][1]
        assert result.stderr == ""
        kernel.answer("2")
        assert done(kernel, result).result == "['1', '2']"


def test_the_banner_names_the_open_prompt(home: Home) -> None:
    """Which cell, and what it asked; once."""
    with home.kernel() as kernel:
        kernel.run("x = 1")
        asked(kernel, "input('name? ')")
        kill(kernel)
    with home.kernel() as kernel:
        assert "cell [2] was waiting for input: 'name? '" in shown(kernel.run("x", silent=False, store_history=False))
        assert "waiting" not in shown(kernel.run("x"))


def test_no_answer_that_was_used_is_lost_to_kill_9(home: Home) -> None:
    """At random instants: the cell that is run again never asks what an earlier answer let it go beyond."""
    chance = random.Random(SEED)
    code = "got = [input(f'{n}? ') for n in range(60)]; got == [f'to {n}' for n in range(60)]"
    reached = 0
    for _ in range(5):
        with home.kernel() as kernel:
            result = asked(kernel, code)
            first = int(prompts(result)[0].removesuffix("? "))
            assert reached <= first <= reached + 1, (SEED, reached, first)
            for number in range(chance.randrange(1, 10)):
                kernel.answer(f"to {first + number}")
                kernel.until(partial(asks, result, number + 2), "the next prompt")
                reached = first + number + 1
            kernel.answer(f"to {reached}")  # on its way when the kernel is killed
            kill(kernel)
    with home.kernel() as kernel:
        result = asked(kernel, code)
        first = int(prompts(result)[0].removesuffix("? "))
        assert kernel.finish(result, [f"to {number}" for number in range(first, 60)]).result == "True"


# ---------------------------------------------------------------- what holds for one run only


def test_a_cell_that_was_replied_to_is_asked_anew(home: Home) -> None:
    """In the same kernel, and in the next one after a crash."""
    with home.kernel() as kernel:
        assert kernel.run("input('n? ')", answers=["one"]).result == "'one'"
        assert kernel.run("input('n? ')", answers=["two"]).result == "'two'"
        kill(kernel)
    with home.kernel() as kernel:
        assert kernel.run("input('n? ')", answers=["three"]).result == "'three'"


def test_a_request_that_does_not_count_is_asked_anew(home: Home) -> None:
    """The same code, the same count: each request is a run of its own."""
    with home.kernel() as kernel:
        for answer in ("one", "two"):
            assert kernel.run("print(input('n? '))", answers=[answer], store_history=False).stdout == f"{answer}\n"
        kill(kernel)
    with home.kernel() as kernel:
        assert kernel.run("print(input('n? '))", answers=["three"], store_history=False).stdout == "three\n"


def test_another_cell_is_asked_anew(home: Home) -> None:
    """Another code under the same count takes no answers of the one that died; what that one asked is cancelled."""
    with home.kernel() as kernel:
        asked(kernel, "[input('a? '), input('b? ')]", "1")
        kill(kernel)
    with home.kernel() as kernel:
        assert kernel.run("(input('a? '), input('b? '))", answers=["3", "4"]).result == "('3', '4')"
        kill(kernel)
    with home.kernel() as kernel:
        assert "waiting" not in kernel.run("1").stderr
    assert home.open_prompts() == []


def test_a_new_epoch_cancels_what_was_open(home: Home) -> None:
    """A session that is begun clean asks everything anew."""
    with home.kernel() as kernel:
        kernel.run("x = 1")
        kill(kernel)
    with home.kernel() as kernel:
        asked(kernel, "[input('a? '), input('b? ')]", "1")
        kill(kernel)
    with home.kernel(HOLDFAST_RESTORE="never") as kernel:
        kernel.run("x = 1")  # a cell waits for the session, other requests do not
        assert home.open_prompts() == []
        result = kernel.run("[input('a? '), input('b? ')]", answers=["3", "4"])
        assert (result.result, result.reply["execution_count"]) == ("['3', '4']", 2)


def test_a_restart_cancels_what_is_open(home: Home) -> None:
    """Its cell is interrupted, and nobody can answer it any more."""
    with home.kernel() as kernel:
        asked(kernel, "input('name? ')")
        assert len(home.open_prompts()) == 1
        kernel.shut_down(restart=True)
    assert home.open_prompts() == []


def test_an_interrupt_cancels_the_prompt(home: Home) -> None:
    """The traceback is the cell's own: nothing of how the kernel waits."""
    with home.kernel() as kernel:
        result = asked(kernel, "input('name? ')")
        kernel.interrupt()
        assert done(kernel, result).reply["ename"] == "KeyboardInterrupt"
        assert [line for line in result.traceback.split("\n") if line.startswith(("File", "Cell"))] == [
            "Cell In[1], line 1"
        ]
        assert home.open_prompts() == []


@pytest.mark.parametrize("durability", ["process", "off"])
def test_an_interrupt_at_any_moment_of_a_prompt_spoils_no_later_one(home: Home, durability: str) -> None:
    """While it is opened, waits, or is answered; the kernel stays awake, and nothing is left open."""
    chance = random.Random(SEED)
    with home.kernel(HOLDFAST_DURABILITY=durability) as kernel:
        code = "[input(str(n)) for n in range(3)]"
        usual = HANG
        for _ in range(5):
            start = time.perf_counter()
            kernel.run(code, answers="xxx")
            usual = min(usual, time.perf_counter() - start)
        interrupted = 0
        for _ in range(60):
            result = kernel.execute(code)
            knocking = threading.Timer(chance.random() * usual, kernel.interrupt)
            knocking.start()
            answered = 0
            while kernel.until(partial(is_over, result, answered), "a prompt or the end") and not result.is_done:
                kernel.answer("x")
                answered += 1
            knocking.join()
            interrupted += result.reply["status"] == "error"
            assert result.reply["status"] == "ok" or result.reply["ename"] == "KeyboardInterrupt", SEED
            kernel.silence()
        assert kernel.run("input('last? ')", answers=["x"]).result == "'x'"
        assert interrupted
    if durability != "off":
        assert home.open_prompts() == []


# ---------------------------------------------------------------- answers from outside


def test_an_answer_from_outside_ends_the_wait(home: Home) -> None:
    """Another process settles the promise; what is typed afterwards answers nothing."""
    with home.kernel() as kernel:
        result = asked(kernel, "got = input('name? '); got")
        (prompt,) = home.open_prompts()
        with home.engine() as engine:
            engine.settle(prompt.id, "resolved", "from outside")
        assert done(kernel, result).result == "'from outside'"
        kernel.answer("too late")
        wait_for(lambda: "ignored an input_reply" in kernel.process.log, "the late answer")
        assert kernel.run("input('next? ')", answers=["x"]).result == "'x'"


def test_the_first_answer_wins(home: Home) -> None:
    """Who answers from outside after the person at the keyboard is told what holds."""
    with home.kernel() as kernel:
        result = asked(kernel, "[input('a? '), input('b? ')]")
        (prompt,) = home.open_prompts()
        kernel.answer("typed")
        kernel.until(lambda: len(result.prompts) == 2, "the second prompt")
        with home.engine() as engine:
            assert engine.settle(prompt.id, "resolved", "from outside").value == "typed"
        kernel.answer("more")
        assert done(kernel, result).result == "['typed', 'more']"


def test_a_secret_is_answered_from_outside(home: Home) -> None:
    """Whoever has the user's key; it is sealed in the file."""
    with home.kernel() as kernel:
        result = asked(kernel, "import getpass; len(getpass.getpass())")
        (prompt,) = home.open_prompts()
        with home.engine() as engine:
            engine.settle(prompt.id, "resolved", SECRET)
        assert done(kernel, result).result == str(len(SECRET))
    assert SECRET.encode() not in home.file.read_bytes()


def test_an_answer_between_two_lives_is_taken(home: Home) -> None:
    """The kernel is dead, the prompt is answered, and the cell run again asks nothing."""
    with home.kernel() as kernel:
        asked(kernel, "input('name? ')")
        kill(kernel)
    (prompt,) = home.open_prompts()
    with home.engine() as engine:
        engine.settle(prompt.id, "resolved", "Ada")
    with home.kernel() as kernel:
        result = kernel.run("input('name? ')")
        assert (result.result, result.asked) == ("'Ada'", [])


def test_a_prompt_cancelled_from_outside_is_an_error(home: Home) -> None:
    """It says which, and what to do."""
    with home.kernel() as kernel:
        result = asked(kernel, "input('name? ')")
        (prompt,) = home.open_prompts()
        with home.engine() as engine:
            engine.settle(prompt.id, "rejected")
        assert done(kernel, result).reply["ename"] == "PromptCancelledError"
        assert "'name? '" in result.reply["evalue"]


# ---------------------------------------------------------------- cells


def test_a_cell_that_asks_nothing_opens_no_engine(home: Home) -> None:
    """Neither the SDK nor a second connection; the first prompt brings both, and no HTTP client."""
    look = (
        "import os, sys\n"
        "[name for name in ('resonate', 'aiohttp') if name in sys.modules], "
        "sum(os.path.realpath(f'/proc/self/fd/{fd}').endswith('/session.sqlite') for fd in os.listdir('/proc/self/fd'))"
    )
    with home.kernel() as kernel:
        kernel.run("1+1")
        assert kernel.run(look).result == "([], 1)"
        kernel.run("input()", answers=["x"])
        assert kernel.run(look).result == "(['resonate'], 2)"


def test_committed_cells_are_promises_of_the_protocol(home: Home) -> None:
    """The SDK finds each of them under its id, ended as the cell ended."""
    from resonate.error import ApplicationError

    with home.kernel() as kernel:
        kernel.run("1+1")
        kernel.run("1/0")
        kernel.run("2+2", silent=True)
        kill(kernel)
    session = open_session(home.folder / "home", "asking", "process")
    store = session.store

    def committed(id: str) -> tuple[str, bytes] | None:
        row = store.promise(id)
        return (row.state, row.value) if row is not None else None

    engine = EmbeddedEngine(home.file, wall, durability="process", committed=committed)
    try:
        well, failed, silent = (row.id for row in store.promise_rows())
        lineage = well.partition("-")[0]
        assert [name.rpartition("-")[0] for name in (well, failed, silent)] == [
            f"{lineage}-e1-{count}" for count in ("c1", "c2", "c2")
        ]
        assert (engine.wait(well, 0).state, engine.wait(failed, 0).state) == ("resolved", "rejected")
        assert engine.functions.get(well).result(HANG) == {"status": "ok"}
        with pytest.raises(ApplicationError, match="ended with an error"):
            engine.functions.get(failed).result(HANG)
    finally:
        engine.close()
        session.close()


# ---------------------------------------------------------------- when nothing can be kept


def test_a_prompt_that_cannot_be_kept_is_asked_all_the_same(home: Home) -> None:
    """The engine refuses its file: the person answers, and is told."""
    with home.kernel() as kernel:
        kernel.run("input()", answers=["x"])
    database = sqlite3.connect(home.file)
    database.execute("UPDATE engine_format SET version = 99")
    database.commit()
    database.close()
    with home.kernel() as kernel:
        result = kernel.run("[input('a? '), input('b? ')]", answers=["1", "2"])
        assert result.result == "['1', '2']"
        assert result.stderr.count("format 99") == 1


def test_without_durability_prompts_live_in_memory(home: Home) -> None:
    """No file, no SDK."""
    with home.kernel(HOLDFAST_DURABILITY="off") as kernel:
        assert kernel.run("input('n? ')", answers=["x"]).result == "'x'"
        assert kernel.run("import sys; 'resonate' in sys.modules").result == "False"
    assert not (home.folder / "home").exists()
