"""The port to the engine of durable promises.

An implementation must never overwrite a settled promise: settling is idempotent and the first one wins.
The words are Resonate's.  In-memory twin: `engine/memory.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

State = Literal["pending", "resolved", "rejected", "rejected_canceled"]


class Promise(Struct, frozen=True):
    """A promise as it stands: `param` is what it was created with, `value` what it was settled with.

    Both are small JSON; blobs never travel in promises.
    """

    id: str
    state: State = "pending"
    param: object = None
    value: object = None
    tags: Mapping[str, str] = {}


class Engine(Protocol):
    """Five calls, all idempotent and thread-safe."""

    def create(self, id: str, param: object = None, tags: Mapping[str, str] | None = None) -> Promise:
        """The promise `id`, made now if it is not there yet."""

    def settle(self, id: str, state: State, value: object = None) -> Promise:
        """The promise `id` after settling it, if it was pending; KeyError if there is none."""

    def wait(self, id: str, timeout: float | None = None) -> Promise:
        """Block until `id` is settled, at most `timeout` seconds; the promise as it then stands.

        On the main thread a signal handler may raise out of this wait.
        """

    def list_open(self, prefix: str = "") -> Sequence[Promise]:
        """The pending promises whose id starts with `prefix`, oldest first."""

    def lease(self, name: str, owner: str, seconds: float) -> bool:
        """Whether `owner` holds `name` for the next `seconds`; a holder renews by asking again."""
