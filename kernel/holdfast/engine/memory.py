"""The engine as a dict: what a kernel without a store uses, and every test that is not about durability.

It must never outlive the process; who needs that takes `embedded` or `remote`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

import msgspec

from holdfast.clock import Clock
from holdfast.engine.bell import Bell
from holdfast.engine.port import Promise, State, never


class MemoryEngine:
    """See `engine.port.Engine`.  `clock` gives seconds and only leases read it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._settled = Bell()
        self._promises: dict[str, Promise] = {}
        self._open: dict[str, Promise] = {}
        self._leases: dict[str, tuple[str, float]] = {}

    def create(self, id: str, param: object = None, tags: Mapping[str, str] | None = None) -> Promise:
        """See the port."""
        with self._lock:
            promise = self._promises.get(id)
            if promise is None:
                promise = Promise(id, param=param, tags=dict(tags or {}))
                self._promises[id] = self._open[id] = promise
            return promise

    def settle(self, id: str, state: State, value: object = None) -> Promise:
        """See the port."""
        with self._lock:
            promise = self._promises[id]
            if promise.state == "pending":
                promise = msgspec.structs.replace(promise, state=state, value=value)
                self._promises[id] = promise
                del self._open[id]
                self._settled.ring()
            return promise

    def wait(self, id: str, timeout: float | None = None, until: Callable[[], bool] = never) -> Promise:
        """See the port."""
        monotonic = Clock().monotonic
        end = None if timeout is None else monotonic() + timeout
        while True:
            since = self._settled.heard
            promise = self._promises[id]
            left = None if end is None else end - monotonic()
            if promise.state != "pending" or until() or (left is not None and left <= 0):
                return promise
            self._settled.wait(since, left)

    def wake(self) -> None:
        """See the port."""
        self._settled.ring()

    def list_open(self, prefix: str = "") -> Sequence[Promise]:
        """See the port."""
        with self._lock:
            return [promise for promise in self._open.values() if promise.id.startswith(prefix)]

    def lease(self, name: str, owner: str, seconds: float) -> bool:
        """See the port."""
        with self._lock:
            now = self._clock()
            holder, until = self._leases.get(name, (owner, now))
            if holder != owner and until > now:
                return False
            self._leases[name] = (owner, now + seconds)
            return True
