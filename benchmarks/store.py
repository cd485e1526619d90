"""What the store costs on this machine, beside bare SQLite in the same run: `python benchmarks/store.py [FOLDER]`.

It must never be run in the suite: it writes half a gigabyte, and its figures are for reading side by side.

Every figure of a kind is taken in turns with its yardstick, so that a busy machine is busy for both.
"""

from __future__ import annotations

import shutil
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from holdfast.durable.folder import Session, open_session
from holdfast.durable.store.chunks import Kept, fingerprints, keep, known
from holdfast.durable.store.port import Commit, Record
from holdfast.durable.store.schema import Durability

CELLS = 1000
MB = 10**6
MODES: tuple[Durability, ...] = ("full", "process")


def cell(number: int, name: str = "x") -> Commit:
    """Return the commit of a small cell: a stream of 120 bytes, one name, a promise."""
    record = Record(number, "component", "", b"s" * 120, (), b'{"modules":{}}')
    promise = (f"kabcdef-e1-c{number}-0123456789abcdef", "resolved", b'{"status":"ok"}')
    return Commit(
        number, 1, f"x = {number}", "ok", "2026-01-02T03:04:05+00:00", (record,), {name: number}, {}, b"{}", promise
    )


class Bare:
    """One row per transaction: what SQLite itself costs here."""

    def __init__(self, folder: Path, mode: Durability) -> None:
        self._db = sqlite3.connect(folder / f"bare-{mode}.sqlite", isolation_level=None)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute(f"pragma synchronous = {'full' if mode == 'full' else 'normal'}")
        self._db.execute("create table t (a integer primary key, b blob)")

    def commit(self, number: int) -> None:
        """Write one row of 400 bytes."""
        self._db.execute("begin immediate")
        self._db.execute("insert into t values (?, ?)", (number, b"x" * 400))
        self._db.execute("commit")

    def close(self) -> None:
        """Close the database."""
        self._db.close()


def taken(act: Callable[[], object]) -> float:
    """Return how long a call took, in milliseconds."""
    start = perf_counter()
    act()
    return (perf_counter() - start) * 1e3


def p(values: list[float], percent: int) -> float:
    """Return a percentile."""
    return statistics.quantiles(values, n=100)[percent - 1]


@contextmanager
def session(home: Path, name: str, mode: Durability = "full") -> Iterator[Session]:
    """Open a session for a while."""
    opened = open_session(home, name, mode)
    try:
        yield opened
    finally:
        opened.close()


def commits(home: Path, mode: Durability) -> None:
    """Small cells one after another, by fifths of the history."""
    bare = Bare(home, mode)
    ours: list[float] = []
    raw: list[float] = []
    with session(home, f"commits {mode}", mode) as one:
        for number in range(1, CELLS + 1):
            ours.append(taken(lambda: one.store.commit(cell(number))))  # noqa: B023  # called at once
            raw.append(taken(lambda: bare.commit(number)))  # noqa: B023
        size = one.store.size()
    bare.close()
    fifth = CELLS // 5
    parts = " ".join(f"{p(ours[start : start + fifth], 50):.3f}" for start in range(0, CELLS, fifth))
    print(
        f"commit, {mode:8}  p50 {p(ours, 50):.3f} ms  p90 {p(ours, 90):.3f}  p99 {p(ours, 99):.3f}  by fifths {parts}"
    )
    print(
        f"  bare sqlite     p50 {p(raw, 50):.3f} ms  p90 {p(raw, 90):.3f}  p99 {p(raw, 99):.3f}  kept {size // 1000} kB"
    )


def many_names(home: Path, names: int = 100_000) -> None:
    """Small cells in a namespace of many names; the one slow commit writes the whole manifest."""
    with session(home, "names") as one:
        first = Commit(1, 1, "", "ok", "", (), {f"n{index}": 1 for index in range(names)}, {}, b"", ("", "", b""))
        start = taken(lambda: one.store.commit(first))
        times = [taken(lambda: one.store.commit(cell(number))) for number in range(2, CELLS)]  # noqa: B023
    again = taken(lambda: open_session(home, "names").close())
    print(f"{names:,} names  first {start:.0f} ms, p50 {p(times, 50):.3f}, worst {max(times):.1f}; open {again:.1f} ms")


def array(home: Path, mode: Durability, size: int = 100 * MB) -> None:
    """100 MB: the first time, unchanged, and with one element changed."""
    data = bytearray(memoryview(bytes(range(256)) * (size // 256 + 1))[:size])
    for start in range(0, size, 1 << 20):
        data[start : start + 4] = start.to_bytes(4)
    view = memoryview(data)
    with session(home, f"array {mode}", mode) as one:
        store = one.store
        kept: list[Kept] = []
        number = 0

        def store_it(before: Kept | None) -> None:
            nonlocal number
            number += 1
            found = keep(view, store.put, known([(before.buffer, before.prints)] if before else ()))
            record = Record(number, "component", "", b"s", (found.buffer,), b"{}")
            names = {"a": number}
            store.commit(Commit(number, 1, "", "ok", "", (record,), names, {}, b"", ("", "", b"")))
            kept.append(found)

        first = taken(lambda: store_it(None))
        whole = store.size()
        same = statistics.median(taken(lambda: fingerprints(view)) for _ in range(5))
        changed: list[float] = []
        for index in range(10):
            view[index * 7 * MB] ^= 255
            changed.append(taken(lambda: store_it(kept[-1])))
        grown = (store.size() - whole) / 10
        every = taken(lambda: keep(view, store.put))
        read = taken(lambda: store.read(kept[-1].buffer, True))
        mapped = taken(lambda: store.read(kept[0].buffer, True))
        checked = taken(lambda: store.verify(kept[0].buffer))
    print(
        f"100 MB, {mode:8}  first {first:.0f} ms; unchanged {same:.1f} ms (xxh3); one element changed p50 "
        f"{statistics.median(changed):.1f} ms, {grown / MB:.2f} MB stored; put of every chunk {every:.0f} ms"
    )
    print(f"                  mapped {mapped:.2f} ms; in several places {read:.0f} ms; verified {checked:.0f} ms")


def opening(home: Path) -> None:
    """Open sessions with little and much history, as the next start does."""
    for count in (1, 100, CELLS, 5 * CELLS):
        name = f"open {count}"
        with session(home, name, "process") as one:
            for number in range(1, count + 1):
                one.store.commit(cell(number, f"n{number % 50}"))
        times = []
        for _ in range(9):
            start = perf_counter()
            opened = open_session(home, name)
            opened.store.head()
            times.append((perf_counter() - start) * 1e3)
            opened.close()
        with session(home, name) as one:
            log = taken(one.store.log)
        print(f"open, {count:>5} commits  p50 {statistics.median(times):.2f} ms   whole log {log:.1f} ms")


def main() -> None:
    """Print every figure."""
    home = Path(tempfile.mkdtemp(prefix="holdfast-store-", dir=sys.argv[1] if len(sys.argv) > 1 else None))
    print(f"{home}: SQLite {sqlite3.sqlite_version}, Python {sys.version.split()[0]}")
    try:
        with session(home, "warm", "full") as one:
            one.store.commit(cell(1))
        print(f"first session in a folder  {taken(lambda: open_session(home / 'new', 'x').close()):.1f} ms")
        for mode in MODES:
            commits(home, mode)
        many_names(home)
        opening(home)
        for mode in MODES:
            array(home, mode)
    finally:
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
