"""Who owns a session on a file system of the network, where a lock may hold on one machine only.

It must never let two machines commit to one session: whoever lost the row commits nothing any more.

A row of the database says who may write and until when; it is renewed by a thread, checked within each commit, and
taken over when it has run out.  The lock of the folder (`lock.py`) still decides between kernels of one machine: so
one that was killed is followed at once by the next one there, and on another machine after the lease has run out.

Rejected: trusting the locks of the file system alone (some grant them to everybody), and a lease on local disks (a
write each minute for what the lock knows).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from threading import RLock

from holdfast.clock import Clock
from holdfast.durable.faults import Locked, NotKept
from holdfast.threads import OwnThread

#: How long a lease is good for, and how often it is renewed: clocks of machines may differ by what lies between.
SECONDS, RENEWED = 120, 30
_CLOCK = Clock()


def host() -> str:
    """The name of this machine."""
    import socket

    return socket.gethostname()


class Lease:
    """Held from `take` to `release`; `wall` gives milliseconds."""

    def __init__(self, folder: str, db: sqlite3.Connection, lock: RLock, wall: Callable[[], int] = _CLOCK.wall) -> None:
        self._folder = folder
        self._db = db
        self._lock = lock
        self._wall = wall
        self._holder = os.urandom(16)
        self._over = threading.Event()
        self._thread = OwnThread(target=self._run, name="holdfast-lease", daemon=True)

    def take(self) -> None:
        """Become the owner; raises `Locked` while a kernel on another machine is, sqlite3.Error."""
        here = host()
        self._db.execute("begin immediate")
        try:
            for _, where, pid, until in self._db.execute("select * from lease").fetchall():
                left = (until - self._wall()) // 1000
                if where != here and left > 0:
                    owner = f"the kernel with process id {pid} on {where} is using it, or was {SECONDS - left} s ago"
                    raise Locked(self._folder, owner)
            self._db.execute("delete from lease")
            self._db.execute("insert into lease values (?, ?, ?, ?)", (self._holder, here, os.getpid(), self._until()))
            self._db.execute("commit")
        except BaseException:
            if self._db.in_transaction:
                self._db.rollback()
            raise
        self._thread.start()

    def demand(self) -> None:
        """Raise `NotKept` where another machine has taken over."""
        row = self._db.execute("select holder, host, pid from lease").fetchone()
        if row is None or row[0] != self._holder:
            who = f"a kernel on {row[1]} (process id {row[2]})" if row else "another kernel"
            reason = f"{who} has taken this session over, because this one was not heard of for {SECONDS} s"
            raise NotKept(self._folder, reason, "save what you need in files, and start this kernel again")

    def release(self) -> None:
        """Let another machine have the session at once.  The caller does not hold the store's lock."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        try:
            self._db.execute("delete from lease where holder = ?", (self._holder,))
        except sqlite3.Error:
            pass  # it runs out by itself

    def renew(self) -> None:
        """Be the owner for some time more; raises sqlite3.Error."""
        query = "update lease set until = ? where holder = ?"
        with self._lock:
            self._db.execute(query, (self._until(), self._holder))

    def _until(self) -> int:
        return self._wall() + SECONDS * 1000

    def _run(self) -> None:
        while not self._over.wait(RENEWED):
            try:
                self.renew()
            except sqlite3.Error:
                continue  # the network is away: the next time, or never
