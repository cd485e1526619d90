"""A process that commits to a session until it is killed, and what must be found afterwards.

Run as a program: HOME POINT NTH CELLS KEPT.  It restores what is there, commits cells, restores again and closes;
at the NTH time that it passes POINT it kills itself.  After each commit it prints the number.  CELLS may be
`-1`: it then commits until somebody kills it.  KEPT above 0 keeps so many commits: it tidies between the cells, and
copies every pack with a page of garbage, as a store does that has run for years.

It must never print a number before `commit` has returned it.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from holdfast.durable.folder import Session, open_session
from holdfast.durable.retention import Limits
from holdfast.durable.store import cleaning
from holdfast.durable.store.chunks import Kept, keep, known
from holdfast.durable.store.points import Point
from holdfast.durable.store.port import Buffer, Commit, Record, Store

NAME = "crash test"
#: What a store passes that lets commits go, in order (see `durable/store/cleaning.py`).
TIDYING = (
    Point.LETTING_GO,
    Point.LET_GO,
    Point.SWEEPING,
    Point.SWEPT,
    Point.CLEARING,
    Point.COPYING,
    Point.COPIED,
    Point.MOVING,
    Point.MOVED,
    Point.DROPPED,
)
_MIB = 1 << 20
_SIZE = 3 * _MIB


def stream(number: int) -> bytes:
    """The stream that cell `number` stores; every third is long enough to lie in a pack."""
    return random.Random(number).randbytes(100_000 if number % 3 == 0 else 300)


def array(number: int) -> bytearray:
    """The array after cell `number`: one chunk in three changes at each cell."""
    data = bytearray(_SIZE)
    for one in range(max(1, number - 2), number + 1):
        data[one % 3 * _MIB : one % 3 * _MIB + 8] = one.to_bytes(8)
    return data


def manifest(number: int) -> dict[str, int]:
    """The names after cell `number`, and their versions."""
    if not number:
        return {}
    names = {f"n{one % 4}": one for one in range(1, number + 1)}
    return {name: version for name, version in names.items() if name != f"n{(number + 2) % 4}"} | {"last": number}


def commit(store: Store, number: int, before: Kept | None) -> Kept:
    """Commit cell `number`; returns its array as stored."""
    kept = keep(memoryview(array(number)), store.put, known([(before.buffer, before.prints)] if before else ()))
    old, new = manifest(number - 1), manifest(number)
    names: dict[str, int | None] = {name: new.get(name) for name in old | new if old.get(name) != new.get(name)}
    record = Record(number, "component", "", stream(number), (kept.buffer,), b"{}")
    promise = (f"c{number}", "resolved", b"{}")
    store.commit(Commit(number, 1, f"cell {number}", "ok", "now", (record,), names, {}, b"%d" % number, promise))
    return kept


def check(store: Store) -> int:
    """Assert that the store holds exactly what its newest commit says, and return that commit's number."""
    head = store.head()
    number = head.number if head else 0
    assert (dict(head.names) if head else {}) == manifest(number)
    counts = [entry.count for entry in store.log()]
    assert counts == list(range(number - len(counts) + 1, number + 1))
    assert [row.id for row in store.promise_rows()] == [f"c{one}" for one in counts]
    for one in counts:
        assert dict(store.at(one).names) == manifest(one)
    assert head is None or head.state == b"%d" % number
    for version in sorted({version for one in counts for version in manifest(one).values()}):
        record = store.record(version)
        assert record.stream == stream(version)
        assert store.verify(record.buffers[0])
        assert store.read(record.buffers[0], writable=True) == array(version)
    return number


def _killer(point: str, nth: int) -> Callable[[Point], None]:
    seen = itertools.count(1)

    def crash(here: Point) -> None:
        if here.name == point and next(seen) == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    return crash


def keep_few(session: Session, commits: int) -> None:
    """Have old commits go, and the space that they took."""
    cleaning.SLACK, cleaning.COPIED = (1, 1 << 20), _MIB
    session.store.limit(Limits(commits=commits))


def main(home: str, point: str, nth: int, cells: int, commits: int) -> None:
    """See the module."""
    session = open_session(Path(home), NAME, crash=_killer(point, nth))
    if commits:
        keep_few(session, commits)
    number = check(session.store)
    head = session.store.head()
    buffer: Buffer | None = session.store.record(head.version).buffers[0] if head else None
    kept = Kept(buffer, b"") if buffer else None
    for one in itertools.count(number + 1):
        if cells >= 0 and one > number + cells:
            break
        kept = commit(session.store, one, kept)
        print(one, flush=True)
        if commits:
            session.store.tidy()
    check(session.store)
    session.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
