"""Comms: opened from either side, found again, closed; the `comm` package creates them here."""

from __future__ import annotations

from typing import Any

import comm
import pytest

from holdfast.output.comms import Comms

Published = list[tuple[str, dict[str, object], dict[str, object], object]]


@pytest.fixture
def published() -> Published:
    """What was published: (msg_type, content, metadata, buffers)."""
    return []


@pytest.fixture
def comms(published: Published, monkeypatch: pytest.MonkeyPatch) -> Comms:
    """The registry, which the `comm` package uses until the test is over."""
    monkeypatch.setattr(comm, "create_comm", comm.create_comm)
    monkeypatch.setattr(comm, "get_comm_manager", comm.get_comm_manager)
    return Comms(lambda *message: published.append(message))


def _message(**content: object) -> dict[str, object]:
    return {"content": {"data": {}, **content}, "metadata": {}, "buffers": [], "header": {}}


def test_the_package_is_not_imported_for_a_listing() -> None:
    """Nobody has opened a comm."""
    assert Comms(lambda *_: None).info(None) == {"status": "ok", "comms": {}}


def test_a_comm_opened_by_a_library_is_published(comms: Comms, published: Published) -> None:
    """Open, message and close, with data, metadata and buffers, under one id."""
    comms.adopt(comm)
    made = comm.create_comm(target_name="t", data={"a": 1}, metadata={"m": 1}, buffers=[b"b"])
    made.send({"b": 2}, buffers=[b"c"])
    made.close({"c": 3})
    keys = {"comm_id": made.comm_id}
    opened = {"data": {"a": 1}, "target_name": "t", "target_module": None, **keys}
    assert published == [
        ("comm_open", opened, {"m": 1}, [b"b"]),
        ("comm_msg", {"data": {"b": 2}, **keys}, {}, [b"c"]),
        ("comm_close", {"data": {"c": 3}, **keys}, {}, None),
    ]


def test_open_comms_are_listed(comms: Comms) -> None:
    """All, or those of one target; closed ones are gone."""
    comms.adopt(comm)
    one, two = comm.create_comm(target_name="t"), comm.create_comm(target_name="u")
    entries = {made.comm_id: {"target_name": made.target_name} for made in (one, two)}
    assert comms.info(None) == {"status": "ok", "comms": entries}
    assert comms.info("u") == {"status": "ok", "comms": {two.comm_id: {"target_name": "u"}}}
    one.close()
    assert comms.info("t") == {"status": "ok", "comms": {}}


def test_a_frontend_opens_talks_and_closes(comms: Comms) -> None:
    """The target's function gets the comm; its callbacks get the messages."""
    log: list[tuple[str, Any]] = []

    def opened(made: Any, message: Any) -> None:
        log.append(("open", message["content"]["data"]))
        made.on_msg(lambda message: log.append(("msg", message["content"]["data"])))
        made.on_close(lambda message: log.append(("close", message["content"]["data"])))

    comms.manager.register_target("t", opened)
    comms.handle("comm_open", _message(comm_id="c", target_name="t", data={"n": 1}))
    assert comms.info("t") == {"status": "ok", "comms": {"c": {"target_name": "t"}}}
    comms.handle("comm_msg", _message(comm_id="c", data={"n": 2}))
    comms.handle("comm_close", _message(comm_id="c", data={"n": 3}))
    assert log == [("open", {"n": 1}), ("msg", {"n": 2}), ("close", {"n": 3})]
    assert comms.info(None) == {"status": "ok", "comms": {}}


def test_an_unknown_target_is_answered_with_a_close(comms: Comms, published: Published) -> None:
    """Never silence: the frontend learns that nobody is there."""
    comms.handle("comm_open", _message(comm_id="c", target_name="nobody"))
    assert [(msg_type, content["comm_id"]) for msg_type, content, _, _ in published] == [("comm_close", "c")]
    assert comms.info(None) == {"status": "ok", "comms": {}}


