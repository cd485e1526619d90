"""A namespace as text that two processes can compare: equal texts mean equal values and equal aliasing.

It must never change what it reads.  Mutable objects are numbered when they are first met, walking from the names
in sorted order, so the text says which paths lead to one object.  Arrays are told by the memory that they show:
which of them overlap, and where.  Immutable leaves and tuples have no identity.
"""

from __future__ import annotations

import enum
import functools
import hashlib
import io
import os
import pathlib
import sys
import types
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from holdfast.durable.graph import weak_target
from holdfast.durable.pickling.lost import LostValue, fields
from holdfast.durable.reducers.memory import address as _address

_ATOMS = (int, float, complex, str, bytes, bool, range, type(None), type(...), type(NotImplemented))
_HIDDEN = frozenset(
    "__dict__ __weakref__ __doc__ __module__ __static_attributes__ __firstlineno__ _abc_impl __annotate_func__ "
    "__annotations_cache__ __slotnames__".split()
)


class Canon:
    """One description in the making."""

    def __init__(
        self, values: Mapping[str, object], namespace: dict[str, object], make: Callable[[object], bool]
    ) -> None:
        self._values = values
        self._namespace = namespace
        self._definition = make
        self._numbers: dict[int, int] = {}
        self._pins: list[object] = []
        self._queue: deque[tuple[int, object]] = deque()
        self.lines: list[str] = []
        self._arrays: list[tuple[int, int, int]] = []

    def describe(self, names: Iterable[str]) -> list[str]:
        """The lines: one for each name, one for each mutable object in the order of meeting."""
        for name in sorted(names):
            self.lines.append(f"{name} = {self.word(self._values[name])}")
        while self._queue:
            number, obj = self._queue.popleft()
            self.lines.append(f"#{number}: {self._body(number, obj)}")
        self.lines += self._memory()
        return self.lines

    def word(self, obj: object) -> str:
        """How a place that holds `obj` reads."""
        cls = type(obj)
        if cls in _ATOMS:
            return (
                f"{cls.__name__} {obj!r}" if len(repr(obj)) < 200 else f"{cls.__name__} {_digest(repr(obj).encode())}"
            )
        if obj is self._namespace:
            return "globals()"
        if cls in (weakref.ProxyType, weakref.CallableProxyType):
            return f"proxy of {self.word(weak_target(obj))}"
        if cls is types.ModuleType:
            return f"module {obj.__name__}"  # type: ignore[attr-defined]
        if cls is tuple:
            return f"({', '.join(map(self.word, obj))})"  # type: ignore[call-overload]
        if isinstance(obj, tuple) and not cls.__dictoffset__:
            return f"{self.word(cls)}({', '.join(map(self.word, obj))})"
        if cls is slice:
            return f"slice {self.word((obj.start, obj.stop, obj.step))}"  # type: ignore[attr-defined]
        if cls is frozenset:
            return f"frozenset({sorted(map(self.word, obj))})"  # type: ignore[call-overload]
        if isinstance(obj, enum.Enum):
            return f"{self.word(cls)}.{obj.name}"
        if isinstance(obj, type | types.FunctionType) and not self._definition(obj):
            return f"{obj.__module__}.{obj.__qualname__}"
        if isinstance(obj, types.BuiltinFunctionType | types.MethodWrapperType):
            owner = obj.__self__
            return f"{obj.__name__} of {'' if isinstance(owner, types.ModuleType | None) else self.word(owner)}"
        if isinstance(obj, types.MethodType):
            return f"method {self.word(obj.__func__)} of {self.word(obj.__self__)}"
        if cls.__module__ in ("datetime", "decimal", "re") or isinstance(obj, pathlib.PurePath) or _is_number(obj):
            return f"{cls.__name__} {obj!r}" if "0x" not in repr(obj) else cls.__name__
        pandas = sys.modules.get("pandas")
        if pandas is not None and isinstance(obj, pandas.Index):
            # Immutable: two that are equal are as good as one.
            return self._frame(obj)
        number = self._numbers.get(id(obj))
        if number is None:
            number = self._numbers[id(obj)] = len(self._numbers)
            self._pins.append(obj)
            self._queue.append((number, obj))
        return f"#{number}"

    def _body(self, number: int, obj: object) -> str:
        cls = type(obj)
        if isinstance(obj, LostValue):
            return f"unkept {fields(obj)[1]}"
        if isinstance(obj, types.GeneratorType | types.CoroutineType):
            return f"unkept {cls.__name__}"
        if isinstance(obj, types.FunctionType):
            return self._function(obj)
        if isinstance(obj, type):
            return self._class(obj)
        if isinstance(obj, types.CellType):
            try:
                return f"cell {self.word(obj.cell_contents)}"
            except ValueError:
                return "empty cell"
        if isinstance(obj, weakref.ref):
            return f"{self.word(cls)} {self.word(obj())} {self.word(obj.__callback__)}"
        if isinstance(obj, weakref.WeakSet):
            return f"WeakSet {', '.join(map(self.word, sorted(obj, key=_order)))}"
        if isinstance(obj, weakref.WeakValueDictionary | weakref.WeakKeyDictionary):
            return f"{cls.__name__} {self._items(dict(obj))}"
        if isinstance(obj, memoryview):
            place = _address(obj) - _address(obj.obj) if obj.nbytes else 0
            how = f"{obj.format} {obj.shape} {obj.strides if len(obj) > 1 else 0} {obj.readonly} at {place}"
            return f"memoryview {how} of {self.word(obj.obj)} {_digest(obj.tobytes())}"
        if isinstance(obj, functools.partial):
            return f"partial {self.word(obj.func)} {self.word(obj.args)} {self._items(obj.keywords)}"
        numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
        if numpy is not None and isinstance(obj, numpy.ndarray):
            return self._array(number, obj)
        if pandas is not None and isinstance(obj, pandas.DataFrame | pandas.Series):
            return self._frame(obj)
        if isinstance(obj, types.MappingProxyType):
            return f"proxy {self._items(obj)}"
        head = "" if cls in (list, dict, set, bytearray) else f"{self.word(cls)} "
        if isinstance(obj, dict):
            factory = f"{self.word(obj.default_factory)} " if hasattr(obj, "default_factory") else ""
            return f"{head}{factory}{self._items(obj)}{self._state(obj)}"
        if isinstance(obj, list | deque):
            return f"{head}[{', '.join(map(self.word, obj))}]{self._state(obj)}"
        if isinstance(obj, set):
            return f"{head}{{{', '.join(map(self.word, sorted(obj, key=_order)))}}}{self._state(obj)}"
        if isinstance(obj, bytearray):
            return f"{head}bytearray {_digest(bytes(obj))}"
        if isinstance(obj, tuple):
            return f"{head}({', '.join(map(self.word, obj))}){self._state(obj)}"
        if isinstance(obj, BaseException):
            # Not by its reduction: asking for it leaves an empty `__dict__` behind.
            return f"{head}error {self.word(obj.args)}{self._state(obj)}"
        if isinstance(obj, property):
            return f"property {self.word(obj.fget)} {self.word(obj.fset)} {self.word(obj.fdel)}"
        if isinstance(obj, staticmethod | classmethod):
            return f"{cls.__name__} {self.word(obj.__func__)}"
        if self._definition(cls) or cls is types.SimpleNamespace:
            return f"{head}object{self._state(obj)}"
        if isinstance(obj, io.TextIOWrapper):
            where = "closed" if obj.closed else f"{obj.readable()} {obj.writable()} at {obj.tell()}"
            return f"file {os.path.basename(obj.name)} {obj.encoding} {where}"
        if cls.__name__ == "list_iterator" and not obj.__length_hint__():  # type: ignore[attr-defined]
            # At its end it lets go of its list, and comes back with another empty one.
            return "list_iterator at the end"
        if cls.__name__ == "lock":
            return f"lock {obj.locked()}"  # type: ignore[attr-defined]
        try:
            reduced = obj.__reduce_ex__(4)
        except Exception:
            return f"unkept {cls.__name__}"
        self._pins.append(reduced)
        if isinstance(reduced, str):
            return f"global {reduced}"
        parts = [self.word(part) for part in reduced[:3]]
        return f"{head}by {', '.join(parts)}" + "".join(
            f" [{', '.join(map(self.word, list(part)))}]" for part in reduced[3:5] if part is not None
        )

    def _items(self, mapping: Mapping[Any, object]) -> str:
        # Not `mapping.items`: a dict of the user's may have an attribute of that name.
        kind: Any = next((one for one in (OrderedDict, dict) if isinstance(mapping, one)), type(mapping))
        pairs: Iterable[tuple[object, object]] = kind.items(mapping)
        return f"{{{', '.join(f'{self.word(k)}: {self.word(v)}' for k, v in pairs)}}}"

    def _state(self, obj: object) -> str:
        state = getattr(obj, "__dict__", None)
        words = [f".{k}={self.word(v)}" for k, v in state.items()] if isinstance(state, dict) else []
        for cls in type(obj).__mro__:
            slots = cls.__dict__.get("__slots__", ())
            for name in (slots,) if isinstance(slots, str) else slots:
                slot = cls.__dict__.get(name)
                if isinstance(slot, types.MemberDescriptorType) and hasattr(obj, name):
                    words.append(f".{name}={self.word(slot.__get__(obj))}")
        return " ".join(["", *words])

    def _function(self, function: types.FunctionType) -> str:
        cells = ", ".join(map(self.word, function.__closure__ or ()))
        return (
            f"def {function.__qualname__} of {function.__module__} {_code(function.__code__)} "
            f"{self.word(function.__defaults__)} {self._items(function.__kwdefaults__ or {})} [{cells}] "
            f"{self._items(function.__dict__)} {self._items(function.__annotations__)} {function.__doc__!r} "
            f"{'here' if function.__globals__ is self._namespace else function.__globals__.get('__name__')}"
        )

    def _class(self, cls: type) -> str:
        attributes = {k: v for k, v in vars(cls).items() if k not in _HIDDEN}
        words = []
        for name, value in sorted(attributes.items()):
            if isinstance(value, types.GetSetDescriptorType | types.MemberDescriptorType):
                words.append(f".{name}: slot")
            else:
                words.append(f".{name}={self.word(value)}")
        bases = ", ".join(map(self.word, cls.__bases__))
        return f"class {cls.__qualname__}({bases}) {self.word(type(cls))} {cls.__doc__!r} {' '.join(words)}"

    def _array(self, number: int, array: object) -> str:
        import numpy as np

        assert isinstance(array, np.ndarray)
        if array.size:
            low, high = np.lib.array_utils.byte_bounds(array)
            self._arrays.append((low, high, number))
        head = f"{self.word(type(array))} {array.shape} {array.dtype.str if array.dtype.names is None else array.dtype}"
        if array.dtype.hasobject:
            return f"{head} [{', '.join(map(self.word, array.ravel().tolist()))}]"
        return f"{head} {_digest(np.ascontiguousarray(array).tobytes())} {array.flags.writeable}"

    def _frame(self, frame: object) -> str:
        import pandas as pd

        if isinstance(frame, pd.DataFrame):
            # pandas copies the attributes deeply into each column, and never ends where they lead back to the frame.
            attributes, frame.attrs = frame.attrs, {}
            try:
                columns = [f"{name!r}: {self._frame(frame.iloc[:, i])}" for i, name in enumerate(frame.columns)]
            finally:
                frame._attrs = attributes  # the setter would copy it
            return f"DataFrame {self._frame(frame.index)} {self._items(attributes)} {' '.join(columns)}"
        assert isinstance(frame, pd.Series | pd.Index)
        if frame.dtype == object:
            values = ", ".join(map(self.word, frame.tolist()))
        elif type(frame.dtype).__module__.startswith("numpy") and frame.dtype.kind in "iufb":
            values = _digest(frame.to_numpy().tobytes())
        else:
            values = _digest("\0".join(map(str, frame.tolist())).encode())
        return f"{type(frame).__name__} {frame.name!r} {frame.dtype} {values}"

    def _memory(self) -> list[str]:
        """Which arrays overlap: for each the block of memory it shows, numbered by meeting, and the offset in it."""
        blocks: list[tuple[int, int]] = []
        for low, high, _ in sorted(self._arrays):
            if blocks and low < blocks[-1][1]:
                blocks[-1] = (blocks[-1][0], max(high, blocks[-1][1]))
            else:
                blocks.append((low, high))
        order: dict[int, int] = {}
        lines = []
        for low, _, number in self._arrays:
            start = next(first for first, last in blocks if first <= low < last)
            lines.append(f"#{number} shows block {order.setdefault(start, len(order))} from {low - start}")
        return lines


def describe(
    values: Mapping[str, object], namespace: dict[str, object], definition: Callable[[object], bool]
) -> list[str]:
    """`values` as comparable lines; `definition` tells functions and classes made in `namespace`."""
    return Canon(values, namespace, definition).describe(values)


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def _code(code: types.CodeType) -> str:
    consts = [
        _code(c) if isinstance(c, types.CodeType) else repr(c) for c in code.co_consts if not isinstance(c, frozenset)
    ]
    return _digest(repr((code.co_code, code.co_names, code.co_varnames, code.co_freevars, consts)).encode())


def _is_number(obj: object) -> bool:
    """Whether it is one of numpy's or pandas' scalars, types or functions."""
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    if pandas is not None and isinstance(obj, pandas.Timestamp | pandas.Timedelta | pandas.Period):
        return True
    return numpy is not None and isinstance(obj, numpy.generic | numpy.dtype | numpy.ufunc)


def _order(obj: object) -> str:
    """A key for sorting a set that does not depend on addresses."""
    state = getattr(obj, "__dict__", None)
    return f"{type(obj).__qualname__} {sorted(state.items(), key=repr) if isinstance(state, dict) else obj!r}".split(
        " at 0x"
    )[0]
