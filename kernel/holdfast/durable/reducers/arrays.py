"""Reducers for numpy arrays: owners out of band, views as places in what they are views of.

They must never copy memory that two arrays share, and never import numpy before the user did.

Rejected: `numpy.lib.stride_tricks` on the sliced base (a view may begin in the middle of an element of another
dtype); keeping the base of every view (a row of a gigabyte array that is gone would store the gigabyte: see
`alone` in the pickler).
"""

from __future__ import annotations

import os
import pickle
import sys
from typing import Any

from holdfast.durable.pickling import marks
from holdfast.durable.pickling.lost import Unkeepable
from holdfast.durable.pickling.stored import is_stored
from holdfast.durable.reducers.flat import flat
from holdfast.durable.reducers.registry import Keeping

_SMALL = 1 << 16
#: Bytes of an array that is stored within the stream, at the least cost.
TINY = 512
#: A class that has one of these of its own knows better.
_OWN_PICKLE = ("__reduce__", "__reduce_ex__", "__setstate__", "__getstate__")
#: What else can be pickled and has memory that others may look at.
_OWNERS = frozenset({"builtins.bytes", "builtins.bytearray", "builtins.memoryview", "mmap.mmap", "array.array"})


def owned(cls: Any, data: Any, dtype: Any, shape: tuple[int, ...], order: Any, writable: bool) -> Any:
    """An array over a buffer of the stream: its own memory where that is small."""
    import numpy as np

    made: Any = np.ndarray(shape, dtype, buffer=data, order=order) if len(data) else np.empty(shape, dtype, order=order)
    if len(data) < _SMALL or not is_stored(made.base):
        # What is not the store's would be taken for something of the user's.
        made = made.copy(order="K")
    if made.flags.writeable and not writable:
        made.flags.writeable = False
    return made if cls is np.ndarray else made.view(cls)


def view(cls: Any, base: Any, offset: int, dtype: Any, shape: Any, strides: Any, writable: bool) -> Any:
    """A view of `base`, which is an array or anything else with a buffer."""
    import numpy as np

    # A view that was made before its base was closed to writing still writes.
    opened = writable and isinstance(base, np.ndarray) and not base.flags.writeable
    if opened:
        base.flags.writeable = True
    if dtype.hasobject:
        made = _object_view(base, offset, shape, strides)
    else:
        made = np.ndarray(shape, dtype, buffer=flat(base), offset=offset, strides=strides)
    if opened:
        base.flags.writeable = False
    if made.flags.writeable and not writable:
        made.flags.writeable = False
    return made if cls is np.ndarray else made.view(cls)


