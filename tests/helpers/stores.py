"""Commits, buffers and stores for the tests of the store.

It must never decide what a store should do: it only spares tests the fields that they do not look at.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

from holdfast.durable.store.chunks import keep
from holdfast.durable.store.port import Buffer, Commit, Record, Store

DATE = "2026-01-02T03:04:05+00:00"
MIB = 1 << 20


def component(version: int, stream: bytes = b"stream", buffers: tuple[Buffer, ...] = (), meta: bytes = b"{}") -> Record:
    """A version of a component."""
    return Record(version, "component", "", stream, buffers, meta)


def cell(
    count: int,
    *records: Record,
    names: Mapping[str, int | None] | None = None,
    tokens: Mapping[str, int | None] | None = None,
    state: bytes = b"{}",
    epoch: int = 1,
    code: str = "",
) -> Commit:
    """The commit of cell `count`; without `names`, each record is bound to `v<version>`."""
    bound = {f"v{record.version}": record.version for record in records} if names is None else names
    promise = (f"k1-e{epoch}-c{count}-0123", "resolved", b'{"count":%d}' % count)
    return Commit(count, epoch, code or f"cell {count}", "ok", DATE, records, bound, tokens or {}, state, promise)


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that do not repeat, the same for the same seed."""
    return random.Random(seed).randbytes(size)


def stored(store: Store, data: bytes | bytearray) -> Buffer:
    """Put all chunks of `data`."""
    return keep(memoryview(data), store.put).buffer


def flip(path: Path, offset: int, bit: int = 1) -> None:
    """Change one bit of a file in place."""
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ bit]))
