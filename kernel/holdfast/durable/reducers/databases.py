"""Reducers for sqlite3: connections to files are opened again, those in memory are copied.

They must never create a database or write to one, and never say that a connection is as it was where a function,
a transaction or an attached database of it is gone.
"""

from __future__ import annotations

import ctypes
import gc
import os
from functools import lru_cache
from types import ModuleType
from typing import Any

from holdfast.durable.pickling.lost import Unkeepable
from holdfast.durable.reducers.registry import Keeping

#: A database in memory that is larger than this is not copied.
_IN_MEMORY = 64 << 20
#: What a connection can be told that its file does not remember.
_PRAGMAS = ("foreign_keys", "busy_timeout", "query_only", "recursive_triggers", "synchronous", "cache_size")
#: Answers as bytes: `text_factory` may be anything.
_FILES = "SELECT name, CAST(file AS BLOB) FROM pragma_database_list WHERE name != 'temp'"
_OWN = (
    "SELECT CAST(name AS BLOB) FROM pragma_function_list UNION SELECT CAST(name AS BLOB) FROM pragma_collation_list "
    "UNION SELECT 'temporary tables' FROM sqlite_temp_master"
)


class _Head(ctypes.Structure):
    """The head of CPython's connection: what cannot be asked for."""

    _fields_ = [
        ("object", ctypes.c_byte * object.__basicsize__), ("db", ctypes.c_void_p), ("module", ctypes.c_void_p),
        ("detect_types", ctypes.c_int), ("isolation_level", ctypes.c_char_p), ("autocommit", ctypes.c_int),
        ("check_same_thread", ctypes.c_int), ("initialized", ctypes.c_int),
    ]  # fmt: skip


def database(
    attached: list[tuple[str, str]], options: dict[str, Any], pragmas: dict[str, Any], content: bytes | None
) -> Any:
    """A connection to existing databases, or to one in memory with its content."""
    import sqlite3

    for path, _ in attached:
        if not os.path.isfile(path):
            raise Unkeepable(f"{path} is not there any more")
    made = sqlite3.connect(attached[0][0] if attached else ":memory:", **options)
    if content:
        # Copied from page to page: a connection that `deserialize` filled says that it has a file.
        source = sqlite3.connect(":memory:")
        source.deserialize(content)
        source.backup(made)
        source.close()
    for path, name in attached[1:]:
        made.execute("ATTACH ? AS ?", (path, name))
    for name, value in pragmas.items():
        made.execute(f"PRAGMA {name} = {int(value)}")
    return made


def reduce_connection(obj: Any, keeping: Keeping) -> Any:
    """A connection: the paths of its files, or the content of a database in memory."""
    import sqlite3

    if type(obj) is not sqlite3.Connection:
        raise Unkeepable("a subclass of sqlite3.Connection has state that cannot be seen")
    try:
        files = [(os.fsdecode(file or b""), _text(name)) for name, file in _rows(obj, _FILES)]
        pragmas = {name: row[0] for name in _PRAGMAS for row in _rows(obj, f"PRAGMA {name}")}
        own = sorted({_text(row[0]) for row in _rows(obj, _OWN)} - _everyone())
    except sqlite3.ProgrammingError as error:
        raise Unkeepable(str(error)) from None
    state = {"row_factory": obj.row_factory, "text_factory": obj.text_factory}
    gone = [f"what was defined on it ({', '.join(own)})"] if own else []
    if any(type(one) is ModuleType for one in gc.get_referents(obj)):
        # A callback is kept with the module that calls it.
        gone.append("its callbacks")
    if not all(path for path, _ in files[1:]):
        gone.append("its attached databases in memory")
    if files[0][0]:
        gone += ["the changes of a transaction that was not committed"] if obj.in_transaction else []
        attached = [(os.path.abspath(path), name) for path, name in files if path]
        keeping.reopened(obj, " without ".join([files[0][0], *([" and ".join(gone)] if gone else [])]))
        return database, (attached, _options(obj), pragmas, None), (None, state)
    if obj.in_transaction:
        raise Unkeepable("a database in memory with a transaction under way cannot be copied")
    try:
        content = obj.serialize()
    except sqlite3.OperationalError:
        # There is nothing in it yet.
        content = b""
    if len(content) > _IN_MEMORY:
        raise Unkeepable(f"a database in memory of {len(content) >> 20} MB is not copied; open a file instead")
    if gone:
        keeping.reopened(obj, "a copy without " + " and ".join(gone))
    return database, ([], _options(obj), pragmas, content), (None, state)


def _rows(connection: Any, query: str) -> Any:
    import sqlite3

    cursor = sqlite3.Connection.cursor(connection)
    cursor.row_factory = None
    try:
        return cursor.execute(query).fetchall()
    finally:
        cursor.close()


def _text(data: Any) -> str:
    return data.decode() if isinstance(data, bytes) else str(data)


@lru_cache(maxsize=1)
def _everyone() -> frozenset[str]:
    """Functions and collations that every connection has."""
    import sqlite3

    fresh = sqlite3.connect(":memory:")
    try:
        return frozenset(_text(row[0]) for row in _rows(fresh, _OWN))
    finally:
        fresh.close()


def _options(obj: Any) -> dict[str, Any]:
    """What it was connected with, as far as that is known."""
    options = {"isolation_level": obj.isolation_level, "autocommit": obj.autocommit}
    head = _Head.from_address(id(obj))
    level = obj.isolation_level
    told = (head.autocommit, head.initialized, head.isolation_level)
    if told == (int(obj.autocommit), 1, level if level is None else level.encode()) and head.detect_types in range(4):
        options["detect_types"] = head.detect_types
        options["check_same_thread"] = bool(head.check_same_thread)
    return options


def cursor(connection: Any) -> Any:
    """A new cursor."""
    return connection.cursor()


def reduce_cursor(obj: Any, keeping: Keeping) -> Any:
    """A cursor that has no rows pending."""
    if obj.description is not None:
        raise Unkeepable("a cursor with a query under way cannot be kept")
    return cursor, (obj.connection,), (None, {"row_factory": obj.row_factory, "arraysize": obj.arraysize})


@lru_cache(maxsize=16)
def _described(names: tuple[str, ...]) -> Any:
    """A cursor whose columns have these names."""
    import sqlite3

    quoted = (name.replace('"', '""') for name in names)
    connection = sqlite3.connect(":memory:")
    try:
        return connection.execute("SELECT " + ", ".join(f'0 AS "{name}"' for name in quoted))
    finally:
        # The cursor keeps the description.
        connection.close()


def row(cls: Any, names: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    """A row as a query gave it."""
    return cls(_described(names), values)


def reduce_row(obj: Any, keeping: Keeping) -> Any:
    """A row: its names and values."""
    import sqlite3

    return row, (type(obj), tuple(sqlite3.Row.keys(obj)), tuple(sqlite3.Row.__iter__(obj)))
