"""The life of an execute_request: events in, effects out."""

from __future__ import annotations

import pytest

from helpers.bench import (
    INFO,
    Bench,
    aborted,
    busy,
    commit,
    failed,
    idle,
    raised,
    replied,
    reply,
    runs,
    sends,
    started,
)
from helpers.messages import cell, message
from holdfast.machine.effects import Commit, Deliver, Identify, Log, Look, Remember, Run, Send
from holdfast.machine.events import CommitFailed, Committed, Counted, Finished, Handled, Left, Opened, Published, Wrote
from holdfast.wire.contents import ExecuteFailed, ExecuteInput, ExecuteOk, Stream
from holdfast.wire.message import Draft, Message


def test_a_cell_starts_at_once_in_a_free_shell() -> None:
    """Busy, its input for all clients, its place in history, and the run."""
    bench, a = Bench(), cell("x = 1")
    assert bench.receive(a) == started(a, 1)


def test_the_end_of_a_cell_asks_for_its_commit_and_sends_nothing() -> None:
    """P1: `Finished` yields the commit and no reply."""
    bench, a = Bench(), cell()
    bench.receive(a)
    assert bench.step(Finished(a)) == commit(a, 1)


def test_the_reply_follows_the_commit() -> None:
    """P1: only `Committed` yields the reply, then idle."""
    bench, a = Bench(), cell()
    bench.receive(a)
    bench.step(Finished(a))
    assert bench.step(Committed(a)) == replied(a, 1)


def test_a_failed_commit_is_said_before_the_reply() -> None:
    """The warning goes below the cell, the reason into the reply's metadata; the reply itself is good."""
    bench, a = Bench(), cell()
    bench.receive(a)
    warning = Stream("stderr", "this cell's results are not durable: the disk is full\n")
    assert bench.fail_commit(a, "the disk is full") == [
        Send("iopub", a.publish("stream", warning)),
        *replied(a, 1, {"holdfast": {"failed": "the disk is full"}}),
    ]


def test_a_failed_commit_does_not_stop_the_queue() -> None:
    """The kernel lives: the next cell runs."""
    bench, a, b = Bench(), cell("a"), cell("b")
    bench.receive(a, b)
    assert runs(bench.fail_commit(a, "no space")) == ["b"]


def test_what_the_commit_says_goes_into_the_reply() -> None:
    """`pending`, `unchecked` and their kin are told in the reply's metadata."""
    bench, a = Bench(), cell()
    bench.receive(a)
    bench.step(Finished(a, metadata={"unawaited": ["x"]}))
    note = {"pending": ["big"]}
    expected: dict[str, object] = {"unawaited": ["x"], "holdfast": note}
    assert bench.step(Committed(a, note)) == [*reply(a, ExecuteOk(1, {}, ()), expected), *idle(a)]


@pytest.mark.parametrize("event", [Committed, lambda token: CommitFailed(token, "why")])
def test_a_commit_before_the_end_yields_no_reply(event: object) -> None:
    """A commit that is reported for a cell still running is a bug of ours: logged, never a reply."""
    bench, a = Bench(), cell()
    bench.receive(a)
    effects = bench.step(event(a))  # type: ignore[operator]
    assert [e for e in effects if isinstance(e, Send) and e.channel == "shell"] == []
    assert effects[-1] == Log("a commit was reported for a cell that does not run")


def test_a_second_commit_yields_no_second_reply() -> None:
    """A cell is replied to once."""
    bench, a = Bench(), cell()
    bench.receive(a)
    bench.finish(a)
    assert bench.step(Committed(a)) == [Log("a commit was reported for a cell that does not run")]


def test_a_second_end_yields_no_second_commit() -> None:
    """A cell that is reported finished again is logged."""
    bench, a = Bench(), cell()
    bench.receive(a)
    bench.step(Finished(a))
    assert bench.step(Finished(a)) == [Log("a cell was reported finished that does not run")]


