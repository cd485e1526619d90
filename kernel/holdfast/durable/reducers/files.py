"""Reducers for open files and databases: they are opened again where they stood.

They must never truncate, create or write anything when they are opened again.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Any

from holdfast.durable.pickling.lost import Unkeepable
from holdfast.durable.reducers.registry import Keeping

_STREAMS = ("stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__")
#: A database in memory that is larger than this is not copied.
_IN_MEMORY = 64 << 20


def stream(name: str) -> Any:
    """One of the process's own streams."""
    return getattr(sys, name)


def _existing(path: str, flags: int) -> int:
    return os.open(path, flags & ~(os.O_TRUNC | os.O_CREAT | os.O_EXCL), 0o666)


def _mode(mode: str) -> str:
    return mode.replace("x", "w")


def reopened(path: str, name: Any, mode: str, position: int | None, options: dict[str, Any], closed: bool) -> Any:
    """The file, opened where it stood; its content is what the disk has now."""
    if closed and not os.path.exists(path):
        path, mode = os.devnull, "r" if "r" in mode else "w"
    file: Any = open(path, _mode(mode), opener=_existing, **options)  # noqa: SIM115
    raw = getattr(file, "buffer", file)
    raw = getattr(raw, "raw", raw)
    if raw.name != name:
        raw.name = name
    if position is not None and not closed:
        file.seek(position)
    if closed:
        file.close()
    return file


def _path(name: Any, keeping: Keeping, obj: Any) -> str:
    if isinstance(name, bytes):
        name = os.fsdecode(name)
    if not isinstance(name, str):
        raise Unkeepable("it is a pipe, a terminal or a bare descriptor of the process that ended")
    path = os.path.abspath(name)
    if not obj.closed and not os.path.isfile(path):
        raise Unkeepable(f"{path} is not a file any more")
    return path


def _standard(obj: Any) -> Any:
    for name in _STREAMS:
        if getattr(sys, name, None) is obj:
            return stream, (name,)
    return None


def reduce_text(obj: Any, keeping: Keeping) -> Any:
    """A text file: path, mode, position, encoding, newlines."""
    standard = _standard(obj)
    if standard is not None:
        return standard
    if obj.closed:
        buffer = obj.buffer
        name = getattr(getattr(buffer, "raw", buffer), "name", None)
    else:
        name = getattr(obj, "name", None)
    path = _path(name, keeping, obj)
    mode = getattr(obj, "mode", None) or obj.buffer.raw.mode.replace("b", "")
    position = None
    if not obj.closed:
        try:
            position = obj.tell()
        except OSError:
            raise Unkeepable("a file that is being iterated does not tell where it stands") from None
        if obj.writable():
            obj.flush()
        keeping.reopened(obj, f"{path} at {obj.buffer.tell()}")
    options = {"encoding": obj.encoding, "errors": obj.errors}
    if obj.line_buffering:
        options["buffering"] = 1
    return reopened, (path, name, mode, position, options, obj.closed)


def reduce_binary(obj: Any, keeping: Keeping) -> Any:
    """A binary file."""
    standard = _standard(obj)
    if standard is not None:
        return standard
    return _binary(obj, getattr(obj.raw, "name", None), obj.raw.mode, keeping, {})


def reduce_raw(obj: io.FileIO, keeping: Keeping) -> Any:
    """An unbuffered file."""
    return _binary(obj, obj.name, obj.mode, keeping, {"buffering": 0})


def _binary(obj: Any, name: Any, mode: str, keeping: Keeping, options: dict[str, Any]) -> Any:
    path = _path(name, keeping, obj)
    position = None
    if not obj.closed:
        if obj.writable():
            obj.flush()
        position = obj.tell()
        keeping.reopened(obj, f"{path} at {position}")
    return reopened, (path, name, mode, position, options, obj.closed)


def database(path: str, isolation: Any, content: bytes | None) -> Any:
    """A connection to an existing database, or one in memory with its content."""
    import sqlite3

    if content is None and not os.path.isfile(path):
        raise Unkeepable(f"{path} is not there any more")
    made = sqlite3.connect(path if content is None else ":memory:", isolation_level=isolation)
    if content:
        made.deserialize(content)
    return made


def reduce_connection(obj: Any, keeping: Keeping) -> Any:
    """A connection: the file's path, or the content of a database in memory."""
    import sqlite3

    if type(obj) is not sqlite3.Connection:
        raise Unkeepable("a subclass of sqlite3.Connection has state that cannot be seen")
    try:
        path = next(
            str(row[2])
            for row in sqlite3.Connection.execute(obj, "PRAGMA database_list").fetchall()
            if row[1] == "main"
        )
    except sqlite3.ProgrammingError as error:
        raise Unkeepable(str(error)) from None
    state = {"row_factory": obj.row_factory, "text_factory": obj.text_factory}
    if path:
        pending = ", without the changes of a transaction that was not committed" if obj.in_transaction else ""
        keeping.reopened(obj, f"{path}{pending}")
        return database, (os.path.abspath(path), obj.isolation_level, None), (None, state)
    if obj.in_transaction:
        raise Unkeepable("a database in memory with a transaction under way cannot be copied")
    try:
        content = obj.serialize()
    except sqlite3.OperationalError:
        # There is nothing in it yet.
        content = b""
    if len(content) > _IN_MEMORY:
        raise Unkeepable(f"a database in memory of {len(content) >> 20} MB is not copied; open a file instead")
    return database, ("", obj.isolation_level, content), (None, state)


def cursor(connection: Any) -> Any:
    """A new cursor."""
    return connection.cursor()


def reduce_cursor(obj: Any, keeping: Keeping) -> Any:
    """A cursor that has no rows pending."""
    if obj.description is not None:
        raise Unkeepable("a cursor with a query under way cannot be kept")
    return cursor, (obj.connection,)
