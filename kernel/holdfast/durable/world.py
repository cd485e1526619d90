"""What streams refer to instead of copying: the namespace, definitions, closure cells, shared state.

It must never answer a reference with a copy: each resolves to one object for the life of the process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import CellType
from typing import TYPE_CHECKING

from msgspec import Struct

from holdfast.durable.definitions import Definitions

if TYPE_CHECKING:
    from holdfast.durable.guard import Guard
    from holdfast.durable.pickling.lost import Lost, Pickled, World


class Codec(Struct, frozen=True):
    """How values become streams and back (see `durable/pickling`)."""

    dump: Callable[[dict[str, object], World], Pickled]
    load: Callable[[bytes, Sequence[memoryview], World], dict[str, object]]
    dump_definition: Callable[[object, World], Pickled]
    skeleton: Callable[[bytes, Sequence[memoryview], World], object]
    fill: Callable[[object, bytes, Sequence[memoryview], World], None]
    #: (name, kind, reason, cell) to the placeholder of a value that could not be kept.
    lost: Callable[[str, str, str, int], object]


class SavingWorld:
    """The world as a commit sees it."""

    def __init__(self, namespace: dict[str, object], definitions: Definitions) -> None:
        self.namespace = namespace
        self._definitions = definitions
        self.find = definitions.find
        #: Keeps each full MiB of a stream; None keeps streams in one.
        self.put: Callable[[memoryview], bytes] | None = None
        #: Objects that are referred to: id to key.  Set while a definition is pickled.
        self.shared: dict[int, str] = {}
        #: Runs the user's code that says how to pickle something; None runs it as it is.
        self.guard: Guard | None = None

    def token(self, definition: object) -> str | None:
        """The token of a function or class that cannot be imported."""
        found = self._definitions.find(definition)
        return found.token if found is not None else None

    def definition(self, token: str) -> object:
        """The live object of a token."""
        return self._definitions.by_token[token].ref()

    def reference(self, obj: object) -> str | None:
        """The key of an object that is stored elsewhere."""
        if type(obj) is CellType:
            return self._definitions.cells.key(obj)
        return self.shared.get(id(obj))

    def made(self, key: str) -> CellType:
        """The closure cell of a key."""
        return self._definitions.cells.made(key)

    def resolve(self, reference: str) -> object:
        """Only loading resolves."""
        raise LookupError(reference)

    def missed(self, lost: Sequence[Lost]) -> None:
        """Only loading misses."""


def codec() -> Codec:
    """The codec of `durable/pickling`, each part of which is loaded when it is first needed."""
    from holdfast.durable.pickling.lost import LostValue

    return Codec(_dump, _load, _dump_definition, _skeleton, _fill, LostValue)


def _dump(values: dict[str, object], world: World) -> Pickled:
    from holdfast.durable.pickling.plain import plain

    pickled = plain(values)
    if pickled is None:
        from holdfast.durable.pickling.pickler import dump

        pickled = dump(values, world)
    return pickled


def _dump_definition(definition: object, world: World) -> Pickled:
    from holdfast.durable.pickling.pickler import dump_definition

    return dump_definition(definition, world)


def _load(stream: bytes, buffers: Sequence[memoryview], world: World) -> dict[str, object]:
    from holdfast.durable.pickling.unpickler import load

    return load(stream, buffers, world)


def _skeleton(stream: bytes, buffers: Sequence[memoryview], world: World) -> object:
    from holdfast.durable.pickling.unpickler import skeleton

    return skeleton(stream, buffers, world)


def _fill(definition: object, stream: bytes, buffers: Sequence[memoryview], world: World) -> None:
    from holdfast.durable.pickling.unpickler import fill

    fill(definition, stream, buffers, world)