def test_the_reply_has_what_the_cell_returned() -> None:
    """User expressions and payload reach the reply."""
    bench, a = Bench(), cell()
    bench.receive(a)
    bench.step(Finished(a, user_expressions={"e": {"status": "ok"}}, payload=({"source": "page"},)))
    content = ExecuteOk(1, {"e": {"status": "ok"}}, ({"source": "page"},))
    assert bench.step(Committed(a)) == [*reply(a, content, {}), *idle(a)]


def test_an_error_is_published_before_the_commit() -> None:
    """All clients see the error at once; the reply with the same words waits for its commit."""
    bench, a = Bench(), cell()
    bench.receive(a)
    assert bench.step(Finished(a, "ValueError")) == [*raised(a, "ValueError"), *commit(a, 1)]
    assert bench.step(Committed(a)) == failed(a, 1, "ValueError")


def test_an_error_that_was_shown_is_replied_only() -> None:
    """What a library made of it is below the cell already; the reply is an error as always."""
    bench, a = Bench(), cell()
    bench.receive(a)
    assert bench.step(Finished(a, "ZeroDivisionError", shown=True)) == commit(a, 1)


def test_a_failed_cell_keeps_its_payload() -> None:
    """`page` and its kin of a cell that then raised are not lost."""
    bench, a = Bench(), cell()
    bench.receive(a)
    bench.step(Finished(a, "E", "v", ["t"], payload=({"source": "page"},)))
    content = ExecuteFailed(1, "E", "v", ["t"], payload=({"source": "page"},))
    assert bench.step(Committed(a)) == [*reply(a, content, {}), *idle(a)]


# ---------------------------------------------------------------- the queue


def test_cells_wait_in_order() -> None:
    """A cell that comes while one runs is not even busy; it starts in the step that replies to the one before."""
    bench, a, b, c = Bench(), cell("a"), cell("b"), cell("c")
    assert bench.receive(a, b, c) == started(a, 1)
    assert bench.finish(a) == [*commit(a, 1), *replied(a, 1), *started(b, 2)]
    assert bench.finish(b) == [*commit(b, 2), *replied(b, 2), *started(c, 3)]
    assert bench.finish(c) == [*commit(c, 3), *replied(c, 3)]


def test_a_cell_waits_for_the_commit_of_the_one_before() -> None:
    """Between the end and the commit of a cell the next one does not start."""
    bench, a, b = Bench(), cell("a"), cell("b")
    bench.receive(a, b)
    assert runs(bench.step(Finished(a))) == []
    assert runs(bench.step(Committed(a))) == ["b"]


def test_what_is_queued_behind_a_failure_is_aborted() -> None:
    """Each aborted cell gets busy, an aborted reply and idle; none runs."""
    bench, a, b, c = Bench(), cell("a"), cell("b"), cell("c")
    bench.receive(a, b, c)
    assert bench.finish(a, "E") == [
        *raised(a, "E"),
        *commit(a, 1),
        *failed(a, 1, "E"),
        *aborted(b),
        *aborted(c),
    ]


def test_closing_messages_are_published_behind_the_error() -> None:
    """What a rollback has to say comes below the traceback, before the commit."""
    bench, a = Bench(), cell()
    bench.receive(a)
    note = {"name": "stderr", "text": "Rolled back"}
    effects = bench.step(Finished(a, "E", "v", ["t"], closing=[("stream", note)]))
    published = [effect.draft.msg_type for effect in effects if isinstance(effect, Send)]
    assert (published, type(effects[-1])) == (["error", "stream"], Commit)


def test_a_failure_without_stop_on_error_aborts_nothing() -> None:
    """The client asked to go on."""
    bench, a, b = Bench(), cell("a", stop_on_error=False), cell("b")
    bench.receive(a, b)
    assert runs(bench.finish(a, "E")) == ["b"]


