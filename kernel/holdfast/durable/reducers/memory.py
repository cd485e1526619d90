"""Reducers for memoryviews and memory maps: they share what they shared, and must never copy what is shared."""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from typing import Any

from holdfast.durable.pickling.lost import Unkeepable
from holdfast.durable.pickling.stored import is_stored
from holdfast.durable.reducers.registry import Keeping


class _View(ctypes.Structure):
    """The head of CPython's Py_buffer."""

    _fields_ = [
        ("buf", ctypes.c_void_p), ("obj", ctypes.py_object), ("len", ctypes.c_ssize_t), ("rest", ctypes.c_ubyte * 128),
    ]  # fmt: skip


def address(obj: object) -> int:
    """Where the memory of a buffer begins."""
    view = _View()
    api = ctypes.pythonapi
    # PyBUF_STRIDED_RO: read-only memory and any strides will do.
    if api.PyObject_GetBuffer(ctypes.py_object(obj), ctypes.byref(view), 0x18):
        raise BufferError("no buffer")
    found = view.buf or 0
    api.PyBuffer_Release(ctypes.byref(view))
    return found


def viewed(owner: Any, offset: int, size: int, step: int, form: str, shape: Any, readonly: bool) -> memoryview:
    """A view of `owner`'s memory."""
    flat = memoryview(owner).cast("B")[offset : offset + size]
    made: memoryview = flat.cast(form, shape) if form != "B" or len(shape) != 1 else flat  # type: ignore[call-overload]
    if step != 1:
        made = made[::step]
    return made.toreadonly() if readonly and not made.readonly else made


def _is_kept(owner: object) -> bool:
    """Whether an owner of memory comes back as the same memory."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(owner, numpy.ndarray):
        return True
    return isinstance(owner, bytes | bytearray | memoryview | mmap.mmap) or type(owner).__module__ in ("array", "numpy")


def reduce_memoryview(obj: memoryview, keeping: Keeping) -> Any:
    """A memoryview, over the same owner."""
    try:
        owner = obj.obj
    except ValueError:
        raise Unkeepable("it was released") from None
    item = obj.itemsize
    if is_stored(owner) or (type(owner) in (bytes,) and obj.c_contiguous):
        return memoryview, (bytearray(obj) if not obj.readonly else obj.tobytes(),)
    if not _is_kept(owner):
        # What it looks into cannot be stored (the inside of a compiled class): it gets memory of its own.
        return viewed, (bytearray(obj.tobytes()), 0, obj.nbytes, 1, obj.format, obj.shape, obj.readonly)
    offset = address(obj) - address(owner)
    if obj.c_contiguous:
        return viewed, (owner, offset, obj.nbytes, 1, obj.format, obj.shape, obj.readonly)
    if obj.ndim != 1 or obj.strides is None or obj.strides[0] % item:
        raise Unkeepable("a memoryview with such strides cannot be made again")
    step = obj.strides[0] // item
    size = (abs(step) * (len(obj) - 1) + 1) * item
    if step < 0:
        offset -= size - item
    return viewed, (owner, offset, size, step, obj.format, (size // item,), obj.readonly)


def anonymous(content: Any, position: int) -> mmap.mmap:
    """Memory of no file."""
    made = mmap.mmap(-1, len(content))
    made[:] = content
    made.seek(position)
    return made


def mapped(path: str, offset: int, length: int, access: int, position: int) -> mmap.mmap:
    """A map of a file."""
    flags = os.O_RDWR if access == mmap.ACCESS_WRITE else os.O_RDONLY
    descriptor = os.open(path, flags)
    try:
        made = mmap.mmap(descriptor, length, access=access, offset=offset)
    finally:
        os.close(descriptor)
    made.seek(position)
    return made


def reduce_mmap(obj: mmap.mmap, keeping: Keeping) -> Any:
    """A map: its file as /proc/self/maps tells it, or its content when it has none."""
    if obj.closed:
        raise Unkeepable("it was closed")
    size, position = len(obj), obj.tell()
    entry = _entry(address(obj))
    if entry is None:
        raise Unkeepable("this system does not say which file it maps")
    permissions, offset, path = entry
    private = permissions[3] == "p"
    if not path.startswith("/") or path.startswith("/dev/zero") or path.endswith("(deleted)"):
        return anonymous, (obj[:], position)
    access = mmap.ACCESS_COPY if private else mmap.ACCESS_WRITE if permissions[1] == "w" else mmap.ACCESS_READ
    if access == mmap.ACCESS_WRITE:
        obj.flush()
    keeping.reopened(obj, f"{path} at {position}")
    if access == mmap.ACCESS_COPY and permissions[1] == "w":
        return private_map, (path, offset, size, position, obj[:])
    return mapped, (path, offset, size, access, position)


def private_map(path: str, offset: int, length: int, position: int, content: bytes) -> mmap.mmap:
    """A copy-on-write map with what was written into it."""
    made = mapped(path, offset, length, mmap.ACCESS_COPY, position)
    if made[:] != content:
        made[:] = content
    return made


def _entry(where: int) -> tuple[str, int, str] | None:
    """(permissions, offset in the file, path) of the mapping that holds an address."""
    try:
        with open("/proc/self/maps") as file:
            for line in file:
                span, permissions, offset, _, _, *path = line.split(maxsplit=5)
                low, _, high = span.partition("-")
                if int(low, 16) <= where < int(high, 16):
                    return permissions, int(offset, 16) + where - int(low, 16), path[0].strip() if path else ""
    except OSError:
        return None
    return None
