"""What is saved of arrays and frames: bytes that lie in the store already are not copied.

It must never import numpy or pandas: who has an array has them.

An array that owns its memory is put back byte by byte, so every view of it shows the old values again; of a view only
its own shape is saved.  Where the memory is large its MiB are told by their fingerprints (7 ms per 100 MB), and go to
the store's chunks, which has nearly all of them from the last commit; only those that changed are read back.
A frame shares its blocks with a shallow copy: pandas copies a block before it writes into it.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from holdfast.durable.aspects import ABSENT, Saved, dict_of
from holdfast.errors import StoreError

if TYPE_CHECKING:
    from holdfast.durable.store.chunks import Kept
    from holdfast.durable.store.port import Store

_MRO = type.__dict__["__mro__"]
#: Bytes from which on memory is kept in the store instead of copied.
LARGE = 1 << 20
#: The version of pandas from which on it copies what is shared before it writes.
COPIES_ON_WRITE = 3


class Bank:
    """Where large memory goes: the store's chunks, or None for a session that keeps nothing.

    `stored` tells the digests of chunks that the store has for an object, by their fingerprints.
    """

    def __init__(self, store: Store | None, stored: Callable[[object], Mapping[bytes, bytes]]) -> None:
        self._store = store
        self._stored = stored

    def keep(self, owner: object, data: memoryview) -> Kept | None:
        """Keep bytes; None where they must be copied (the disk is full, say)."""
        if self._store is None:
            return None
        from holdfast.durable.store.chunks import keep

        try:
            kept = keep(data, self._store.put, self._stored(owner))
        except StoreError:
            return None
        return kept if kept.settled else None

    def give_back(self, kept: Kept, into: memoryview) -> None:
        """Read those chunks that are another now; raises StoreError."""
        from holdfast.durable.store.chunks import PRINT, fingerprints
        from holdfast.durable.store.port import CHUNK, Buffer

        assert self._store is not None
        now = fingerprints(into)
        for number, digest in enumerate(kept.buffer.chunks):
            at = PRINT * number
            if now[at : at + PRINT] != kept.prints[at : at + PRINT]:
                piece = into[number * CHUNK : (number + 1) * CHUNK]
                piece[:] = self._store.read(Buffer(piece.nbytes, (digest,)), False)


def memory_of(array: Any) -> memoryview | None:
    """The bytes of an array that is contiguous in either order, whatever its dtype; None for another."""
    numpy: Any = sys.modules["numpy"]
    flags = array.flags
    if not (flags.c_contiguous or flags.f_contiguous) or not array.nbytes:
        return None
    plain = numpy.ndarray.view(array, numpy.ndarray)
    return memoryview(numpy.ndarray.ravel(plain, "K").view(numpy.uint8))


class Array(Saved):
    """Shape, dtype and elements of an array; of one that shows another's memory, no elements."""

    __slots__ = ("_bank", "_kept", "_bytes", "_copy")

    def __init__(self, obj: Any, bank: Bank) -> None:
        self._bank = bank
        self._kept: Kept | None = None
        self._bytes: bytes | None = None
        self._copy: Any = None
        super().__init__(obj)
        numpy: Any = sys.modules["numpy"]
        if isinstance(numpy.ndarray.base.__get__(obj), numpy.ndarray):
            return
        memory = memory_of(obj) if not obj.dtype.hasobject else None
        if memory is None:
            self._copy = numpy.array(obj, copy=True, subok=False)
            return
        if memory.nbytes >= LARGE:
            self._kept = bank.keep(obj, memory)
        if self._kept is None:
            self._bytes = bytes(memory)

    def now(self) -> tuple[Any, ...]:
        """Its form: shape, strides, dtype, whether it can be written to."""
        obj = self.obj
        return obj.shape, obj.strides, obj.dtype, obj.flags.writeable

    def differs(self) -> bool:
        """See `Saved`."""
        if self.now() != self.was:
            return True
        if self._kept is not None:
            from holdfast.durable.store.chunks import fingerprints

            memory = memory_of(self.obj)
            return memory is None or fingerprints(memory) != self._kept.prints
        if self._bytes is not None:
            memory = memory_of(self.obj)
            return memory is None or memory.tobytes() != self._bytes
        return self._copy is not None and self._elements_differ()

    def _elements_differ(self) -> bool:
        numpy: Any = sys.modules["numpy"]
        now = numpy.array(self.obj, copy=True, subok=False)
        if now.dtype != object:
            return bool(now.dtype.hasobject or now.tobytes() != self._copy.tobytes())
        one, other = (numpy.ndarray.ravel(part).tolist() for part in (now, self._copy))
        return any(a is not b for a, b in zip(one, other, strict=True))

    def put(self) -> None:
        """See `Saved`."""
        numpy: Any = sys.modules["numpy"]
        shape, strides, dtype, writeable = self.was
        obj = self.obj
        if self.now()[:3] != self.was[:3]:
            _form(obj, shape, strides, dtype)
        if self._kept is None and self._bytes is None and self._copy is None:
            if obj.flags.writeable != writeable:
                obj.setflags(write=writeable)
            return
        if not obj.flags.writeable:
            obj.setflags(write=True)
        if self._copy is not None:
            numpy.copyto(numpy.ndarray.view(obj, numpy.ndarray), self._copy)
        else:
            memory = memory_of(obj)
            if memory is None:
                raise ValueError("its memory is another")
            if self._kept is not None:
                self._bank.give_back(self._kept, memory)
            else:
                memory[:] = self._bytes  # type: ignore[assignment]
        if obj.flags.writeable != writeable:
            obj.setflags(write=writeable)

    def inside(self) -> Iterable[object]:
        """See `Saved`: whose memory it shows, and the elements of an array of objects."""
        numpy: Any = sys.modules["numpy"]
        base = numpy.ndarray.base.__get__(self.obj)
        if base is not None:
            yield base
        elif self.obj.dtype.hasobject:
            yield from elements(self._copy)