def test_what_is_queued_by_another_client_is_aborted_too() -> None:
    """It was sent before anybody could know of the failure."""
    bench, a, b = Bench(), cell("a"), cell("b", session="other", date="2030-01-01T00:00:00+00:00")
    bench.receive(a, b)
    assert bench.finish(a, "E")[-3:] == aborted(b)


SENT = "2026-01-01T12:00:00+00:00"


@pytest.mark.parametrize(
    ("changes", "runs_it"),
    [
        ({"date": "2026-01-01T12:00:00.500000+00:00"}, False),
        ({"date": "2026-01-01T12:00:01.999999Z"}, False),
        ({"date": "2026-01-01T12:00:02+00:00"}, True),
        ({"date": "2026-01-01T12:01:00Z"}, True),
        ({"date": "2026-01-01T13:00:01+01:00"}, False),
        ({"date": "2026-01-01T13:00:03+01:00"}, True),
        ({"date": SENT, "session": "another client"}, True),
        ({"date": ""}, True),
        ({"date": "yesterday"}, True),
        ({"date": "2026-01-01T12:00:00.5"}, True),
        ({"date": "0001-01-01T00:00:00+00:00"}, False),
        ({"date": "0001-01-01T00:00:00+23:59"}, False),
    ],
)
def test_what_was_on_its_way_when_a_cell_failed_is_aborted(changes: dict[str, str], runs_it: bool) -> None:
    """A late cell is aborted when its client cannot have seen the failure: by its own clock, on its own session."""
    bench, a, b = Bench(), cell("a", date=SENT), cell("b", **changes)
    bench.receive(a, at=100.0)
    bench.finish(a, "E", at=102.0)
    assert bench.receive(b, at=102.5) == (started(b, 2) if runs_it else aborted(b))


@pytest.mark.parametrize("skew", ["2020-01-01T00:00:00Z", "2036-01-01T00:00:00Z"])
def test_a_clients_clock_need_not_be_right(skew: str) -> None:
    """Only differences of the client's own dates count: years of skew change nothing."""
    bench, a, b, c = (
        Bench(),
        cell("a", date=skew),
        cell("b", date=skew),
        cell("c", date=skew.replace("00:00Z", "09:00Z")),
    )
    bench.receive(a, at=5.0)
    bench.finish(a, "E", at=6.0)
    assert bench.receive(b) == aborted(b)
    assert bench.receive(c) == started(c, 2)


@pytest.mark.parametrize("date", ["", "soon", "2026-01-01T00:00:00"])
def test_a_failed_cell_with_an_odd_date_aborts_only_what_is_queued(date: str) -> None:
    """Where dates cannot be compared, a cell that arrives later runs."""
    bench, a, b = Bench(), cell("a", date=date), cell("b")
    bench.receive(a)
    bench.finish(a, "E")
    assert runs(bench.receive(b)) == ["b"]


def test_a_cell_that_ran_ends_the_aborting() -> None:
    """Once a cell has been started again, dates of before no longer matter."""
    bench, a, b, c = Bench(), cell("a", date=SENT), cell("b", date="2026-01-02T00:00:00Z"), cell("c", date=SENT)
    bench.receive(a, at=1.0)
    bench.finish(a, "E", at=3.0)
    bench.receive(b)
    bench.finish(b)
    assert runs(bench.receive(c)) == ["c"]


# ---------------------------------------------------------------- while the session is being restored


def test_cells_wait_for_the_session() -> None:
    """They start in order when it is there, and count on from it."""
    bench, a, b = Bench(), cell("a"), cell("b")
    bench.state.opening = True
    assert bench.receive(a, b) == []
    assert bench.step(Opened(41)) == started(a, 42)
    assert bench.finish(a)[-len(started(b, 43)) :] == started(b, 43)


