"""What the kernel answers while a cell holds the main thread (promise P8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
import zmq

from helpers.kernel import Kernel, Result

ASKED: list[tuple[str, Mapping[str, object]]] = [
    ("kernel_info_request", {}),
    ("complete_request", {"code": "long_name_of_", "cursor_pos": 13}),
    ("inspect_request", {"code": "len", "cursor_pos": 3, "detail_level": 0}),
    ("is_complete_request", {"code": "for x in y:"}),
    ("history_request", {"hist_access_type": "tail", "n": 3, "raw": True, "output": False}),
    ("comm_info_request", {}),
    ("connect_request", {}),
    ("usage_request", {}),
    ("list_subshell_request", {}),
]

# A blocking call that holds the main thread and lets other threads run, and a loop of pure Python.
CELLS = {
    "sleep": "import time\nprint('ready')\ntime.sleep(60)",
    "loop": "print('ready')\nwhile True: pass",
    "await": "import asyncio\nprint('ready')\nawait asyncio.sleep(60)",
}


@pytest.fixture(params=sorted(CELLS))
def running(request: pytest.FixtureRequest, kernel: Kernel) -> Iterator[Result]:
    """A cell that runs until the end of the test."""
    kernel.run("long_name_of_a_variable = 1")
    result = kernel.start(CELLS[request.param])
    yield result
    assert not result.is_done, "the cell ended before the test did"
    kernel.interrupt()
    kernel.finish(result)


@pytest.mark.parametrize("channel", ["shell", "control"])
@pytest.mark.parametrize(("msg_type", "content"), ASKED, ids=[name for name, _ in ASKED])
def test_a_request_is_answered_beside_a_cell(
    kernel: Kernel, running: Result, msg_type: str, content: Mapping[str, object], channel: str
) -> None:
    """The reply comes while the cell runs, ok, on the channel of the request."""
    assert kernel.request(msg_type, content, channel).reply["status"] in ("ok", "incomplete")


def test_completion_knows_the_namespace_of_a_busy_kernel(kernel: Kernel, running: Result) -> None:
    """Completion beside a cell sees the variables of the cells before it."""
    reply = kernel.request("complete_request", {"code": "long_name_of_", "cursor_pos": 13}).reply
    assert "long_name_of_a_variable" in reply["matches"]


def test_inspection_knows_the_namespace_of_a_busy_kernel(kernel: Kernel, running: Result) -> None:
    """Inspection beside a cell describes what the cells before it bound."""
    reply = kernel.request("inspect_request", {"code": "long_name_of_a_variable", "cursor_pos": 5}).reply
    assert reply["found"]


def test_history_holds_the_running_cell(kernel: Kernel, running: Result) -> None:
    """The cell that runs is the newest entry of the history."""
    content = {"hist_access_type": "tail", "n": 1, "raw": True, "output": False}
    code = running.of_type("execute_input")[0].content["code"]
    assert kernel.request("history_request", content).reply["history"][0][2] == code


def test_iopub_says_busy_again_for_the_running_cell(kernel: Kernel, running: Result) -> None:
    """A request beside a cell has its own busy and idle; then the cell's busy follows, so that nobody sees idle.

    None is suppressed: a server that connects asks for kernel_info and waits for its idle on iopub.
    """
    for msg_type, content in ASKED:
        at = len(kernel.arrived)
        beside = kernel.request(msg_type, content)
        kernel.until(
            lambda at=at: [  # type: ignore[misc]
                m for m in kernel.arrived[at:] if (m.parent, m.msg_type) == (running.msg_id, "status")
            ],
            "busy of the running cell",
        )
        states = [
            (m.parent == beside.msg_id, m.content["execution_state"])
            for m in kernel.arrived[at:]
            if m.msg_type == "status"
        ]
        assert states == [(True, "busy"), (True, "idle"), (False, "busy")], msg_type


def test_a_second_client_is_welcomed_by_a_busy_kernel(kernel: Kernel, running: Result) -> None:
    """A client that connects during a cell gets its welcome, kernel_info, busy and idle."""
    other = kernel.another_client()
    try:
        assert other.request("kernel_info_request", {}).states == ["busy", "idle"]
    finally:
        other.close()


def test_a_queued_cell_stays_queued(kernel: Kernel) -> None:
    """Requests overtake queued cells; the cells do not start before their turn."""
    running = kernel.start(CELLS["sleep"], stop_on_error=False)
    queued = kernel.execute("'my turn'")
    kernel.request("complete_request", {"code": "le", "cursor_pos": 2})
    assert queued.messages == []
    kernel.interrupt()
    assert kernel.finish(running).reply["status"] == "error"
    assert kernel.finish(queued).result == "'my turn'"


def test_many_requests_beside_a_cell_are_all_answered(kernel: Kernel, running: Result) -> None:
    """Fifty requests at once have fifty replies."""
    sent = [kernel.send("complete_request", {"code": "import o", "cursor_pos": 8}) for _ in range(25)]
    sent += [kernel.send("history_request", {"hist_access_type": "tail", "n": 1}) for _ in range(25)]
    assert [kernel.finish(result).reply["status"] for result in sent] == ["ok"] * 50


def test_a_second_client_is_told_the_state(kernel: Kernel, running: Result) -> None:
    """Its subscription alone is enough to learn that a cell runs."""
    assert told(kernel) == "busy"
    assert not running.is_done


def test_a_client_of_an_idle_kernel_is_told_the_state(kernel: Kernel) -> None:
    """JupyterLab would say "Unknown" after an automatic restart until a cell runs."""
    assert told(kernel) == "idle"


def told(kernel: Kernel) -> str:
    """The state that a new client is told without a question; it has no parent."""
    client = kernel.another_client()
    try:
        found = client.until(lambda: [m for m in client.arrived if m.msg_type == "status"], "a status")
        assert found[0].parent_header == {}
        return str(found[0].content["execution_state"])
    finally:
        client.close()


def test_the_heartbeat_beats_beside_a_cell(kernel: Kernel, running: Result) -> None:
    """The heartbeat echoes while the main thread is held."""
    assert heartbeat(kernel, b"beat") == b"beat"


def test_the_heartbeat_needs_no_gil(kernel: Kernel) -> None:
    """The heartbeat echoes while C code holds the interpreter's lock, and everything else waits."""
    # PyDLL keeps the lock during the call, as a badly written extension does.
    code = "import ctypes\nprint('ready')\nctypes.PyDLL(None).usleep(1_500_000)"
    result = kernel.start(code)
    for n in range(3):
        assert heartbeat(kernel, b"%d" % n) == b"%d" % n
    assert not result.is_done
    kernel.finish(result)


def heartbeat(kernel: Kernel, beat: bytes) -> bytes:
    """What comes back for one beat."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    try:
        socket = context.socket(zmq.REQ)
        socket.linger = 0
        socket.connect(kernel.address("hb"))
        socket.send(beat)
        assert socket.poll(60_000), "no echo"
        return socket.recv()
    finally:
        context.destroy(linger=0)
