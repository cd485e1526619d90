"""Reducers for torch tensors: storages out of band and shared; they must never keep a graph of gradients.

Tensors over one storage, and numpy arrays over the same memory, stay over one memory; a tensor made by
`torch.from_numpy` from the middle of an array is the exception: nothing tells what it lies in.
"""

from __future__ import annotations

import pickle
import sys
from typing import Any

from holdfast.durable.pickling.lost import Unkeepable
from holdfast.durable.reducers.flat import flat
from holdfast.durable.reducers.registry import Keeping

_HOSTED = ("cpu", "cuda", "mps")


class _Storage:
    """Stands for a storage in a stream: one for all tensors that show it."""

    def __init__(self, data: Any, device: str) -> None:
        #: A buffer, or the numpy array whose memory it is.
        self.data = data
        self.device = device

    def __reduce__(self) -> Any:
        return storage, (self.data, self.device)


def _torch() -> Any:
    return sys.modules.get("torch") or __import__("torch")


def storage(data: Any, device: str) -> Any:
    """The storage, on its device where there is one, else in host memory."""
    torch = _torch()
    if not memoryview(data).nbytes:
        made = torch.empty(0, dtype=torch.uint8)
    elif device == "array":
        return torch.from_numpy(flat(data)).untyped_storage()
    else:
        made = torch.frombuffer(data if not memoryview(data).readonly else bytearray(data), dtype=torch.uint8)
    if device != "cpu":
        try:
            made = made.to(device)
        except (RuntimeError, AssertionError):
            return made.untyped_storage()
    return made.untyped_storage()


def same(kept: Any) -> Any:
    """A storage that somebody holds himself."""
    return kept


def tensor(cls: Any, kept: Any, dtype: Any, offset: int, size: Any, stride: Any, how: tuple[bool, bool, bool]) -> Any:
    """A tensor over a storage."""
    torch = _torch()
    gradient, conjugate, negative = how
    made = torch.empty(0, dtype=dtype, device=kept.device).set_(kept, offset, size, stride)
    if conjugate:
        made = made.conj()
    if negative:
        made = torch._neg_view(made)
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
    if device.partition(":")[0] not in _HOSTED or obj.is_nested:
        return NotImplemented
    kept = _kept(torch, obj.untyped_storage(), device, keeping)
    how = obj.requires_grad, obj.is_conj(), obj.is_neg()
    args = (cls, kept, obj.dtype, obj.storage_offset(), tuple(obj.size()), tuple(obj.stride()), how)
    return tensor, args, (obj.grad, obj.__dict__ or None), None, None, set_tensor


def reduce_storage(obj: Any, keeping: Keeping) -> Any:
    """A storage that somebody holds."""
    device = str(obj.device)
    if device.partition(":")[0] not in _HOSTED:
        return NotImplemented
    return same, (_kept(sys.modules["torch"], obj, device, keeping),)


def _kept(torch: Any, raw: Any, device: str, keeping: Keeping) -> _Storage:
    known: dict[Any, Any] = keeping.shared
    key = ("torch", device, raw.data_ptr())
    if key not in known or not raw.nbytes():
        array = known.get(("numpy", raw.data_ptr())) if device == "cpu" else None
        if array is not None and array.nbytes == raw.nbytes():
            known[key] = _Storage(array, "array")
        else:
            whole = torch.empty(0, dtype=torch.uint8, device=raw.device).set_(raw, 0, (raw.nbytes(),), (1,))
            known[key] = _Storage(pickle.PickleBuffer(whole.cpu().numpy()), device)
    found: _Storage = known[key]
    return found
