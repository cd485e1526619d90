"""The SDK's state machine over rows instead of dicts.  Imports the SDK: load this module with `sdk.load()` first.

It must never hold a promise longer than one request: the rows are the only truth, so that another process may
change them between two requests and a request that fails to commit leaves nothing behind.

Where it differs from the stock machine (the conformance test names the same list): nothing scans all promises;
`task.fence` answers without the list of siblings, which makes long workflows quadratic and which the SDK does
not need; the deadline of a `resonate:external` promise is enforced by the clock, as servers do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from resonate.connections.local import (
    DurablePromise,
    OutgoingMessage,
    PTimeout,
    ScheduleStub,
    ServerState,
    Task,
    TTimeout,
)

if TYPE_CHECKING:
    from sqlite3 import Connection

#: At most this many deadlines per tick and lineages per sweep: neither may hold the file's lock for long.
BATCH = 256

_WRITE_PROMISE = """
INSERT INTO engine_promises (id, state, origin, branch, due, forget, body) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, forget = excluded.forget, body = excluded.body,
    due = CASE WHEN excluded.state = 'pending' THEN coalesce(excluded.due, due) END
"""
_WRITE_TASK = """
INSERT INTO engine_tasks (id, state, body) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, body = excluded.body
"""

_encode = msgspec.json.Encoder(order="deterministic").encode


class Rows[T]:
    """What the state machine takes for a dict: rows of one table by id, read once per request."""

    def __init__(self, connection: Connection, table: str, kind: type[T]) -> None:
        self._connection = connection
        self._table = table
        self._select = f"SELECT body FROM {table} WHERE id = ?"
        self._decode = msgspec.json.Decoder(kind).decode
        self._seen: dict[str, T | None] = {}
        self._kept: dict[str, bytes] = {}

    def clear(self) -> None:
        """Forget what was read: the next request reads anew."""
        self._seen.clear()
        self._kept.clear()

    def get(self, id: str, default: None = None) -> T | None:
        """The row as an object; changes made to it are written by the end of the request."""
        if id in self._seen:
            return self._seen[id]
        found = self._connection.execute(self._select, (id,)).fetchone()
        item = None
        if found is not None:
            self._kept[id] = bytes(found[0])
            item = self._decode(self._kept[id])
        self._seen[id] = item
        return item

    def show(self, id: str, item: T) -> None:
        """Let this request see an item that lives elsewhere and is not written here."""
        self._seen[id] = item
        self._kept[id] = _encode(item)

    def __contains__(self, id: str) -> bool:
        return self.get(id) is not None

    def __setitem__(self, id: str, item: T) -> None:
        self._seen[id] = item

    def pop(self, id: str, default: None = None) -> T | None:
        """Remove the row; what it was."""
        item = self.get(id)
        if item is not None:
            self._connection.execute(f"DELETE FROM {self._table} WHERE id = ?", (id,))
            self._seen[id] = None
            self._kept.pop(id, None)
        return item

    def values(self) -> list[T]:
        """All rows: only for tables that stay small."""
        rows = self._connection.execute(f"SELECT id FROM {self._table} ORDER BY rowid").fetchall()
        items = (self.get(key) for (key,) in rows)
        return [item for item in items if item is not None]

    def seen(self) -> Iterator[tuple[str, T]]:
        """What this request has met."""
        return ((key, item) for key, item in self._seen.items() if item is not None)

    def changed(self) -> Iterator[tuple[str, T, bytes]]:
        """What this request has to write."""
        for key, item in self.seen():
            body = _encode(item)
            if body != self._kept.get(key):
                yield key, item, body


class RowState(ServerState):
    """One request or tick at a time: `begin`, `apply` or `tick`, `flush`, inside the caller's transaction."""

    promises: Rows[DurablePromise]  # type: ignore[assignment]
    tasks: Rows[Task]  # type: ignore[assignment]
    schedules: Rows[ScheduleStub]  # type: ignore[assignment]

    def __init__(self, connection: Connection, retention: int) -> None:
        super().__init__()
        self._connection = connection
        self._retention = retention
        self.promises = Rows(connection, "engine_promises", DurablePromise)
        self.tasks = Rows(connection, "engine_tasks", Task)
        self.schedules = Rows(connection, "engine_schedules", ScheduleStub)
        self._deadlines: dict[str, int] = {}
        self._timers: dict[str, tuple[int | None, int | None]] = {}
        self._in_fence = False

    def begin(self) -> None:
        """Start a request with nothing known."""
        self.promises.clear()
        self.tasks.clear()
        self.schedules.clear()
        self.outgoing = []
        self._deadlines.clear()
        self._timers.clear()

    def flush(self) -> bool:
        """Write what changed; whether a promise was settled by it."""
        run = self._connection.execute
        settled = False
        for key, promise, body in self.promises.changed():
            run(_WRITE_PROMISE, self._promise_row(key, promise, body))
            settled = settled or promise.state != "pending"
        for key, task, body in self.tasks.changed():
            run(_WRITE_TASK, (key, task.state, body))
        for key, (kind, due) in self._timers.items():
            run("UPDATE engine_tasks SET kind = ?, due = ? WHERE id = ?", (kind, due, key))
        for key, _, body in self.schedules.changed():
            run("INSERT OR REPLACE INTO engine_schedules (id, body) VALUES (?, ?)", (key, body))
        return settled

    def _promise_row(self, key: str, promise: DurablePromise, body: bytes) -> tuple[object, ...]:
        tags, ended = promise.tags, promise.settled_at
        origin = tags.get("resonate:origin", key)
        return (
            key,
            promise.state,
            origin,
            tags.get("resonate:branch"),
            self._deadlines.get(key) if ended is None else None,
            ended + self._retention if ended is not None and origin == key else None,
            body,
        )

    def tick(self, now: int) -> None:
        """See `ServerState.tick`; looks only at what is due."""
        run = self._connection.execute
        self.p_timeouts = [
            PTimeout(id=key, timeout=due)
            for key, due in run(
                "SELECT id, due FROM engine_promises WHERE due <= ? ORDER BY due, seq LIMIT ?", (now, BATCH)
            )
        ]
        self.t_timeouts = [
            TTimeout(id=key, typ=kind, timeout=due)
            for key, kind, due in run(
                "SELECT id, kind, due FROM engine_tasks WHERE due <= ? ORDER BY due LIMIT ?", (now, BATCH)
            )
        ]
        super().tick(now)
        self.p_timeouts, self.t_timeouts = [], []

    def take_over(self, now: int) -> list[OutgoingMessage]:
        """Release what a dead process held; messages for every task that waits to be run."""
        live = self._connection.execute("SELECT id FROM engine_tasks WHERE state = 'acquired'").fetchall()
        for (key,) in live:
            self.apply(now, {"kind": "task.release", "corrId": "", "id": key})
        self.flush()  # a release may meet a deadline, which wakes tasks that the next line has to find
        messages: list[OutgoingMessage] = []
        for (key,) in self._connection.execute("SELECT id FROM engine_tasks WHERE state = 'pending'").fetchall():
            promise, task = self.promises.get(key), self.tasks.get(key)
            if promise is None or task is None or not _is_time(promise, now):
                continue
            self.outgoing = []
            self.send_execute_message(promise.tags.get("resonate:target", ""), key, task.version)
            messages += self.outgoing
        self.outgoing = []
        return messages

    def forget(self, now: int) -> int:
        """Remove lineages whose root settled longer ago than its retention and that have nothing open."""
        run = self._connection.execute
        roots = run(
            "SELECT id FROM engine_promises AS root WHERE forget <= ? AND NOT EXISTS (SELECT 1 FROM engine_promises"
            " AS other WHERE other.origin = root.id AND other.state = 'pending') ORDER BY forget LIMIT ?",
            (now, BATCH),
        ).fetchall()
        for root in roots:
            run("DELETE FROM engine_tasks WHERE id IN (SELECT id FROM engine_promises WHERE origin = ?)", root)
            run("DELETE FROM engine_promises WHERE origin = ?", root)
        return len(roots)

    def promise_create(self, now: int, corr_id: Any, req: Any) -> dict[str, Any]:
        """See `ServerState`; a promise that the outside settles gets its deadline enforced."""
        answer = super().promise_create(now, corr_id, req)
        record = answer["promise"]
        if answer["status"] == 201 and record["tags"].get("resonate:external") == "true":
            self.set_p_timeout(record["id"], record["timeoutAt"])
        return answer

    def task_fence(self, now: int, corr_id: Any, req: Any) -> dict[str, Any]:
        """See `ServerState`; without the siblings."""
        self._in_fence = True
        try:
            return super().task_fence(now, corr_id, req)
        finally:
            self._in_fence = False

    def preload(self, promise_id: str) -> list[dict[str, Any]]:
        """See `ServerState`; by the index on branches."""
        promise = self.promises.get(promise_id)
        branch = promise.tags.get("resonate:branch") if promise is not None else None
        if branch is None or self._in_fence:
            return []
        ids = [
            key
            for (key,) in self._connection.execute(
                "SELECT id FROM engine_promises WHERE branch = ? AND id != ? ORDER BY seq", (branch, promise_id)
            )
        ]
        return [other.to_record() for other in map(self.promises.get, ids) if other is not None]

    def enqueue_settle(self, promise_id: str) -> None:
        """See `ServerState`; the ended task stays in the lists of awaiters, where an ended task is passed over."""
        task = self.tasks.get(promise_id)
        if task is None:
            promise = self.promises.get(promise_id)
            if promise is not None and "resonate:target" in promise.tags:
                self.tasks[promise_id] = Task(
                    id=promise_id, state="fulfilled", version=0, pid=None, ttl=None, resumes=set()
                )
        elif task.state != "fulfilled":
            task.state, task.pid, task.ttl = "fulfilled", None, None
            task.resumes.clear()
            self.del_t_timeout(promise_id)

    def set_p_timeout(self, promise_id: str, timeout: int) -> None:
        """Note a deadline; written with the promise's row."""
        self._deadlines[promise_id] = timeout

    def del_p_timeout(self, promise_id: str) -> None:
        """Nothing: a row that is not pending has no deadline."""

    def set_t_timeout(self, task_id: str, typ: int, timeout: int) -> None:
        """Note when a task is to be sent again (0) or its lease ends (1)."""
        self._timers[task_id] = (typ, timeout)

    def del_t_timeout(self, task_id: str) -> None:
        """Note that nothing is due for a task."""
        self._timers[task_id] = (None, None)


def _is_time(promise: DurablePromise, now: int) -> bool:
    delay = promise.tags.get("resonate:delay", "")
    return not delay.lstrip("-").isdigit() or int(delay) <= now


def committed(id: str, state: str, value: Any, now: int) -> DurablePromise:
    """A promise that another table of the file holds, as the state machine sees it."""
    return DurablePromise(
        id=id,
        state=state,  # type: ignore[arg-type]
        param={},
        value=value,
        tags={},
        timeout_at=now,
        created_at=now,
        settled_at=now,
        awaiters=set(),
        subscribers=set(),
    )
