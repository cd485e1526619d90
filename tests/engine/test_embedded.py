"""The embedded engine: what is acknowledged is in the file, whoever asks and whoever is killed."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.engines import wall
from holdfast.engine.embedded import EmbeddedEngine
from holdfast.engine.faults import EngineError, SealedError
from holdfast.engine.ledger import DAY

HANG = 60.0
KEY = b"k" * 32
EXTERNAL = {"resonate:external": "true"}
SECRET = {**EXTERNAL, "holdfast:secret": "true"}
SEED = 20261121


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the session's file goes."""
    return tmp_path / "session.sqlite"


@pytest.fixture
def engine(path: Path) -> Iterator[EmbeddedEngine]:
    """An engine on a new file."""
    engine = opened(path, create=True)
    yield engine
    engine.close()


def opened(path: Path, *, create: bool = False, key: bytes | None = KEY) -> EmbeddedEngine:
    """An engine on the file, as a process that starts now has it."""
    return EmbeddedEngine(path, wall, durability="process", key=key, create=create)


def child(program: str, *arguments: object) -> subprocess.Popen[str]:
    """A process of its own that runs `program`, with `path` and `engine` ready."""
    head = (
        "import sys, time, threading\n"
        "from holdfast.engine.embedded import EmbeddedEngine\n"
        "engine = EmbeddedEngine(sys.argv[1], lambda: time.time_ns() // 1_000_000,"
        f" durability='process', key={KEY!r}, create=True)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", head + program, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )


# ---------------------------------------------------------------- the file


def test_nothing_is_opened_before_the_first_call(path: Path) -> None:
    """The kernel makes an engine at start, and pays for it at the first prompt."""
    opened(path, create=True).close()
    assert not path.exists()


def test_the_sessions_file_is_not_made_by_the_engine(path: Path) -> None:
    """The store takes a file that it did not make for damage."""
    engine = opened(path)
    with pytest.raises(EngineError, match=r"session\.sqlite"):
        engine.create("a")
    engine.close()
    assert not path.exists()


def test_the_file_is_for_its_owner_only(engine: EmbeddedEngine, path: Path) -> None:
    """P9: nobody else reads what was asked and answered."""
    engine.create("a")
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_the_stores_tables_are_left_alone(path: Path) -> None:
    """The engine is a guest in the session's file."""
    database = sqlite3.connect(path)
    database.executescript("CREATE TABLE promises (id); INSERT INTO promises VALUES ('x'); PRAGMA user_version = 7")
    engine = opened(path)
    engine.create("a")
    engine.close()
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert database.execute("PRAGMA user_version").fetchone() == (7,)
    assert database.execute("SELECT id FROM promises").fetchall() == [("x",)]
    database.close()
    assert all(name == "promises" or name.startswith("engine_") for name in tables)


def test_a_file_that_is_there_is_opened_by_sqlite_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing any other descriptor of it would drop the locks that the store's connection holds."""
    sqlite3.connect(path).close()
    opened_by_us: list[object] = []
    real = os.open

    def spy(name: str, *rest: int, **more: int) -> int:
        opened_by_us.append(name)
        return real(name, *rest, **more)

    monkeypatch.setattr("os.open", spy)
    engine = opened(path, create=True)
    engine.create("a")
    engine.close()
    assert opened_by_us == []


def test_a_later_format_is_refused(engine: EmbeddedEngine, path: Path) -> None:
    """It says what, which, and which it reads."""
    engine.create("a")
    database = sqlite3.connect(path)
    database.execute("UPDATE engine_format SET version = 99")
    database.commit()
    database.close()
    later = opened(path)
    with pytest.raises(EngineError, match="format 99"):
        later.list_open()
    later.close()


def test_a_request_that_cannot_be_kept_is_not_there(engine: EmbeddedEngine) -> None:
    """A full disk is an error; nothing half-made is left, and the next request goes on."""
    engine.create("a")
    connection = engine.ledger._open()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(EngineError, match="full"):
        engine.create("large", "x" * 100_000)
    connection.execute("PRAGMA max_page_count = 1000000")
    assert [promise.id for promise in engine.list_open()] == ["a"]
    assert engine.create("large", "x" * 100_000).state == "pending"


