"""What an execute_request leads to, seen from a client."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.kernel import Kernel, Result


def test_a_reply_has_every_field_of_the_protocol(kernel: Kernel) -> None:
    """An ok reply holds status, execution_count, payload and user_expressions."""
    reply = kernel.run("1").reply
    assert reply == {
        "status": "ok",
        "execution_count": reply["execution_count"],
        "payload": [],
        "user_expressions": {},
    }


def test_an_error_reply_says_what_was_raised(kernel: Kernel) -> None:
    """A failing cell is replied to with ename, evalue and traceback, the same as on iopub."""
    result = kernel.run("{}['missing']")
    assert (result.reply["status"], result.reply["ename"], result.reply["evalue"]) == (
        "error",
        "KeyError",
        "'missing'",
    )
    shown = result.of_type("error")[0].content
    assert {key: result.reply[key] for key in shown} == shown


def test_outputs_stand_between_busy_and_idle(kernel: Kernel) -> None:
    """iopub shows busy, the input, the outputs in their order, and idle."""
    result = kernel.run("print('a')\ndisplay(1)\n2")
    kinds = [m.msg_type for m in result.messages if m.channel == "iopub"]
    assert (kinds[:2], kinds[-1]) == (["status", "execute_input"], "status")
    assert result.shown == [("stdout", "a\n"), ("display_data", "1"), ("execute_result", "2")]
    assert result.states == ["busy", "idle"]


def test_children_echo_the_header_of_their_request(kernel: Kernel) -> None:
    """Unknown header fields and odd dates come back in the parent header as they were sent."""
    odd = {"date": "yesterday", "x-mine": {"big": 2**70, "text": "\u2603"}}
    result = kernel.run("1", header=odd)
    for message in result.messages:
        assert {key: message.parent_header[key] for key in odd} == odd


def test_execute_input_repeats_the_code(kernel: Kernel) -> None:
    """All clients see the code and the count of a cell."""
    result = kernel.run("  x = 1")
    content = result.of_type("execute_input")[0].content
    assert content == {"code": "  x = 1", "execution_count": result.reply["execution_count"]}


# ---------------------------------------------------------------- silent, store_history


@pytest.mark.parametrize(
    "code", ["print(1)", "2", "display(3)", "1/0", "import os; os.write(1, b'x')", "raise SystemExit"]
)
def test_a_silent_cell_shows_nothing(kernel: Kernel, code: str) -> None:
    """Nothing but busy and idle reaches iopub from a silent cell."""
    result = kernel.run(code, silent=True)
    kernel.run("pass")  # late output would have come by now
    assert [m.msg_type for m in result.messages if m.channel == "iopub"] == ["status", "status"]


def test_a_silent_cell_runs(kernel: Kernel) -> None:
    """A silent cell changes the namespace and is replied to."""
    assert kernel.run("silently = 5", silent=True).reply["status"] == "ok"
    assert kernel.run("silently").result == "5"


def test_a_silent_cell_that_fails_says_so_in_its_reply(kernel: Kernel) -> None:
    """The error of a silent cell is in the reply only."""
    assert kernel.run("1/0", silent=True).reply["ename"] == "ZeroDivisionError"


@pytest.mark.parametrize("flags", [{"silent": True}, {"store_history": False}, {"silent": True, "store_history": True}])
def test_a_cell_without_history_leaves_no_trace(kernel: Kernel, flags: dict[str, Any]) -> None:
    """The count, In, Out, _ and the history stay as they were."""
    look = "(len(In), dict(Out), _)"
    kernel.run("'before'")
    before = kernel.run(look, store_history=False)
    kernel.run("'not stored'", **flags)
    after = kernel.run(look, store_history=False)
    assert after.result == before.result
    assert after.reply["execution_count"] == before.reply["execution_count"]
    tail = kernel.request("history_request", {"hist_access_type": "tail", "n": 1, "output": False, "raw": True})
    assert tail.reply["history"][0][2] == "'before'"


def test_a_cell_without_history_shows_its_result(kernel: Kernel) -> None:
    """store_history=False alone hides nothing."""
    assert kernel.run("6 * 7", store_history=False).result == "42"


# ---------------------------------------------------------------- results


def test_the_execution_count_grows_by_one(kernel: Kernel) -> None:
    """Each stored cell counts, whether it ends well or not."""
    first = kernel.run("1").reply["execution_count"]
    assert kernel.run("1/0").reply["execution_count"] == first + 1
    assert kernel.run("# nothing").reply["execution_count"] == first + 2


def test_the_result_carries_the_count_of_its_cell(kernel: Kernel) -> None:
    """execute_result and reply name the same count."""
    result = kernel.run("'x'")
    assert result.of_type("execute_result")[0].content["execution_count"] == result.reply["execution_count"]


@pytest.mark.parametrize(
    "code", ["", " ", ("\n\n"), "# only a comment", "\t# a\n\n   # b", "pass", "None", "x = 1", "def f(): 1"]
)
def test_a_cell_without_a_value_shows_none(kernel: Kernel, code: str) -> None:
    """Empty and comment-only cells, statements and None are ok and show nothing."""
    result = kernel.run(code)
    assert (result.reply["status"], result.outputs) == ("ok", [])


@pytest.mark.parametrize("code", ["5;", "5 ;", "5; # why", "(5);", "5;\n\n# end", "x = 5; x;", "'a;b';", "[\n1,\n];"])
def test_a_trailing_semicolon_hides_the_value(kernel: Kernel, code: str) -> None:
    """A semicolon after the last expression suppresses its result."""
    assert kernel.run(code).result is None


@pytest.mark.parametrize(
    ("code", "shown"), [("'a;'", "'a;'"), ("5 # ;", "5"), ("1; 2", "2"), ("x = 1; x", "1"), ("f';'", "';'")]
)
def test_other_semicolons_hide_nothing(kernel: Kernel, code: str, shown: str) -> None:
    """A semicolon in a string, a comment or between statements does not matter."""
    assert kernel.run(code).result == shown


def test_only_the_last_expression_is_shown(kernel: Kernel) -> None:
    """Expressions before the last statement have no output."""
    assert [m.content["data"]["text/plain"] for m in kernel.run("1\n2\n3").of_type("execute_result")] == ["3"]


def test_results_are_remembered(kernel: Kernel) -> None:
    """_, __, ___, _N, Out, In and _iN lead to earlier results and inputs."""
    for code in ("'one'", "'two'", "'three'"):
        count = kernel.run(code).reply["execution_count"]
    assert kernel.run("(_, __, ___)").result == "('three', 'two', 'one')"
    assert kernel.run(f"(_{count}, Out[{count}], In[{count}], _i{count})").result == (
        "('three', 'three', \"'three'\", \"'three'\")"
    )


def test_inputs_are_remembered(kernel: Kernel) -> None:
    """_i, _ii and _iii are the inputs before this one; In ends with this one."""
    for code in ("'one'", "'two'", "'three'"):
        kernel.run(code)
    assert kernel.run("(_i, _ii, _iii, In[-1][:7])").result == ("""("'three'", "'two'", "'one'", '(_i, _i')""")


def test_a_hidden_result_is_remembered(kernel: Kernel) -> None:
    """A value that a semicolon hides is still _, as people expect it from notebooks."""
    kernel.run("'seen'")
    kernel.run("'hidden';")
    assert kernel.run("_").result in ("'seen'", "'hidden'")


def test_a_future_import_holds_for_later_cells(fresh: Kernel) -> None:
    """As in the REPL, `from __future__` in one cell is in force in the next."""
    fresh.run("def before(x: 1 + 1): pass")
    fresh.run("from __future__ import annotations")
    fresh.run("def after(x: no_such_name): pass")
    assert fresh.run("(before.__annotations__, after.__annotations__)").result == ("({'x': 2}, {'x': 'no_such_name'})")


def test_a_cell_pasted_with_its_indent_runs(kernel: Kernel) -> None:
    """A block copied from inside a function loses its common indent."""
    assert kernel.run("    x = 3\n    if x:\n        x += 1\n    x").result == "4"


def test_main_is_the_namespace(kernel: Kernel) -> None:
    """globals(), __main__.__dict__ and a function's __globals__ are one dict."""
    code = "import sys\ndef f(): pass\n(globals() is f.__globals__, globals() is sys.modules['__main__'].__dict__)"
    assert kernel.run(code).result == "(True, True)"


