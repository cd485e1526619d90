"""Comms: messages between objects of the user's and their twins in the frontend."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.kernel import Kernel, Result, wait_for
from helpers.lives import Lives

ECHO = """
import comm
def opened(c, msg):
    @c.on_msg
    def _(m):
        print('got', m['content']['data'])
        c.send({'echo': m['content']['data']}, buffers=[bytes(b) for b in m['buffers']])
    c.send({'hello': msg['content']['data']})
comm.get_comm_manager().register_target('echo', opened)
"""


@pytest.fixture
def echo(kernel: Kernel) -> str:
    """The id of a comm that the frontend opened to a target that echoes."""
    kernel.run(ECHO)
    comm_id = secrets.token_hex(8)
    opened = kernel.send("comm_open", {"comm_id": comm_id, "target_name": "echo", "data": {"n": 1}})
    kernel.until(lambda: opened.states == ["busy", "idle"], "the comm to open")
    assert [m.content["data"] for m in opened.of_type("comm_msg")] == [{"hello": {"n": 1}}]
    return comm_id


def test_the_frontend_opens_a_comm(kernel: Kernel, echo: str) -> None:
    """An opened comm is listed with its target."""
    comms = kernel.request("comm_info_request", {}).reply["comms"]
    assert comms[echo] == {"target_name": "echo"}


def test_comms_are_listed_by_target(kernel: Kernel, echo: str) -> None:
    """comm_info with a target lists that one only."""
    assert echo in kernel.request("comm_info_request", {"target_name": "echo"}).reply["comms"]
    assert kernel.request("comm_info_request", {"target_name": "other"}).reply["comms"] == {}


def test_a_message_reaches_its_callback(kernel: Kernel, echo: str) -> None:
    """Data and buffers travel both ways, between busy and idle of the message."""
    sent = kernel.send("comm_msg", {"comm_id": echo, "data": {"x": [1, None]}}, buffers=[b"\x00\x01"])
    kernel.until(lambda: sent.states == ["busy", "idle"], "idle of the comm message")
    kernel.until(lambda: sent.stdout, "what the callback printed")
    (answer,) = sent.of_type("comm_msg")
    assert answer.content == {"comm_id": echo, "data": {"echo": {"x": [1, None]}}}
    assert answer.buffers == [b"\x00\x01"]
    assert sent.stdout == "got {'x': [1, None]}\n"


def test_a_closed_comm_is_gone(kernel: Kernel, echo: str) -> None:
    """comm_close from the frontend takes the comm off the list."""
    closed = kernel.send("comm_close", {"comm_id": echo, "data": {}})
    kernel.until(lambda: closed.states == ["busy", "idle"], "idle of the close")
    assert echo not in kernel.request("comm_info_request", {}).reply["comms"]


def test_an_unknown_target_is_closed(kernel: Kernel) -> None:
    """A comm to a target that nobody registered is answered with comm_close."""
    opened = kernel.send("comm_open", {"comm_id": "nobody", "target_name": "no such target", "data": {}})
    kernel.until(lambda: opened.states == ["busy", "idle"], "idle of the open")
    assert [m.content["comm_id"] for m in opened.of_type("comm_close")] == ["nobody"]
    assert "nobody" not in kernel.request("comm_info_request", {}).reply["comms"]


def test_an_unknown_comm_is_harmless(kernel: Kernel) -> None:
    """A message or a close for a comm that is not there has busy and idle, and breaks nothing."""
    for msg_type in ("comm_msg", "comm_close"):
        sent = kernel.send(msg_type, {"comm_id": "no such comm", "data": {}})
        kernel.until(lambda sent=sent: sent.states == ["busy", "idle"], f"idle of {msg_type}")  # type: ignore[misc]
    assert kernel.run("1").result == "1"


def test_a_failing_callback_is_shown(kernel: Kernel) -> None:
    """An exception in a callback is shown below the message; the comm and the kernel live."""
    kernel.run(
        "import comm\ndef broken(c, msg):\n    c.on_msg(lambda m: 1 / 0)\n"
        "comm.get_comm_manager().register_target('broken', broken)"
    )
    kernel.send("comm_open", {"comm_id": "b", "target_name": "broken", "data": {}})
    sent = kernel.send("comm_msg", {"comm_id": "b", "data": {}})
    kernel.until(lambda: sent.states == ["busy", "idle"], "idle of the comm message")
    kernel.until(lambda: "ZeroDivisionError" in sent.stderr, "the traceback")
    assert "b" in kernel.request("comm_info_request", {}).reply["comms"]


def test_a_failing_target_is_closed(kernel: Kernel) -> None:
    """A target whose callback raises on open has its comm closed."""
    kernel.run("import comm\ncomm.get_comm_manager().register_target('bad', lambda c, m: 1 / 0)")
    opened = kernel.send("comm_open", {"comm_id": "bad comm", "target_name": "bad", "data": {}})
    kernel.until(lambda: opened.states == ["busy", "idle"], "idle of the open")
    assert "bad comm" not in kernel.request("comm_info_request", {}).reply["comms"]


def test_a_cell_opens_a_comm(kernel: Kernel) -> None:
    """comm.create_comm publishes comm_open, send comm_msg, close comm_close; all children of the cell."""
    result = kernel.run(
        "import comm\nc = comm.create_comm(target_name='t', data={'a': 1})\nc.send({'b': 2})\nc.close()"
    )
    assert [m.msg_type for m in result.of_type("comm_open", "comm_msg", "comm_close")] == [
        "comm_open",
        "comm_msg",
        "comm_close",
    ]
    opened = result.of_type("comm_open")[0].content
    assert (opened["target_name"], opened["data"]) == ("t", {"a": 1})


def test_an_answer_reaches_a_comm_of_a_cell(kernel: Kernel) -> None:
    """The frontend's messages to a comm that a cell opened reach its on_msg."""
    opened = kernel.run(
        "import comm\nheard = []\nc = comm.create_comm(target_name='t')\n"
        "c.on_msg(lambda m: heard.append(m['content']['data']))"
    )
    comm_id = opened.of_type("comm_open")[0].content["comm_id"]
    kernel.send("comm_msg", {"comm_id": comm_id, "data": {"from": "frontend"}})
    assert kernel.run("heard").result == "[{'from': 'frontend'}]"