def elements(array: Any) -> list[object]:
    """What an array of objects holds."""
    numpy: Any = sys.modules["numpy"]
    found: list[object] = numpy.ndarray.ravel(array).tolist()
    return found


def _form(array: Any, shape: Any, strides: Any, dtype: Any) -> None:
    """Shape and dtype of an array whose memory is as large as it was."""
    before = array.nbytes
    with warnings.catch_warnings():
        # What numpy advises instead makes another array.
        warnings.simplefilter("ignore")
        if array.dtype != dtype:
            array.dtype = dtype
        if array.shape != shape:
            array.shape = shape
        if array.strides != strides:
            array.strides = strides
    if array.nbytes != before:
        raise ValueError("its memory is of another size")


class Frame(Saved):
    """A DataFrame or Series: its blocks by a shallow copy, its axes, its attributes."""

    __slots__ = ("_copy", "_values")

    def __init__(self, obj: Any) -> None:
        self._copy = obj._mgr.copy(deep=False)
        self._values = [block.values for block in obj._mgr.blocks]
        super().__init__(obj)

    def now(self) -> tuple[Any, ...]:
        """See `Saved`."""
        manager = self.obj._mgr
        attributes = dict_of(self.obj) or {}
        names = [axis._name if hasattr(axis, "_name") else None for axis in manager.axes]
        others = {name: value for name, value in attributes.items() if name != "_mgr"}
        return manager, (*manager.blocks, *manager.axes, *names), others

    def differs(self) -> bool:
        """See `Saved`."""
        (manager, parts, others), (old, before, was) = self.now(), self.was
        same = manager is old and len(parts) == len(before) and all(a is b for a, b in zip(parts, before, strict=True))
        return not (same and others.keys() == was.keys() and all(others[name] is was[name] for name in was))

    def put(self) -> None:
        """See `Saved`."""
        _, parts, others = self.was
        manager = self._copy.copy(deep=False)
        # The arrays themselves again, not views of them: they are stored as they were.
        for block, values in zip(manager.blocks, self._values, strict=True):
            block.values = values
        count = len(manager.axes)
        axes, names = list(parts[-2 * count : -count]), parts[-count:]
        for axis, name in zip(axes, names, strict=True):
            if getattr(axis, "_name", name) is not name:
                axis._name = name
        manager.axes = axes
        attributes = dict_of(self.obj)
        assert attributes is not None
        for name in attributes.keys() - others.keys() - {"_mgr"}:
            del attributes[name]
        attributes.update(others)
        attributes["_mgr"] = manager

    def inside(self) -> Iterable[object]:
        """See `Saved`: attributes, and the arrays that hold objects or are not guarded."""
        yield from self.was[2].values()
        for block in self._copy.blocks:
            if not self.is_guarded or _holds_objects(block.values):
                yield block.values

    @property
    def is_guarded(self) -> bool:
        """Whether pandas copies the blocks before it writes into them."""
        return int(sys.modules["pandas"].__version__.partition(".")[0]) >= COPIES_ON_WRITE


def _holds_objects(values: Any) -> bool:
    dtype = getattr(values, "dtype", None)
    return isinstance(dtype, sys.modules["numpy"].dtype) and bool(dtype.hasobject)


def aspects_of(cls: type, bank: Bank) -> list[Callable[[Any], Saved]] | None:
    """What is saved of arrays, frames and series; None for what is none of these."""
    array = getattr(sys.modules.get("numpy"), "ndarray", ABSENT)
    if any(base is array for base in _MRO.__get__(cls)):
        return [lambda obj: Array(obj, bank)]
    return [Frame] if is_frame(cls) else None


def is_frame(cls: type) -> bool:
    """Whether it is a class of frames or series."""
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return False
    frames = (getattr(pandas, "DataFrame", ABSENT), getattr(pandas, "Series", ABSENT))
    return any(base is frame for base in _MRO.__get__(cls) for frame in frames)
