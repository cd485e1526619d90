"""`exit`, `quit` and help."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from holdfast.app.interaction import Exiter, Help
from holdfast.executor.runner import ExitRequested
from holdfast.magics.registry import Magics


@pytest.mark.parametrize("arguments", [(), (0,), ("text",)])
def test_exit_ends_the_cell_and_asks_for_the_end(arguments: tuple[object, ...]) -> None:
    """It is a SystemExit of our own, which a user's `except Exception` does not eat."""
    with pytest.raises(ExitRequested) as caught:
        Exiter("exit")(*arguments)
    assert isinstance(caught.value, SystemExit)


@pytest.mark.parametrize("name", ["exit", "quit"])
def test_a_bare_exit_says_what_to_type(name: str) -> None:
    """Its repr is a hint, as in the REPL."""
    assert f"{name}()" in repr(Exiter(name))


def _help(namespace: dict[str, object]) -> tuple[Help, list[dict[str, Any]]]:
    payload: list[dict[str, Any]] = []
    runner: Any = SimpleNamespace(payload=payload)
    return Help(namespace, lambda: runner, Magics()), payload


def test_help_pages_what_it_finds() -> None:
    """The description goes into the frontend's pager."""
    helper, payload = _help({"value": 12345})
    helper("value", 0)
    (page,) = payload
    assert (page["source"], page["start"]) == ("page", 0)
    assert "12345" in page["data"]["text/plain"]


@pytest.mark.parametrize("text", ["%lsmagic", "lsmagic", "%%thread"])
def test_help_describes_magics(text: str) -> None:
    """With their marks, and without where nothing else has the name."""
    helper, payload = _help({})
    helper(text, 0)
    assert text.strip("%") in payload[0]["data"]["text/plain"]


def test_help_for_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """No page is opened."""
    helper, payload = _help({})
    helper("nothing_of_that_name", 0)
    assert (payload, capsys.readouterr().out) == ([], "Object `nothing_of_that_name` not found.\n")
