"""What becomes of values for which a session has no room: they are named, and all others are kept.

It must never let a commit fail for want of room in the budget, and never keep an old state of a value in its place.

A value that was refused is tried again when a cell names it, and by the audit when there is more room than there was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from holdfast.durable.components import Component
from holdfast.durable.faults import NoRoom
from holdfast.durable.store.port import CHUNK, Store

if TYPE_CHECKING:
    from holdfast.durable.pickling.lost import Pickled

#: Values of fewer bytes are kept without asking for room.
SMALL = 1 << 20


class Shortage:
    """The values that a store refused; `dump` pickles, `lost` makes a placeholder."""

    def __init__(
        self,
        store: Store,
        dump: Callable[[dict[str, object]], Pickled],
        lost: Callable[[str, str, str, int], object],
    ) -> None:
        self._store = store
        self._dump = dump
        self._lost = lost
        #: The room that there was when the component with these keys was refused.
        self._refused: dict[frozenset[str], int] = {}

    def lasts(self, old: Component | None, bound: Mapping[str, int]) -> bool:
        """Whether a component that was refused would be refused again, as far as can be told without pickling it."""
        room = self._refused.get(old.keys) if self._refused and old is not None else None
        return room is not None and old is not None and old.bound == bound and self._store.room(0) <= room

    def admits(self, pickled: Pickled, prints: tuple[bytes, ...], before: Iterable[Component]) -> bool:
        """Whether there is room for a stream and its buffers; the chunks of the components of before are there."""
        size = sum(buffer.nbytes for buffer in pickled.buffers) + len(pickled.stream)
        if size < SMALL or size <= self._store.room(0):
            return True
        from holdfast.durable.store.chunks import PRINT, known

        stored = known(pair for old in before for pair in zip(old.buffers, old.prints, strict=True))
        all_prints = (one[at : at + PRINT] for one in prints for at in range(0, len(one), PRINT))
        size = min(size, CHUNK * sum(one not in stored for one in all_prints) + len(pickled.stream))
        return size <= self._store.room(size)

    def without(self, values: dict[str, object], old: Component | None, count: int) -> dict[str, object]:
        """The values with placeholders for the largest, so that the others fit."""
        room = self._store.room(0)
        sizes: dict[str, float] = {}
        for key, value in values.items():
            try:
                alone = self._dump({key: value})
                sizes[key] = alone.size + sum(buffer.nbytes for buffer in alone.buffers)
            except Exception:
                sizes[key] = float("inf")
        kept, reason = dict(values), str(NoRoom(""))
        # The same placeholder as before is no change: then nothing is written.
        cell = old.cell if old is not None and old.lost else count
        for key in sorted(sizes, key=lambda key: sizes[key], reverse=True):
            kept[key] = self._lost(key, type(values[key]).__name__, reason, cell)
            del sizes[key]
            if sum(sizes.values()) <= room:
                break
        self._refused[frozenset(values)] = room
        return kept

    def over(self, keys: Iterable[str]) -> None:
        """There is room for the component with these keys."""
        if self._refused:
            self._refused.pop(frozenset(keys), None)
