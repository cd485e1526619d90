"""The names under which a stream says "what the world has": the unpickler answers them itself.

They must never be called: a stream that is read without a world must fail, not make something up.
"""

from __future__ import annotations

from typing import NoReturn


def _closed(*_: object) -> NoReturn:
    raise LookupError("this stream belongs to a Holdfast session and cannot be read without it")


def definition(token: str) -> object:
    """The function or class of a token."""
    return _closed(token)


def reference(key: str) -> object:
    """An object that another stream owns."""
    return _closed(key)


def main() -> object:
    """The module whose dict it is."""
    return _closed()


def lost(index: int) -> object:
    """The placeholder of that number in the stream's table."""
    return _closed(index)


def buffer(data: object) -> object:
    """A buffer kept out of band, remembered as the store's so that its arrays count as owners."""
    return _closed(data)


NAMES = ("definition", "reference", "main", "lost", "buffer")