def test_an_ended_engine_says_so(path: Path) -> None:
    """Instead of opening the file again behind the session's back."""
    engine = opened(path, create=True)
    engine.create("a")
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.create("b")


def test_a_forked_child_may_not_use_it(engine: EmbeddedEngine) -> None:
    """SQLite forbids it, and would corrupt the file without a word."""
    engine.create("a")
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:  # pragma: no cover
        try:
            engine.create("b")
        except EngineError:
            os.write(writing, b"refused")
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    os.close(writing)
    assert os.read(reading, 100) == b"refused"
    os.close(reading)


# ---------------------------------------------------------------- prompts over a crash


def test_an_open_prompt_is_open_after_a_restart(engine: EmbeddedEngine, path: Path) -> None:
    """With its text and tags, and it can be answered."""
    engine.create("k-e1-c3-i1", {"prompt": "Name? ", "password": False}, EXTERNAL)
    engine.close()
    again = opened(path)
    (prompt,) = again.list_open("k-e1-")
    assert (prompt.param, prompt.tags) == ({"prompt": "Name? ", "password": False}, EXTERNAL)
    assert again.settle(prompt.id, "resolved", "Ada").value == "Ada"
    again.close()


def test_a_recorded_answer_is_reused(engine: EmbeddedEngine, path: Path) -> None:
    """The same cell asks again and has its answer at once."""
    engine.create("a")
    engine.settle("a", "resolved", "Ada")
    engine.close()
    again = opened(path)
    assert again.create("a").value == "Ada"
    assert again.wait("a").value == "Ada"
    again.close()


def test_an_answer_from_another_process_wakes_the_waiter(engine: EmbeddedEngine, path: Path) -> None:
    """`holdfast answer` settles in the file; the kernel that waits notices."""
    engine.create("a", None, EXTERNAL)
    other = child("engine.settle('a', 'resolved', 'from outside'); engine.close()", path)
    assert engine.wait("a", HANG).value == "from outside"
    assert engine.settle("a", "resolved", "too late").value == "from outside"
    other.communicate(timeout=HANG)


def test_the_first_of_many_processes_wins(engine: EmbeddedEngine, path: Path) -> None:
    """All of them are told the same answer."""
    engine.create("a", None, EXTERNAL)
    others = [
        child("print(engine.settle('a', 'resolved', int(sys.argv[2])).value); engine.close()", path, number)
        for number in range(3)
    ]
    told = {int(other.communicate(timeout=HANG)[0]) for other in others}
    assert told == {engine.wait("a", HANG).value}


