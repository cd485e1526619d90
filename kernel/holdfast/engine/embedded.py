"""The engine in this process: promises in the session's SQLite file that survive `kill -9`.

It must never acknowledge what is not in the file, and never read an answer that it cannot prove or unseal.

Several engines may use one file: the kernel's, and that of a command that answers its prompts.  Whoever settles
first wins; a waiting kernel notices within `LAST_LOOK`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from holdfast.clock import Clock
from holdfast.engine import values
from holdfast.engine.faults import SealedError
from holdfast.engine.ledger import DAY, Committed, Ledger
from holdfast.engine.port import SECRET, Promise, State, never
from holdfast.engine.schema import Row

if TYPE_CHECKING:
    from holdfast.engine.functions import Functions

#: Seconds until a waiting kernel looks into the file again for an answer from another process: first and at last.
FIRST_LOOK, LAST_LOOK = 0.02, 0.25
#: A prompt has no deadline; the protocol wants one, in milliseconds, and 100 years will do.
FOREVER = 36_500 * DAY

_STATES: dict[str, State] = {
    "pending": "pending",
    "resolved": "resolved",
    "rejected_canceled": "rejected_canceled",
}


class EmbeddedEngine:
    """See `engine.port.Engine`.

    `path` is the session's SQLite file; `now` gives milliseconds since the epoch; `key` is the user's key: with
    it, answers tagged `holdfast:secret` are kept sealed and exceptions of durable functions keep their type over
    a restart.  Without it a key is made that dies with the process: secrets are asked for again after a crash.
    `committed` finds the promises of cells in the store's table: (state, JSON of the value) or None.
    `create` makes the file; in a session the store has made it before.
    Nothing is opened or imported before the first call.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        now: Callable[[], int],
        *,
        key: bytes | None = None,
        durability: Literal["full", "process"] = "full",
        journal: Literal["wal", "truncate"] = "wal",
        retention: int = 7 * DAY,
        committed: Committed | None = None,
        create: bool = False,
    ) -> None:
        self.ledger = Ledger(
            path, now, durability=durability, journal=journal, retention=retention, committed=committed, create=create
        )
        self._now = now
        self._monotonic = Clock().monotonic
        self._key = key if key is not None else os.urandom(32)
        self._functions: Functions | None = None

    def create(self, id: str, param: object = None, tags: Mapping[str, str] | None = None) -> Promise:
        """See the port."""
        request = {
            "kind": "promise.create",
            "id": id,
            "timeoutAt": self._now() + FOREVER,
            "param": values.encode(param),
            "tags": dict(tags or {}),
        }
        self.ledger.request(request)
        try:
            return self._promise(self._row(id))
        except SealedError:
            # An answer that nobody can read is no answer: the prompt is asked again.
            self.ledger.reopen(id)
            return self._promise(self._row(id))

    def settle(self, id: str, state: State, value: object = None) -> Promise:
        """See the port."""
        row = self._row(id)
        if row.tags.get(SECRET) == "true":
            value = values.seal(self._key, id, value)
        self.ledger.request({"kind": "promise.settle", "id": id, "state": state, "value": values.encode(value)})
        return self._promise(self._row(id))

    def wait(self, id: str, timeout: float | None = None, until: Callable[[], bool] = never) -> Promise:
        """See the port."""
        end = None if timeout is None else self._monotonic() + timeout
        pause = FIRST_LOOK
        while True:
            since = self.ledger.changed.heard
            row = self._row(id)
            if row.state == "pending" and row.timeout_at <= self._now():
                self.ledger.request({"kind": "promise.get", "id": id})
                row = self._row(id)
            left = pause if end is None else min(pause, end - self._monotonic())
            if row.state != "pending" or left <= 0 or until():
                return self._promise(row)
            self.ledger.changed.wait(since, left)
            pause = min(1.5 * pause, LAST_LOOK)

    def wake(self) -> None:
        """See the port."""
        self.ledger.changed.ring()

    def list_open(self, prefix: str = "") -> Sequence[Promise]:
        """See the port; durable functions that have not ended are promises too, prompts have `resonate:external`."""
        return [self._promise(row) for row in self.ledger.open_rows(prefix)]

    def lease(self, name: str, owner: str, seconds: float) -> bool:
        """See the port."""
        return self.ledger.lease(name, owner, round(seconds * 1000))

    @property
    def functions(self) -> Functions:
        """The user's durable functions; made on first use, which imports the SDK."""
        if self._functions is None:
            from holdfast.engine.functions import Functions

            self._functions = Functions(self.ledger, self._key)
        return self._functions

    def close(self) -> None:
        """End the thread of durable functions, leaving what they have not finished to the next process."""
        if self._functions is not None:
            self._functions.close()
        self.ledger.close()

    def _row(self, id: str) -> Row:
        row = self.ledger.row(id)
        if row is None:
            raise KeyError(id)
        return row

    def _promise(self, row: Row) -> Promise:
        value = values.decode(row.value)
        if row.tags.get(SECRET) == "true":
            value = values.unseal(self._key, row.id, value)
        return Promise(row.id, _state(row.state), values.decode(row.param), value, row.tags)


def _state(state: str) -> State:
    # The port has no word for a deadline that passed: nothing that goes through it has one.
    return _STATES.get(state, "rejected")
