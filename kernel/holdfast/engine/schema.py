"""The engine's tables in the session's SQLite file, and connections to them.

It must never touch a table that does not start with `engine_`: the others are the store's.

A promise is one row, written in the transaction of the request that changed it.  Rejected: a log of requests
with snapshots, replayed at open (RESONATE.md section 4): a second process that settles a promise would have to
replay it too, memory and recovery grow with it, and a request that failed to commit leaves the replica ahead.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from holdfast.engine.faults import EngineError

if TYPE_CHECKING:
    from sqlite3 import Connection

FORMAT = 1
#: Seconds to wait for another process's or the store's transaction.
PATIENCE = 10.0

_TABLES = """
CREATE TABLE IF NOT EXISTS engine_format (version INTEGER NOT NULL);
INSERT INTO engine_format SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM engine_format);
CREATE TABLE IF NOT EXISTS engine_promises (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, state TEXT NOT NULL, origin TEXT NOT NULL,
    branch TEXT, due INTEGER, forget INTEGER, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS engine_promises_open ON engine_promises (seq) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS engine_promises_due ON engine_promises (due) WHERE due IS NOT NULL;
CREATE INDEX IF NOT EXISTS engine_promises_branch ON engine_promises (branch) WHERE branch IS NOT NULL;
CREATE INDEX IF NOT EXISTS engine_promises_origin ON engine_promises (origin);
CREATE INDEX IF NOT EXISTS engine_promises_forget ON engine_promises (forget) WHERE forget IS NOT NULL;
CREATE TABLE IF NOT EXISTS engine_tasks (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, kind INTEGER, due INTEGER, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS engine_tasks_live ON engine_tasks (state) WHERE state IN ('pending', 'acquired');
CREATE INDEX IF NOT EXISTS engine_tasks_due ON engine_tasks (due) WHERE due IS NOT NULL;
CREATE TABLE IF NOT EXISTS engine_schedules (id TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS engine_outbox (seq INTEGER PRIMARY KEY, message TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS engine_leases (name TEXT PRIMARY KEY, owner TEXT NOT NULL, until INTEGER NOT NULL);
"""


class Row(Struct, frozen=True):
    """The parts of a promise's row that can be read without the SDK; `param` and `value` as they travel."""

    id: str
    state: str
    param: object = None
    value: object = None
    tags: dict[str, str] = {}
    timeout_at: int = 0


def connect(
    path: str, durability: Literal["full", "process"], journal: Literal["wal", "truncate"], *, create: bool
) -> Connection:
    """A connection in autocommit mode with the engine's tables in place, for any thread under the caller's lock.

    Raises EngineError where the file cannot be opened or was made by a later version.  Without `create` that
    is also a file that is not there: the store makes the session's file, and takes one made by others for damage.
    """
    import contextlib
    import sqlite3
    from pathlib import Path

    connection = None
    try:
        if create and not os.path.exists(path):
            # Made 0600 before SQLite sees it; its -wal and -shm take the mode of the file.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        # A file that is there is opened by SQLite alone: closing any other descriptor of it would drop the
        # POSIX locks that the store's connection in this process holds on it.
        place = f"{Path(path).absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(place, uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA journal_mode = {journal}")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durability == 'full' else 'NORMAL'}")
        connection.execute("PRAGMA fullfsync = 1")
        connection.execute("PRAGMA trusted_schema = 0")
        present = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'engine_leases'").fetchone()
        if not present:
            connection.executescript("BEGIN IMMEDIATE;" + _TABLES + "COMMIT;")
        (version,) = connection.execute("SELECT version FROM engine_format").fetchone()
    except (sqlite3.Error, OSError) as error:
        if connection is not None:
            connection.close()
        raise EngineError(path, str(error)) from error
    if version != FORMAT:
        connection.close()
        raise EngineError(path, f"its promises are of format {version}, this version of Holdfast reads {FORMAT}")
    return connection
