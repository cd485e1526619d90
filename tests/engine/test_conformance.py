"""The same requests to the SDK's LocalConnection and to ours: the same answers, the same messages.

Known differences, and the only ones: `task.fence` answers without siblings; deadlines of `resonate:external`
promises are enforced by the clock.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.engines import TemporaryEngine
from holdfast.clock import FakeClock
from holdfast.engine import sdk

sdk.load()

from resonate.connections.local import LocalConnection
from resonate.error import ServerError

from holdfast.engine.connection import EmbeddedConnection

IDS = ["a", "b", "a:1", "a:2"]
TARGET = {"resonate:target": "local://any@default"}


class Still(EmbeddedConnection):
    """Ours, whose clock ticks when the test says."""

    async def _tick(self) -> None:
        return


class Both:
    """One script, two connections, one clock."""

    def __init__(self) -> None:
        self.clock = FakeClock(1000.0)
        self.engine = TemporaryEngine(self.clock)
        self.stock = LocalConnection(clock=lambda: round(self.clock.now * 1000))
        self.ours = Still(self.engine.ledger, "default", "default", lambda _name, _version: True, first_pause=0)
        self.messages: tuple[list[str], list[str]] = ([], [])

    async def start(self) -> None:
        self.stock.recv(self.messages[0].append)
        self.ours.recv(self.messages[1].append)
        await self.ours.start()

    async def send(self, kind: str, data: dict[str, Any]) -> Any:
        """The answer, after checking that both gave it; None where both refused."""
        text = json.dumps({"kind": kind, "head": {"corrId": "c", "version": ""}, "data": data})
        stock, ours = await answer(self.stock.send, text), await answer(self.ours.send, text)
        if kind == "task.fence" and isinstance(stock, dict):
            stock["data"].pop("preload", None), ours["data"].pop("preload", None)
        assert ours == stock
        await self.same_messages()
        return ours

    async def tick(self, seconds: float) -> None:
        self.clock.now += seconds
        self.stock.state.outgoing.clear()
        self.stock.state.tick(round(self.clock.now * 1000))
        outgoing, self.stock.state.outgoing = self.stock.state.outgoing, []
        self.stock._dispatch_messages(outgoing)
        self.engine.ledger.tick()
        await self.same_messages()

    async def same_messages(self) -> None:
        for _ in range(4):
            await asyncio.sleep(0)
        stock, ours = (sorted(map(canonical, side)) for side in self.messages)
        assert ours == stock
        self.messages[0].clear()
        self.messages[1].clear()

    async def stop(self) -> None:
        await self.ours.stop()
        self.engine.close()


def canonical(text: str) -> str:
    return json.dumps(json.loads(text), sort_keys=True)


async def answer(send: Callable[[str], Any], text: str) -> Any:
    try:
        return json.loads(await send(text))
    except ServerError as error:
        return f"refused: {error}"


def play(script: Callable[[Both], Any]) -> None:
    async def main() -> None:
        both = Both()
        await both.start()
        try:
            await script(both)
        finally:
            await both.stop()

    asyncio.run(main())


def new(id: str, tags: dict[str, str] | None = None, deadline: int = 2_000_000) -> dict[str, Any]:
    return {"id": id, "timeoutAt": deadline, "param": {"data": "MQ=="}, "tags": tags or {}}


def action(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"kind": kind, "head": {"corrId": "c", "version": ""}, "data": data}


def test_the_life_of_a_workflow() -> None:
    """Create, fence a child, suspend on it, settle it, resume, fulfil, and tell the listener."""

    async def script(both: Both) -> None:
        tags = {**TARGET, "resonate:origin": "a", "resonate:branch": "a"}
        made = await both.send(
            "task.create", {"pid": "p", "ttl": 60_000, "action": action("promise.create", new("a", tags))}
        )
        assert made["head"]["status"] == 201
        child = new("a:1", {"resonate:origin": "a", "resonate:branch": "a"})
        await both.send("task.fence", {"id": "a", "version": 0, "action": action("promise.create", child)})
        await both.send("promise.register_listener", {"awaited": "a", "address": "local://uni@default/default"})
        waits = action("promise.register_callback", {"awaited": "a:1", "awaiter": "a"})
        asleep = await both.send("task.suspend", {"id": "a", "version": 0, "actions": [waits]})
        assert asleep["head"]["status"] == 200
        await both.send("promise.settle", {"id": "a:1", "state": "resolved", "value": {"data": "Mg=="}})
        got = await both.send("task.acquire", {"id": "a", "version": 1, "pid": "p", "ttl": 60_000})
        assert [record["id"] for record in got["data"]["preload"]] == ["a:1"]
        settle = {"id": "a", "state": "resolved", "value": {"data": "Mw=="}}
        await both.send("task.fulfill", {"id": "a", "version": 1, "action": action("promise.settle", settle)})
        assert (await both.send("promise.get", {"id": "a"}))["data"]["promise"]["state"] == "resolved"

    play(script)


@pytest.mark.parametrize("timer", [False, True])
def test_deadlines_and_leases(timer: bool) -> None:
    """A lapsed lease sends the task again, a lost message too, and a deadline ends it all."""

    async def script(both: Both) -> None:
        tags = {**TARGET, "resonate:timer": "true"} if timer else TARGET
        await both.send("promise.create", new("a", tags, 1_100_000))
        await both.send("promise.register_listener", {"awaited": "a", "address": "local://uni@default/default"})
        await both.tick(31)  # the message was lost
        await both.send("task.acquire", {"id": "a", "version": 0, "pid": "p", "ttl": 5000})
        await both.tick(3)
        await both.send("task.heartbeat", {"pid": "p", "tasks": [{"id": "a", "version": 0}]})
        await both.tick(3)
        await both.tick(3)
        await both.tick(60)  # the very millisecond
        expected = "resolved" if timer else "rejected_timedout"
        assert (await both.send("promise.get", {"id": "a"}))["data"]["promise"]["state"] == expected

    play(script)


def test_schedules_are_kept() -> None:
    """Created once, listed, deleted."""

    async def script(both: Both) -> None:
        data = {"id": "s", "cron": "* * * * *", "promiseId": "x", "promiseTimeout": 5, "promiseTags": TARGET}
        requests: list[tuple[str, dict[str, Any]]] = [
            ("schedule.create", data),
            ("schedule.create", {**data, "cron": "other"}),
            ("schedule.create", {**data, "id": "t", "promiseTags": {}}),
            ("schedule.get", {"id": "s"}),
            ("schedule.search", {}),
            ("schedule.delete", {"id": "s"}),
            ("schedule.delete", {"id": "s"}),
            ("schedule.get", {"id": "s"}),
        ]
        for kind, body in requests:
            await both.send(kind, body)

    play(script)


def test_what_it_does_not_know_is_refused() -> None:
    """As the SDK's own does, and nothing is kept of it."""

    async def script(both: Both) -> None:
        for kind, body in [("promise.get", {}), ("nonsense", {}), ("task.acquire", {"id": ""}), ("promise.search", {})]:
            assert "refused" in str(await both.send(kind, body)), kind

    play(script)


