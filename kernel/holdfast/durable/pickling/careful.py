"""The unpickler for a stream that the C unpickler could not load: what fails alone is lost alone.

It must never be the first try: it is written in Python, 50 times slower.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

from holdfast.durable.pickling.answers import Answers
from holdfast.durable.pickling.lost import LostValue, LostValueError, fields, words

_Base: Any = pickle._Unpickler


class CarefulUnpickler(_Base):  # type: ignore[misc]
    """See the module."""

    dispatch: dict[int, Callable[[CarefulUnpickler], None]] = dict(_Base.dispatch)

    def __init__(self, stream: bytes, buffers: Sequence[memoryview], answers: Answers) -> None:
        super().__init__(BytesIO(stream), buffers=buffers)
        self._answers = answers
        self.memo = answers.memo()

    def persistent_load(self, key: str) -> object:
        """An object of another stream."""
        return self._answers.world.resolve(key)

    def find_class(self, module: str, name: str) -> Any:
        """The object of that name, or a placeholder."""
        try:
            return self._answers.note(super().find_class(module, name))
        except Exception as error:
            return self._answers.gone.setdefault((module, name), LostValue(f"{module}.{name}", name, words(error)))

    def _instead(self, made: object, error: BaseException) -> LostValue:
        if type(made) is LostValue:
            _, name, reason, _ = fields(made)
        else:
            name = str(getattr(made, "__qualname__", type(made).__qualname__))
            # The placeholder that was used does not know yet what it stands for.
            reason = "what it was made from could not be kept" if isinstance(error, LostValueError) else words(error)
        lost = LostValue(f"an object by {name}", name, reason)
        self._answers.missed.append(lost)
        return lost

    def load_reduce(self) -> None:
        """A call of a rebuild function or class."""
        args = self.stack.pop()
        func = self.stack[-1]
        try:
            self.stack[-1] = func(*args)
        except Exception as error:
            self.stack[-1] = self._instead(func, error)

    def load_newobj(self) -> None:
        """An instance by `__new__`."""
        args = self.stack.pop()
        cls = self.stack.pop()
        self.append(self._new(cls, args, {}))

    def load_newobj_ex(self) -> None:
        """The same with keywords."""
        kwargs = self.stack.pop()
        args = self.stack.pop()
        cls = self.stack.pop()
        self.append(self._new(cls, args, kwargs))

    def _new(self, cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        try:
            return cls.__new__(cls, *args, **kwargs)
        except Exception as error:
            return self._instead(cls, error)

    def load_build(self) -> None:
        """An instance's state; what of it cannot be set, the instance stays without."""
        if type(self.stack[-2]) is LostValue:
            self.stack.pop()
            return
        state, target = self.stack[-1], self.stack[-2]
        depth = len(self.stack)
        try:
            super().load_build()
        except Exception:
            del self.stack[depth - 1 :]
            slots: dict[str, object] = {}
            if type(state) is tuple and len(state) == 2 and not hasattr(type(target), "__setstate__"):
                state, slots = state
            if isinstance(state, dict) and isinstance(getattr(target, "__dict__", None), dict):
                target.__dict__.update(state)
            self._set(target, slots)

    def _set(self, target: object, slots: dict[str, object]) -> None:
        """Slots one by one: a library's class has others under another version."""
        for name, value in slots.items():
            try:
                setattr(target, name, value)
            except Exception as error:
                path, missed = f"{type(target).__qualname__}.{name}", self._answers.missed
                if self._answers.met is not None and (value is None or name.startswith("_")):
                    # Nothing of the user's: how another version of a library keeps what it knows.
                    self._answers.world.versions.dropped.append((target, name))  # type: ignore[attr-defined]
                elif all(fields(one)[0] != path for one in missed):
                    missed.append(LostValue(path, type(value).__qualname__, words(error)))


def _tolerant(code: int, marked: bool) -> Callable[[CarefulUnpickler], None]:
    original = _Base.dispatch[code]

    def load(self: CarefulUnpickler) -> None:
        target = self.metastack[-1][-1] if marked else self.stack[-2 if code != pickle.SETITEM[0] else -3]
        if type(target) is not LostValue:
            original(self)
        elif marked:
            self.pop_mark()
        else:
            del self.stack[-1 if code != pickle.SETITEM[0] else -2 :]

    return load


_table = CarefulUnpickler.dispatch
_table[pickle.REDUCE[0]] = CarefulUnpickler.load_reduce
_table[pickle.NEWOBJ[0]] = CarefulUnpickler.load_newobj
_table[pickle.NEWOBJ_EX[0]] = CarefulUnpickler.load_newobj_ex
_table[pickle.BUILD[0]] = CarefulUnpickler.load_build
for _code, _marked in (
    (pickle.SETITEM, False),
    (pickle.SETITEMS, True),
    (pickle.APPEND, False),
    (pickle.APPENDS, True),
):
    _table[_code[0]] = _tolerant(_code[0], _marked)