# ---------------------------------------------------------------- user_expressions


def test_user_expressions_are_bundles(kernel: Kernel) -> None:
    """Each expression has its own bundle, evaluated after the cell."""
    result = kernel.run("ue = 20", user_expressions={"sum": "ue + 1", "text": "str(ue)"})
    assert result.reply["user_expressions"] == {
        "sum": {"status": "ok", "data": {"text/plain": "21"}, "metadata": {}},
        "text": {"status": "ok", "data": {"text/plain": "'20'"}, "metadata": {}},
    }


def test_a_failing_user_expression_is_an_error_of_its_own(kernel: Kernel) -> None:
    """One expression that fails costs neither the cell nor the others."""
    result = kernel.run("1", user_expressions={"bad": "1/0", "worse": "(", "good": "2"})
    found = result.reply["user_expressions"]
    assert result.reply["status"] == "ok"
    assert [found[key]["status"] for key in ("bad", "worse", "good")] == ["error", "error", "ok"]
    assert (found["bad"]["ename"], found["worse"]["ename"]) == ("ZeroDivisionError", "SyntaxError")
    assert all(found["bad"][key] for key in ("evalue", "traceback"))


def test_user_expressions_are_not_evaluated_after_a_failure(kernel: Kernel) -> None:
    """A failing cell leaves its expressions alone."""
    kernel.run("evaluated = []")
    result = kernel.run("1/0", user_expressions={"x": "evaluated.append(1)"})
    assert not result.reply.get("user_expressions")
    assert kernel.run("evaluated").result == "[]"


