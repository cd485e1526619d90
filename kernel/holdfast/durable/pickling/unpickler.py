"""Streams back to values.

It must never change a live class or function: a stream only ever fills objects that were made for it.

First the C unpickler; a stream that it cannot load (a class that is gone, a `__setstate__` that raises) is read
again by `careful.py`, where only the part that fails becomes a placeholder.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from io import BytesIO
from types import FunctionType
from typing import Any

from holdfast.durable.kinds import is_class
from holdfast.durable.pickling import classes, functions
from holdfast.durable.pickling.answers import Answers
from holdfast.durable.pickling.lost import World

#: Puts the seven objects of `Answers.memo` into the memo.
PRIME = b"\x80\x05" + b"".join(b"K%cQ\x940" % i for i in range(7)) + b"N."


class Unpickler(pickle.Unpickler):
    """The C unpickler with a world."""

    def __init__(self, stream: bytes, buffers: Sequence[memoryview], answers: Answers) -> None:
        # The memo's own setter loses what it is given; so a first pickle, which is never stored, fills it.
        self._answers = answers
        self._memo = answers.memo()
        super().__init__(BytesIO(PRIME + stream), buffers=buffers)
        self.load()

    def persistent_load(self, key: Any) -> object:
        """What the memo starts with (by number), or an object of another stream."""
        return self._memo[key] if type(key) is int else self._answers.world.resolve(key)


class Noting(Unpickler):
    """One for a stream of other versions: it notes the classes that the stream names."""

    def find_class(self, module: str, name: str) -> Any:
        """The object of that name."""
        return self._answers.note(super().find_class(module, name))


class Bare(pickle.Unpickler):
    """One that makes plain data only: nothing is imported, and whatever else there is becomes None."""

    def persistent_load(self, key: Any) -> object:
        """Nothing."""
        return _nothing

    def find_class(self, module: str, name: str) -> Any:
        """Nothing."""
        return _nothing


def _nothing(*parts: object) -> None:
    """Stands for whatever is called to make an object."""


def bare(stream: bytes) -> dict[str, object]:
    """The variables of one component, by key, as far as they are plain data.  Raises what pickle raises."""
    unpickler = Bare(BytesIO(PRIME + stream))
    unpickler.load()
    return {name: unpickler.load()[0] for name in unpickler.load()}


def _how(answers: Answers) -> type[Unpickler]:
    return Unpickler if answers.met is None else Noting


def load(stream: bytes, buffers: Sequence[memoryview], world: World) -> dict[str, object]:
    """The variables of one component, by key."""
    answers = Answers(world)
    try:
        return _load(_how(answers), stream, buffers, answers)
    except Exception:
        from holdfast.durable.pickling.careful import CarefulUnpickler

        answers = Answers(world)
        values = _load(CarefulUnpickler, stream, buffers, answers)
        answers.report(values)
        return values


def _load(how: Any, stream: bytes, buffers: Sequence[memoryview], answers: Answers) -> dict[str, object]:
    unpickler = how(stream, buffers, answers)
    names = unpickler.load()
    values = {name: unpickler.load()[0] for name in names}
    answers.tell(unpickler.load())
    return values


def skeleton(stream: bytes, buffers: Sequence[memoryview], world: World) -> object:
    """Phase one: the function or class exists.  Raises Unkeepable, or what `type.__new__` raises."""
    made = Unpickler(stream, buffers, Answers(world)).load()
    if made[0] != "function":
        return classes.make(made)
    function = functions.make(made)
    if made[1] != functions.magic() and (notes := getattr(world, "versions", None)) is not None:
        notes.built.append(function)
    return function


def fill(definition: object, stream: bytes, buffers: Sequence[memoryview], world: World) -> None:
    """Phase two: its state.  May be called again, for one that was filled while something it needs was missing."""
    answers = Answers(world)
    try:
        _fill(_how(answers), definition, stream, buffers, answers)
    except Exception:
        from holdfast.durable.pickling.careful import CarefulUnpickler

        answers = Answers(world)
        answers.report(_fill(CarefulUnpickler, definition, stream, buffers, answers))


def _fill(
    how: Any, definition: object, stream: bytes, buffers: Sequence[memoryview], answers: Answers
) -> dict[str, object]:
    """The parts of the state, by what they are called."""
    unpickler = how(stream, buffers, answers)
    made = unpickler.load()
    if type(definition) is FunctionType:
        functions.complete(definition, made)
        state = [unpickler.load()[0] for _ in range(functions.STATE)]
        answers.tell(unpickler.load())
        functions.fill(definition, state)
        return {definition.__qualname__: state}
    parts: dict[str, object] = {}
    if is_class(definition):
        extra, names = unpickler.load()[0], unpickler.load()[0]
        classes.begin(definition, names)
        for name in names:
            value = parts[f"{classes.qualname_of(definition)}.{name}"] = unpickler.load()[0]
            classes.put(definition, name, value)
        answers.tell(unpickler.load())
        classes.end(definition, extra)
    return parts
