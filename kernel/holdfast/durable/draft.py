"""One commit in the making, and what says whether a value changed.

It must never be kept: a draft that was not committed is nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from holdfast.durable.components import Component
from holdfast.durable.definitions import Definition
from holdfast.durable.reports import Lost
from holdfast.durable.store.port import Record

if TYPE_CHECKING:
    from holdfast.durable.pickling.lost import Pickled
    from holdfast.durable.spared import Spare

_LARGE = 1 << 16


class Beside(Exception):
    """A component is written beside the user, or changes all the time: this commit leaves it as it is.  `why` says."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Overdue(Exception):
    """A reply has waited long enough."""


class Draft:
    """One commit in the making; `spare` says which components' memory need not be looked at."""

    def __init__(self, spare: Spare | None = None) -> None:
        self.spare = spare
        #: Components of which memory was spared that a call may have written to.
        self.doubted: set[Component] = set()
        self.records: list[Record] = []
        self.names: dict[str, int | None] = {}
        self.tokens: dict[str, int | None] = {}
        #: Components that were looked at, and what they are now (None: as they were).
        self.replaced: set[Component] = set()
        self.current: list[tuple[Component, list[int]]] = []
        self.definitions: list[
            tuple[Definition, int, bytes, tuple[object, ...] | None, frozenset[str], tuple[Lost, ...]]
        ] = []
        #: Variables whose stored state changed.
        self.changed: set[str] = set()
        self.lost: list[Lost] = []
        #: Keys of what is not stored with this commit, and why: their last versions stay.
        self.held: dict[str, str] = {}


def fingerprint(pickled: Pickled, known: Sequence[bytes | None] = ()) -> tuple[bytes, tuple[bytes, ...]]:
    """The digest of a stream with its buffers, and 16 bytes for each chunk of each buffer, believed where `known`."""
    stream = pickled.stream
    if pickled.size < _LARGE and not pickled.buffers:
        return hashlib.blake2b(stream, digest_size=16).digest(), ()
    from holdfast.durable.store.chunks import fingerprints

    told = known or [None] * len(pickled.buffers)
    prints = tuple(one or fingerprints(buffer) for buffer, one in zip(pickled.buffers, told, strict=True))
    return digest_of(pickled, prints), prints


def digest_of(pickled: Pickled, prints: tuple[bytes, ...]) -> bytes:
    """The same, where the fingerprints of the buffers are known."""
    import xxhash

    # The lengths keep two different lists of buffers from looking alike.
    whole = xxhash.xxh3_128(pickled.stream)
    whole.update(b"".join(pickled.lead))
    for buffer, one in zip(pickled.buffers, prints, strict=True):
        whole.update(b"%d:" % buffer.nbytes + one)
    return whole.digest()