def test_two_engines_that_settle_at_once_agree(engine: EmbeddedEngine, path: Path) -> None:
    """Their requests take turns in the file, and none fails for it."""
    other = opened(path)
    for n in range(200):
        engine.create(f"p{n}", None, EXTERNAL)
    told: dict[str, list[object]] = {"engine": [], "other": []}
    start = threading.Barrier(2)

    def settle_all(name: str, mine: EmbeddedEngine) -> None:
        start.wait(HANG)
        told[name] = [mine.settle(f"p{n}", "resolved", name).value for n in range(200)]

    threads = [threading.Thread(target=settle_all, args=pair) for pair in (("engine", engine), ("other", other))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert told["engine"] == told["other"] != []
    assert engine.list_open() == []


def test_a_waiter_in_the_same_process_does_not_wait_for_the_next_look(
    engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told; looking into the file is for other processes' answers."""
    monkeypatch.setattr("holdfast.engine.embedded.FIRST_LOOK", 1000.0)
    monkeypatch.setattr("holdfast.engine.embedded.LAST_LOOK", 1000.0)
    engine.create("a")
    got: list[object] = []
    waiter = threading.Thread(target=lambda: got.append(engine.wait("a").value), daemon=True)
    waiter.start()
    engine.settle("a", "resolved", 5)
    waiter.join(HANG)
    assert got == [5]


def test_a_signal_ends_the_wait(engine: EmbeddedEngine) -> None:
    """An interrupt raises out of it on the main thread, and the engine goes on."""
    engine.create("a")
    main = threading.main_thread().ident
    assert main is not None
    knocking = threading.Thread(target=signal.pthread_kill, args=(main, signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        knocking.start()
        engine.wait("a", HANG)
    knocking.join()
    assert engine.settle("a", "rejected_canceled").state == "rejected_canceled"


@pytest.mark.parametrize("raw", [b"hello", b"\xff\xfe", b'{"a": ', b"NaN"])
def test_an_answer_that_is_not_json_is_text(engine: EmbeddedEngine, raw: bytes) -> None:
    """Other tools store what they were given."""
    import base64

    engine.create("a", None, EXTERNAL)
    value = {"data": base64.b64encode(raw).decode()}
    engine.ledger.request({"kind": "promise.settle", "id": "a", "state": "resolved", "value": value})
    assert engine.wait("a").value == raw.decode(errors="replace")


def test_a_deadline_ends_the_wait(engine: EmbeddedEngine) -> None:
    """Prompts have none, promises of the protocol may; nobody needs to look after it."""
    engine.ledger.request({"kind": "promise.create", "id": "a", "timeoutAt": wall() + 20})
    assert engine.wait("a", HANG).state == "rejected"


def test_the_deadline_of_a_prompt_is_kept_by_the_clock(path: Path) -> None:
    """As servers do, and as the SDK's own local mode does not."""
    now = [1000]
    engine = EmbeddedEngine(path, lambda: now[0], durability="process", create=True)
    engine.ledger.request({"kind": "promise.create", "id": "a", "timeoutAt": 2000, "tags": EXTERNAL})
    now[0] = 1999
    engine.ledger.tick()
    assert [promise.id for promise in engine.list_open()] == ["a"]
    now[0] = 2000
    engine.ledger.tick()
    assert engine.list_open() == []
    engine.close()


def test_a_copied_session_starts_without_promises(engine: EmbeddedEngine) -> None:
    """Its original answers its own prompts and runs its own functions."""
    engine.create("a")
    engine.lease("l", "one", 100)
    engine.ledger.clear()
    assert engine.list_open() == []
    assert engine.lease("l", "two", 100)
    with pytest.raises(KeyError):
        engine.wait("a")


# ---------------------------------------------------------------- secrets


def test_a_secret_is_not_in_the_file(engine: EmbeddedEngine, path: Path) -> None:
    """It is sealed with the user's key, and comes back with it."""
    engine.create("a", {"prompt": "Password: "}, SECRET)
    assert engine.settle("a", "resolved", "correct horse").value == "correct horse"
    engine.close()
    kept = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"correct horse" not in kept
    assert b"Y29ycmVjdCBob3JzZ" not in kept  # the same, in base64
    again = opened(path)
    assert again.create("a").value == "correct horse"
    again.close()


def test_a_secret_of_another_key_is_asked_for_again(engine: EmbeddedEngine, path: Path) -> None:
    """An answer that nobody can read is no answer."""
    engine.create("a", None, SECRET)
    engine.settle("a", "resolved", "old")
    engine.close()
    other = opened(path, key=b"other")
    with pytest.raises(SealedError, match="'a'"):
        other.wait("a")
    assert other.create("a").state == "pending"
    assert other.settle("a", "resolved", "new").value == "new"
    other.close()


# ---------------------------------------------------------------- cells' promises


def test_a_committed_cell_is_a_promise(path: Path) -> None:
    """The store's row is seen as a promise of the protocol, and cannot be settled again."""
    rows = {"k-e1-c1-abc": ("resolved", b'{"status":"ok"}')}
    engine = EmbeddedEngine(path, wall, durability="process", create=True, committed=rows.get)
    assert engine.wait("k-e1-c1-abc").value == {"status": "ok"}
    assert engine.settle("k-e1-c1-abc", "rejected", 1).value == {"status": "ok"}
    assert engine.create("k-e1-c1-abc").state == "resolved"
    assert engine.functions.get("k-e1-c1-abc").result(HANG) == {"status": "ok"}
    with pytest.raises(KeyError):
        engine.wait("k-e1-c2-abc")
    assert engine.list_open() == []
    engine.close()


# ---------------------------------------------------------------- cost


def _best(action: object, times: int = 7) -> float:
    assert callable(action)
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        action()
        best = min(best, time.perf_counter() - start)
    return best


def test_neither_opening_nor_asking_grows_with_the_number_of_promises(tmp_path: Path) -> None:
    """3,000 promises cost a restart and a request what 30 do; ten times is far above noise, far below linear."""
    costs = []
    for number in (30, 3000):
        path = tmp_path / f"{number}.sqlite"
        engine = opened(path, create=True)
        for n in range(number):
            engine.create(f"p{n}", {"prompt": "?"}, EXTERNAL)
            if n % 10:
                engine.settle(f"p{n}", "resolved", n)
        engine.close()

        def recover(path: Path = path) -> None:
            again = opened(path)
            again.ledger.take_over()
            assert again.create("p0").state == "pending"
            again.settle("p1", "resolved")
            again.close()

        costs.append(_best(recover))
    assert costs[1] < 10 * costs[0], costs


def test_what_is_settled_is_forgotten_after_its_retention(path: Path) -> None:
    """With its lineage; what is open stays, however old."""
    now = [1_000_000]
    engine = EmbeddedEngine(path, lambda: now[0], durability="process", retention=DAY, create=True)
    for name in ("old", "open"):
        engine.create(name)
    engine.ledger.request({"kind": "promise.create", "id": "old:1", "tags": {"resonate:origin": "old"}})
    engine.ledger.request({"kind": "promise.settle", "id": "old:1", "state": "resolved"})
    engine.settle("old", "resolved")
    now[0] += DAY - 1
    assert engine.ledger.forget() == 0
    now[0] += 1
    assert engine.ledger.forget() == 1
    assert [engine.ledger.row(name) is None for name in ("old", "old:1", "open")] == [True, True, False]
    engine.close()


def test_a_lineage_with_something_open_is_kept(path: Path) -> None:
    """Somebody may still settle it and ask for its root."""
    now = [1_000_000]
    engine = EmbeddedEngine(path, lambda: now[0], durability="process", retention=DAY, create=True)
    engine.create("root")
    engine.ledger.request({"kind": "promise.create", "id": "root:1", "tags": {"resonate:origin": "root"}})
    engine.settle("root", "resolved")
    now[0] += 2 * DAY
    assert engine.ledger.forget() == 0
    engine.close()


# ---------------------------------------------------------------- kill -9

WORK = """
import json
say = threading.Lock()
def acknowledge(*words):
    with say:
        print(json.dumps(words), flush=True)

async def double(ctx, n): return 2 * n
async def job(ctx, n): return await ctx.run(double, n) + await ctx.run(double, n)
functions = engine.functions
functions.register(job)
start = sys.argv[2]

def prompts(name):
    for n in range(1_000_000):
        engine.create(f"{start}-{name}-{n}", {"prompt": n}, {"resonate:external": "true"})
        acknowledge("created", f"{start}-{name}-{n}", n)
        if n % 3:
            engine.settle(f"{start}-{name}-{n}", "resolved", n)
            acknowledge("settled", f"{start}-{name}-{n}", n)

def jobs():
    for n in range(1_000_000):
        value = functions.run(f"{start}-job-{n}", job, n).result()
        acknowledge("settled", f"{start}-job-{n}", value)

for work in (lambda: prompts("a"), lambda: prompts("b"), jobs):
    threading.Thread(target=work, daemon=True).start()
threading.Event().wait()
"""


@pytest.mark.parametrize("lives", [6, pytest.param(200, marks=[pytest.mark.nightly, pytest.mark.timeout(900)])])
def test_no_acknowledged_request_is_lost_to_kill_9(path: Path, lives: int) -> None:
    """At random instants under load, again and again on the same file: all that was acknowledged is there."""
    chance = random.Random(SEED)
    acknowledged: list[tuple[str, str, object]] = []
    for life in range(lives):
        acknowledged = acknowledged[-5000:]
        process = child(WORK, path, f"life{life}")
        assert process.stdout is not None
        acknowledged += [tuple(json.loads(process.stdout.readline())) for _ in range(chance.randrange(1, 400))]
        process.kill()
        rest = process.stdout.read()
        process.wait(HANG)
        process.stdout.close()
        acknowledged += [tuple(json.loads(line)) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
        engine = opened(path)
        for kind, name, value in acknowledged:
            promise = engine.wait(name, 0)
            if kind == "settled":
                assert (promise.state, promise.value) == ("resolved", value), (SEED, life)
            else:
                assert promise.param == {"prompt": value}, (SEED, life)
        engine.close()
    assert {kind for kind, _, _ in acknowledged} == {"created", "settled"}
    check = sqlite3.connect(path)
    assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check.close()