# ---------------------------------------------------------------- stop_on_error


def failing(kernel: Kernel, **content: bool) -> Result:
    """A cell that will fail: see `fail`."""
    return kernel.execute("input(); 1/0", **content)


def fail(kernel: Kernel, cell: Result) -> Result:
    """Let it fail, now that the kernel has what was sent behind it."""
    kernel.request("kernel_info_request", {})  # answered: what was sent before it on shell is in the queue
    return kernel.finish(cell, [""])


def test_cells_queued_behind_a_failure_are_aborted(kernel: Kernel) -> None:
    """What was queued when a cell failed is replied to as aborted and does not run."""
    kernel.run("ran = []")
    results = [failing(kernel)]
    results += [kernel.execute(f"ran.append({n})") for n in range(3)]
    fail(kernel, results[0])
    statuses = [kernel.finish(result).reply["status"] for result in results]
    assert statuses == ["error", "aborted", "aborted", "aborted"]
    assert kernel.run("ran").result == "[]"


def test_an_aborted_cell_has_busy_idle_and_nothing_else(kernel: Kernel) -> None:
    """iopub shows no input and no error for a cell that was not run."""
    first = failing(kernel)
    result = kernel.execute("print('never')")
    fail(kernel, first)
    kernel.finish(result)
    assert (result.states, result.outputs, result.of_type("execute_input")) == (["busy", "idle"], [], [])


def test_aborted_cells_do_not_count(kernel: Kernel) -> None:
    """The cell after an aborted one has the next number."""
    first = failing(kernel)
    queued = kernel.execute("1")
    count = fail(kernel, first).reply["execution_count"]
    assert kernel.finish(queued).reply["status"] == "aborted"
    assert kernel.run("1").reply["execution_count"] == count + 1