def settle(id: str, state: str) -> dict[str, Any]:
    return {"id": id, "state": state, "value": {"data": "Mg=="}}


ID = st.sampled_from(IDS)
VERSION = st.integers(0, 2)
TAGS = st.sampled_from(
    [{}, TARGET, {**TARGET, "resonate:branch": "a", "resonate:origin": "a"}, {**TARGET, "resonate:delay": "1020000"}]
)
CREATE = st.builds(new, ID, TAGS, st.sampled_from([900_000, 1_020_000, 2_000_000]))
SETTLE = st.builds(settle, ID, st.sampled_from(["resolved", "rejected", "rejected_canceled", "odd"]))
REQUESTS = st.one_of(
    st.tuples(st.just("promise.create"), CREATE),
    st.tuples(st.just("promise.settle"), SETTLE),
    st.tuples(st.just("promise.get"), st.builds(lambda key: {"id": key}, ID)),
    st.tuples(st.just("promise.register_listener"), st.builds(lambda key: {"awaited": key, "address": "here"}, ID)),
    st.tuples(
        st.just("task.create"),
        st.builds(lambda made: {"pid": "p", "ttl": 9000, "action": action("promise.create", made)}, CREATE),
    ),
    st.tuples(
        st.just("task.acquire"),
        st.builds(lambda key, v: {"id": key, "version": v, "pid": "p", "ttl": 9000}, ID, VERSION),
    ),
    st.tuples(st.just("task.release"), st.builds(lambda key, v: {"id": key, "version": v}, ID, VERSION)),
    st.tuples(
        st.just("task.fulfill"),
        st.builds(lambda made: {"id": made["id"], "version": 0, "action": action("promise.settle", made)}, SETTLE),
    ),
    st.tuples(
        st.just("task.fence"),
        st.builds(
            lambda key, v, made: {"id": key, "version": v, "action": action("promise.create", made)},
            ID,
            VERSION,
            CREATE,
        ),
    ),
    st.tuples(
        st.just("task.suspend"),
        st.builds(
            lambda key, other: {
                "id": key,
                "version": 0,
                "actions": [action("promise.register_callback", {"awaited": other, "awaiter": key})],
            },
            ID,
            ID,
        ),
    ),
    st.tuples(
        st.just("task.heartbeat"),
        st.builds(lambda key, v: {"pid": "p", "tasks": [{"id": key, "version": v}]}, ID, VERSION),
    ),
    st.tuples(st.just("tick"), st.sampled_from([0.0, 5.0, 31.0, 1200.0])),
)


@given(requests=st.lists(REQUESTS, max_size=25))
def test_any_script_gets_the_same_answers(requests: list[tuple[str, Any]]) -> None:
    """Whatever order requests come in, sensible or not."""

    async def script(both: Both) -> None:
        for kind, data in requests:
            if kind == "tick":
                await both.tick(data)
            else:
                await both.send(kind, data)

    play(script)
