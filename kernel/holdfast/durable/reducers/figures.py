"""Reducers for what stands around a matplotlib figure; the figure itself is matplotlib's own to pickle."""

from __future__ import annotations

import itertools
from typing import Any

from holdfast.durable.reducers.registry import Keeping


def canvas(figure: Any) -> Any:
    """What the figure is drawn on now."""
    return figure.canvas


def reduce_canvas(obj: Any, keeping: Keeping) -> Any:
    """A canvas: that of its figure, without its window and what waits for clicks there."""
    return canvas, (obj.figure,)


def callbacks(cls: Any) -> Any:
    """A registry of callbacks, to be filled by its own `__setstate__`."""
    return cls.__new__(cls)


def reduce_callbacks(obj: Any, keeping: Keeping) -> Any:
    """A registry with the callbacks that matplotlib pickles; its own pickle counts, and is never equal."""
    twin = callbacks(type(obj))
    twin.__dict__.update(vars(obj))
    twin._cid_gen = itertools.count(max(obj._pickled_cids, default=-1) + 1)
    return callbacks, (type(obj),), twin.__getstate__()
