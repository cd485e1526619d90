"""The memory of an array or tensor as it lies, for views of it; it must never copy."""

from __future__ import annotations

import sys
from typing import Any


def flat(base: Any) -> Any:
    """The memory of `base` in the order in which it lies."""
    import numpy as np

    if type(base).__module__.partition(".")[0] == "torch":
        return _tensor(base)
    if not isinstance(base, np.ndarray):
        # `ndarray(buffer=…)` would not hold the buffer: its owner could be resized under the array.
        return np.frombuffer(base, np.uint8) if len(base) else base
    order = sorted(range(base.ndim), key=lambda i: -base.strides[i])
    whole = np.ndarray.transpose(base.view(np.ndarray), order)
    # As bytes: some dtypes (dates) have no buffer of their own.
    return whole if whole.dtype.hasobject or not whole.flags.c_contiguous else whole.reshape(-1).view(np.uint8)


def _tensor(kept: Any) -> Any:
    """The memory of a storage, or of the tensor that shows it."""
    torch: Any = sys.modules["torch"]
    raw = kept.untyped_storage() if isinstance(kept, torch.Tensor) else kept
    return torch.empty(0, dtype=torch.uint8).set_(raw, 0, (raw.nbytes(),), (1,)).numpy()