def test_cells_count_on_after_those_that_a_checkout_brought_back() -> None:
    """The cell that asked keeps its number; one that went to older cells changes nothing."""
    bench, a, b, c = Bench(), cell("a"), cell("b"), cell("c")
    bench.receive(a, b, c)
    assert bench.step(Counted(41)) == []
    effects = bench.finish(a)
    assert [send.draft.content.execution_count for send in sends(effects, "shell")] == [1]  # type: ignore[attr-defined]
    assert effects[-len(started(b, 42)) :] == started(b, 42)
    assert bench.step(Counted(7)) == []
    assert bench.finish(b)[-len(started(c, 43)) :] == started(c, 43)


def test_other_requests_do_not_wait_for_the_session() -> None:
    """A client that asks who is there is not taken for one that hangs."""
    bench, asked = Bench(), message("kernel_info_request")
    bench.state.opening = True
    bench.receive(cell("a"))
    assert bench.receive(asked) == [*busy(asked), *reply(asked, INFO), *idle(asked)]


def test_cells_of_a_subshell_wait_for_the_session() -> None:
    """One that is deleted meanwhile tells those who wait in it."""
    bench, a = Bench(), cell("a", subshell_id="subshell-1")
    bench.state.opening = True
    bench.receive(message("create_subshell_request", channel="control"), a)
    bench.receive(message("delete_subshell_request", {"subshell_id": "subshell-1"}, channel="control"))
    effects = bench.step(Opened(0))
    assert [send.draft.msg_type for send in sends(effects, "shell")] == ["execute_reply"]
    assert "subshell-1" not in bench.state.shells


def test_a_kernel_that_leaves_before_its_session_is_there_tells_who_waits() -> None:
    """Nobody waits for ever."""
    bench, a = Bench(), cell("a")
    bench.state.opening = True
    bench.receive(a, message("shutdown_request", {"restart": False}, channel="control"))
    assert [send.draft.msg_type for send in sends(bench.step(Left()), "shell")] == ["execute_reply"]


# ---------------------------------------------------------------- a kernel that nobody gave a name


def nameless(*before: Message) -> Bench:
    """A bench of such a kernel, that has received some requests."""
    bench = Bench()
    bench.state.nameless = True
    bench.receive(*before)
    return bench


def test_the_first_cell_says_whose_it_is() -> None:
    """It and those behind it wait for that session, and count on from it; it is asked for once."""
    a, b = cell("a", metadata={"cellId": "one"}), cell("b", metadata={"cellId": "two"})
    bench = nameless()
    assert bench.receive(a) == [Identify("one")]
    assert bench.receive(b) == []
    assert bench.step(Opened(41)) == started(a, 42)
    assert bench.finish(a)[-len(started(b, 43)) :] == started(b, 43)


def test_it_is_asked_for_while_the_first_session_is_being_restored() -> None:
    """Both have to be there before a cell starts."""
    bench, a = nameless(), cell("a", metadata={"cellId": "one"})
    bench.state.opening = 1
    assert bench.receive(a) == [Identify("one")]
    assert bench.step(Opened(0)) == []
    assert bench.step(Opened(41)) == started(a, 42)


def test_what_a_client_does_unseen_says_nothing() -> None:
    """Nor does it start in the middle of that what the first cell is."""
    unseen, a = cell("unseen", silent=True, metadata={"cellId": "no"}), cell("a", metadata={"cellId": "one"})
    bench = nameless(unseen)
    assert bench.receive(a) == [Identify("one")]
    assert runs(bench.finish(unseen)) == []
    assert runs(bench.step(Opened(0))) == ["a"]


@pytest.mark.parametrize("metadata", [{}, {"cellId": 5}])
def test_a_first_cell_without_an_id_leaves_it_at_that(metadata: dict[str, object]) -> None:
    """What it made must not be lost to what a later one says."""
    bench, a, b = nameless(), cell("a", metadata=metadata), cell("b", metadata={"cellId": "one"})
    assert runs(bench.receive(a)) == ["a"]
    bench.finish(a)
    assert runs(bench.receive(b)) == ["b"]


