"""The SDK's Network and Source over a ledger.  Imports the SDK: load this module with `sdk.load()` first.

It must never send a task whose function is not registered: the SDK would release it and get it again at once,
for ever.  Such tasks are held until the function is there; tasks that were released come back slower each time.

Source: RESONATE.md section 4; `resonate_base.connections` for the two protocols.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from resonate.connections.local import unwrap_request_envelope, wrap_response_envelope
from resonate.error import DecodingError
from resonate_base import ConnectorError

from holdfast.engine import values
from holdfast.engine.faults import EngineError
from holdfast.engine.ledger import Ledger

#: Seconds between looks for what other processes caused, and how many of them make a tick.
LOOK = 0.25
TICK = 4
#: Seconds before a released task is sent again: doubled each time, from the first to the last.
FIRST_PAUSE, LAST_PAUSE = 0.05, 60.0


class EmbeddedConnection:
    """One for each started Resonate; all methods on its loop, but `knows`.

    `ready(function, version)` says whether that durable function is registered; `first_pause` is in seconds.
    """

    def __init__(
        self,
        ledger: Ledger,
        group: str,
        pid: str,
        ready: Callable[[str, int], bool],
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self._ledger = ledger
        self._group = group
        self._unicast = f"local://uni@{group}/{pid}"
        self._ready = ready
        self._first_pause = first_pause
        self._receivers: list[Callable[[str], None]] = []
        self._ticking: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._held: dict[str, str] = {}
        self._releases: dict[str, int] = {}
        self._closed = False

    # Network and Source

    def unicast(self) -> str:
        """See `resonate_base.Source`."""
        return self._unicast

    def resolve_target(self, target: str) -> str:
        """See `resonate_base.Source`."""
        return f"local://any@{target}"

    def recv(self, callback: Callable[[str], None]) -> None:
        """See `resonate_base.Source`."""
        self._receivers.append(callback)

    async def start(self) -> None:
        """Take over what a dead process left, then look after deadlines and other processes."""
        loop = self._loop = asyncio.get_running_loop()
        messages = self._ledger.take_over()

        def deliver(messages: Sequence[str]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended: the next process takes over
                loop.call_soon_threadsafe(self._dispatch, messages)

        self._ledger.listen(deliver)
        self._dispatch(messages)
        self._ticking = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        """Refuse everything from now on: what is not settled by now stays for the next process."""
        self._closed = True
        self._ledger.listen(None)
        ticking, self._ticking = self._ticking, None
        if ticking is not None:
            ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticking
        self._receivers.clear()

    def refuse(self) -> None:
        """Answer no more requests; bodies that are cancelled now cannot settle their promises."""
        self._closed = True

    async def send(self, req: str, headers: dict[str, str] | None = None) -> str:
        """See `resonate_base.Network`; one transaction, no await."""
        if self._closed:
            raise ConnectorError(RuntimeError("the engine is closing"))
        try:
            flat = unwrap_request_envelope(msgspec.json.decode(req))
        except msgspec.MsgspecError as error:
            raise DecodingError(f"invalid JSON request: {error}") from error
        self._count(flat)
        try:
            answer = self._ledger.request(flat)
        except EngineError as error:
            raise ConnectorError(error) from error
        return msgspec.json.encode(wrap_response_envelope(answer)).decode()

    # Messages

    def knows(self) -> None:
        """A function was registered: send the tasks that were held for it.  From any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._release_held)

    def _release_held(self) -> None:
        held, self._held = list(self._held.values()), {}
        self._dispatch(held)

    def _dispatch(self, messages: Sequence[str]) -> None:
        for text in messages:
            task = _task_of(text)
            if task is not None and not self._runnable(task):
                self._held[task] = text
            elif task is not None and (pause := self._pause(task)):
                asyncio.get_running_loop().call_later(pause, self._receive, text)
            else:
                self._receive(text)

    def _receive(self, text: str) -> None:
        for receiver in list(self._receivers):
            receiver(text)

    def _runnable(self, task: str) -> bool:
        row = self._ledger.row(task)
        data = values.decode(row.param) if row is not None else None
        if not isinstance(data, dict) or not isinstance(data.get("func"), str):
            return True  # a timer, which the SDK drops by itself
        version = data.get("version", 1)
        return self._ready(data["func"], version if isinstance(version, int) else 1)

    def _count(self, flat: Any) -> None:
        task = flat.get("id") if isinstance(flat, dict) else None
        if not isinstance(task, str):
            return
        if flat.get("kind") == "task.release":
            self._releases[task] = self._releases.get(task, 0) + 1
        elif flat.get("kind") in ("task.fulfill", "task.suspend"):
            self._releases.pop(task, None)

    def _pause(self, task: str) -> float:
        released = self._releases.get(task, 0)
        return min(self._first_pause * 2.0 ** min(released - 1, 30), LAST_PAUSE) if released else 0.0

    async def _tick(self) -> None:
        count = 0
        while True:
            try:
                if count % TICK == 0:
                    self._ledger.tick()
                self._dispatch(self._ledger.collect())
            except EngineError:  # a full disk, say: the next look tries again
                pass
            count += 1
            await asyncio.sleep(LOOK)


def _task_of(text: str) -> str | None:
    message = msgspec.json.decode(text)
    return message["data"]["task"]["id"] if message.get("kind") == "execute" else None
