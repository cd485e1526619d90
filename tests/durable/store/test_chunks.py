"""Which chunks of a buffer changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest

from helpers.stores import MIB, noise
from holdfast.durable.store.chunks import Kept, fingerprints, keep, known
from holdfast.durable.store.memory import MemoryStore


class Counted:
    """A store that counts its puts, and may change the value under our hands."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.puts = 0
        self.meddle: Callable[[], None] = lambda: None

    def put(self, data: memoryview) -> bytes:
        """Put, then let the other thread have its turn."""
        self.puts += 1
        digest = self.store.put(data)
        self.meddle()
        return digest


def digests(kept: Kept) -> dict[bytes, bytes]:
    """What is known after a buffer was kept."""
    return known([(kept.buffer, kept.prints)])


@pytest.mark.parametrize(("changed_at", "puts"), [([], 0), ([0], 1), ([MIB - 1, MIB], 2), ([3 * MIB + 6], 1)])
def test_only_changed_chunks_are_put(changed_at: list[int], puts: int) -> None:
    """And the digests are those of a store that sees the buffer for the first time."""
    counted = Counted()
    data = bytearray(noise(3 * MIB + 7))
    before = keep(memoryview(data), counted.put)
    counted.puts = 0
    for index in changed_at:
        data[index] ^= 1
    assert (fingerprints(memoryview(data)) != before.prints) == bool(changed_at)
    after = keep(memoryview(data), counted.put, digests(before))
    assert counted.puts == puts
    assert after.buffer == keep(memoryview(data), MemoryStore().put).buffer


@pytest.mark.parametrize("size", [0, 1, 2 * MIB, 2 * MIB + 5, 4 * MIB])
def test_a_buffer_of_another_size_is_another(size: int) -> None:
    """Growing and shrinking keeps the chunks that stayed."""
    counted = Counted()
    data = noise(4 * MIB)
    before = keep(memoryview(data[: 2 * MIB + 1]), counted.put)
    view = memoryview(data[:size])
    assert fingerprints(view) != before.prints
    assert keep(view, counted.put, digests(before)).buffer == keep(view, counted.put).buffer


FORMATS = ["f8", ">f8", "c16", "f2", "?", "M8[ns]", "i4,f8", "S5"]


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("order", ["C", "F"])
def test_items_need_not_be_bytes(dtype: str, order: Literal["C", "F"]) -> None:
    """A buffer of anything, in two dimensions and either order, is its bytes."""
    store = MemoryStore()
    one = np.zeros((300, 400), dtype, order=order)
    raw = one.T if order == "F" else one
    raw.view("u1").reshape(-1)[:] = np.arange(raw.nbytes) % 2
    # What numpy says of dates cannot be exported; pickle hands such arrays over as bytes.
    view = memoryview(raw.view("u1") if dtype == "M8[ns]" else one)
    kept = keep(view, store.put)
    assert kept.buffer.size == one.nbytes
    assert fingerprints(view) == kept.prints
    assert store.read(kept.buffer, writable=False) == raw.tobytes()


def test_a_value_that_changes_for_a_while_is_put_until_it_rests() -> None:
    """What is kept is what was fingerprinted."""
    counted = Counted()
    data = bytearray(noise(MIB))

    def once() -> None:
        counted.meddle = lambda: None
        data[5] ^= 1

    counted.meddle = once
    kept = keep(memoryview(data), counted.put)
    assert (kept.settled, counted.puts) == (True, 2)
    assert counted.store.read(kept.buffer, writable=False) == data


def test_a_value_that_never_rests_is_said_to_be_unsettled() -> None:
    """After three tries the caller is told."""
    counted = Counted()
    data = bytearray(noise(MIB))

    def always() -> None:
        data[5] = (data[5] + 1) % 256

    counted.meddle = always
    assert not keep(memoryview(data), counted.put).settled
    assert counted.puts == 3
