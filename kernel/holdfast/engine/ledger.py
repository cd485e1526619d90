"""Requests of Resonate's protocol, each one transaction on the session's SQLite file, from any thread or process.

It must never answer before the transaction is committed, and never wait for anything between applying a request
and writing it: the order of the file is the order of the promises.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from holdfast.engine import schema, sdk, values
from holdfast.engine.bell import Bell
from holdfast.engine.faults import EngineError
from holdfast.engine.schema import Row

if TYPE_CHECKING:
    from sqlite3 import Connection

    from resonate.connections.local import DurablePromise

    from holdfast.engine.state import RowState

DAY = 24 * 3600 * 1000
#: Settled lineages are swept once per so many writing requests.
SWEEP = 256

#: The state and the JSON value of a promise that another table of the file holds (a cell's), by id.
Committed = Callable[[str], "tuple[str, bytes] | None"]


class Ledger:
    """The engine's half of the file.  `now` gives milliseconds since the epoch; `retention` is in milliseconds.

    The connection is opened, and the SDK imported, with the first call that needs it.  Every method is safe in
    every thread, and raises EngineError where the file does not do as it is told.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        now: Callable[[], int],
        *,
        durability: Literal["full", "process"] = "full",
        journal: Literal["wal", "truncate"] = "wal",
        retention: int = 7 * DAY,
        committed: Committed | None = None,
        create: bool = False,
    ) -> None:
        self.path = os.fspath(path)
        self.now = now
        self._durability: Literal["full", "process"] = durability
        self._journal: Literal["wal", "truncate"] = journal
        self._retention = retention
        self._committed = committed
        self._create = create
        # Re-entrant: a signal handler that runs inside one of our calls must not wait for its own thread.
        self._lock = threading.RLock()
        self._connection: Connection | None = None
        self._state: RowState | None = None
        self._closed = False
        self._pid = os.getpid()
        self._requests = 0
        self._data_version = -1
        self._deliver: Callable[[Sequence[str]], None] | None = None
        #: Rings whenever a promise may have been settled.
        self.changed = Bell()

    # Requests

    def request(self, flat: Mapping[str, object]) -> dict[str, object]:
        """The answer to a request without its envelope; raises the SDK's ServerError(400) for one it does not know."""
        sdk.load()
        known = self._committed_promise(flat)

        def apply(state: RowState) -> tuple[dict[str, object], list[str], bool]:
            now = self.now()
            if known is not None:
                state.promises.show(*known)
            answer = state.apply(now, flat)
            messages, settled = self._written(state)
            self._requests += 1
            if self._requests % SWEEP == 1:
                state.forget(now)
            return answer, messages, settled

        answer, messages, settled = self._change(apply)
        self._tell(messages, settled)
        return answer

    def tick(self) -> None:
        """Settle promises past their deadline and send tasks that wait; costs one look when nothing is due."""
        now = self.now()
        due = self._rows(
            "SELECT EXISTS (SELECT 1 FROM engine_promises WHERE due <= ?)"
            " OR EXISTS (SELECT 1 FROM engine_tasks WHERE due <= ?)",
            (now, now),
        )
        if not due[0][0]:
            return

        def tick(state: RowState) -> tuple[list[str], bool]:
            state.tick(now)
            return self._written(state)

        self._tell(*self._change(tick))

    def forget(self) -> int:
        """Remove settled lineages past their retention; how many."""
        return self._change(lambda state: state.forget(self.now()))

    # Messages to whoever runs tasks

    def listen(self, deliver: Callable[[Sequence[str]], None] | None) -> None:
        """Hand messages to `deliver`, on the thread of whoever caused them; None leaves them in the file again."""
        self._deliver = deliver

    def take_over(self) -> Sequence[str]:
        """Release the tasks of the process that owned the file before; the messages for all that wait.

        To be called once, by the owner of the session's lock.
        """

        def take_over(state: RowState) -> list[str]:
            self._open().execute("DELETE FROM engine_outbox")
            messages = [_text(message.message) for message in state.take_over(self.now())]
            state.flush()
            return messages

        return self._change(take_over)

    def collect(self) -> Sequence[str]:
        """The messages that other processes' requests caused since the last call."""
        version = self._rows("PRAGMA data_version")[0][0]
        if version == self._data_version:
            return []
        self._data_version = version
        self.changed.ring()
        if not self._rows("SELECT 1 FROM engine_outbox LIMIT 1"):
            return []

        def take(connection: Connection) -> list[str]:
            found = connection.execute("SELECT seq, message FROM engine_outbox ORDER BY seq").fetchall()
            connection.execute("DELETE FROM engine_outbox")
            return [message for _, message in found]

        return self._write(take)

    # Reading without the SDK

    def row(self, id: str) -> Row | None:
        """The promise `id` as it is in the file, or among the committed cells."""
        found = self._rows("SELECT body FROM engine_promises WHERE id = ?", (id,))
        if found:
            return _row(found[0][0])
        known = self._committed(id) if self._committed is not None else None
        if known is None:
            return None
        return Row(id, known[0], value=values.encode(msgspec.json.decode(known[1])))

    def open_rows(self, prefix: str = "") -> Sequence[Row]:
        """The pending promises, oldest first."""
        found = self._rows(
            "SELECT body FROM engine_promises WHERE state = 'pending' AND substr(id, 1, ?) = ? ORDER BY seq",
            (len(prefix), prefix),
        )
        return [_row(body) for (body,) in found]

    def reopen(self, id: str) -> None:
        """Make a settled promise pending again: only for an answer that nobody can read any more."""

        def reopen(state: RowState) -> None:
            promise = state.promises.get(id)
            if promise is not None:
                promise.state, promise.value, promise.settled_at = "pending", None, None
            state.flush()

        self._change(reopen)

    def lease(self, name: str, owner: str, milliseconds: int) -> bool:
        """Whether `owner` holds `name` from now on for so long."""
        now = self.now()

        def hold(connection: Connection) -> bool:
            found = connection.execute("SELECT owner, until FROM engine_leases WHERE name = ?", (name,)).fetchone()
            if found is not None and found[0] != owner and found[1] > now:
                return False
            connection.execute(
                "INSERT OR REPLACE INTO engine_leases VALUES (?, ?, ?)", (name, owner, now + milliseconds)
            )
            return True

        return self._write(hold)

    def clear(self) -> None:
        """Remove every promise, task and lease: for a copied session, whose original goes on with its own."""

        def clear(connection: Connection) -> None:
            for table in ("promises", "tasks", "schedules", "outbox", "leases"):
                connection.execute(f"DELETE FROM engine_{table}")

        self._write(clear)

    def close(self) -> None:
        """End; every later call raises EngineError.  Idempotent."""
        with self._lock:
            self._closed = True
            self._state = None
            if self._connection is not None and os.getpid() == self._pid:
                self._connection.close()
            self._connection = None
        self.changed.ring()

    # Inside

    def _committed_promise(self, flat: Mapping[str, object]) -> tuple[str, DurablePromise] | None:
        # Looked up before our transaction: the store's lock is never taken inside ours.
        if self._committed is None:
            return None
        key = flat.get("awaited" if flat.get("kind") == "promise.register_listener" else "id")
        if not isinstance(key, str) or self._rows("SELECT 1 FROM engine_promises WHERE id = ?", (key,)):
            return None
        known = self._committed(key)
        if known is None:
            return None
        from holdfast.engine import state

        value = values.encode(msgspec.json.decode(known[1]))
        return key, state.committed(key, known[0], value, self.now())

    def _written(self, state: RowState) -> tuple[list[str], bool]:
        messages = [_text(message.message) for message in state.outgoing]
        settled = state.flush()
        if messages and self._deliver is None:
            self._open().executemany(
                "INSERT INTO engine_outbox (message) VALUES (?)", [(message,) for message in messages]
            )
            messages = []
        return messages, settled

    def _tell(self, messages: Sequence[str], settled: bool) -> None:
        deliver = self._deliver
        if messages and deliver is not None:
            deliver(messages)
        if settled:
            self.changed.ring()

    def _open(self) -> Connection:
        if self._closed:
            raise EngineError(self.path, "the session has been closed")
        if os.getpid() != self._pid:
            raise EngineError(self.path, "this is a forked child; only the process that opened it may use it")
        if self._connection is None:
            self._connection = schema.connect(self.path, self._durability, self._journal, create=self._create)
        return self._connection

    def _rows(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        import sqlite3

        with self._lock:
            try:
                return self._open().execute(statement, parameters).fetchall()
            except sqlite3.Error as error:
                raise EngineError(self.path, str(error)) from error

    def _write[T](self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, in one transaction.

        Not a context manager made of a generator: an interrupt between its two halves would leave the transaction
        open for as long as the interrupt's traceback lives.
        """
        import sqlite3

        with self._lock:
            connection = self._open()
            if connection.in_transaction:
                raise EngineError(self.path, "a signal handler asked for a promise in the middle of another request")
            try:
                connection.execute("BEGIN IMMEDIATE")
                result = work(connection)
                connection.execute("COMMIT")
                return result
            except sqlite3.Error as error:
                raise EngineError(self.path, str(error)) from error
            finally:
                # Also after an interrupt between two statements, and after a COMMIT that found the disk full.
                self._abandon(connection)

    @staticmethod
    def _abandon(connection: Connection) -> None:
        """Roll back what was not committed, if anything."""
        if connection.in_transaction:
            connection.execute("ROLLBACK")

    def _change[T](self, work: Callable[[RowState], T]) -> T:
        """The same, for what concerns promises."""
        sdk.load()

        def on_rows(connection: Connection) -> T:
            if self._state is None:
                from holdfast.engine.state import RowState

                self._state = RowState(connection, self._retention)
            self._state.begin()
            return work(self._state)

        return self._write(on_rows)


_row = msgspec.json.Decoder(Row).decode


def _text(message: object) -> str:
    return msgspec.json.encode(message).decode()
