"""Which buffers are the store's own: arrays over them are owners, not views of something the user has.

It must never keep a buffer alive.
"""

from __future__ import annotations

import weakref

_stored: weakref.WeakValueDictionary[int, memoryview] = weakref.WeakValueDictionary()


def remember(data: object) -> object:
    """Note that a buffer came out of a stream, and give it back."""
    if type(data) is memoryview:
        _stored[id(data)] = data
    return data


def is_stored(data: object) -> bool:
    """Whether it is such a buffer."""
    return type(data) is memoryview and _stored.get(id(data)) is data
