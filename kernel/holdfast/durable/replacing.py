"""Other objects in the places of those that could not be put back, where the places themselves can be changed.

It must never leave an object in some of its places and not in others without the caller being able to tell: who
replaces compares the streams afterwards.

Each is pickled by itself at entry, with references to all that is put back in place: what is loaded from that leads to
the objects that are there.
"""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import CellType, FunctionType
from typing import TYPE_CHECKING, Any

from holdfast.durable.aspects import ABSENT, Attributes, Cell, Deque, Dict, List, Ordered, Saved, Slots, slots_of
from holdfast.durable.bulk import Bank
from holdfast.durable.inplace import Image
from holdfast.durable.saving import plan
from holdfast.durable.store.chunks import flat
from holdfast.durable.world import Codec, SavingWorld

if TYPE_CHECKING:
    from holdfast.durable.pickling.lost import Lost


class Beside:
    """The world of an opaque object alone: all that the image puts back in place is referred to, not copied."""

    def __init__(self, world: SavingWorld, image: Image) -> None:
        self.namespace = world.namespace
        self.token, self.definition = world.token, world.definition
        self._world = world
        self._image = image
        #: Not empty: every object is asked for.
        self.shared = {0: ""}

    def reference(self, obj: object) -> str | None:
        """See `World`."""
        if type(obj) is CellType or not self._image.holds(obj):
            return self._world.reference(obj)
        return f"@i{id(obj)}"

    def resolve(self, reference: str) -> object:
        """See `World`."""
        if reference.startswith("@i"):
            return self._image.held(int(reference[2:]))
        return self._world.made(reference)

    def missed(self, lost: Sequence[Lost]) -> None:
        """See `World`: there is nothing to be missed."""


class Alone:
    """Opaque objects as they are, each by itself."""

    def __init__(self, codec: Codec, world: SavingWorld, image: Image) -> None:
        self._codec = codec
        self._world = Beside(world, image)
        self._streams: dict[int, tuple[object, bytes, list[bytes]]] = {}

    def keep(self, obj: object) -> None:
        """Remember how it is; what cannot be is left to those who store its component."""
        found = self._look(obj)
        if found is not None:
            self._streams[id(obj)] = obj, *found

    def changed(self) -> list[tuple[object, object]]:
        """(object, one that is as it was) of those that are others than they were."""
        made: list[tuple[object, object]] = []
        for obj, stream, buffers in self._streams.values():
            if self._look(obj) != (stream, buffers):
                with suppress(Exception):
                    buffered = [memoryview(one) for one in buffers]
                    made.append((obj, self._codec.load(stream, buffered, self._world)["o"]))
        return made

    def _look(self, obj: object) -> tuple[bytes, list[bytes]] | None:
        try:
            pickled = self._codec.dump({"o": obj}, self._world)
        except Exception:
            return None
        return None if pickled.lost else (pickled.stream, [bytes(flat(one)) for one in pickled.buffers])


def replace(image: Image, mapping: Mapping[int, object]) -> set[int]:
    """Put the new objects where the old ones are: in containers, attributes and closures that the image knows.

    Returns those (by id) that had a place: one within another opaque object goes with that.
    """
    placed: set[int] = set()
    if not mapping:
        return placed
    for aspect in image.everything():
        if type(aspect) in _PLACES:
            placed |= _replace_in(type(aspect)(aspect.obj), mapping)
    return placed


class Whereabouts:
    """All that may hold an object of a component: what the component reaches (by id), and definitions that share it.

    To be made before anything is replaced: what an old object's holders share shows who they are.
    """

    def __init__(self, reached: Collection[int], definitions: Collection[object]) -> None:
        self._reached = reached
        self._definitions = definitions

    def replace(self, pairs: Iterable[tuple[object, object]]) -> None:
        """Put the second of each pair where the first one is; what is in a tuple stays."""
        mapping = {id(old): new for old, new in pairs if old is not new}
        for old, _ in pairs if mapping else ():
            for holder in gc.get_referrers(old):
                if id(holder) in self._reached:
                    for make in plan(type(holder), _NO_BANK).make:
                        if make in _PLACES:
                            _replace_in(make(holder), mapping)
        for definition in self._definitions if mapping else ():
            _replace_in_definition(definition, mapping)


def _replace_in(now: Saved, mapping: Mapping[int, object]) -> set[int]:
    placed: set[int] = set()
    for key, value in list(_places(now)):
        if id(value) in mapping:
            with suppress(AttributeError, TypeError):  # what cannot be set the caller finds
                _set(now, key, mapping[id(value)])
                placed.add(id(value))
    return placed


def _replace_in_definition(definition: Any, mapping: Mapping[int, object]) -> None:
    """In the attributes of a class; in the defaults and attributes of a function."""
    if isinstance(definition, FunctionType):
        defaults = definition.__defaults__ or ()
        if not mapping.keys().isdisjoint(map(id, defaults)):
            definition.__defaults__ = tuple(mapping.get(id(one), one) for one in defaults)
        for items in (definition.__kwdefaults__ or {}, vars(definition)):
            _replace_in(Dict(items), mapping)
        return
    for name, value in list(vars(definition).items()):
        if id(value) in mapping:
            type.__setattr__(definition, name, mapping[id(value)])


def _places(aspect: Saved) -> Iterator[tuple[Any, object]]:
    """Where an aspect, as of when it was made, holds something."""
    if type(aspect) is Dict:
        yield from aspect.was.items()
    elif type(aspect) is Attributes:
        yield from aspect.was[2].items()
    elif type(aspect) is Ordered:
        yield from zip(aspect.was[::2], aspect.was[1::2], strict=True)
    else:
        yield from enumerate(aspect.was)


def _set(aspect: Saved, key: Any, value: object) -> None:
    obj = aspect.obj
    if type(aspect) is List:
        list.__setitem__(obj, key, value)
    elif type(aspect) is Dict:
        dict.__setitem__(obj, key, value)
    elif type(aspect) is Ordered:
        OrderedDict.__setitem__(obj, key, value)
    elif type(aspect) is Deque:
        obj[key] = value
    elif type(aspect) is Attributes:
        vars(obj)[key] = value
    elif type(aspect) is Cell:
        obj.cell_contents = value
    elif value is not ABSENT:
        slots_of(type(obj))[key].__set__(obj, value)


_PLACES = frozenset({List, Dict, Ordered, Deque, Attributes, Cell, Slots})
#: Arrays are no places.
_NO_BANK = Bank(None, lambda owner: {})
