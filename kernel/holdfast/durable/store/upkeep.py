"""What a store does with its old commits and its garbage, and how much room there is for new values.

It must never hold up a cell for what can wait: idle time does it, step by step.  Only a value for which there is no
room has old commits go while it waits.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from threading import RLock
from typing import TYPE_CHECKING

from holdfast.clock import Clock
from holdfast.durable.faults import NoRoom
from holdfast.durable.retention import DEFAULT, PRESSED, disk, fewer, left, oldest
from holdfast.durable.store.ledger import Ledger
from holdfast.durable.store.packs import Packs
from holdfast.durable.store.points import Crash
from holdfast.durable.store.port import CHUNK, Until
from holdfast.durable.store.shelf import Layout, Shelf

if TYPE_CHECKING:
    from holdfast.durable.store.cleaning import Cleaner

#: Commits after which idle time copies SQLite's log into the database, and after which what failed is tried again.
OFTEN = 64
#: Bytes that are put before the room is looked at again.
ALLOWANCE = 64 << 20
#: Bytes of garbage for which it is worth looking.
GARBAGE = 64 << 20
#: The room where the system does not tell: then writing does.
UNKNOWN = 1 << 62
_CLOCK = Clock()

Parts = Callable[[], tuple[sqlite3.Connection, Ledger]]


class Upkeep:
    """The upkeep of one store, under its lock.

    `parts` gives its database and ledger, or raises; after `distrust` it reads the ledger again.
    """

    def __init__(
        self,
        folder: str,
        lock: RLock,
        parts: Parts,
        shelf: Shelf,
        packs: Packs,
        crash: Crash,
        *,
        durable: bool,
        distrust: Callable[[], None],
        date: Callable[[], str] = _CLOCK.date,
    ) -> None:
        self._folder = folder
        self._lock = lock
        self._parts = parts
        self._shelf = shelf
        self._packs = packs
        self.limits = DEFAULT
        self._crash = crash
        self._durable = durable
        self._distrust = distrust
        self._date = date
        self._cleaner: Cleaner | None = None
        self._steps: Iterator[None] = iter(())
        self._copied = 0
        self._pause = 0
        self._allowance = 0
        #: Whether a process before this one may have left garbage; None until that is known.
        self._unswept: bool | None = None

    def note(self, versions: Iterable[int], layouts: Iterable[Layout]) -> None:
        """A commit was made that refers to these."""
        if self._cleaner is not None:
            self._cleaner.note(versions, layouts)

    def cancel(self) -> None:
        """The ledger was read again, or the store is closed: the pass under way knows only the old one."""
        self._cleaner = None
        self._steps = iter(())

    def tidy(self, until: Until) -> bool:
        """See the port."""
        while True:
            with self._lock:
                db, ledger = self._parts()
                if ledger.number >= self._copied + OFTEN:
                    db.execute("pragma wal_checkpoint(passive)").fetchall()
                    self._copied = ledger.number
                try:
                    if self._cleaner is None and not self._begin(db, ledger):
                        return True
                except OSError:
                    return True  # the folder is away: the next commit says so
                self._step(ledger)
            if until():
                return False

    def room(self, wanted: int) -> int:
        """See the port."""
        with self._lock:
            db, ledger = self._parts()
            there = self._left(db)
            head = ledger.head()
            if there >= wanted or head is None or self._pause > ledger.number:
                return there
            from holdfast.durable.store.cleaning import needs

            if self._limit() - needs(db, {*head.names.values(), *head.tokens.values()}) < wanted:
                return there  # nothing that may go would make enough room
            while there < wanted and ledger.first < ledger.number and self._pause <= ledger.number:
                self.cancel()
                self._start(db, ledger, fewer(ledger.first, ledger.number), eager=True)
                while self._cleaner is not None:
                    self._step(ledger)
                db, ledger = self._parts()
                there = self._left(db)
            return there

    def admit(self, size: int) -> None:
        """Raise `NoRoom` unless a chunk may be appended."""
        self._allowance -= size
        if self._allowance < 0:
            self._allowance = min(self.room(size), ALLOWANCE) - size
            if self._allowance < 0:
                self._unswept = True  # of a value that does not fit, a part may be there
                raise NoRoom(self._folder)

    def _begin(self, db: sqlite3.Connection, ledger: Ledger) -> bool:
        """Start a pass if there is a reason for one; say whether."""
        first, last = ledger.first, ledger.number
        if not last or self._pause > last:
            return False
        if self._unswept is None:
            self._unswept = first > 1 or self._packs.used() > GARBAGE
        if self._shelf.garbage * CHUNK > GARBAGE:
            self._unswept = True
        total, _ = disk(self._folder)
        keep = oldest(self.limits, first, last, ledger.date, self._date)
        pressed = self._used(db) > PRESSED * self.limits.budget(total)
        if pressed and first < last:
            keep = max(keep, fewer(first, last))
        if keep <= first and not self._unswept:
            return False
        self._start(db, ledger, keep, eager=pressed)
        return True

    def _start(self, db: sqlite3.Connection, ledger: Ledger, keep: int, *, eager: bool) -> None:
        from holdfast.durable.store.cleaning import Cleaner

        self._cleaner = Cleaner(db, ledger, self._shelf, self._packs, self._crash, durable=self._durable)
        self._steps = self._cleaner.steps(keep, eager)

    def _step(self, ledger: Ledger) -> None:
        try:
            next(self._steps)
        except StopIteration:
            self._unswept = False
            self.cancel()
        except BaseException as error:
            # Of an interrupted transaction only the database knows whether it happened.
            self._distrust()
            self.cancel()
            self._pause = ledger.number + OFTEN
            if not isinstance(error, sqlite3.Error | OSError):
                raise
            # A full disk, most likely: the garbage stays for now.

    def _used(self, db: sqlite3.Connection) -> int:
        """The bytes of packs and database, without the pages that SQLite will use again."""
        (pages,), (free,), (page,) = (
            db.execute(f"pragma {name}").fetchone() for name in ("page_count", "freelist_count", "page_size")
        )
        return self._packs.used() + int((pages - free) * page)

    def _left(self, db: sqlite3.Connection) -> int:
        try:
            return left(self.limits, self._used(db), *disk(self._folder))
        except OSError:
            return UNKNOWN

    def _limit(self) -> int:
        """What the store may take in all, with what the disk has left."""
        db, _ = self._parts()
        return self._used(db) + self._left(db)


def bytes_on_disk(folder: str) -> int:
    """Return what all files of a session take."""
    total = 0
    for place, _, files in os.walk(folder):
        for file in files:
            try:
                total += os.lstat(os.path.join(place, file)).st_size
            except FileNotFoundError:
                continue  # SQLite removes its log now and then
    return total
