"""Subshells: made, listed, deleted, and their cells beside the main one."""

from __future__ import annotations

import pytest

from helpers.bench import Bench, busy, commit, idle, replied, reply, runs, sends, started
from helpers.messages import cell, message
from holdfast.machine.effects import CloseSubshell, Deliver, Log, OpenSubshell, Send
from holdfast.wire.contents import ErrorReply


def _with_subshell() -> Bench:
    bench = Bench()
    bench.receive(message("create_subshell_request", channel="control"))
    return bench


def test_subshells_are_created_listed_and_deleted() -> None:
    """Each gets an id of its own, which is never used again."""
    bench, listing = _with_subshell(), message("list_subshell_request", channel="control")
    create, delete = (
        message("create_subshell_request"),
        message("delete_subshell_request", {"subshell_id": "subshell-1"}),
    )
    bench.receive(create)
    assert reply(listing, {"status": "ok", "subshell_id": ["subshell-1", "subshell-2"]})[0] in bench.receive(listing)
    assert bench.receive(delete) == [
        *busy(delete),
        CloseSubshell("subshell-1"),
        *reply(delete, {"status": "ok"}),
        *idle(delete),
    ]
    again = message("create_subshell_request")
    assert OpenSubshell("subshell-3") in bench.receive(again)


def test_a_subshell_runs_beside_the_main_shell() -> None:
    """Its cell starts while the main one runs; they share one count; the main cell stays busy."""
    bench, a, b = _with_subshell(), cell("a"), cell("b", subshell_id="subshell-1")
    bench.receive(a)
    assert bench.receive(b) == started(b, 2, "subshell-1")
    assert bench.finish(b) == [*commit(b, 2), *replied(b, 2), *busy(a)]
    assert bench.finish(a) == [*commit(a, 1), *replied(a, 1)]


def test_a_subshell_has_a_queue_of_its_own() -> None:
    """Its cells wait for each other, not for the main shell."""
    bench = _with_subshell()
    a, b = cell("a", subshell_id="subshell-1"), cell("b", subshell_id="subshell-1")
    bench.receive(a, b, cell("main"))
    assert runs(bench.all) == ["a", "main"]
    assert runs(bench.finish(a)) == ["b"]


def test_a_failure_aborts_only_its_own_shell() -> None:
    """What waits in the main shell runs on."""
    bench = _with_subshell()
    a, b, c = cell("a"), cell("b"), cell("c", subshell_id="subshell-1")
    bench.receive(a, b, c)
    bench.finish(c, "E")
    assert runs(bench.finish(a)) == ["b"]


def test_deleting_a_subshell_lets_its_cell_end() -> None:
    """What runs in it may end and is replied to; what waits is refused; then the shell is gone."""
    bench = _with_subshell()
    a, b = cell("a", subshell_id="subshell-1"), cell("b", subshell_id="subshell-1")
    delete = message("delete_subshell_request", {"subshell_id": "subshell-1"})
    bench.receive(a, b, delete)
    effects = bench.finish(a)
    assert effects[: len(replied(a, 1)) + 1] == [*commit(a, 1), *replied(a, 1)]
    assert (runs(effects), [e.draft.msg_type for e in sends(effects, "shell")]) == ([], ["execute_reply"] * 2)
    assert list(bench.state.shells) == [None]


def test_a_comm_message_of_a_deleted_subshell_goes_to_the_main_thread() -> None:
    """Its thread is gone, its comms are not."""
    bench = _with_subshell()
    a, b = cell("a", subshell_id="subshell-1"), cell("b", subshell_id="subshell-1")
    m = message("comm_msg", {"comm_id": "c"}, subshell_id="subshell-1")
    bench.receive(a, b, m, message("delete_subshell_request", {"subshell_id": "subshell-1"}))
    assert bench.finish(a)[-2:] == [*busy(m), Deliver(m, None)]


def test_a_subshell_is_deleted_once() -> None:
    """While its last cell runs it is not there any more: not to delete, list or run in."""
    bench = _with_subshell()
    delete = message("delete_subshell_request", {"subshell_id": "subshell-1"})
    bench.receive(cell(subshell_id="subshell-1"), delete)
    assert CloseSubshell("subshell-1") not in bench.receive(delete)
    late, listing = cell(subshell_id="subshell-1"), message("list_subshell_request")
    assert runs(bench.receive(late)) == []
    assert reply(listing, {"status": "ok", "subshell_id": []})[0] in bench.receive(listing)


@pytest.mark.parametrize("subshell_id", ["subshell-9", ""])
def test_a_cell_for_an_unknown_subshell_gets_an_error_reply(subshell_id: str) -> None:
    """It does not run in another shell instead."""
    bench, a = Bench(), cell(subshell_id=subshell_id)
    evalue = f"cannot serve execute_request: there is no subshell {subshell_id!r}"
    assert reply(a, ErrorReply("BadRequest", evalue))[0] in bench.receive(a)
    assert runs(bench.all) == []


def test_a_comm_message_goes_to_its_subshell() -> None:
    """It is delivered on the thread of its shell; for one that is not there it is logged."""
    bench = _with_subshell()
    m, lost = (message("comm_msg", {"comm_id": "c"}, subshell_id=name) for name in ("subshell-1", "subshell-2"))
    assert bench.receive(m) == [*busy(m), Deliver(m, "subshell-1")]
    assert [type(effect) for effect in bench.receive(lost)] == [Send, Log, Send]
