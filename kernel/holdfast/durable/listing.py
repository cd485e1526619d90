"""The sessions of a HOME as people look at them, beside the kernels that own them.

It must never take a session's lock, make a key, or change a store: looking is free.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from holdfast.durable.faults import Damaged, NoSession, SeveralSessions
from holdfast.durable.folder import ASIDE, SESSIONS, folder_of
from holdfast.durable.keys import Seal, StrPath, key_id, user_key
from holdfast.durable.lock import owner
from holdfast.durable.store.ledger import Ledger
from holdfast.durable.store.port import LogEntry
from holdfast.durable.store.schema import DATABASE, connect_to_read, identify
from holdfast.errors import StoreError


class Summary(Struct, frozen=True):
    """One session: `size` in bytes, `owner` the pid of the kernel that uses it or 0, `problem` why it is unreadable.

    `count` is the last cell's number and `at` its date; a session without commits has 0 and "".
    """

    name: str
    folder: str
    size: int
    commits: int = 0
    count: int = 0
    at: str = ""
    owner: int = 0
    problem: str = ""


def summaries(home: StrPath) -> list[Summary]:
    """Return every session of `home`, the one used last first; those that cannot be read say why."""
    try:
        folders = [entry for entry in Path(home, SESSIONS).iterdir() if (entry / DATABASE).is_file()]
    except FileNotFoundError:
        return []
    key = user_key(home, make=False)
    return sorted((_summary(folder, key) for folder in folders), key=lambda one: (one.at, one.name), reverse=True)


def history(home: StrPath, name: str) -> tuple[str, Sequence[LogEntry]]:
    """Return a session's whole name and its commits, oldest first, authenticated.

    `name` is the session's, a path that leads to its notebook, the last part of its name, or the beginning of either,
    where only one session has it.  Raises `NoSession`, or another StoreError that says why it cannot be read.
    """
    folder = find(home, name)
    key = user_key(home, make=False)
    db, its_name, ledger = ledger_of(folder, key)
    try:
        return its_name, ledger.log(None)
    except sqlite3.Error as error:
        raise Damaged(str(folder), f"{DATABASE} cannot be read ({error})") from None
    finally:
        db.close()


def whole_name(home: StrPath, name: str) -> str:
    """Return the name of the session that `name` leads to, as in `history`."""
    db, its_name, _ = ledger_of(find(home, name), user_key(home, make=False))
    db.close()
    return its_name


def moved_aside(home: StrPath) -> list[str]:
    """Return the folders of stores that were refused and moved aside."""
    try:
        return sorted(str(entry) for entry in Path(home, ASIDE).iterdir())
    except FileNotFoundError:
        return []


def find(home: StrPath, name: str) -> Path:
    """Return the folder of the session that `name` leads to, as in `history`."""
    if not Path(home, SESSIONS).is_dir():
        raise NoSession(name, str(home))
    own = key_id(user_key(home, make=False)).hex()
    for spelled in (name, os.path.abspath(name)):
        place = folder_of(home, spelled)
        for folder in (Path(f"{place}.{own}"), Path(place)):
            if (folder / DATABASE).is_file():
                return folder
    known = summaries(home)
    found = [one for one in known if _last(one.name) == name]
    found = found or [one for one in known if name and (one.name.startswith(name) or _last(one.name).startswith(name))]
    if len(found) > 1:
        raise SeveralSessions(name, tuple(one.name for one in found))
    if not found:
        raise NoSession(name, str(home))
    return Path(found[0].folder)


def _last(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def _summary(folder: Path, key: bytes) -> Summary:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    try:
        db, name, ledger = ledger_of(folder, key)
        db.close()
    except StoreError as error:
        return Summary(folder.name, str(folder), size, owner=owner(folder), problem=str(error))
    head = ledger.head()
    if head is None:
        return Summary(name, str(folder), size, owner=owner(folder))
    return Summary(name, str(folder), size, head.number, head.count, head.at, owner(folder))


def ledger_of(folder: Path, key: bytes) -> tuple[sqlite3.Connection, str, Ledger]:
    """Open a store beside its owner, verified; the caller closes the connection."""
    db = None
    try:
        db = connect_to_read(str(folder))
        # All that follows is of one instant: the owner may let commits go meanwhile.
        db.execute("begin")
        about = identify(db, str(folder), key)
        ledger = Ledger(db, Seal(key, about.ident), str(folder))
        ledger.load()
    except (sqlite3.Error, ValueError, TypeError) as error:
        if db is not None:
            db.close()
        raise Damaged(str(folder), f"{DATABASE} cannot be read ({error})") from None
    except BaseException:
        if db is not None:
            db.close()
        raise
    return db, about.name, ledger
