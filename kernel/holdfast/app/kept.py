"""What cells show is kept with the session that is open, and shown again to who asks.

It must never import, at the kernel's start, what only a session that is kept or a question needs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from holdfast.app.driver import Driver
from holdfast.app.session import DurableSession
from holdfast.wire.message import Draft, Message

if TYPE_CHECKING:
    from holdfast.app.outputs import Outputs, Publish
    from holdfast.app.recorder import Recorder
    from holdfast.durable.folder import Session
    from holdfast.durable.keys import Seal


#: Calls that may wait for the first output.
_SILENT = 100


class Deferred:
    """Stands in for the recorder until the first output has been sent: no cell waits for the import.

    On the kernel thread.
    """

    def __init__(self, become: Callable[[], Recorder], soon: Callable[[Callable[[], object]], object]) -> None:
        self._become = become
        self._soon = soon
        self._due = False
        self.calls: list[Callable[[Recorder], None]] = []

    def begin(self, token: Message, count: int) -> None:
        """See `Recorder`, as for the others."""
        self.calls.append(lambda recorder: recorder.begin(token, count))

    def sent(self, draft: Draft, frames: Sequence[bytes | memoryview]) -> None:
        """Held until the kernel thread has nothing to send: a small cell's reply goes first."""
        if draft.msg_type == "execute_input":
            return
        self.calls.append(lambda recorder: recorder.sent(draft, frames))
        self._wake()

    def ended(self, token: Message) -> None:
        """Held as long."""
        self.calls.append(lambda recorder: recorder.ended(token))
        if len(self.calls) > _SILENT:
            self._wake()

    def _wake(self) -> None:
        if not self._due:
            self._due = True
            self._soon(self._become)

    def settle(self) -> None:
        """Somebody asks."""
        self._become().settle()

    def close(self) -> None:
        """The kernel leaves, perhaps without having shown anything."""
        if self._due:
            self._become().close()


class KeptOutputs:
    """Made with the kernel; `open` is called on the main thread, the rest on any but the kernel's."""

    def __init__(
        self,
        driver: Driver,
        session: DurableSession,
        monotonic: Callable[[], float],
        publish: Publish,
        asker: Callable[[], object],
    ) -> None:
        self._driver = driver
        self._session = session
        self._monotonic = monotonic
        self._publish = publish
        self._asker = asker
        #: The open session's folder and seal, and what keeps its outputs, once that is needed.
        self._kept: tuple[str, Seal, Recorder] | None = None
        self._outputs: Outputs | None = None

    def open(self, count: int) -> None:
        """A session is open, and goes on after cell `count`: from now on it keeps what cells show."""
        session, loop = self._session.session, self._driver.loop
        before = self._driver.recorder
        self._kept = self._outputs = None
        self._driver.recorder = None
        if session is not None:
            deferred = Deferred(lambda: self._become(deferred, session, count), loop.call_soon)
            self._driver.recorder = deferred
        if before is not None:
            loop.call_soon_threadsafe(before.close)

    def _become(self, deferred: Deferred, session: Session, count: int) -> Recorder:
        """On the kernel thread: make the recorder, once, and tell it what came before it."""
        if self._kept is not None and self._driver.recorder is self._kept[2]:
            return self._kept[2]
        from holdfast.app.recorder import Recorder
        from holdfast.durable.keys import Seal, user_key

        loop = self._driver.loop
        key = user_key(os.path.dirname(os.path.dirname(session.folder)), make=False)
        seal = Seal(key, session.store.about.ident)
        recorder = Recorder(
            session.folder,
            seal,
            count,
            lambda: self._session.epoch,
            loop.call_soon,
            loop.call_later,
            self._monotonic,
            self._driver.in_pool,
        )
        for call in deferred.calls:
            call(recorder)
        if self._driver.recorder is deferred:
            self._driver.recorder = recorder
            self._kept = session.folder, seal, recorder
        return recorder

    def data(self, words: str) -> list[dict[str, object]]:
        """See `Outputs.data`."""
        return self._shown().data(words)

    def show(self, words: str) -> None:
        """See `Outputs.show`."""
        self._shown().show(words)

    def _shown(self) -> Outputs:
        """What answers for the record; CellError where none is kept."""
        if self._outputs is None:
            from holdfast.app.outputs import Outputs
            from holdfast.current import NotKept

            self._driver.settle()
            if self._kept is None:
                raise NotKept(str(self._session.overview()))
            asker = cast("Callable[[], Message | None]", self._asker)
            self._outputs = Outputs(*self._kept, self._driver.settle, self._publish, asker, self._line)
        return self._outputs

    def _line(self) -> list[int]:
        """The epochs that led to where the session is, the newest first."""
        from holdfast.app.outputs import line_of

        session = self._session.session
        return [self._session.epoch, *(line_of(session.store.log()) if session is not None else ())]
