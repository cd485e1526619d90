"""The debugger as frontends use it: `debug_request` on control, `debug_event` on iopub, a real debugpy behind them."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from helpers.kernel import Json, Kernel, Result, wait_for

FUNCTION = """def f(n):
    m = n + 1
    return m

r = f(41)
print('r', r)"""
THREAD = """import threading
def work():
    x = 3
t = threading.Thread(target=work, name='mine')
t.start(); t.join(); 3"""
FORK = """import os
def child():
    os._exit(7)
pid = os.fork()
if not pid:
    child()
os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])"""


class Frontend:
    """Speaks the Debug Adapter Protocol to one kernel, as JupyterLab does."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self._seq = 0
        self._looked = 0

    def ask(self, command: str, **arguments: object) -> Json:
        """The whole answer to a request."""
        self._seq += 1
        content = {"type": "request", "seq": self._seq, "command": command, "arguments": arguments}
        reply = self.kernel.request("debug_request", content, "control").reply
        assert (reply["type"], reply["request_seq"], reply["command"]) == ("response", self._seq, command)
        return reply

    def get(self, command: str, **arguments: object) -> Any:
        """The body of the answer to a request that is served."""
        reply = self.ask(command, **arguments)
        assert reply["success"], reply
        return reply.get("body")

    def attach(self) -> None:
        """Turn the debugger on."""
        self.get("initialize", clientID="tests", adapterID="holdfast", pathFormat="path", linesStartAt1=True)
        self.get("attach")

    def stop_at(self, code: str, *lines: int) -> str:
        """Set breakpoints in a cell; the path of its file."""
        path: str = self.get("dumpCell", code=code)["sourcePath"]
        body = self.get("setBreakpoints", source={"path": path}, breakpoints=[{"line": line} for line in lines])
        assert [entry["verified"] for entry in body["breakpoints"]] == [True for _ in lines], body
        return path

    def events(self, kind: str) -> list[Json]:
        """The bodies of the events that have arrived since the test began."""
        found = [m for m in self.kernel.arrived if m.msg_type == "debug_event" and m.content["event"] == kind]
        return [message.content.get("body") or {} for message in found]

    def stopped(self) -> Json:
        """Wait for the next stop."""
        self._looked += 1
        self.kernel.until(lambda: len(self.events("stopped")) >= self._looked, f"stop number {self._looked}")
        return self.events("stopped")[self._looked - 1]

    def frames(self, thread: int) -> list[Json]:
        """The stack of a thread that stands still."""
        found: list[Json] = self.get("stackTrace", threadId=thread)["stackFrames"]
        return found

    def places(self, thread: int) -> list[tuple[str, int]]:
        """Function and line of each frame."""
        return [(frame["name"], frame["line"]) for frame in self.frames(thread)]

    def values(self, frame: Json, scope: str = "Locals") -> dict[str, str]:
        """The variables of a scope."""
        scopes = self.get("scopes", frameId=frame["id"])["scopes"]
        reference = next(entry["variablesReference"] for entry in scopes if entry["name"] == scope)
        return self.named(self.get("variables", variablesReference=reference))

    @staticmethod
    def named(body: Json) -> dict[str, str]:
        """Names and values."""
        return {variable["name"]: variable["value"] for variable in body["variables"]}


@pytest.fixture
def frontend(kernel: Kernel) -> Iterator[Frontend]:
    """The module's kernel with its debugger on."""
    frontend = Frontend(kernel)
    frontend.attach()
    yield frontend
    frontend.get("disconnect", restart=False, terminateDebuggee=False)


@pytest.fixture
def stopped(frontend: Frontend) -> Iterator[tuple[Frontend, Result, int]]:
    """A cell that stands in the first line of its function: (frontend, cell, thread)."""
    frontend.stop_at(FUNCTION, 2)
    cell = frontend.kernel.execute(FUNCTION)
    thread = frontend.stopped()["threadId"]
    yield frontend, cell, thread
    if not cell.is_done:
        frontend.get("continue", threadId=thread)
        frontend.kernel.finish(cell)


# ---------------------------------------------------------------- without a running debugger


