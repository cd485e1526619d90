"""What the requests besides execute are answered with, by a real kernel."""

from __future__ import annotations

import platform

import pytest

from helpers.kernel import Kernel


def test_kernel_info_says_who_we_are(kernel: Kernel) -> None:
    """Protocol, implementation, language and features, the same on shell and on control (JEP 80)."""
    reply = kernel.request("kernel_info_request", {}).reply
    assert (reply["status"], reply["implementation"], reply["protocol_version"]) == ("ok", "holdfast", "5.5")
    language = reply["language_info"]
    assert (language["name"], language["version"]) == ("python", platform.python_version())
    assert (language["file_extension"], language["mimetype"]) == (".py", "text/x-python")
    # A console imports IPython for the lexer `ipython3`.
    assert language["pygments_lexer"] == "python3"
    assert reply["banner"]
    assert "kernel subshells" in reply["supported_features"]
    assert kernel.request("kernel_info_request", {}, "control").reply == reply


def test_headers_say_the_same_version(kernel: Kernel) -> None:
    """Every message carries the protocol version that kernel_info announces, and an aware date."""
    from datetime import datetime

    result = kernel.run("print(1)")
    assert {m.header["version"] for m in result.messages} == {"5.5"}
    assert all(datetime.fromisoformat(m.header["date"]).tzinfo for m in result.messages)
    ids = [m.header["msg_id"] for m in kernel.arrived]
    assert len(set(ids)) == len(ids)


def test_usage_is_measured(kernel: Kernel) -> None:
    """usage_reply holds what jupyter-resource-usage reads."""
    reply = kernel.request("usage_request", {}, "control").reply
    assert reply["pid"] == kernel.process.pid
    assert reply["kernel_memory"] > 10_000_000
    assert {"hostname", "kernel_cpu", "host_cpu_percent", "cpu_count", "host_virtual_memory"} <= reply.keys()
    assert reply["host_virtual_memory"]["total"] > reply["kernel_memory"]


def test_completion_brings_types(kernel: Kernel) -> None:
    """Each match has its type, index by index, in the metadata that JupyterLab reads."""
    kernel.run("def completed_function(): pass\ncompleted_number = 5")
    reply = kernel.request("complete_request", {"code": "x = completed_", "cursor_pos": 14}).reply
    assert (reply["status"], reply["cursor_start"], reply["cursor_end"]) == ("ok", 4, 14)
    types = reply["metadata"]["_jupyter_types_experimental"]
    assert [entry["text"] for entry in types] == reply["matches"]
    by_name = {entry["text"]: entry["type"] for entry in types}
    assert by_name["completed_function"] == "function"
    assert "completed_number" in by_name


def test_cursor_positions_count_code_points(kernel: Kernel) -> None:
    """A cursor behind characters outside the basic plane is where the client means it."""
    code = "'\U0001f600\u2603'; le"
    reply = kernel.request("complete_request", {"code": code, "cursor_pos": len(code)}).reply
    assert (reply["cursor_start"], reply["cursor_end"]) == (len(code) - 2, len(code))
    assert "len" in reply["matches"]


@pytest.mark.parametrize(("level", "shown"), [(0, False), (1, True)])
def test_inspection_has_two_levels(kernel: Kernel, level: int, shown: bool) -> None:
    """Level 1 shows the source of a function of a cell, level 0 its signature and docstring."""
    kernel.run("def inspected(first, second=2):\n    'What it does.'\n    return first  # its source")
    content = {"code": "inspected", "cursor_pos": 4, "detail_level": level}
    reply = kernel.request("inspect_request", content).reply
    text = reply["data"]["text/plain"]
    assert reply["found"]
    assert "first, second=2" in text
    assert ("# its source" in text) is shown


def test_inspecting_nothing_finds_nothing(kernel: Kernel) -> None:
    """A name that is not there is not found, and that is ok."""
    reply = kernel.request("inspect_request", {"code": "no_such_name", "cursor_pos": 3, "detail_level": 0}).reply
    assert (reply["status"], reply["found"]) == ("ok", False)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("1", "complete"),
        ("if 1:", "incomplete"),
        ("(", "incomplete"),
        (")", "invalid"),
        ("x = 'a", "invalid"),
        ("", "complete"),
    ],
)
def test_completeness_is_told(kernel: Kernel, code: str, status: str) -> None:
    """is_complete says what a console should do, with the indent where it goes on."""
    reply = kernel.request("is_complete_request", {"code": code}).reply
    assert reply["status"] == status
    assert ("indent" in reply) == (status == "incomplete")


def test_the_indent_follows_the_block(kernel: Kernel) -> None:
    """The indent of an incomplete block is the one of its next line."""
    assert kernel.request("is_complete_request", {"code": "if 1:\n    for x in y:"}).reply["indent"] == " " * 8


# ---------------------------------------------------------------- history


def _history(kernel: Kernel, **content: object) -> list[list[object]]:
    whole = {"output": False, "raw": True, **content}
    return list(kernel.request("history_request", whole).reply["history"])


def test_the_tail_of_the_history(kernel: Kernel) -> None:
    """The newest inputs, oldest first, numbered as the cells were."""
    counts = [kernel.run(f"'tail {n}'").reply["execution_count"] for n in range(3)]
    found = _history(kernel, hist_access_type="tail", n=3)
    assert [entry[1:] for entry in found] == [[count, f"'tail {n}'"] for n, count in enumerate(counts)]


def test_the_history_with_outputs(kernel: Kernel) -> None:
    """With output=True an entry pairs the input with the text of its result, or None."""
    kernel.run("6 * 7")
    kernel.run("x = 1")
    found = _history(kernel, hist_access_type="tail", n=2, output=True)
    assert [entry[2] for entry in found] == [["6 * 7", "42"], ["x = 1", None]]


def test_a_range_of_the_history(kernel: Kernel) -> None:
    """A range of the session that the tail names; session 0 is the present one."""
    counts = [kernel.run(f"'range {n}'").reply["execution_count"] for n in range(3)]
    session = _history(kernel, hist_access_type="tail", n=1)[0][0]
    for named in (session, 0):
        found = _history(kernel, hist_access_type="range", session=named, start=counts[0], stop=counts[2])
        assert [entry[2] for entry in found] == ["'range 0'", "'range 1'"]


def test_a_search_of_the_history(kernel: Kernel) -> None:
    """A glob over all inputs; `unique` keeps the newest of equal ones, `n` the last ones."""
    for code in ("'needle 1'", "'needle 2'", "'needle 1'"):
        kernel.run(code)
    found = _history(kernel, hist_access_type="search", pattern="'needle*")
    assert [entry[2] for entry in found] == ["'needle 1'", "'needle 2'", "'needle 1'"]
    unique = _history(kernel, hist_access_type="search", pattern="'needle*", unique=True)
    assert [entry[2] for entry in unique] == ["'needle 2'", "'needle 1'"]
    assert [entry[2] for entry in _history(kernel, hist_access_type="search", pattern="'needle*", n=1)] == [
        "'needle 1'"
    ]


def test_history_holds_the_raw_text(kernel: Kernel) -> None:
    """Magics are kept as they were typed."""
    kernel.run("len?")
    assert _history(kernel, hist_access_type="tail", n=1)[0][2] == "len?"
