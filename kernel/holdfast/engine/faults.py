"""What the engine's own file can fail with.

It must never carry a value: prompts may be answered with secrets, and messages end up in logs.
"""

from __future__ import annotations

from holdfast.errors import StoreError


class EngineError(StoreError):
    """The engine's tables cannot be read or written; the request that met this is not acknowledged."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"cannot keep promises in {self.path!r}: {self.reason}; free space or fix its permissions, then try again"
        )


class SealedError(StoreError):
    """A secret answer was sealed with a key that this process does not have."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.id = id

    def __str__(self) -> str:
        return f"the answer to the prompt {self.id!r} was sealed with another key; run the cell again and answer anew"