def test_a_frontend_learns_how_cells_are_named(kernel: Kernel) -> None:
    """debugInfo has what it needs to find the cell of a file, and dumpCell and tracebacks agree with it."""
    frontend, code = Frontend(kernel), "def named():\n    1/0\nnamed.__code__.co_filename"
    info = frontend.get("debugInfo")
    path = frontend.get("dumpCell", code=code)["sourcePath"]
    assert (info["isStarted"], info["hashMethod"]) == (False, "Murmur2")
    assert path.startswith(info["tmpFilePrefix"])
    assert path.endswith(info["tmpFileSuffix"])
    assert kernel.run(code).result == repr(path)
    assert frontend.get("source", source={"path": path})["content"] == code
    assert Path(path).stat().st_mode & 0o777 == 0o600
    assert "Cell In" in kernel.run("named()").traceback


def test_variables_are_inspected_without_a_debugger(kernel: Kernel) -> None:
    """The user's names in one line each, their parts on demand; nothing of the kernel's among them."""
    kernel.run("class Point:\n    def __init__(self): self.x = [7]\nrow = {'k': (1, 2)}; point = Point(); _hidden = 1")
    frontend = Frontend(kernel)
    variables = {variable["name"]: variable for variable in frontend.get("inspectVariables")["variables"]}
    assert variables["row"]["value"] == "{'k': (1, 2)}"
    assert {"In", "Out", "_hidden", "exit", "input"}.isdisjoint(variables)
    parts = frontend.get("variables", variablesReference=variables["row"]["variablesReference"])
    assert frontend.named(parts) == {"'k'": "(1, 2)"}
    parts = frontend.get("variables", variablesReference=variables["point"]["variablesReference"])
    assert frontend.named(parts) == {"x": "[7]"}


def test_a_variable_is_shown_richly(kernel: Kernel) -> None:
    """As it would be displayed; a name that is not there has no representation."""
    kernel.run("class Red:\n    def _repr_html_(self): return '<b>red</b>'\nred = Red()")
    frontend = Frontend(kernel)
    assert frontend.get("richInspectVariables", variableName="red")["data"]["text/html"] == "<b>red</b>"
    assert frontend.get("richInspectVariables", variableName="absent_") == {"data": {}, "metadata": {}}


def test_modules_are_those_with_a_file(kernel: Kernel) -> None:
    """For the panel of the kernel's sources, a page at a time."""
    frontend = Frontend(kernel)
    body = frontend.get("modules")
    names = [module["name"] for module in body["modules"]]
    assert {"asyncio", "json"} < set(names)
    assert body["totalModules"] == len(names)
    assert frontend.get("modules", startModule=1, moduleCount=2)["modules"] == body["modules"][1:3]


@pytest.mark.parametrize("command", ["threads", "stackTrace", "evaluate", "setBreakpoints", "configurationDone"])
def test_what_needs_a_debugger_is_refused_without_one(kernel: Kernel, command: str) -> None:
    """An answer that says what to do, never silence."""
    reply = Frontend(kernel).ask(command)
    assert not reply["success"]
    assert "initialize" in reply["message"]


def test_an_unknown_request_is_refused(frontend: Frontend) -> None:
    """pydevd itself would not answer."""
    assert frontend.ask("wibble")["message"] == "the debugger knows no request 'wibble'"


# ---------------------------------------------------------------- a cell that stands still


def test_a_breakpoint_stops_the_cell(stopped: tuple[Frontend, Result, int]) -> None:
    """The stack has the user's frames only; their variables are there; continue ends the cell with its reply."""
    frontend, cell, thread = stopped
    info = frontend.get("debugInfo")
    frames = frontend.frames(thread)
    assert frontend.places(thread) == [("f", 2), ("<module>", 5)]
    assert frontend.values(frames[0]) == {"n": "41"}
    assert (info["isStarted"], info["stoppedThreads"]) == (True, [thread])
    assert info["breakpoints"] == [{"source": frames[0]["source"]["path"], "breakpoints": [{"line": 2}]}]
    assert all({"In", "Out", "_i"}.isdisjoint(frontend.values(frames[1], scope)) for scope in ("Locals", "Globals"))
    frontend.get("continue", threadId=thread)
    frontend.kernel.finish(cell)
    assert (cell.reply["status"], cell.stdout) == ("ok", "r 42\n")
    assert frontend.get("debugInfo")["stoppedThreads"] == []


