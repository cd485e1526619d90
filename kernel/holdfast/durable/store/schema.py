"""The session's database: its tables, its format, whose it is.

It must never change a file that it refuses, and never look into a table before it knows the format and key.

The engine keeps its own tables (`engine_…`) in the same file, through a connection of its own.
A database is prepared under another name and then renamed: an empty or half-made `session.sqlite` is damage,
never a new session.
"""

from __future__ import annotations

import os
import sqlite3
from typing import Literal

import msgspec

from holdfast.durable.faults import Damaged, OtherFormat, OtherKey, Tampered
from holdfast.durable.keys import Seal, key_id, sync_folder
from holdfast.durable.store.points import Crash, Point

#: What HOLDFAST_DURABILITY chooses between, besides `off`, which opens no store.
Durability = Literal["full", "process"]

DATABASE = "session.sqlite"
PREPARED = "session.new"
PACKS = "packs"
#: Written into the header as SQLite's application id ("Hold") and user version.
APPLICATION = 0x486F6C64
FORMAT = 3
#: Where the header of a database says how it is written and read, and what it says in WAL mode.
_VERSIONS, _WAL = slice(18, 20), b"\2\2"
_BUSY_SECONDS = 10.0
#: 8 MB, or some hundred small cells.
_LOG_PAGES = 2000
_IDENT_SIZE = 16

_TABLES = """
create table about (ident blob not null, name blob not null, created text not null, key blob not null,
    first_pack integer not null, tag blob not null);
create table commits (number integer primary key, parent integer not null, count integer not null,
    epoch integer not null, code blob not null, status text not null, at text not null, delta blob not null,
    state blob not null, version integer not null, pack integer not null, tail integer not null,
    promise text not null, settled text not null, value blob not null, tag blob not null);
create table base (first integer not null, previous blob not null, tag blob not null);
create table manifests (number integer primary key, previous blob not null, names blob not null, tag blob not null);
create table records (version integer primary key, kind text not null, key blob not null, stream blob,
    layout blob not null, meta blob not null, tag blob not null);
create table chunks (digest blob primary key, pack integer not null, offset integer not null, size integer not null)
    without rowid;
create table lease (holder blob not null, host text not null, pid integer not null, until integer not null);
create table packs (number integer primary key, size integer not null);
"""


class About:
    """What a store says of itself; `name` is the session's, `first_pack` the first one it may append to."""

    __slots__ = ("ident", "name", "created", "first_pack")

    def __init__(self, ident: bytes, name: str, created: str, first_pack: int = 1) -> None:
        self.ident = ident
        self.name = name
        self.created = created
        self.first_pack = first_pack

    def row(self, key: bytes) -> tuple[bytes, bytes, str, bytes, int, bytes]:
        """Return the row of table `about`, sealed."""
        fields = (self.ident, self.name.encode("utf-8", "surrogatepass"), self.created, key_id(key), self.first_pack)
        return (*fields, Seal(key, self.ident).tag(b"about", msgspec.msgpack.encode(fields)))


def prepare(folder: str, key: bytes, name: str, created: str, crash: Crash, *, local: bool) -> None:
    """Put an empty database of this format in its place; the first commit puts it on the disk (`settle`).

    It is made in memory and written in one piece, WAL mode included: turning a file into it costs several flushes.
    """
    path = os.path.join(folder, DATABASE)
    beside = os.path.join(folder, PREPARED)
    db = sqlite3.connect(":memory:", isolation_level=None)
    try:
        db.execute(f"pragma application_id = {APPLICATION}")
        db.execute(f"pragma user_version = {FORMAT}")
        for statement in _TABLES.split(";\n"):
            db.execute(statement)
        about = About(os.urandom(_IDENT_SIZE), name, created)
        db.execute("insert into about values (?, ?, ?, ?, ?, ?)", about.row(key))
        image = bytearray(db.serialize())
    finally:
        db.close()
    if local:
        image[_VERSIONS] = _WAL
    if os.path.exists(beside):
        os.unlink(beside)
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(image)
    crash(Point.STORE_PREPARED)
    os.replace(beside, path)


def settle(folder: str) -> None:
    """Put an empty database on the disk, and the names of the folders that lead to it; raises OSError."""
    descriptor = os.open(os.path.join(folder, DATABASE), os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    for _ in range(3):
        sync_folder(folder)
        folder = os.path.dirname(folder)


def connect(folder: str, durability: Durability, *, local: bool) -> sqlite3.Connection:
    """Open the database for its owner; raises sqlite3.Error."""
    db = sqlite3.connect(
        _uri(folder, "rw"), uri=True, isolation_level=None, timeout=_BUSY_SECONDS, check_same_thread=False
    )
    try:
        db.execute(f"pragma synchronous = {'full' if durability == 'full' else 'normal'}")
        # WAL needs shared memory between processes, which network file systems do not have.
        db.execute(f"pragma journal_mode = {'wal' if local else 'truncate'}")
        db.execute("pragma fullfsync = 1")
        # Idle time copies the log into the database (`SqliteStore.tidy`); a cell does it when there was none.
        db.execute(f"pragma wal_autocheckpoint = {_LOG_PAGES}")
        db.execute("pragma trusted_schema = 0")
    except BaseException:
        db.close()
        raise
    return db


def connect_to_read(folder: str) -> sqlite3.Connection:
    """Open the database beside its owner, who is not disturbed; raises sqlite3.Error."""
    return sqlite3.connect(_uri(folder, "ro"), uri=True, isolation_level=None, timeout=_BUSY_SECONDS)


def identify(db: sqlite3.Connection, folder: str, key: bytes) -> About:
    """Return what the store says of itself; raises `OtherFormat`, `OtherKey`, `Tampered`, `Damaged`."""
    where = folder
    application = _number(db, "application_id")
    if application != APPLICATION:
        raise Damaged(where, f"{DATABASE} is not a database of Holdfast")
    found = _number(db, "user_version")
    if found != FORMAT:
        age = "newer" if found > FORMAT else "older"
        raise OtherFormat(where, f"its format is {found}, {age} than format {FORMAT} of this Holdfast")
    rows = db.execute("select ident, name, created, key, first_pack, tag from about").fetchall()
    if len(rows) != 1:
        raise Damaged(where, f"{DATABASE} does not say which session it is")
    ident, name, created, key_used, first_pack, tag = rows[0]
    if key_used != key_id(key):
        raise OtherKey(where, "it was sealed with another key than yours")
    try:
        body = msgspec.msgpack.encode((ident, name, created, key_used, first_pack))
        genuine = Seal(key, ident).holds(b"about", body, tag)
    except TypeError:
        genuine = False
    if not genuine:
        raise Tampered(where, "what it says of itself was changed by someone without your key")
    return About(ident, name.decode("utf-8", "surrogatepass"), created, first_pack)


def _uri(folder: str, mode: str) -> str:
    """SQLite's name for an existing database: without a mode it would make an empty one."""
    path = os.path.abspath(os.path.join(folder, DATABASE)).replace(os.sep, "/")
    for char in "%?#":
        path = path.replace(char, f"%{ord(char):02x}")
    return f"file:{'' if path.startswith('/') else '/'}{path}?mode={mode}"


def _number(db: sqlite3.Connection, pragma: str) -> int:
    return int(db.execute(f"pragma {pragma}").fetchone()[0])