def test_a_callback_sees_what_cells_bound(kernel: Kernel, echo: str) -> None:
    """Callbacks run in the context of the cells: context variables set by cells are visible."""
    kernel.run(
        "import contextvars\nvar = contextvars.ContextVar('var', default='unset'); var.set('set')\nseen = []\n"
        "import comm\ncomm.get_comm_manager().register_target('ctx', lambda c, m: seen.append(var.get()))"
    )
    kernel.send("comm_open", {"comm_id": "ctx", "target_name": "ctx", "data": {}})
    assert kernel.run("seen").result == "['set']"


def test_comm_messages_are_handled_during_an_await(kernel: Kernel, echo: str) -> None:
    """A cell that awaits does not keep widgets waiting; their output is not the cell's."""
    running = kernel.start("import asyncio\nstop = asyncio.Event()\nprint('ready')\nawait stop.wait()\nprint('ended')")
    sent = kernel.send("comm_msg", {"comm_id": echo, "data": 5})
    kernel.until(lambda: sent.of_type("comm_msg"), "the echo during the await")
    assert not running.is_done
    kernel.interrupt()
    assert kernel.finish(running).reply["status"] == "error"
    assert "got" not in running.stdout


WAITS = "import asyncio\nstop = asyncio.Event()\nprint('ready')\nawait stop.wait()\nprint('ended')"
BLOCKS = "import threading\nrelease = threading.Event()\nprint('ready')\nrelease.wait(60) or 'nobody came'"


def _open(kernel: Kernel, target: str, subshell: str | None = None) -> Result:
    """A comm that the frontend opens to `target`, in a subshell as JupyterLab does; its callbacks have run."""
    header = {"subshell_id": subshell} if subshell else {}
    content = {"comm_id": secrets.token_hex(8), "target_name": target, "data": {}}
    opened = kernel.send("comm_open", content, header=header)
    kernel.until(lambda: opened.states == ["busy", "idle"], "the comm to open")
    return opened


def _target(kernel: Kernel, name: str, body: str) -> None:
    """Register a target whose callback runs `body`."""
    registered = f"comm.get_comm_manager().register_target({name!r}, {name})"
    kernel.run(f"import comm, threading\ndef {name}(c, m):\n    {body}\n{registered}")


@pytest.fixture
def subshell(kernel: Kernel) -> Iterator[str]:
    """A subshell, as JupyterLab makes one for comms."""
    name = str(kernel.request("create_subshell_request", {}, "control").reply["subshell_id"])
    yield name
    kernel.request("delete_subshell_request", {"subshell_id": name}, "control")


def test_a_cell_that_awaited_beside_a_message_keeps_its_own_output(kernel: Kernel) -> None:
    """What it prints after a callback has run is below the cell again."""
    _target(kernel, "go", "print('going'); stop.set()")
    running = kernel.start(WAITS)
    opened = _open(kernel, "go")
    assert kernel.finish(running).stdout == "ready\nended\n"
    assert opened.stdout == "going\n"


def test_a_message_to_a_subshell_wakes_the_cell_that_awaits_it(kernel: Kernel, subshell: str) -> None:
    """Its callback runs on the main thread, so that what belongs to the loop may be used in it."""
    _target(kernel, "wake", "seen = threading.current_thread() is threading.main_thread(); print(seen); stop.set()")
    running = kernel.start(WAITS)
    opened = _open(kernel, "wake", subshell)
    assert kernel.finish(running).stdout == "ready\nended\n"
    assert opened.stdout == "True\n"