def test_steps_stay_in_the_users_code(stopped: tuple[Frontend, Result, int]) -> None:
    """Next, out, in; over the last line the cell ends, and the next one does not stop."""
    frontend, cell, thread = stopped
    seen: list[tuple[str, int]] = []
    for command in ("next", "stepOut", "next", "next"):
        frontend.get(command, threadId=thread)
        if command != "next" or len(seen) < 3:
            frontend.stopped()
            seen.append(frontend.places(thread)[0])
    frontend.kernel.finish(cell)
    assert seen == [("f", 3), ("<module>", 5), ("<module>", 6)]
    assert frontend.kernel.run("x = 1\nx").result == "1"


def test_expressions_are_evaluated_in_the_frame(stopped: tuple[Frontend, Result, int]) -> None:
    """Values come back, variables can be set, and what was set in the notebook stays."""
    frontend, cell, thread = stopped
    frames = frontend.frames(thread)
    assert frontend.get("evaluate", expression="n * 2", frameId=frames[0]["id"], context="watch")["result"] == "82"
    frontend.get("evaluate", expression="made = 5", frameId=frames[1]["id"], context="repl")
    frontend.get("continue", threadId=thread)
    frontend.kernel.finish(cell)
    assert frontend.kernel.run("made").result == "5"


def test_a_frames_variable_is_shown_richly_and_copied(stopped: tuple[Frontend, Result, int]) -> None:
    """The value itself comes out of the frame, not its text; names that are not there are said."""
    frontend, cell, thread = stopped
    frame = frontend.frames(thread)[0]["id"]
    assert frontend.get("richInspectVariables", variableName="n", frameId=frame)["data"] == {"text/plain": "41"}
    assert frontend.get("richInspectVariables", variableName="absent_", frameId=frame)["data"] == {}
    frontend.get("copyToGlobals", srcVariableName="n", dstVariableName="copied", srcFrameId=frame)
    assert not frontend.ask("copyToGlobals", srcVariableName="absent_", dstVariableName="y", srcFrameId=frame)[
        "success"
    ]
    assert frontend.named(frontend.get("inspectVariables"))["copied"] == "41"
    frontend.get("continue", threadId=thread)
    frontend.kernel.finish(cell)
    assert frontend.kernel.run("copied").result == "41"


def test_the_kernel_answers_while_a_cell_stands_still(stopped: tuple[Frontend, Result, int]) -> None:
    """Completion, inspection and the like go on, and nothing but the stopped cell is busy."""
    frontend, cell, _ = stopped
    kernel = frontend.kernel
    assert "print" in kernel.request("complete_request", {"code": "prin", "cursor_pos": 4}).reply["matches"]
    assert kernel.request("inspect_request", {"code": "len", "cursor_pos": 3, "detail_level": 0}).reply["found"]
    assert kernel.request("kernel_info_request", {}).reply["debugger"] is True
    assert not cell.is_done


def test_an_interrupt_ends_the_cell_and_not_the_kernel(stopped: tuple[Frontend, Result, int]) -> None:
    """It is let go and gets its KeyboardInterrupt; its breakpoints hold for the next run."""
    frontend, cell, _ = stopped
    frontend.kernel.interrupt()
    frontend.kernel.finish(cell)
    assert cell.error == "KeyboardInterrupt"
    again = frontend.kernel.execute(FUNCTION)
    thread = frontend.stopped()["threadId"]
    assert frontend.places(thread)[0] == ("f", 2)
    frontend.get("continue", threadId=thread)
    assert frontend.kernel.finish(again).reply["status"] == "ok"


def test_an_interrupt_ends_a_loop_that_stops_in_every_turn(frontend: Frontend) -> None:
    """Let go, it would be back at its breakpoint before the interrupt reaches it."""
    code = "n = 0\nwhile True:\n    n += 1"
    frontend.stop_at(code, 3)
    cell = frontend.kernel.execute(code)
    frontend.stopped()
    frontend.kernel.interrupt_by_message()
    assert frontend.kernel.finish(cell).error == "KeyboardInterrupt"


