"""The port to the engine of durable promises.

An implementation must never overwrite a settled promise: settling is idempotent and the first one wins.
The words are Resonate's.  In-memory twin: `engine/memory.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

State = Literal["pending", "resolved", "rejected", "rejected_canceled"]

#: The tag of a promise that the outside settles: a prompt.
EXTERNAL = "resonate:external"
#: The tag of a promise whose value is kept sealed: the answer to a password prompt.
SECRET = "holdfast:secret"
#: The tag that names the root of a promise's lineage: with it, settled promises are forgotten.
ORIGIN = "resonate:origin"


def never() -> bool:
    """A wait that nothing but the promise and the time ends."""
    return False


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
    """Five calls, all idempotent and thread-safe, and a nudge to who waits."""

    def create(self, id: str, param: object = None, tags: Mapping[str, str] | None = None) -> Promise:
        """The promise `id`, made now if it is not there yet."""

    def settle(self, id: str, state: State, value: object = None) -> Promise:
        """The promise `id` after settling it, if it was pending; KeyError if there is none."""

    def wait(self, id: str, timeout: float | None = None, until: Callable[[], bool] = never) -> Promise:
        """Block until `id` is settled or `until()`, at most `timeout` seconds; the promise as it then stands.

        KeyError if there is none.  On the main thread a signal handler may raise out of this wait.
        """

    def wake(self) -> None:
        """Let every `wait` look at its `until` again; never blocks for long, so any thread may call it."""

    def list_open(self, prefix: str = "") -> Sequence[Promise]:
        """The pending promises whose id starts with `prefix`, oldest first."""

    def lease(self, name: str, owner: str, seconds: float) -> bool:
        """Whether `owner` holds `name` for the next `seconds`; a holder renews by asking again."""
