"""Which memory is the store's own: arrays over it are owners, not views of something the user has.

It must never keep memory alive.

numpy takes for the base of an array not the memoryview that it was made of, but what that one shows: a map of a
pack, or bytes that the store read.
"""

from __future__ import annotations

import weakref

_stored: weakref.WeakValueDictionary[int, object] = weakref.WeakValueDictionary()


def remember(data: object) -> object:
    """Note that a buffer came out of a stream, and give it back."""
    if type(data) is memoryview and type(data.obj).__weakrefoffset__:
        _stored[id(data.obj)] = data.obj
    return data


def is_stored(owner: object) -> bool:
    """Whether that is what a buffer out of a stream shows."""
    return _stored.get(id(owner), _stored) is owner
