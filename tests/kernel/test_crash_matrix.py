"""Kernels killed with SIGKILL at every named point and at random instants lose no replied cell, value or alias.

Each is a real process on one connection file, sent a random workload cell by cell; what the next one restores is
compared with a twin that runs the same cells and commits nothing (`helpers/crash_session.py`).
"""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from helpers import crash_kernel
from helpers.crash_programs import Workload
from helpers.crash_session import CrashSession, kill_at_random
from helpers.kernel import Kernel, Process, Result
from helpers.store_process import TIDYING
from helpers.stores import flip
from holdfast.durable.folder import ASIDE, folder_of
from holdfast.durable.store.points import Point
from holdfast.durable.store.schema import DATABASE

#: Kills at random instants in the suite and in the nightly run, and cells of one session of them.
KILLS, NIGHTLY, CELLS = 40, 1000, 24

FIRST_START = (Point.KEY_WRITTEN, Point.LOCKED, Point.STORE_PREPARED, Point.HEAD_VERIFIED, Point.ORPHANS_CUT)
BEFORE_THE_COMMIT = (
    Point.CELL_OVER,
    Point.PACK_CREATED,
    Point.CHUNK_TORN,
    Point.CHUNK_WRITTEN,
    Point.DRAFTED,
    Point.PACK_SYNCED,
    Point.RECORDS_INSERTED,
    Point.CELL_INSERTED,
)
AFTER_THE_COMMIT = (Point.COMMITTED, Point.REPLYING)
IN_THE_AUDIT = (Point.AUDIT_FOUND, Point.AUDIT_OVER)
IN_A_RESTORE = (
    Point.LOCKED,
    Point.HEAD_VERIFIED,
    Point.ORPHANS_CUT,
    Point.RECORD_READ,
    Point.BUFFER_READ,
    Point.RESTORED,
)
AT_THE_END = (Point.ENDING, Point.CLOSING)
OF_A_DAMAGED_STORE = (Point.REFUSED, Point.MOVED_ASIDE)
OF_A_BRANCH = (Point.BRANCHED,)
#: See `test_checkout.py`.
OF_A_CHECKOUT = (Point.CHECKING_OUT, Point.CHECKED_OUT)
#: See `test_large.py`.
OF_LARGE_VALUES = (Point.WRITING_BESIDE, Point.WRITTEN_BESIDE, Point.FLUSHING, Point.FLUSHED)
#: Of those that a store passes while it lets commits go; all of them: `tests/durable/store/test_crash.py`.
IN_IDLE_TIME = (Point.COPYING, Point.MOVED)
#: With what the kernel is told before, and the cell in which it dies.
IN_A_TRANSACTION = {
    Point.IMAGED: ("", "%%transaction rollback\na.append(next(it)); b = 1; 1 / 0"),
    Point.PUT_BACK: ("", "%%transaction rollback\na.append(next(it)); b = 1; 1 / 0"),
    Point.HELD: ("%transaction explicit", "a.append(next(it)); b = 1"),
}

NAME = "crash matrix"


def workload(seed: int, length: int, frames: bool = False) -> tuple[str, list[str]]:
    """A name for messages, and cells."""
    return f"seed {seed}", Workload(seed, frames).write(length)


def test_every_named_point_is_exercised() -> None:
    """No member of the enum is without a kill in the tests below."""
    of_a_life = {*FIRST_START, *IN_A_RESTORE, *BEFORE_THE_COMMIT, *AFTER_THE_COMMIT, *IN_THE_AUDIT, *AT_THE_END}
    assert of_a_life | {
        *OF_A_DAMAGED_STORE,
        *OF_A_BRANCH,
        *OF_A_CHECKOUT,
        *TIDYING,
        *IN_A_TRANSACTION,
        *OF_LARGE_VALUES,
    } == set(Point)


def test_killed_in_the_very_first_start(tmp_path: Path) -> None:
    """Whatever the first kernel of a session got done, the next one starts, and keeps what it replies."""
    for point in FIRST_START:
        with CrashSession(tmp_path / point.name, *workload(5, 2)) as session:
            assert (point, session.dies(point.name)) == (point, -signal.SIGKILL)
            session.start()
            assert session.run()
            session.kill()


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("durability", "times"), [("process", 2), ("full", 1)])
def test_killed_at_every_point_of_a_cell(durability: str, times: int, tmp_path: Path) -> None:
    """Before the commit is on the disk the cell in flight is gone, afterwards it is there: never half of it."""
    chance = random.Random(durability)
    # The first chunk of a session is the only one that has to make a pack.
    points: list[Point] = [
        point for point in (*BEFORE_THE_COMMIT, *AFTER_THE_COMMIT) * times if point is not Point.PACK_CREATED
    ]
    chance.shuffle(points)
    points.insert(0, Point.PACK_CREATED)
    what, cells = workload(7, 150)
    for i in range(2, len(cells), 3):
        cells[i] = f"chunk{i % 4} = np.arange(40_000.) + {i}\n{cells[i]}"
    with CrashSession(tmp_path, what, cells, HOLDFAST_DURABILITY=durability) as session:
        session.start(points[0].name)
        for point, following in zip(points, [*points[1:], None], strict=True):
            while session.run():
                assert not session.is_over, f"{point} is not passed"
            before = session.done
            session.start(following.name if following else "", chance.randrange(1, 5))
            assert session.done == before + (point in AFTER_THE_COMMIT), f"{session}: {point}"
        session.kill()


