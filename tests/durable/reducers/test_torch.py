"""The walk knows tensors by their memory, shown with a stand-in: torch itself is too heavy for this environment.

With torch, `test_lives.py` shows the rest (what its tensors, modules and optimizers are after a death).
"""

from __future__ import annotations

import sys
import types
from array import array

import numpy as np
import pytest

from holdfast.durable.graph import Walk


class UntypedStorage:
    """Memory at an address, as torch tells it."""

    def __init__(self, address: int) -> None:
        self._address = address

    def data_ptr(self) -> int:
        """The address."""
        return self._address


class Tensor:
    """A tensor over a storage, which is another object each time."""

    layout = "strided"

    def __init__(self, address: int) -> None:
        self._address = address

    def untyped_storage(self) -> UntypedStorage:
        """The storage."""
        return UntypedStorage(self._address)


@pytest.fixture(autouse=True)
def _torch(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = types.ModuleType("torch")
    torch.__dict__.update(Tensor=Tensor, UntypedStorage=UntypedStorage)
    monkeypatch.setitem(sys.modules, "torch", torch)


def _joined(one: object, other: object) -> bool:
    """Whether a walk makes one component of two variables; what it met must fit the index."""
    walk = Walk({})
    nodes = [walk.add(), walk.add()]
    for node, value in zip(nodes, (one, other), strict=True):
        walk.reach(node, [value])
        assert array("Q", walk.ids[node]).itemsize == 8
    return walk.find(nodes[0]) == walk.find(nodes[1])


def test_tensors_over_one_storage_belong_together() -> None:
    """A tensor and a view of it show one memory; another tensor does not."""
    assert _joined(Tensor(4096), Tensor(4096))
    assert not _joined(Tensor(4096), Tensor(8192))


def test_a_tensor_and_the_array_that_it_was_made_from_belong_together() -> None:
    """`torch.from_numpy` keeps the array where nobody sees it: its address tells."""
    numbers = np.zeros(5)
    assert _joined(numbers, Tensor(numbers.__array_interface__["data"][0]))
    assert not _joined(numbers, np.zeros(5))


def test_a_storage_belongs_to_its_tensor() -> None:
    """Somebody may hold the storage itself."""
    assert _joined(UntypedStorage(4096), Tensor(4096))
