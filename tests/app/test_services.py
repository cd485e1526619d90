"""The requests that are answered beside a running cell."""

from __future__ import annotations

import json

import pytest

from helpers.messages import message
from holdfast.app.services import Services
from holdfast.language.history import History
from holdfast.magics.registry import Magics
from holdfast.namespace.namespace import Namespace
from holdfast.output.comms import Comms
from holdfast.wire.contents import ErrorReply
from holdfast.wire.frames import to_json


@pytest.fixture
def services() -> Services:
    """Services over a namespace with one name and a history of two cells."""
    namespace, history = Namespace(), History()
    namespace.dict["answer"] = 42
    history.append(1, "answer = 42", None)
    history.append(2, "answer", None)
    history.set_output(2, "42")
    return Services(namespace, history, Comms(lambda *_: None), Magics())


def _ask(services: Services, msg_type: str, **content: object) -> dict[str, object]:
    got = services.look(message(msg_type, content))
    assert isinstance(got, dict), got
    return got


def test_completion_sees_the_namespace(services: Services) -> None:
    """The user's names are offered; without a cursor it is the end of the code."""
    assert "answer" in str(_ask(services, "complete_request", code="answ")["matches"])
    assert "answer" in str(_ask(services, "complete_request", code="answ", cursor_pos=4)["matches"])


def test_inspection_sees_the_namespace(services: Services) -> None:
    """The value is described."""
    got = _ask(services, "inspect_request", code="answer", cursor_pos=3)
    assert (got["status"], got["found"]) == ("ok", True)
    assert "42" in str(got["data"])


@pytest.mark.parametrize(("code", "status"), [("1", "complete"), ("def f():", "incomplete"), ("1 +* 2", "invalid")])
def test_completeness_is_judged(services: Services, code: str, status: str) -> None:
    """A console learns whether to run or to let its user go on."""
    assert _ask(services, "is_complete_request", code=code)["status"] == status


def test_history_is_served(services: Services) -> None:
    """The newest entries, with their outputs where they were asked for."""
    got = _ask(services, "history_request", hist_access_type="tail", n=1, output=True)
    assert got["status"] == "ok"
    assert json.loads(to_json(got["history"])) == [[1, 2, ["answer", "42"]]]


def test_comms_are_listed_without_importing_the_package(services: Services) -> None:
    """Nobody has opened one."""
    assert _ask(services, "comm_info_request") == {"status": "ok", "comms": {}}


def test_usage_names_what_frontends_show(services: Services) -> None:
    """Memory and processor of the kernel and of the machine."""
    got = _ask(services, "usage_request")
    assert {"hostname", "pid", "kernel_cpu", "kernel_memory", "host_cpu_percent", "cpu_count"} <= set(got)
    assert {"total", "available", "percent"} <= set(got["host_virtual_memory"])  # type: ignore[call-overload]
    assert int(str(got["kernel_memory"])) > 1 << 20


@pytest.mark.parametrize(
    ("msg_type", "content"),
    [
        ("complete_request", {"code": "a", "cursor_pos": 99}),
        ("complete_request", {"code": "a", "cursor_pos": -1}),
        ("inspect_request", {"code": "a", "cursor_pos": 99}),
        ("inspect_request", {"code": "a", "cursor_pos": -1}),
        ("inspect_request", {"code": "a", "cursor_pos": 0, "detail_level": 7}),
        ("history_request", {"hist_access_type": "nonsense"}),
        ("history_request", {"hist_access_type": "range", "start": -(10**18), "stop": 10**18}),
        ("history_request", {"hist_access_type": "search", "pattern": "["}),
        ("is_complete_request", {"code": "\x00"}),
        ("complete_request", {"code": "(" * 10_000, "cursor_pos": 10_000}),
    ],
)
def test_a_request_that_cannot_be_served_gets_a_reply(
    services: Services, msg_type: str, content: dict[str, object]
) -> None:
    """An error with words or an empty answer, never an exception."""
    got = services.look(message(msg_type, content))
    if isinstance(got, ErrorReply):
        assert got.ename
        assert got.evalue
    else:
        assert isinstance(got, dict)
        assert got["status"] in ("ok", "complete", "incomplete", "invalid", "unknown", "error")


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError(), SystemExit(), KeyboardInterrupt()])
def test_a_service_that_fails_is_an_error_reply(
    services: Services, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever user code does under completion, its exception is the reply."""

    def fail(*_: object) -> object:
        raise error

    monkeypatch.setattr("holdfast.language.complete.complete", fail)
    got = services.look(message("complete_request", {"code": "a"}))
    assert isinstance(got, ErrorReply)
    assert got.ename == type(error).__name__