def test_another_session_for_a_kernel_that_runs_a_cell() -> None:
    """The cell that asked for it is replied to with its own number, the next one counts on from that session."""
    bench, a, b = Bench(), cell("a"), cell("b")
    bench.receive(a, b)
    assert bench.step(Opened(41)) == []
    assert bench.finish(a)[-len(started(b, 42)) :] == started(b, 42)


# ---------------------------------------------------------------- silent, store_history


def test_a_silent_cell_shows_and_stores_nothing() -> None:
    """No input, no history, no count; it still has its busy, reply and idle."""
    bench, a = Bench(), cell("a", silent=True)
    assert bench.receive(a) == [*busy(a), Run(a, 0)]
    assert bench.step(Finished(a)) == [Commit(a, 0)]
    assert bench.step(Committed(a)) == replied(a, 0)


def test_a_silent_cells_error_is_in_its_reply_only() -> None:
    """Nothing of it is published."""
    bench, a = Bench(), cell("a", silent=True)
    bench.receive(a)
    assert bench.step(Finished(a, "E")) == [Commit(a, 0)]
    assert bench.step(Committed(a)) == failed(a, 0, "E")


def test_a_cell_without_history_shows_its_input_and_does_not_count() -> None:
    """`store_history: false` shows input and output but leaves the count and the history alone."""
    bench, a, b, c = Bench(), cell("a"), cell("b", store_history=False), cell("c")
    bench.receive(a)
    bench.finish(a)
    shown = Send("iopub", b.publish("execute_input", ExecuteInput("b", 1)))
    assert bench.receive(b) == [*busy(b), Run(b, 1), shown]
    assert bench.finish(b) == [Commit(b, 0), *replied(b, 1)]
    assert bench.receive(c) == started(c, 2)


def test_silent_switches_history_off() -> None:
    """`silent: true` with `store_history: true` does not count, as the protocol says."""
    bench, a = Bench(), cell("a", silent=True, store_history=True)
    bench.receive(a)
    assert bench.state.execution_count == 0


# ---------------------------------------------------------------- output


def test_output_has_its_cell_as_parent() -> None:
    """Streams and published messages carry the header of the cell that made them, also long after it."""
    bench, a = Bench(), cell()
    bench.receive(a)
    bench.finish(a)
    stream = Send("iopub", a.publish("stream", Stream("stdout", "late")))
    shown = Send("iopub", a.publish("display_data", {"data": {}}, {"m": 1}, [b"b"]))
    assert bench.step(Wrote(a, "stdout", "late")) == [stream]
    assert bench.step(Published(a, "display_data", {"data": {}}, {"m": 1}, [b"b"])) == [shown]


def test_output_of_nobody_has_no_parent() -> None:
    """What is written before the first cell is sent all the same."""
    bench = Bench()
    stream = Send("iopub", Draft("stream", Stream("stderr", "x"), idents=(b"stream",)))
    assert bench.step(Wrote(None, "stderr", "x")) == [stream]
    shown = Draft("display_data", {"a": 1}, idents=(b"display_data",), metadata={}, buffers=[b"b"])
    assert bench.step(Published(None, "display_data", {"a": 1}, {}, [b"b"])) == [Send("iopub", shown)]


@pytest.mark.parametrize("msg_type", ["display_data", "execute_result", "update_display_data", "clear_output"])
def test_a_silent_cell_publishes_nothing(msg_type: str) -> None:
    """Its streams and displays are dropped."""
    bench, a = Bench(), cell(silent=True)
    bench.receive(a)
    assert bench.step(Wrote(a, "stdout", "x")) == []
    assert bench.step(Published(a, msg_type, {})) == []


