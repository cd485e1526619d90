"""The connection to debugpy: who may come, and what is left when it is lost."""

from __future__ import annotations

import asyncio

import pytest

from helpers.debugging import FakeDebugpy
from holdfast.debug.connection import Connection
from holdfast.errors import DebugError


async def connected(fake: FakeDebugpy, lost: list[str] | None = None) -> Connection:
    """A connection to `fake`."""
    connection = Connection(fake.events.append, lambda: (lost if lost is not None else []).append("lost"))
    await connection.open(lambda port, secret: fake.start(port, secret, connection.failed))
    return connection


def test_answers_find_their_requests() -> None:
    """In whatever order they come."""

    async def scene() -> None:
        fake = FakeDebugpy(threads={"threads": [1]}, scopes={"scopes": [2]})
        connection = await connected(fake)
        first, second = connection.send("threads", {}), connection.send("scopes", {})
        assert [(await second)["body"], (await first)["body"]] == [{"scopes": [2]}, {"threads": [1]}]
        connection.close()
        await fake.gone()

    asyncio.run(scene())


def test_whoever_does_not_know_the_secret_is_sent_away() -> None:
    """Another user of the machine may have found the port first."""

    async def scene() -> None:
        fake = FakeDebugpy()
        fake.token = "guessed"
        with pytest.raises(DebugError, match="somebody other than debugpy"):
            await connected(fake)
        await fake.gone()

    asyncio.run(scene())


def test_nobody_may_come_second() -> None:
    """The port is closed once debugpy is there."""

    async def scene() -> None:
        fake, ports = FakeDebugpy(), list[int]()
        connection = Connection(fake.events.append, lambda: None)

        def start(port: int, secret: str) -> None:
            ports.append(port)
            fake.start(port, secret, connection.failed)

        await connection.open(start)
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", ports[0])
        connection.close()
        await fake.gone()

    asyncio.run(scene())


def test_a_debugpy_that_cannot_come_is_said() -> None:
    """With its reason, and at once."""

    async def scene() -> None:
        fake = FakeDebugpy()
        fake.reason = "debugpy cannot be imported"
        with pytest.raises(DebugError, match="cannot be imported"):
            await connected(fake)

    asyncio.run(scene())


def test_a_lost_connection_leaves_nobody_waiting() -> None:
    """What was asked fails, what is asked later fails too, and the debugger is told."""

    async def scene() -> None:
        fake, lost = FakeDebugpy(), list[str]()
        connection = await connected(fake, lost)
        await connection.request("threads", {})
        fake.answers["scopes"] = lambda _arguments: fake.vanish()
        with pytest.raises(DebugError, match="is lost"):
            await connection.request("scopes", {})
        with pytest.raises(DebugError, match="is lost"):
            connection.send("threads", {})
        assert (lost, connection.is_open) == (["lost"], False)
        await fake.gone()

    asyncio.run(scene())