def test_an_interrupt_ends_an_evaluation(stopped: tuple[Frontend, Result, int]) -> None:
    """The cell goes on standing still."""
    frontend, cell, thread = stopped
    kernel, frame = frontend.kernel, frontend.frames(thread)[0]["id"]
    endless = "[print('begun')] + [0 for _ in iter(int, 1)]"
    arguments = {"expression": endless, "frameId": frame, "context": "repl"}
    asked = kernel.send("debug_request", {"seq": 99, "command": "evaluate", "arguments": arguments}, "control")
    kernel.until(lambda: "begun" in cell.stdout, "the evaluation")
    kernel.interrupt()
    assert "KeyboardInterrupt" in kernel.finish(asked).reply["message"]
    assert frontend.values(frontend.frames(thread)[0]) == {"n": "41"}
    assert not cell.is_done


def test_an_interrupt_ends_cells_of_other_threads(frontend: Frontend) -> None:
    """A subshell's, whose stop has stopped the main thread too, which takes the signal."""
    kernel, code = frontend.kernel, "while True:\n    y = 4"
    subshell = kernel.request("create_subshell_request", {}, "control").reply["subshell_id"]
    frontend.stop_at(code, 2)
    cell = kernel.execute(code, header={"subshell_id": subshell})
    frontend.stopped()
    kernel.interrupt_by_message()
    assert kernel.finish(cell).error == "KeyboardInterrupt"
    kernel.request("delete_subshell_request", {"subshell_id": subshell}, "control")


def test_a_running_cell_is_paused(frontend: Frontend) -> None:
    """Wherever it is; between cells there is nothing to pause."""
    cell = frontend.kernel.start("import time\nprint('ready')\nwhile True:\n    time.sleep(0.001)")
    frontend.get("pause", threadId=1)
    assert frontend.places(frontend.stopped()["threadId"])[0][1] in (3, 4)
    frontend.kernel.interrupt()
    assert frontend.kernel.finish(cell).error == "KeyboardInterrupt"
    assert "no cell runs" in frontend.ask("pause", threadId=1)["message"]


def test_disconnecting_lets_the_cell_go_on(stopped: tuple[Frontend, Result, int]) -> None:
    """Nobody is there who could: it ends, the frontend is told, and the debugger can be turned on again."""
    frontend, cell, _ = stopped
    frontend.get("disconnect", restart=False, terminateDebuggee=True)
    assert frontend.kernel.finish(cell).stdout == "r 42\n"
    assert len(frontend.events("terminated")) == 1
    assert frontend.kernel.run(FUNCTION).reply["status"] == "ok"
    frontend.attach()
    assert frontend.get("debugInfo")["breakpoints"] == []


# ---------------------------------------------------------------- what else stops


def test_a_cell_that_ran_before_the_debugger_came_stops(kernel: Kernel) -> None:
    """A function of a cell that ran earlier has the same file name, so its breakpoints hold."""
    code = "def early(n):\n    return n + 1"
    kernel.run(code)
    frontend = Frontend(kernel)
    frontend.attach()
    frontend.stop_at(code, 2)
    cell = kernel.execute("early(1)")
    thread = frontend.stopped()["threadId"]
    assert frontend.places(thread)[0] == ("early", 2)
    frontend.get("continue", threadId=thread)
    assert kernel.finish(cell).result == "2"
    frontend.get("disconnect")


@pytest.mark.parametrize(
    ("filters", "code", "status"),
    [
        (["raised"], "try:\n    1/0\nexcept ZeroDivisionError:\n    print('caught')", "ok"),
        (["userUnhandled"], "def g():\n    1/0\ng()", "error"),
    ],
)
def test_an_exception_stops(frontend: Frontend, filters: list[str], code: str, status: str) -> None:
    """Where it is raised, or where nobody catches it; afterwards it takes its course."""
    frontend.get("setExceptionBreakpoints", filters=filters)
    cell = frontend.kernel.execute(code)
    stop = frontend.stopped()
    assert (stop["reason"], stop["description"]) == ("exception", "division by zero")
    assert frontend.frames(stop["threadId"])[0]["line"] == 2
    assert frontend.get("exceptionInfo", threadId=stop["threadId"])["exceptionId"].split()[0] == "ZeroDivisionError"
    frontend.get("continue", threadId=stop["threadId"])
    assert frontend.kernel.finish(cell).reply["status"] == status


