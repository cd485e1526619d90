"""Killed at every named point and at random instants, a store is what its last commit left, or the one in flight."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from itertools import cycle
from pathlib import Path

import pytest

from helpers import store_process
from helpers.store_process import TIDYING
from helpers.stores import MIB, flip
from holdfast.durable.folder import ASIDE, Session, folder_of, open_session
from holdfast.durable.store.points import Point
from holdfast.durable.store.schema import DATABASE, PACKS

SEEDED = 5
CELLS = 6
# Passed only where nothing was there before.
FIRST_START = (Point.KEY_WRITTEN, Point.STORE_PREPARED)


def start(home: Path, point: str, nth: int, cells: int, commits: int = 0) -> subprocess.Popen[str]:
    """Start the process that commits, and keeps so many commits; its stdout tells what it replied."""
    words = [sys.executable, "-P", store_process.__file__, str(home), point, *map(str, (nth, cells, commits))]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def seed(home: Path) -> None:
    """Commit some cells, and leave an orphan chunk behind as a crash would."""
    session = open_session(home, store_process.NAME)
    kept = None
    for number in range(1, SEEDED + 1):
        kept = store_process.commit(session.store, number, kept)
    session.store.put(memoryview(b"orphan"))
    session.close()


def packs_end_where_commits_say(session: Session) -> bool:
    """Say whether there is no pack, and no part of the last one, that its session does not know."""
    place = session.store._ledger.place
    known = {number for (number,) in session.store.rows("select number from packs")}
    sizes = {int(path.stem): path.stat().st_size for path in Path(session.folder, PACKS).glob("*.pack")}
    return sizes.keys() == known and all(number != place[0] or size == place[1] for number, size in sizes.items())


def check(home: Path, replied: int) -> Session:
    """Open the session as the next start does, check all of it against what was replied, and commit once more."""
    session = open_session(home, store_process.NAME)
    number = store_process.check(session.store)
    assert number in (replied, replied + 1)
    assert packs_end_where_commits_say(session)
    store_process.commit(session.store, number + 1, None)
    assert store_process.check(session.store) == number + 1
    return session


IN_EACH_COMMIT = (
    Point.CHUNK_TORN,
    Point.CHUNK_WRITTEN,
    Point.PACK_SYNCED,
    Point.RECORDS_INSERTED,
    Point.CELL_INSERTED,
    Point.COMMITTED,
)

OF_THE_STORE = (
    *FIRST_START,
    Point.LOCKED,
    Point.HEAD_VERIFIED,
    Point.ORPHANS_CUT,
    Point.REFUSED,
    Point.PACK_CREATED,
    *IN_EACH_COMMIT,
    Point.RECORD_READ,
    Point.BUFFER_READ,
    Point.CLOSING,
)

CASES: list[tuple[Point, int, bool]] = [(point, 1, False) for point in OF_THE_STORE if point is not Point.REFUSED]
CASES += [(point, 4, False) for point in IN_EACH_COMMIT]
CASES += [(point, 1, True) for point in OF_THE_STORE if point not in FIRST_START]


@pytest.mark.parametrize(("point", "nth", "seeded"), CASES, ids=lambda value: getattr(value, "name", value))
def test_a_kill_at_a_named_point_costs_no_replied_cell(point: Point, nth: int, seeded: bool, tmp_path: Path) -> None:
    """The process passes the point and dies there; the next start finds all that was replied, and works."""
    replied = 0
    if seeded:
        seed(tmp_path)
        replied = SEEDED
    if point is Point.REFUSED:
        flip(Path(folder_of(tmp_path, store_process.NAME), DATABASE), 3)
        replied = 0
    if point is Point.PACK_CREATED and seeded:
        # The seeded session goes on in the pack that it has; without one, a new one is made.
        replied = drop_packs(tmp_path)
    process = start(tmp_path, point.name, nth, CELLS)
    out, err = process.communicate()
    assert (process.returncode, err) == (-signal.SIGKILL, "")
    session = check(tmp_path, int(out.split()[-1]) if out else replied)
    session.close()
    assert bool(session.notices) == (point is Point.REFUSED)
    assert (tmp_path / ASIDE).exists() == (point is Point.REFUSED)


@pytest.mark.parametrize(("point", "nth"), list(zip(TIDYING, cycle((1, 4)), strict=False)))
def test_a_kill_while_a_store_is_tidied_costs_nothing(point: Point, nth: int, tmp_path: Path) -> None:
    """Every commit that is kept is whole, at most one too many is there, and the next pass finds the garbage."""
    seed(tmp_path)
    process = start(tmp_path, point.name, nth, 20, commits=3)
    out, err = process.communicate()
    assert (process.returncode, err) == (-signal.SIGKILL, "")
    session = check(tmp_path, int(out.split()[-1]))
    assert session.notices == ()
    store_process.keep_few(session, 3)
    session.store.tidy()
    last = store_process.check(session.store)
    assert [entry.count for entry in session.store.log()] == list(range(last - 2, last + 1))
    # The newest commit has up to four arrays of three chunks, with their streams; the two before it one more each.
    assert sum(path.stat().st_size for path in Path(session.folder, PACKS).iterdir()) < 20 * MIB
    session.close()


def drop_packs(home: Path) -> int:
    """Replace the seeded session by one whose cells needed no pack."""
    import shutil

    shutil.rmtree(folder_of(home, store_process.NAME))
    open_session(home, store_process.NAME).close()
    return 0


def kill_at_random(home: Path, chance: random.Random, kills: int, commits: int) -> None:
    """Kill a process that commits, again and again on one session, each time after some replies."""
    replied = 0
    for _ in range(kills):
        process = start(home, "none", 0, -1, commits)
        assert process.stdout is not None
        for _ in range(chance.randrange(1, 12)):
            replied = int(process.stdout.readline())
        process.kill()
        rest, err = process.communicate()
        assert (process.returncode, err) == (-signal.SIGKILL, "")
        # The last line may be torn: it was a reply only with its end.
        replied = int((rest.rpartition("\n")[0].split() or [str(replied)])[-1])
        session = check(home, replied)
        replied = session.store.log()[-1].number
        session.close()
        assert session.notices == ()


@pytest.mark.parametrize("seed_", range(6))
def test_a_kill_at_a_random_instant_costs_no_replied_cell(seed_: int, tmp_path: Path) -> None:
    """Killed from outside three times on one session, with few or all commits kept, it never loses a replied cell."""
    kill_at_random(tmp_path, random.Random(seed_), 3, seed_ % 2 * 5)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_many_kills_at_random_instants_cost_no_replied_cell(tmp_path: Path) -> None:
    """A thousand kills, on sessions of ten."""
    for seed_ in range(100):
        kill_at_random(tmp_path / str(seed_), random.Random(1000 + seed_), 10, seed_ % 3 * 4)