def test_a_cell_sent_blindly_after_a_failure_is_aborted(kernel: Kernel) -> None:
    """Run All with a fast failure: what left the client before it could see the failure is aborted."""
    first = kernel.execute("1/0")
    kernel.until(lambda: first.of_type("error"), "the failure")
    # Its date says that it left while the failing cell ran, though it arrives after the end.
    sent = next(m for m in first.messages).parent_header["date"]
    blind = kernel.execute("2", header={"date": sent})
    assert kernel.finish(blind).reply["status"] == "aborted"
    assert kernel.finish(first).reply["status"] == "error"


def test_a_cell_sent_after_the_failure_was_seen_runs(kernel: Kernel) -> None:
    """However soon it follows, a cell sent after the error reply was read is not aborted."""
    for _ in range(20):
        assert kernel.run("1/0").reply["status"] == "error"
        assert kernel.run("5").reply["status"] == "ok"


def test_stop_on_error_false_lets_the_queue_go_on(kernel: Kernel) -> None:
    """A cell that fails with stop_on_error=False aborts nothing."""
    first = failing(kernel, stop_on_error=False)
    following = kernel.execute("2")
    assert fail(kernel, first).reply["status"] == "error"
    assert kernel.finish(following).reply["status"] == "ok"


def test_other_requests_survive_a_failure(kernel: Kernel) -> None:
    """Only cells are aborted: completion and kernel_info behind a failing cell are answered."""
    first = failing(kernel)
    assert kernel.request("complete_request", {"code": "prin", "cursor_pos": 4}).reply["status"] == "ok"
    assert fail(kernel, first).reply["status"] == "error"


def test_queued_cells_run_in_order(kernel: Kernel) -> None:
    """Cells run in the order in which they were sent, one at a time."""
    kernel.run("order = []")
    results = [kernel.execute(f"order.append({n})") for n in range(50)]
    counts = [kernel.finish(result).reply["execution_count"] for result in results]
    assert counts == list(range(counts[0], counts[0] + 50))
    assert kernel.run("order == list(range(50))").result == "True"


# ---------------------------------------------------------------- payloads


def test_page_is_a_payload(kernel: Kernel) -> None:
    """`len?` asks the frontend for its pager and prints nothing."""
    result = kernel.run("len?")
    (payload,) = result.reply["payload"]
    assert (payload["source"], payload["start"], result.outputs) == ("page", 0, [])
    assert "number of items" in payload["data"]["text/plain"]


def test_a_cell_pages_a_text(kernel: Kernel) -> None:
    """holdfast.page() shows a text in the pager."""
    (payload,) = kernel.run("import holdfast; holdfast.page('a long text')").reply["payload"]
    assert payload == {"source": "page", "data": {"text/plain": "a long text"}, "start": 0}


def test_set_next_input_is_a_payload(kernel: Kernel) -> None:
    """A cell can put text into the next one."""
    result = kernel.run("from holdfast import cell\ncell.set_next_input('x = 1')")
    assert result.reply["payload"] == [{"source": "set_next_input", "text": "x = 1", "replace": False}]


def test_payloads_are_of_one_cell(kernel: Kernel) -> None:
    """What one cell asked the frontend is not repeated for the next."""
    kernel.run("len?")
    assert kernel.run("1").reply["payload"] == []


@pytest.mark.parametrize("name", ["exit", "quit"])
def test_exit_without_a_call_explains(kernel: Kernel, name: str) -> None:
    """The bare names say how to leave."""
    assert f"{name}()" in str(kernel.run(name).result)


@pytest.mark.parametrize("code", ["exit()", "quit()"])
def test_exit_asks_the_frontend_to_leave(fresh: Kernel, code: str) -> None:
    """exit() and quit() end the cell well, say ask_exit, and end the kernel."""
    result = fresh.run(code)
    assert (result.reply["status"], result.reply["payload"]) == ("ok", [{"source": "ask_exit", "keepkernel": False}])
    assert fresh.process.wait() == 0


def test_system_exit_is_an_error_of_the_cell(kernel: Kernel) -> None:
    """`sys.exit()` in a cell does not end the kernel."""
    assert kernel.run("import sys; sys.exit(3)").reply["ename"] == "SystemExit"
    assert kernel.run("1").result == "1"