def test_a_message_to_a_subshell_comes_through_a_blocking_cell(kernel: Kernel, subshell: str) -> None:
    """Where a cell blocks the main thread, the subshell's own serves it; its output is not the cell's."""
    _target(kernel, "free", "print(threading.current_thread() is threading.main_thread()); release.set()")
    running = kernel.start(BLOCKS)
    opened = _open(kernel, "free", subshell)
    assert kernel.finish(running).result == "True"
    assert (running.stdout, opened.stdout) == ("ready\n", "False\n")


def test_messages_to_a_subshell_keep_their_order(kernel: Kernel, subshell: str) -> None:
    """Also when a cell that blocks the main thread begins and ends between them."""
    _target(kernel, "note", "noted.append(m['content']['data'])")
    kernel.run("noted = []")
    running = kernel.start(BLOCKS)
    for number in range(20):
        content = {"comm_id": secrets.token_hex(8), "target_name": "note", "data": number}
        last = kernel.send("comm_open", content, header={"subshell_id": subshell})
        if number == 10:
            kernel.run("release.set()", header={"subshell_id": subshell})
    kernel.finish(running)
    kernel.until(lambda: last.states == ["busy", "idle"], "the last message")
    assert kernel.run("noted == list(range(20)), len(noted)").result == "(True, 20)"


def test_a_callback_in_a_subshell_may_take_its_time(kernel: Kernel, subshell: str) -> None:
    """A cell that comes meanwhile waits for it: one thing at a time happens on the main thread."""
    _target(kernel, "slow", "print('begun', flush=True); done.wait(60); order.append('callback')")
    kernel.run("order = []; done = threading.Event()")
    content = {"comm_id": secrets.token_hex(8), "target_name": "slow", "data": {}}
    sent = kernel.send("comm_open", content, header={"subshell_id": subshell})
    kernel.until(lambda: sent.stdout, "the callback to begin")
    cell = kernel.execute("order.append('cell')")
    other = str(kernel.request("create_subshell_request", {}, "control").reply["subshell_id"])
    kernel.run("done.set()", header={"subshell_id": other})
    kernel.request("delete_subshell_request", {"subshell_id": other}, "control")
    kernel.finish(cell)
    assert kernel.run("order").result == "['callback', 'cell']"


def test_comm_messages_keep_their_place_behind_cells(kernel: Kernel, echo: str) -> None:
    """A message sent after a queued cell is handled after that cell."""
    kernel.run(
        "happened = []\nimport comm\n"
        "comm.get_comm_manager().register_target('log', lambda c, m: happened.append(m['content']['comm_id']))"
    )
    first = kernel.execute("input(); happened.append('first cell')")
    kernel.execute("happened.append('second cell')")
    kernel.send("comm_open", {"comm_id": "then the comm", "target_name": "log", "data": {}})
    kernel.request("kernel_info_request", {})  # answered: what was sent before it on shell is in the queue
    kernel.finish(first, [""])
    assert kernel.run("happened").result == "['first cell', 'second cell', 'then the comm']"


def test_a_silent_cell_may_use_comms(kernel: Kernel) -> None:
    """What a silent cell does to comms is not output, and reaches the frontend."""
    result = kernel.run("import comm; comm.create_comm(target_name='quiet')", silent=True)
    assert [m.msg_type for m in result.outputs] == ["comm_open"]


COUNTS = """
import comm
seen = []
c = comm.create_comm(target_name='slider')
c.on_msg(lambda m: seen.append(m['content']['data']))
'begun'
"""


def test_what_a_callback_changed_between_cells_survives(tmp_path: Path) -> None:
    """It is looked for soon after the message, though no cell follows; the comm itself is closed."""
    lives = Lives(tmp_path)
    with lives.kernel() as kernel:
        comm_id = kernel.run(COUNTS).of_type("comm_open")[0].content["comm_id"]
        wait_for(lambda: lives.log()[-1].status == "audit", "the end of the cell's audit")
        assert not lives.audited("seen")
        kernel.send("comm_msg", {"comm_id": comm_id, "data": 7})
        wait_for(lambda: lives.audited("seen"), "the commit of what the callback changed")
        lives.kill(kernel)
    with lives.kernel() as kernel:
        assert kernel.run("seen").result == "[7]"
        sent = kernel.send("comm_msg", {"comm_id": comm_id, "data": 8})
        kernel.until(lambda: sent.states == ["busy", "idle"], "the answer")
        assert [message.content["comm_id"] for message in sent.of_type("comm_close")] == [comm_id]


def test_the_banner_says_that_widgets_are_gone(tmp_path: Path) -> None:
    """What a page shows of a kernel that died moves no more."""
    lives = Lives(tmp_path)
    with lives.kernel() as kernel:
        kernel.run(COUNTS)
        [mark] = lives.home.glob("sessions/*/running")
        wait_for(lambda: b"widgets" in mark.read_bytes(), "the note of the comm")
        lives.kill(kernel)
    with lives.kernel() as kernel:
        [banner] = kernel.run("1").of_type("display_data")
        lines = banner.content["data"]["text/plain"].splitlines()
        assert "widgets do not come back by themselves: run the cells that show them again" in lines
        assert "1 could not be kept: c (%session why)" in lines[0]
