"""Sessions seen and turned from the command line, where no kernel of ours runs.

It must never make a value of a session, and never change one that a kernel owns.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import msgspec

from holdfast.durable.changes import changes, told
from holdfast.durable.checkout import checkout_commit
from holdfast.durable.components import name_of
from holdfast.durable.faults import Absent, Damaged, Locked, Tampered
from holdfast.durable.folder import open_session
from holdfast.durable.keys import Seal, StrPath, user_key
from holdfast.durable.listing import find, ledger_of
from holdfast.durable.lock import owner
from holdfast.durable.reports import CHECKOUT, State, Switched
from holdfast.durable.rows import Changes
from holdfast.durable.store.port import DIGEST, Buffer, Head, Record
from holdfast.durable.store.schema import DATABASE, identify
from holdfast.durable.timeline import Timeline
from holdfast.errors import StoreError


class InUse(StoreError):
    """A checkout from outside of a session that a kernel owns."""

    def __init__(self, name: str, pid: int, address: str) -> None:
        super().__init__(name, pid, address)
        self.name = name
        self.pid = pid
        self.address = address

    def __str__(self) -> str:
        whose = f"the kernel of process {self.pid}" if self.pid else "another kernel"
        return f"{whose} uses the session {self.name!r}: run %checkout {self.address} in a cell of it"


class _Beside:
    """Records of a store, read beside its owner; a long stream is not looked for in the packs."""

    def __init__(self, folder: str, db: sqlite3.Connection, key: bytes) -> None:
        self._folder = folder
        self._db = db
        self._seal = Seal(key, identify(db, folder, key).ident)

    def record(self, version: int) -> Record:
        """See the port."""
        query = "select kind, key, stream, layout, meta, tag from records where version = ?"
        row: tuple[Any, ...] | None = self._db.execute(query, (version,)).fetchone()
        if row is None:
            raise Absent(self._folder, f"version {version}")
        *fields, tag = row
        kind, key, stream, layout, meta = fields
        if not isinstance(tag, bytes) or not self._seal.holds(
            b"record", msgspec.msgpack.encode((version, *fields)), tag
        ):
            raise Tampered(self._folder, f"version {version} was changed")
        buffers = tuple(
            Buffer(size, tuple(chunks[at : at + DIGEST] for at in range(0, len(chunks), DIGEST)))
            for size, chunks in msgspec.msgpack.decode(layout)
        )
        return Record(version, kind, key.decode("utf-8", "surrogatepass"), stream or b"", buffers, meta)


def compared(home: StrPath, name: str, one: str, other: str) -> tuple[str, Changes]:
    """A session's whole name, and what two of its states differ in; without another address, those of now."""
    folder, key = find(home, name), user_key(home, make=False)
    db, its_name, ledger = ledger_of(folder, key)
    with closing(db):
        try:
            timeline = Timeline(ledger.log(None))
            heads = [ledger.at(timeline.resolve(address) if address else timeline.here) for address in (one, other)]
            return its_name, changes(_Beside(str(folder), db, key), *heads)
        except sqlite3.Error as error:
            raise Damaged(str(folder), f"{DATABASE} cannot be read ({error})") from None


def checked_out(home: StrPath, name: str, address: str, date: Callable[[], str]) -> tuple[str, Switched, str]:
    """Have the next kernel of a session start at another commit; its whole name, what changes, and that in words.

    Raises InUse, NoSuchCell, or another StoreError.
    """
    folder = find(home, name)
    db, its_name, ledger = ledger_of(folder, user_key(home, make=False))
    with closing(db):
        number = Timeline(ledger.log(None)).resolve(address)
    try:
        session = open_session(home, its_name, branch=False)
    except Locked:
        raise InUse(its_name, owner(folder), address) from None
    try:
        now, target = session.store.head(), session.store.at(number)
        assert now is not None
        state = msgspec.json.decode(now.state, type=State)
        done = session.store.commit(checkout_commit(now, target, state, CHECKOUT, date(), now.count))
        switched = _switched(done, now, target)
        back = f"the next kernel starts there; `holdfast checkout {name} @{now.number}` to come back"
        return its_name, switched, told(switched, CHECKOUT, None, date(), back)
    finally:
        session.close()


def _switched(number: int, now: Head, target: Head) -> Switched:
    names = {name: key for key in (*now.names, *target.names) if (name := name_of(key)) is not None}
    added = [name for name, key in names.items() if key not in now.names]
    gone = [name for name, key in names.items() if key not in target.names]
    changed = [
        name
        for name, key in names.items()
        if key in now.names and key in target.names and now.names[key] != target.names[key]
    ]
    return Switched(
        number, target.number, now.number, target.count, now.epoch + 1, target.at,
        tuple(sorted(added)), tuple(sorted(changed)), tuple(sorted(gone)),
    )  # fmt: skip
