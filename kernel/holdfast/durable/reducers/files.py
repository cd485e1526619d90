"""Reducers for open files: they are opened again where they stood.

They must never truncate, create or write anything when they are opened again.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from typing import Any

from holdfast.durable.pickling.lost import Unkeepable
from holdfast.durable.reducers.registry import Keeping

_STREAMS = ("stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__")
#: Where the bytes come from when they do not come from the system, and can be asked where they stand.
_INNER = ("_io.BytesIO", "gzip.GzipFile", "bz2.BZ2File", "lzma.LZMAFile")


def stream(name: str) -> Any:
    """One of the process's own streams."""
    return getattr(sys, name)


def stream_buffer(name: str) -> Any:
    """What one of them takes bytes with."""
    return getattr(sys, name).buffer


def _existing(path: str, flags: int) -> int:
    return os.open(path, flags & ~(os.O_TRUNC | os.O_CREAT | os.O_EXCL), 0o666)


def _mode(mode: str) -> str:
    return mode.replace("x", "w")


def reopened(path: str, name: Any, mode: str, position: int | None, options: dict[str, Any], closed: bool) -> Any:
    """The file, opened where it stood; its content is what the disk has now."""
    if closed and not os.path.exists(path):
        path, mode = os.devnull, "r" if "r" in mode else "w"
    try:
        file: Any = open(path, _mode(mode), opener=_existing, **options)  # noqa: SIM115
    except OSError as error:
        raise Unkeepable(f"{path} cannot be opened again: {error.strerror}") from None
    raw = getattr(file, "buffer", file)
    raw = getattr(raw, "raw", raw)
    if raw.name != name:
        raw.name = name
    if position is not None and not closed:
        file.seek(position)
    if closed:
        file.close()
    return file


def _path(name: Any, obj: Any) -> str:
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
            # A file that the user put into the place of `sys.stdout` is still a file.
            where = getattr(obj, "name", None)
            return None if isinstance(where, str) and os.path.isfile(where) else (stream, (name,))
    return None


def reduce_stream(obj: Any, keeping: Keeping) -> Any:
    """What the kernel gives as `sys.stdout` and `sys.stderr`."""
    return _standard(obj) or (stream, (f"__{obj.name.strip('<>')}__",))


def reduce_stream_buffer(obj: Any, keeping: Keeping) -> Any:
    """Their `buffer`."""
    for name in _STREAMS:
        if getattr(getattr(sys, name, None), "buffer", None) is obj:
            return stream_buffer, (name,)
    raise Unkeepable("it belongs to an output stream of the process that ended")


def reduce_text(obj: Any, keeping: Keeping) -> Any:
    """A text file: path, mode, position, encoding, newlines."""
    standard = _standard(obj)
    if standard is not None:
        return standard
    buffer = obj.buffer
    raw = getattr(buffer, "raw", buffer)
    position = None
    if not obj.closed:
        try:
            position = obj.tell()
        except OSError:
            raise Unkeepable(_untold(raw)) from None
        if obj.writable():
            obj.flush()
    options = {"encoding": obj.encoding, "errors": obj.errors, "newline": _newline(obj)}
    if type(raw) is not io.FileIO:
        options["line_buffering"] = obj.line_buffering
        return _over(obj, buffer, position, options)
    name = raw.name
    path = _path(name, obj)
    if not obj.closed:
        keeping.reopened(obj, f"{path} at {buffer.tell()}")
    mode = getattr(obj, "mode", None) or raw.mode.replace("b", "")
    if obj.line_buffering:
        options["buffering"] = 1
    return reopened, (path, name, mode, position, options, obj.closed)


def _untold(raw: Any) -> str:
    if type(raw) is io.FileIO and not isinstance(raw.name, str | bytes):
        return "it is a pipe, a terminal or a bare descriptor of the process that ended"
    return "a file that is being iterated does not tell where it stands"


def _newline(obj: Any) -> str | None:
    """What `open` was told about newlines; only the garbage collector tells.

    Strings of a text file, in order: its encoding, that one, what was read ahead (always with a tuple, the decoder's
    state at its beginning; "" at the end of the file), what it does about errors.
    """
    inside = gc.get_referents(obj)
    strings = [one for one in inside if type(one) is str][1:-1]
    if len(strings) == 1 and any(type(one) is tuple for one in inside):
        universal = any(type(one) is io.IncrementalNewlineDecoder for one in inside)
        if universal and (strings[0] or not obj.buffer.peek(1)):
            return None
    return strings[0] if strings and strings[0] in ("", "\n", "\r", "\r\n") else None


def wrapped(cls: Any, inner: Any, position: int | None, options: dict[str, Any]) -> Any:
    """A reader or writer over something in memory."""
    made = cls(inner, **options)
    if position is None:
        made.close()
    else:
        made.seek(position)
    return made


def _over(obj: Any, inner: Any, position: int | None, options: dict[str, Any]) -> Any:
    if f"{type(inner).__module__}.{type(inner).__qualname__}" not in _INNER:
        raise Unkeepable(f"what is below it, a {type(inner).__name__}, cannot be opened again")
    return wrapped, (type(obj), inner, position, options)


def reduce_binary(obj: Any, keeping: Keeping) -> Any:
    """A binary file."""
    standard = _standard(obj)
    if standard is not None:
        return standard
    if type(obj.raw) is not io.FileIO:
        if not obj.closed and obj.writable():
            obj.flush()
        return _over(obj, obj.raw, None if obj.closed else obj.tell(), {})
    return _binary(obj, getattr(obj.raw, "name", None), obj.raw.mode, keeping, {})


def reduce_raw(obj: io.FileIO, keeping: Keeping) -> Any:
    """An unbuffered file."""
    return _binary(obj, obj.name, obj.mode, keeping, {"buffering": 0})


def _binary(obj: Any, name: Any, mode: str, keeping: Keeping, options: dict[str, Any]) -> Any:
    path = _path(name, obj)
    position = None
    if not obj.closed:
        if obj.writable():
            obj.flush()
        position = obj.tell()
        keeping.reopened(obj, f"{path} at {position}")
    return reopened, (path, name, mode, position, options, obj.closed)


def compressed(cls: Any, path: str, position: int) -> Any:
    """A compressed file, read up to where it stood."""
    if not os.path.isfile(path):
        raise Unkeepable(f"{path} is not there any more")
    made = cls(path, "rb")
    made.seek(position)
    return made


def reduce_compressed(obj: Any, keeping: Keeping) -> Any:
    """A gzip, bz2 or lzma file that is read; one that is written cannot be continued."""
    if obj.closed or not obj.readable():
        raise Unkeepable("it was closed" if obj.closed else "a compressed file that is being written cannot go on")
    path = _path(getattr(obj, "name", None) or getattr(getattr(obj, "_fp", None), "name", None), obj)
    keeping.reopened(obj, f"{path} at {obj.tell()}")
    return compressed, (type(obj), path, obj.tell())
