"""Reducers for torch tensors: storages out of band and shared; they must never keep a graph of gradients.

Written from torch's documentation; torch is not installed where the tests run.
"""

from __future__ import annotations

import sys
from typing import Any

from holdfast.durable.pickling.lost import Unkeepable
from holdfast.durable.reducers.registry import Keeping


class _Storage:
    """Stands for a storage in a stream: one for all tensors that show it."""

    def __init__(self, bytes_: Any, device: str) -> None:
        self.bytes = bytes_
        self.device = device

    def __reduce__(self) -> Any:
        return storage, (self.bytes, self.device)


def storage(data: Any, device: str) -> Any:
    """The storage, on its device where there is one, else in host memory."""
    torch: Any = sys.modules.get("torch") or __import__("torch")

    made = torch.from_numpy(data) if data.flags.writeable else torch.from_numpy(data.copy())
    if device != "cpu":
        try:
            made = made.to(device)
        except (RuntimeError, AssertionError):
            return made.untyped_storage()
    return made.untyped_storage()


def tensor(cls: Any, kept: Any, dtype: Any, offset: int, size: Any, stride: Any, gradient: bool) -> Any:
    """A tensor over a storage."""
    torch: Any = sys.modules.get("torch") or __import__("torch")

    made = torch.empty(0, dtype=dtype, device=kept.device).set_(kept, offset, size, stride)
    if cls is torch.nn.Parameter:
        return torch.nn.Parameter(made, requires_grad=gradient)
    return made.requires_grad_(gradient) if gradient else made


def set_tensor(obj: Any, state: tuple[Any, Any]) -> None:
    """Its gradient and attributes."""
    gradient, attributes = state
    if gradient is not None:
        obj.grad = gradient
    if attributes:
        obj.__dict__.update(attributes)


def reduce_tensor(obj: Any, keeping: Keeping) -> Any:
    """A dense tensor; sparse, quantized and others are left to torch."""
    torch = sys.modules["torch"]
    cls = type(obj)
    if cls not in (torch.Tensor, torch.nn.Parameter) or obj.layout is not torch.strided or obj.is_quantized:
        return NotImplemented
    if not obj.is_leaf:
        raise Unkeepable("it is the result of a computation that gradients flow through; keep its .detach()")
    device = str(obj.device)
    if device.partition(":")[0] not in ("cpu", "cuda", "mps"):
        return NotImplemented
    kept = _storage(torch, obj, device, keeping)
    args = (cls, kept, obj.dtype, obj.storage_offset(), tuple(obj.size()), tuple(obj.stride()), obj.requires_grad)
    return tensor, args, (obj.grad, obj.__dict__ or None), None, None, set_tensor


def _storage(torch: Any, obj: Any, device: str, keeping: Keeping) -> _Storage:
    raw = obj.untyped_storage()
    known: dict[Any, _Storage] = keeping.shared
    key = ("torch", device, raw.data_ptr())
    if key not in known:
        flat = torch.empty(0, dtype=torch.uint8, device=raw.device).set_(raw, 0, (raw.nbytes(),), (1,))
        known[key] = _Storage(flat.cpu().numpy(), device)
    return known[key]
