"""What is open in a session's file, for who only looks."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.engines import wall
from holdfast.engine.embedded import EmbeddedEngine
from holdfast.engine.listing import open_promises
from holdfast.engine.port import Promise


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Somebody else's connection to the file."""
    connection = sqlite3.connect(tmp_path / "session.sqlite")
    yield connection
    connection.close()


def asked(database: sqlite3.Connection, prefix: str = "") -> list[Promise]:
    """What is listed through that connection."""
    return list(open_promises(lambda query, *parameters: database.execute(query, parameters).fetchall(), prefix))


def test_open_promises_are_read_through_any_connection(database: sqlite3.Connection, tmp_path: Path) -> None:
    """Oldest first, with what was asked; settled ones and others are left out."""
    path = tmp_path / "session.sqlite"
    engine = EmbeddedEngine(path, wall, durability="process", create=True)
    for name in ("k1-b", "k1-a", "k1-c", "other"):
        engine.create(name, {"prompt": name}, {"resonate:external": "true"})
    engine.settle("k1-c", "resolved", "x")
    assert [(one.id, one.param, one.tags) for one in asked(database, "k1-")] == [
        ("k1-b", {"prompt": "k1-b"}, {"resonate:external": "true"}),
        ("k1-a", {"prompt": "k1-a"}, {"resonate:external": "true"}),
    ]
    engine.close()


def test_a_session_that_never_asked_has_none(database: sqlite3.Connection) -> None:
    """Its file gets no tables for being looked at."""
    database.execute("CREATE TABLE commits (number)")
    assert asked(database) == []
    assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("commits",)]


def test_looking_loads_no_sdk() -> None:
    """A restore looks, and must not wait for it."""
    program = "import sys, holdfast.engine.listing; print('resonate' in sys.modules, 'aiohttp' in sys.modules)"
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