@pytest.mark.parametrize(
    ("code", "line", "name"),
    [
        ("import asyncio\nawait asyncio.sleep(0)\nx = 3\nx", 3, "MainThread"),
        ("%%thread\nx = 3\nx", 2, "cell-"),
        (
            THREAD,
            3,
            "mine",
        ),
    ],
    ids=["async", "thread cell", "thread of the user's"],
)
def test_other_threads_and_async_cells_stop(frontend: Frontend, code: str, line: int, name: str) -> None:
    """The thread is named, and none of the kernel's own is listed."""
    frontend.stop_at(code, line)
    cell = frontend.kernel.execute(code)
    thread = frontend.stopped()["threadId"]
    assert frontend.frames(thread)[0]["line"] == line
    names = {entry["id"]: entry["name"] for entry in frontend.get("threads")["threads"]}
    assert names[thread].startswith(name)
    assert not [other for other in names.values() if other.startswith("holdfast")]
    frontend.get("continue", threadId=thread)
    assert frontend.kernel.finish(cell).result == "3"


def test_a_subshells_cell_stops(frontend: Frontend) -> None:
    """Its thread is one of the user's, and is named."""
    kernel = frontend.kernel
    subshell = kernel.request("create_subshell_request", {}, "control").reply["subshell_id"]
    code = "y = 4\ny"
    frontend.stop_at(code, 1)
    cell = kernel.execute(code, header={"subshell_id": subshell})
    thread = frontend.stopped()["threadId"]
    assert frontend.frames(thread)[0]["line"] == 1
    names = {entry["id"]: entry["name"] for entry in frontend.get("threads")["threads"]}
    assert subshell in names[thread]
    frontend.get("continue", threadId=thread)
    assert kernel.finish(cell).result == "4"
    kernel.request("delete_subshell_request", {"subshell_id": subshell}, "control")


def test_children_know_nothing_of_the_debugger(frontend: Frontend) -> None:
    """Nothing is left in the environment for them."""
    code = "import os, subprocess\nsubprocess.run('env', capture_output=True, text=True).stdout.count('PYDEVD')"
    assert frontend.kernel.run(code).result == "0"


def test_a_forked_child_does_not_stop(frontend: Frontend) -> None:
    """Nobody could let it go on."""
    frontend.stop_at(FORK, 3)
    assert frontend.kernel.run(FORK).result == "7"
    assert frontend.events("stopped") == []


# ---------------------------------------------------------------- the end


def _stop(kernel: Kernel) -> Result:
    frontend = Frontend(kernel)
    frontend.attach()
    frontend.stop_at(FUNCTION, 2)
    cell = kernel.execute(FUNCTION)
    frontend.stopped()
    return cell


def test_a_kernel_whose_cell_stands_still_can_be_shut_down(fresh: Kernel) -> None:
    """The cell is let go and interrupted; nothing that was written for the debugger stays."""
    cell = _stop(fresh)
    folder = Path(Frontend(fresh).get("debugInfo")["tmpFilePrefix"])
    assert folder.is_dir()
    fresh.shut_down(restart=True)
    fresh.until(lambda: cell.is_done, "the end of the cell")
    assert not folder.exists()


def test_nothing_outlives_a_kernel_that_is_killed(tmp_path: Path) -> None:
    """No process of the debugger's: there is none."""
    with Kernel(tmp_path) as kernel:
        _stop(kernel)
        folder = Frontend(kernel).get("debugInfo")["tmpFilePrefix"]
        assert psutil.Process(kernel.process.pid).children(recursive=True) == []
        os.kill(kernel.process.pid, signal.SIGKILL)
        assert kernel.process.wait() == -signal.SIGKILL
        wait_for(lambda: kernel.process.family() == [], "the end of all its processes")
        shutil.rmtree(folder)  # nobody is left to do it
        kernel.process.popen.returncode = 0  # what a context manager of kernels expects


def test_nothing_is_imported_before_it_is_needed(fresh: Kernel) -> None:
    """What a frontend asks when it opens a notebook brings no debugger."""
    frontend = Frontend(fresh)
    frontend.get("debugInfo")
    frontend.get("inspectVariables")
    assert (
        fresh.run("import sys; [name for name in sys.modules if 'pydev' in name or 'debugpy' in name]").result == "[]"
    )
