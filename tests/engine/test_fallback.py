"""An engine whose file fails: people can answer all the same, and are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from holdfast.engine.fallback import FallbackEngine
from holdfast.engine.faults import EngineError
from holdfast.engine.memory import MemoryEngine
from holdfast.engine.port import Promise, State


class Failing(MemoryEngine):
    """An engine whose disk is full as long as the test says so."""

    full = True

    def _check(self) -> None:
        if self.full:
            raise EngineError("/f", "database or disk is full")

    def create(self, id: str, param: object = None, tags: Mapping[str, str] | None = None) -> Promise:
        """See the port."""
        self._check()
        return super().create(id, param, tags)

    def settle(self, id: str, state: State, value: object = None) -> Promise:
        """See the port."""
        self._check()
        return super().settle(id, state, value)

    def list_open(self, prefix: str = "") -> Sequence[Promise]:
        """See the port."""
        self._check()
        return super().list_open(prefix)


@pytest.fixture
def first() -> Failing:
    """The engine that fails."""
    return Failing(lambda: 0.0)


@pytest.fixture
def said() -> list[str]:
    """What the user is told."""
    return []


@pytest.fixture
def engine(first: Failing, said: list[str]) -> FallbackEngine:
    """The one that goes on."""
    return FallbackEngine(first, MemoryEngine(lambda: 0.0), said.append)


def test_a_prompt_is_asked_although_it_cannot_be_kept(engine: FallbackEngine, said: list[str]) -> None:
    """It lives in memory, and the user is told once why."""
    assert engine.create("a").state == "pending"
    assert engine.create("b").state == "pending"
    assert [promise.id for promise in engine.list_open()] == ["a", "b"]
    assert engine.settle("a", "resolved", "x").value == "x"
    assert engine.wait("a", 0).value == "x"
    assert len(said) == 1
    assert "'/f': database or disk is full" in said[0]


def test_a_promise_stays_where_it_was_made(engine: FallbackEngine, first: Failing) -> None:
    """Also when the disk has room again."""
    engine.create("a", 1)
    first.full = False
    assert engine.create("a", 2).param == 1
    assert engine.settle("a", "resolved", "x").value == "x"
    with pytest.raises(KeyError):
        first.wait("a", 0)
    engine.create("b")
    assert first.wait("b", 0).state == "pending"


def test_an_answer_that_cannot_be_kept_is_the_answer(engine: FallbackEngine, first: Failing, said: list[str]) -> None:
    """Somebody typed it; that it will not outlive the kernel is said."""
    first.full = False
    engine.create("a")
    first.full = True
    assert engine.settle("a", "resolved", "typed") == Promise("a", "resolved", None, "typed")
    assert len(said) == 1


def test_a_promise_that_is_not_there_is_no_failure(engine: FallbackEngine, first: Failing, said: list[str]) -> None:
    """Settling it is a mistake of the caller's."""
    first.full = False
    with pytest.raises(KeyError):
        engine.settle("a", "resolved")
    assert said == []