def test_killed_in_a_restore(tmp_path: Path) -> None:
    """However often a restore of many components ends in a kill, the next one brings everything back."""
    many = (
        "big = [np.arange(20_000.) + i for i in range(20)]\nfor i in range(200): globals()[f'l{i}'] = [i, big[i % 9]]"
    )
    alone = "for i in range(200): globals()[f'd{i}'] = {'n': [i]}"
    what, cells = workload(11, 6, frames=True)
    with CrashSession(tmp_path, what, [*cells, many, alone]) as session:
        session.start()
        while not session.is_over:
            assert session.run()
        session.kill()
        chance = random.Random(11)
        for point, nth in [*((point, 1) for point in IN_A_RESTORE), (Point.RECORD_READ, 150), (Point.BUFFER_READ, 15)]:
            assert (point, session.dies(point.name, nth)) == (point, -signal.SIGKILL)
        began = time.monotonic()
        session.start()
        seconds = time.monotonic() - began
        session.kill()
        for _ in range(5):
            session.spawn()
            time.sleep(chance.uniform(0.2, 1) * seconds)
            session.kill()
        session.start()
        session.kill()


def test_killed_when_the_audit_is_complete(tmp_path: Path) -> None:
    """The audit's own note is not on the disk: everything else is."""
    with CrashSession(tmp_path, *workload(13, 4)) as session:
        session.start(Point.AUDIT_OVER.name)
        while not session.is_over:
            assert session.run()
        assert session.died() == -signal.SIGKILL
        session.start()
        session.kill()


def test_killed_before_the_audit_stores_what_it_found(tmp_path: Path) -> None:
    """A change that no cell led to is as of the reply, and the audit of the next kernel finds the next one."""
    with CrashSession(tmp_path, "a callback", ["box = []", "box.append('a cell')"]) as session:
        session.start(Point.AUDIT_FOUND.name)
        assert session.run()
        assert session.kernel is not None
        session.kernel.execute("__import__('asyncio').get_running_loop().call_later(0.05, box.append, 1);", silent=True)
        assert session.died() == -signal.SIGKILL
        session.start()
        assert session.run()
        session.kill()
        session.start()
        session.kill()


def test_killed_while_old_commits_go(tmp_path: Path) -> None:
    """In idle time, with a pack half copied or just replaced: every variable is there, the mapped array too."""
    cells = [
        "import numpy as np; stays = np.arange(2_500_000.)",
        *(f"big = stays[:1_200_000] * {i}" for i in range(40)),
    ]
    settings = {"HOLDFAST_DURABILITY": "process", "HOLDFAST_KEEP_COMMITS": "4"}
    with CrashSession(tmp_path, "old commits", cells, **settings) as session:
        for point in IN_IDLE_TIME:
            session.start(point.name)
            for _ in range(12):
                assert session.run()
            assert (point, session.died()) == (point, -signal.SIGKILL)
        session.start()
        session.kill()


def test_killed_at_the_end(tmp_path: Path) -> None:
    """A kernel that dies while it leaves has left everything behind."""
    with CrashSession(tmp_path, *workload(17, 6), HOLDFAST_SESSION=NAME) as session:
        for point in AT_THE_END:
            session.start(point.name)
            for _ in range(3):
                assert session.run()
            assert session.kernel is not None
            session.kernel.send("shutdown_request", {"restart": False}, "control")
            assert (point, session.died()) == (point, -signal.SIGKILL)
        session.start()
        session.kill()


@pytest.mark.parametrize("point", OF_A_DAMAGED_STORE)
def test_killed_while_a_damaged_store_is_moved_aside(point: Point, tmp_path: Path) -> None:
    """The next start finds it in its place or out of the way, and begins afresh either way."""
    with CrashSession(tmp_path, *workload(19, 3), HOLDFAST_SESSION=NAME) as session:
        session.start()
        assert session.run()
        session.kill()
        home = tmp_path / "home"
        flip(Path(folder_of(home, NAME), DATABASE), 3)
        assert session.dies(point.name) == -signal.SIGKILL
        moved = point is Point.MOVED_ASIDE
        assert (home / ASIDE).exists() == moved
        session.done = 0
        with Kernel(session.folder, environment=session.environment) as kernel:
            result = kernel.run("1 + 1")
            assert (result.result, "was moved to" in result.stderr) == ("2", not moved)
        assert len(list((home / ASIDE).iterdir())) == 1