@pytest.mark.parametrize("msg_type", ["comm_open", "comm_msg", "comm_close"])
def test_a_silent_cells_comms_go_out(msg_type: str) -> None:
    """What a silent cell does to comms is state, not output: widgets would fall apart without it."""
    bench, a = Bench(), cell(silent=True)
    bench.receive(a)
    assert bench.step(Published(a, msg_type, {"comm_id": "c"})) == [
        Send("iopub", a.publish(msg_type, {"comm_id": "c"}, {}, ()))
    ]


def test_the_text_of_a_result_is_remembered() -> None:
    """The history keeps `text/plain` of an execute_result under the cell's number."""
    bench, a = Bench(), cell()
    bench.receive(a)
    content = {"execution_count": 1, "data": {"text/plain": "2", "text/html": "<b>2</b>"}, "metadata": {}}
    assert bench.step(Published(a, "execute_result", content)) == [
        Remember(1, output="2"),
        Send("iopub", a.publish("execute_result", content, {}, ())),
    ]


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"execution_count": 1},
        {"execution_count": 1, "data": {}},
        {"execution_count": 1, "data": {"text/plain": 5}},
        {"execution_count": "1", "data": {"text/plain": "5"}},
        {"execution_count": 1, "data": "5"},
    ],
)
def test_a_result_of_an_odd_shape_is_not_remembered(content: dict[str, object]) -> None:
    """It is sent as it is."""
    bench, a = Bench(), cell()
    bench.receive(a)
    assert [type(e) for e in bench.step(Published(a, "execute_result", content))] == [Send]


def test_a_result_without_history_is_not_remembered() -> None:
    """`store_history: false` covers the output too."""
    bench, a = Bench(), cell(store_history=False)
    bench.receive(a)
    content = {"execution_count": 1, "data": {"text/plain": "2"}}
    assert [type(e) for e in bench.step(Published(a, "execute_result", content))] == [Send]


# ---------------------------------------------------------------- comms and the queue


def test_a_comm_message_passes_a_cell_that_runs() -> None:
    """A slider moves while a cell awaits: its message is handed on at once, and the cell is busy again after."""
    bench, a, m = Bench(), cell("a"), message("comm_msg", {"comm_id": "c"})
    bench.receive(a)
    assert bench.receive(m) == [*busy(m), Deliver(m)]
    assert bench.step(Handled(m)) == [*idle(m), *busy(a)]


def test_a_comm_message_keeps_its_place_behind_queued_cells() -> None:
    """It may speak of what a cell before it will have made."""
    bench, a, b, m, c = Bench(), cell("a"), cell("b"), message("comm_msg", {"comm_id": "c"}), cell("c")
    assert bench.receive(a, b, m, c) == started(a, 1)
    assert bench.finish(a) == [*commit(a, 1), *replied(a, 1), *started(b, 2)]
    assert bench.finish(b) == [*commit(b, 2), *replied(b, 2), *busy(m), Deliver(m), *started(c, 3)]


def test_a_comm_message_behind_a_failure_is_delivered() -> None:
    """Only cells are aborted: a widget's state must not fall behind its view."""
    bench, a, b, m = Bench(), cell("a"), cell("b"), message("comm_close", {"comm_id": "c"})
    bench.receive(a, b, m)
    assert bench.finish(a, "E")[-5:] == [*aborted(b), *busy(m), Deliver(m)]


def test_a_comm_message_without_a_cell_is_delivered_at_once() -> None:
    """Busy, delivery; idle when its callbacks are done."""
    bench, m = Bench(), message("comm_open", {"comm_id": "c", "target_name": "t"})
    assert bench.receive(m) == [*busy(m), Deliver(m)]
    assert bench.step(Handled(m)) == idle(m)


def test_a_request_beside_a_cell_shows_its_own_status() -> None:
    """Its busy, later its reply and idle, and then the running cell's busy again."""
    bench, a, look = Bench(), cell("a"), message("complete_request", {"code": "x"})
    bench.receive(a)
    assert bench.receive(look) == [*busy(look), Look(look)]
