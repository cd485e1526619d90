"""Numbers and short text: the stream of one variable without the machinery that the others need.

It must never differ in what comes back from what the pickler of `pickler.py` writes: names, then the value in its
box, then the table of what was lost, which is empty.

Most small cells bind one of these; the first one of a kernel need not wait for the pickler's modules.
"""

from __future__ import annotations

from pickle import dumps

from holdfast.durable.pickling.lost import Pickled

_PLAIN = frozenset({int, float, complex, bool, type(None), str, bytes})
#: Longer text is cut into frames and chunks by the pickler.
_SHORT = 1 << 14
_NOTHING_LOST = dumps([], 5)


def plain(values: dict[str, object]) -> Pickled | None:
    """The stream of one variable that holds such a value; None for all else."""
    if len(values) != 1:
        return None
    (value,) = values.values()
    if type(value) not in _PLAIN or (isinstance(value, str | bytes) and len(value) > _SHORT):
        return None
    try:
        return Pickled(dumps(tuple(values), 5) + dumps([value], 5) + _NOTHING_LOST)
    except UnicodeEncodeError:  # half of a surrogate pair
        return None