def test_killed_while_a_session_is_branched(tmp_path: Path) -> None:
    """The origin goes on undisturbed, and the next kernel that asks for it gets a whole branch."""
    with CrashSession(tmp_path, *workload(23, 4), HOLDFAST_SESSION=NAME) as origin:
        origin.start()
        assert origin.run()
        environment = {**origin.environment, "CRASH_POINT": f"{Point.BRANCHED.name} 1"}
        second = Process(tmp_path, environment=environment, program=[crash_kernel.__file__])
        assert second.wait() == -signal.SIGKILL
        second.kill()
        assert origin.run()
        with Kernel(tmp_path, environment=origin.environment) as kernel:
            result = kernel.run("len(In)")
            assert (result.result, result.reply["execution_count"]) == ("4", 3)
            assert "a branch of" in str([message.content for message in result.outputs])
        assert origin.run()
        origin.kill()
        origin.start()
        origin.kill()


def _transacting(folder: Path, point: Point, nth: int, cells: Sequence[str]) -> Result:
    """Kill a kernel at a point of its last cell; what the next one has."""
    environment = {"HOLDFAST_DURABILITY": "process", "HOLDFAST_HOME": str(folder / "home"), "HOLDFAST_SESSION": NAME}
    armed = {**environment, "CRASH_POINT": f"{point.name} {nth}"}
    process = Process(folder, environment=armed, program=[crash_kernel.__file__])
    kernel = Kernel(folder, process=process)
    try:
        for code in cells[:-1]:
            assert kernel.run(code).error is None
        kernel.execute(cells[-1])
        assert process.wait() == -signal.SIGKILL
    finally:
        process.kill()
        kernel.close()
    with Kernel(folder, environment=environment) as kernel:
        return kernel.run("a, next(it), globals().get('b')")


@pytest.mark.parametrize("point", IN_A_TRANSACTION)
def test_killed_in_a_transaction(point: Point, tmp_path: Path) -> None:
    """In a transaction that is under way, and in the middle of its rollback: the next kernel knows nothing of it."""
    told, cell = IN_A_TRANSACTION[point]
    cells = ["a = [1]; it = iter([7, 8])", *filter(None, [told]), cell]
    assert _transacting(tmp_path, point, 1, cells).result == "([1], 7, None)"


@pytest.mark.parametrize(
    ("point", "nth", "expected"),
    [(Point.CELL_INSERTED, 2, "([1], 7, None)"), (Point.REPLYING, 3, "([1, 2], 8, [7])")],
)
def test_killed_in_the_commit_of_a_transaction(point: Point, nth: int, expected: str, tmp_path: Path) -> None:
    """All of its cells are there or none.  (Cells that are held back pass neither point, nor does an audit.)"""
    first = "a = [1]; it = iter([7, 8])"
    cells = [first, "%transaction explicit", "a.append(2)", "b = [next(it)]", "%transaction commit"]
    assert _transacting(tmp_path, point, nth, cells).result == expected


def _matrix(folder: Path, seeds: Sequence[int], kills: int) -> Counter[str]:
    """Sessions, one after the other, until there were so many kills; what the kernels were doing then."""
    counts: Counter[str] = Counter()
    for seed in seeds:
        if counts.total() >= kills:
            break
        settings = {"HOLDFAST_DURABILITY": "full" if seed % 4 < 2 else "process"}
        if seed % 2:
            settings["HOLDFAST_SESSION"] = NAME
        with CrashSession(folder / str(seed), *workload(seed, CELLS, frames=seed % 3 == 0), **settings) as session:
            chance = random.Random(seed)
            while not session.is_over:
                counts[kill_at_random(session, chance)] += 1
            session.start()
        shutil.rmtree(folder / str(seed))
    return counts


def _both_cores(folder: Path, first: int, kills: int) -> Counter[str]:
    """Two rows of sessions side by side: while one waits, the other's kernel starts."""
    seeds = range(first, first + kills)
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda part: _matrix(folder, seeds[part::2], kills // 2), range(2)))
    return done[0] + done[1]


@pytest.mark.timeout(900)
def test_killed_at_random_instants(tmp_path: Path) -> None:
    """Forty kills on a few sessions, in cells, replies, audits, restores and ends."""
    counts = _both_cores(tmp_path, 100, KILLS)
    assert counts.total() >= KILLS
    assert len(counts) >= 4, counts


@pytest.mark.nightly
@pytest.mark.timeout(0)
def test_killed_at_random_instants_at_night(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A thousand kills; the seed is in the message of what fails."""
    counts = _both_cores(tmp_path, 1000, NIGHTLY)
    with capsys.disabled():
        print(f"\n{counts.total()} kills from seed 1000 on: {dict(counts)}")
    assert counts.total() >= NIGHTLY