def _object_view(base: Any, offset: int, shape: Any, strides: Any) -> Any:
    import numpy as np

    whole = flat(base).reshape(-1)
    start = whole[offset // whole.itemsize :]
    return np.lib.stride_tricks.as_strided(start, shape, strides)


def tiny(data: bytes, dtype: Any, shape: Any, fortran: bool, writeable: bool) -> Any:
    """An array of a few numbers (a figure has hundreds of matrices), with memory of its own."""
    import numpy as np

    made = np.array(np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C"))
    if not writeable:
        made.flags.writeable = False
    return made


def objects(cls: Any, dtype: Any, shape: Any, fortran: bool) -> Any:
    """An array of objects, to be filled."""
    import numpy as np

    made = np.empty(shape, dtype, order="F" if fortran else "C")
    return made if cls is np.ndarray else made.view(cls)


def set_objects(array: Any, items: Any) -> None:
    """The objects, in the order of memory; in a tuple for an array that is closed to writing."""
    import numpy as np

    closed = type(items) is tuple
    items = items[0] if closed else items
    flat = np.ndarray.transpose(array) if not array.flags.c_contiguous else array
    flat.reshape(-1)[:] = _vector(items)
    if closed:
        array.flags.writeable = False


def _vector(items: list[Any]) -> Any:
    import numpy as np

    made = np.empty(len(items), object)
    for i, item in enumerate(items):
        made[i] = item
    return made


def texts(joined: Any, codes: Any, extra: Any, shape: Any) -> Any:
    """An array of strings; `extra` are the elements that are none, by place."""
    import numpy as np

    parts = bytes(joined).decode("utf-8", "surrogatepass").split("\0")
    made = np.empty(len(codes) if codes is not None else len(parts), object)
    if codes is None:
        made[:] = parts
    else:
        made[:] = np.array(parts, object)[codes]
    for place, item in extra:
        made[place] = item
    return made.reshape(shape)


def attributes(array: Any, state: dict[str, Any]) -> None:
    """What an array of a class of the user's has beside its numbers."""
    array.__dict__.update(state)


def reduce_array(obj: Any, keeping: Keeping) -> Any:
    """An array: owner, view, or array of objects."""
    np = sys.modules["numpy"]
    cls = type(obj)
    if cls is np.ndarray:
        return _reduce(np, cls, obj, keeping)
    masked = cls is np.ma.MaskedArray and not obj.dtype.hasobject
    if not masked and any(getattr(cls, name) is not getattr(np.ndarray, name) for name in _OWN_PICKLE):
        return NotImplemented
    reduced = _reduce(np, cls, obj, keeping)
    if reduced is not NotImplemented and getattr(obj, "__dict__", None):
        return (*reduced, dict(obj.__dict__), None, None, attributes) if len(reduced) == 2 else NotImplemented
    return reduced


def _reduce(np: Any, cls: Any, obj: Any, keeping: Keeping) -> Any:
    base = obj.base
    if base is not None and not is_stored(base):
        found = _reduce_view(np, cls, obj, base, keeping)
        if found is not None:
            return found
    keeping.pickler.owners.add(id(obj))
    if obj.dtype.hasobject:
        return _reduce_objects(np, cls, obj)
    if not obj.dtype.itemsize:
        return NotImplemented
    if "torch" in sys.modules and obj.nbytes:
        where = _address(np, obj)
        kept = keeping.shared.get(("torch", "cpu", where))
        if kept is not None:
            return view, (cls, kept, 0, obj.dtype, obj.shape, obj.strides, bool(obj.flags.writeable))
        keeping.shared["numpy", where] = obj
    elif 0 < obj.nbytes <= TINY and cls is np.ndarray and obj.dtype.isbuiltin:
        flags = obj.flags
        fortran = flags.f_contiguous and not flags.c_contiguous
        return tiny, (obj.tobytes("F" if fortran else "C"), obj.dtype, obj.shape, fortran, flags.writeable)
    if obj.flags.c_contiguous:
        order, data = "C", obj
    elif obj.flags.f_contiguous:
        order, data = "F", obj
    else:
        order, data = "C", np.ascontiguousarray(obj)
    data = data.view(np.ndarray)
    buffer = pickle.PickleBuffer((data if order == "C" else data.T).reshape(-1).view(np.uint8))
    return owned, (cls, _Kept(buffer), obj.dtype, obj.shape, order, bool(obj.flags.writeable))


class _Kept:
    """A buffer that is remembered as the store's when it is loaded."""

    def __init__(self, buffer: pickle.PickleBuffer) -> None:
        self.buffer = buffer

    def __reduce__(self) -> Any:
        return marks.buffer, (self.buffer,)


def _reduce_view(np: Any, cls: Any, obj: Any, base: Any, keeping: Keeping) -> Any:
    pickler = keeping.pickler
    base = _owner(np, base)
    found = _memory(np, obj, base)
    if found is None or id(base) in pickler.alone or not obj.size:
        return None
    origin, whole = found
    low, high = np.lib.array_utils.byte_bounds(obj)
    if low < origin or high > origin + whole:
        return None
    pickler.views[id(obj)] = (base, obj.nbytes, whole)
    # Itself the base of others, as after a restore: theirs is then a view of this view, not bytes of its own.
    pickler.owners.add(id(obj))
    return view, (cls, base, _address(np, obj) - origin, obj.dtype, obj.shape, obj.strides, bool(obj.flags.writeable))


def _owner(np: Any, base: Any) -> Any:
    """What a chain of views ends in: numpy shortens it, a restore and `as_strided` do not."""
    between = np.lib._stride_tricks_impl.DummyArray
    while type(base) is between or (type(base) is np.ndarray and isinstance(base.base, np.ndarray | between)):
        base = base.base
    return base


def _memory(np: Any, obj: Any, base: Any) -> tuple[int, int] | None:
    """Where the memory of a base begins and how long it is; None where it cannot be kept as one."""
    if isinstance(base, np.ndarray):
        if base.dtype.hasobject != obj.dtype.hasobject or (obj.dtype.hasobject and base.dtype != obj.dtype):
            return None
        whole = flat(base)
        return (_address(np, whole), base.nbytes) if whole.flags.c_contiguous else None
    if type(base).__module__.partition(".")[0] == "torch":
        whole = flat(base.detach())
        return _address(np, whole), whole.nbytes
    if f"{type(base).__module__}.{type(base).__qualname__}" not in _OWNERS:
        return None
    try:
        memory = memoryview(base)
        if not memory.c_contiguous or not memory.nbytes:
            return None
        return _address(np, np.frombuffer(base, np.uint8)), memory.nbytes
    except (TypeError, ValueError, BufferError):
        return None


def _address(np: Any, array: Any) -> int:
    return int(array.__array_interface__["data"][0])


def _reduce_objects(np: Any, cls: Any, obj: Any) -> Any:
    if obj.dtype != object or cls is not np.ndarray:
        return NotImplemented
    fortran = obj.flags.f_contiguous and not obj.flags.c_contiguous
    items = (obj.T if fortran else obj).ravel().tolist()
    if len(items) > 1000 and not fortran and obj.flags.writeable:
        packed = _pack(np, items)
        if packed is not None:
            return texts, (*packed, obj.shape)
    state = items if obj.flags.writeable else (items,)
    return objects, (cls, obj.dtype, obj.shape, fortran), state, None, None, set_objects


def _pack(np: Any, items: list[Any]) -> Any:
    """Strings as one buffer (and codes, where many are equal): a tenth of the time of pickling each."""
    kinds = set(map(type, items))
    if not kinds <= {str, float, type(None)} or str not in kinds:
        return None
    extra: list[tuple[int, Any]] = []
    if len(kinds) > 1:
        extra = [(i, item) for i, item in enumerate(items) if type(item) is not str]
        if len(extra) > len(items) // 10:
            return None
        items = ["" if type(item) is not str else item for item in items]
    distinct = dict.fromkeys(items)
    codes = None
    words: list[str] = items
    if len(distinct) <= len(items) // 2:
        words = list(distinct)
        places = {word: i for i, word in enumerate(words)}
        codes = np.fromiter(map(places.__getitem__, items), np.int32, len(items))
    joined = "\0".join(words)
    if joined.count("\0") != len(words) - 1:
        return None
    return pickle.PickleBuffer(joined.encode("utf-8", "surrogatepass")), codes, extra


def reopened(cls: Any, path: str, mode: str, offset: int, dtype: Any, shape: Any, order: str, data: Any) -> Any:
    """A map of a file, opened again."""
    if not os.path.isfile(path):
        raise Unkeepable(f"{path} is not there any more")
    made = cls(path, dtype=dtype, mode="r+" if mode == "w+" else mode, offset=offset, shape=shape, order=order)
    if data is not None:
        made[...] = data
    return made


def reduce_memmap(obj: Any, keeping: Keeping) -> Any:
    """A memmap: its file; a slice of one: a view."""
    np = sys.modules["numpy"]
    base = obj.base
    if isinstance(base, np.ndarray):
        found = _reduce_view(np, type(obj), obj, base, keeping)
        if found is not None:
            return found
    filename = getattr(obj, "filename", None)
    if obj._mmap is None or filename is None or obj.dtype.hasobject:
        return _reduce_plain(np, obj, keeping)
    order = "F" if obj.flags.f_contiguous and not obj.flags.c_contiguous else "C"
    data = None
    if obj.mode == "c":
        data = np.array(obj, subok=False)
    elif obj.mode != "r":
        obj.flush()
    keeping.reopened(obj, str(filename))
    return reopened, (
        type(obj),
        os.path.abspath(str(filename)),
        obj.mode,
        obj.offset,
        obj.dtype,
        obj.shape,
        order,
        data,
    )


def _reduce_plain(np: Any, obj: Any, keeping: Keeping) -> Any:
    """A memmap without a map (the result of arithmetic): its numbers."""
    return owned_as, (type(obj), np.array(obj, subok=False))


def owned_as(cls: Any, array: Any) -> Any:
    """An array as another class."""
    return array.view(cls)