def test_a_target_that_fails_is_answered_with_a_close(comms: Comms, published: Published) -> None:
    """Its exception is logged by the package."""

    def refuse(made: object, message: object) -> None:
        raise ValueError("not today")

    comms.manager.register_target("t", refuse)
    comms.handle("comm_open", _message(comm_id="c", target_name="t"))
    assert [msg_type for msg_type, *_ in published] == ["comm_close"]


def test_a_message_for_an_unknown_comm_is_answered_with_a_close(comms: Comms, published: Published) -> None:
    """A page whose widgets belong to a kernel that ended learns so."""
    comms.handle("comm_msg", _message(comm_id="gone"))
    assert published == [("comm_close", {"data": {}, "comm_id": "gone"}, {}, None)]


def test_nothing_is_known_before_the_package_is_imported(published: Published) -> None:
    """JupyterLab asks for widgets whenever it opens a notebook; nothing is imported for that, and nothing logged."""
    comms = Comms(lambda *message: published.append(message))
    for msg_type in ("comm_open", "comm_msg", "comm_close"):
        comms.handle(msg_type, _message(comm_id="c", target_name="jupyter.widget.control"))
    assert [(msg_type, content["comm_id"]) for msg_type, content, *_ in published] == [("comm_close", "c")] * 2
    assert comms.info(None) == {"status": "ok", "comms": {}}


def test_a_close_of_an_unknown_comm_is_ignored(comms: Comms, published: Published) -> None:
    """It may have been closed on this side a moment ago."""
    comms.handle("comm_close", _message(comm_id="gone"))
    assert published == []


def test_a_message_without_a_callback_is_ignored(comms: Comms) -> None:
    """Nobody listens."""
    comms.adopt(comm)
    made = comm.create_comm(target_name="t")
    comms.handle("comm_msg", _message(comm_id=made.comm_id))


def test_a_callback_has_something_before_and_after_it(comms: Comms) -> None:
    """Also when it fails; not where there is no callback."""
    log: list[str] = []
    comms.before.append(lambda: log.append("before"))
    comms.after.append(lambda: log.append("after"))
    comms.adopt(comm)
    made = comm.create_comm(target_name="t")
    comms.handle("comm_msg", _message(comm_id=made.comm_id))
    assert log == []

    def fail(message: object) -> None:
        log.append("callback")
        raise ValueError("not today")

    made.on_msg(fail)
    comms.handle("comm_msg", _message(comm_id=made.comm_id))
    assert log == ["before", "callback", "after"]


def test_the_package_is_taken_back(comms: Comms) -> None:
    """A library that replaces its functions is undone by adopting it again; comms stay."""
    manager = comms.manager
    comm.create_comm = comm.get_comm_manager = None  # type: ignore[assignment]
    comms.adopt(comm)
    made = comm.create_comm(target_name="t")
    assert type(made) is comms.comm_class
    assert comm.get_comm_manager() is manager
    assert made.comm_id in manager.comms


def test_the_package_finds_this_registry(comms: Comms) -> None:
    """ipywidgets registers its target through the package."""
    comms.adopt(comm)
    assert comm.get_comm_manager() is comms.manager


def test_adopting_twice_changes_nothing(comms: Comms) -> None:
    """The import hook and the first message may both come."""
    manager = comms.manager
    comms.adopt(comm)
    assert comms.manager is manager


def test_no_message_looks_for_ipython(comms: Comms) -> None:
    """The package's own handler imports it with every message; ours does not."""
    import sys

    comms.adopt(comm)
    made = comm.create_comm(target_name="t")
    made.on_msg(lambda message: None)
    before = set(sys.modules)
    comms.handle("comm_msg", _message(comm_id=made.comm_id))
    assert {name for name in set(sys.modules) - before if name.startswith(("IPython", "ipykernel"))} == set()
    source = type(made).handle_msg.__module__
    assert source == "holdfast.output.comms"
