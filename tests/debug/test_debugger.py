"""What the debugger passes on, what it answers itself, and what it says when it cannot."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from helpers.debugging import FakeDebugpy, debugged
from holdfast.debug.debugger import Debugger

FRAMES = [
    {"id": 1, "name": "f", "source": {"path": "/cells/1.py"}},
    {"id": 2, "name": "run", "source": {"path": "/kernel/runner.py"}},
]


async def ask(debugger: Debugger, command: str, **arguments: object) -> dict[str, Any]:
    """The answer to a request."""
    return await debugger.answer({"seq": 9, "command": command, "arguments": arguments})


async def attach(debugger: Debugger, **arguments: object) -> None:
    """Turn it on."""
    assert (await ask(debugger, "initialize"))["success"]
    assert (await ask(debugger, "attach", **arguments))["success"]


async def stop(debugger: Debugger, fake: FakeDebugpy, thread: int = 1) -> None:
    """A thread stands still."""
    fake.happens("stopped", threadId=thread, reason="breakpoint")
    while thread not in (await ask(debugger, "debugInfo"))["body"]["stoppedThreads"]:
        await asyncio.sleep(0)


def test_an_answer_is_a_response_to_its_request() -> None:
    """With the frontend's number, whatever debugpy's own is."""

    async def scene(debugger: Debugger) -> None:
        await attach(debugger)
        answer = await ask(debugger, "threads")
        assert {key: answer[key] for key in ("type", "request_seq", "command", "success", "body")} == {
            "type": "response",
            "request_seq": 9,
            "command": "threads",
            "success": True,
            "body": {"threads": [5]},
        }

    debugged(FakeDebugpy(threads={"threads": [5]}), scene)


def test_attaching_starts_debugpy_in_the_right_order() -> None:
    """It traces nothing before configurationDone, so the answer waits for that."""
    fake = FakeDebugpy()

    async def scene(debugger: Debugger) -> None:
        await attach(debugger)
        assert fake.commands() == ["initialize", "attach", "configurationDone"]
        assert (await ask(debugger, "debugInfo"))["body"]["isStarted"] is True
        assert (await ask(debugger, "configurationDone"))["success"]
        assert len(fake.commands()) == 3

    debugged(fake, scene)


def test_attaching_hides_the_kernel_and_leaves_its_output_alone() -> None:
    """What the frontend says otherwise is kept."""
    fake = FakeDebugpy()

    async def scene(debugger: Debugger) -> None:
        options = ["RedirectOutput", "DebugStdLib"]
        await attach(debugger, justMyCode=False, redirectOutput=True, debugOptions=options, rules=[{"path": "/x"}])
        arguments = dict(fake.requests)["attach"]
        assert arguments == {
            "justMyCode": False,
            "debugOptions": ["DebugStdLib"],
            "guiEventLoop": "none",
            "rules": [{"path": "/kernel/", "include": False}, {"path": "/x"}],
        }

    debugged(fake, scene)


def test_a_debugpy_that_does_not_start_is_said() -> None:
    """The frontend shows it; the next try is a new one."""
    fake = FakeDebugpy()
    fake.reason = "debugpy cannot be imported: pip install debugpy"

    async def scene(debugger: Debugger) -> None:
        answer = await ask(debugger, "initialize")
        assert (answer["success"], answer["message"]) == (False, fake.reason)
        fake.reason = ""
        await attach(debugger)

    debugged(fake, scene)


@pytest.mark.parametrize(
    ("command", "arguments"),
    [("attach", {}), ("threads", {}), ("setBreakpoints", {}), ("variables", {"variablesReference": 3}), ("source", {})],
)
def test_what_needs_debugpy_is_refused_without_it(command: str, arguments: dict[str, object]) -> None:
    """With an answer, always."""

    async def scene(debugger: Debugger) -> None:
        answer = await ask(debugger, command, **arguments)
        assert not answer["success"]
        assert answer["message"]

    debugged(FakeDebugpy(), scene)


def test_what_debugpy_refuses_is_refused() -> None:
    """Its words are passed on."""

    async def scene(debugger: Debugger) -> None:
        await attach(debugger)
        answer = await ask(debugger, "next", threadId=1)
        assert (answer["success"], answer["message"]) == (False, "no such thread")

    debugged(FakeDebugpy(next="no such thread"), scene)


def test_events_are_published_and_stops_are_known() -> None:
    """The newest stop comes first; modules of the kernel are nobody's business."""
    fake = FakeDebugpy()

    async def scene(debugger: Debugger) -> None:
        await attach(debugger)
        fake.happens("module", module={"path": "/kernel/runner.py"})
        await stop(debugger, fake, 1)
        await stop(debugger, fake, 2)
        assert (await ask(debugger, "debugInfo"))["body"]["stoppedThreads"] == [2, 1]
        fake.happens("continued", threadId=2, allThreadsContinued=False)
        fake.happens("thread", threadId=1, reason="exited")
        while (await ask(debugger, "debugInfo"))["body"]["stoppedThreads"]:
            await asyncio.sleep(0)
        assert [event["event"] for event in fake.events] == ["stopped", "stopped", "continued", "thread"]
        assert "pydevd_cmd_id" not in fake.events[0]

    debugged(fake, scene)


def test_a_stack_is_the_users_part() -> None:
    """Paging is done on it, not on what debugpy has."""
    fake = FakeDebugpy(stackTrace=lambda arguments: {"stackFrames": [*FRAMES], "totalFrames": 2})

    async def scene(debugger: Debugger) -> None:
        await attach(debugger)
        body = (await ask(debugger, "stackTrace", threadId=1, startFrame=0, levels=20))["body"]
        assert body == {"stackFrames": FRAMES[:1], "totalFrames": 1}
        assert fake.requests[-1] == ("stackTrace", {"threadId": 1})

    debugged(fake, scene)


def test_breakpoints_are_set_in_files_that_are_there() -> None:
    """A cell that has run is written first."""
    fake = FakeDebugpy(setBreakpoints={"breakpoints": [{"verified": True}]})

    async def scene(debugger: Debugger) -> None:
        await attach(debugger)
        path = (await ask(debugger, "dumpCell", code="x = 1"))["body"]["sourcePath"]
        await ask(debugger, "setBreakpoints", source={"path": path}, breakpoints=[{"line": 1}])
        assert fake.dumped == ["x = 1", path]
        listed = (await ask(debugger, "debugInfo"))["body"]["breakpoints"]
        assert listed == [{"source": path, "breakpoints": [{"line": 1}]}]

    debugged(fake, scene)


def test_an_interrupt_lets_go_without_breakpoints() -> None:
    """They are gone before the thread goes on, and come back when what was interrupted is over."""
    fake = FakeDebugpy()

    async def scene(debugger: Debugger) -> None:
        await attach(debugger)
        await ask(debugger, "setBreakpoints", source={"path": "/cells/1.py"}, breakpoints=[{"line": 1}])
        debugger.release()
        assert fake.commands()[-1] == "setBreakpoints"
        await stop(debugger, fake)
        fake.requests.clear()
        debugger.release()
        debugger.rearm()
        debugger.rearm()
        await ask(debugger, "threads")
        kinds = [(command, len(arguments.get("breakpoints", "-"))) for command, arguments in fake.requests]
        assert kinds == [("setBreakpoints", 0), ("continue", 1), ("setBreakpoints", 1), ("threads", 1)]

    debugged(fake, scene)


def test_an_interrupt_is_for_what_is_evaluated() -> None:
    """A thread that stands still and evaluates an endless loop goes on standing still."""
    fake = FakeDebugpy(evaluate={"result": "1"})

    async def scene(debugger: Debugger) -> None:
        await attach(debugger)
        await stop(debugger, fake)
        evaluation = asyncio.create_task(ask(debugger, "evaluate", expression="endless()", frameId=1))
        while "evaluate" not in fake.commands():
            await asyncio.sleep(0)
            debugger.release()
        assert (await evaluation)["success"]
        assert "continue" not in fake.commands()
        debugger.release()
        await ask(debugger, "threads")
        assert "continue" in fake.commands()

    debugged(fake, scene)


def test_nothing_is_paused_between_cells() -> None:
    """It would be the kernel that stands still."""
    fake = FakeDebugpy()

    async def scene(debugger: Debugger) -> None:
        await attach(debugger)
        assert (await ask(debugger, "pause", threadId=1))["success"]
        fake.is_idle = True
        assert "no cell runs" in (await ask(debugger, "pause", threadId=1))["message"]
        assert fake.commands().count("pause") == 1

    debugged(fake, scene)


@pytest.mark.parametrize(("context", "touches"), [("repl", 1), ("watch", 0), ("hover", 0)])
def test_what_is_evaluated_may_change_variables(context: str, touches: int) -> None:
    """The commit of the cell has to look everywhere, but not for what a frontend looks at by itself."""
    fake = FakeDebugpy(evaluate={"result": "1"})

    async def scene(debugger: Debugger) -> None:
        await attach(debugger)
        await stop(debugger, fake)
        assert (await ask(debugger, "evaluate", expression="x", frameId=1, context=context))["body"] == {"result": "1"}
        assert fake.touches == touches

    debugged(fake, scene)


@pytest.mark.parametrize("command", ["evaluate", "variables", "setVariable", "exceptionInfo", "completions"])
def test_no_thread_is_asked_while_nothing_stands_still(command: str) -> None:
    """debugpy would wait for a thread to stop."""

    async def scene(debugger: Debugger) -> None:
        await attach(debugger)
        assert "nothing stands still" in (await ask(debugger, command, variablesReference=3))["message"]

    debugged(FakeDebugpy(), scene)


def test_a_thread_that_goes_on_is_waited_for_no_longer() -> None:
    """debugpy never answers what it could not ask in time."""
    fake = FakeDebugpy(variables=None)

    async def scene(debugger: Debugger) -> None:
        await attach(debugger)
        await stop(debugger, fake)
        question = asyncio.create_task(ask(debugger, "variables", variablesReference=3))
        while "variables" not in fake.commands():
            await asyncio.sleep(0)
        fake.happens("continued", threadId=1, allThreadsContinued=True)
        assert "went on" in (await question)["message"]

    debugged(fake, scene)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"source": {}},
        {"source": {"path": 5}},
        {"source": {"path": "/x.py"}, "breakpoints": 5},
        {"source": {"path": "/x.py"}, "breakpoints": [{}]},
        {"source": {"path": "/x.py"}, "breakpoints": [{"line": "x"}]},
    ],
)
def test_breakpoints_that_would_end_the_connection_are_refused(arguments: dict[str, object]) -> None:
    """pydevd's reader does not survive them."""
    fake = FakeDebugpy()

    async def scene(debugger: Debugger) -> None:
        await attach(debugger)
        assert not (await ask(debugger, "setBreakpoints", **arguments))["success"]
        assert "setBreakpoints" not in fake.commands()

    debugged(fake, scene)


def test_values_come_out_of_a_frame() -> None:
    """The expression that debugpy evaluates hands them over."""

    def evaluate(arguments: dict[str, Any]) -> object:
        try:
            return {"result": repr(eval(arguments["expression"], {"n": [41]}))}
        except NameError as error:
            return str(error)

    fake = FakeDebugpy(evaluate=evaluate)

    async def scene(debugger: Debugger) -> None:
        await attach(debugger)
        await stop(debugger, fake)
        rich = await ask(debugger, "richInspectVariables", variableName="n", frameId=1)
        assert rich["body"] == {"data": {"text/plain": "[41]"}, "metadata": {}}
        copied = await ask(debugger, "copyToGlobals", srcVariableName="n", dstVariableName="m", srcFrameId=1)
        assert copied["body"]["value"] == "[41]"
        assert fake.namespace == {"m": [41]}
        absent = await ask(debugger, "copyToGlobals", srcVariableName="zz", dstVariableName="m", srcFrameId=1)
        assert absent["message"] == "name 'zz' is not defined"

    debugged(fake, scene)


def test_globals_are_shown_without_the_history() -> None:
    """In the scopes of the notebook's variables, which are a cell's locals too; elsewhere a name is what it is."""
    fake = FakeDebugpy(
        stackTrace={
            "stackFrames": [
                {"id": 1, "name": "f", "source": {"path": "/cells/1.py"}},
                {"id": 2, "name": "<module>", "source": {"path": "/cells/1.py"}},
            ]
        },
        scopes={"scopes": [{"name": "Locals", "variablesReference": 4}, {"name": "Globals", "variablesReference": 5}]},
        variables=lambda arguments: {"variables": [{"name": "In"}, {"name": "x"}]},
    )

    async def scene(debugger: Debugger) -> None:
        await attach(debugger)
        await stop(debugger, fake)
        await ask(debugger, "stackTrace", threadId=1)
        for frame, own in ((1, ["In", "x"]), (2, ["x"])):
            await ask(debugger, "scopes", frameId=frame)
            shown = {
                reference: [
                    variable["name"]
                    for variable in (await ask(debugger, "variables", variablesReference=reference))["body"][
                        "variables"
                    ]
                ]
                for reference in (4, 5)
            }
            assert shown == {4: own, 5: ["x"]}

    debugged(fake, scene)


def test_disconnecting_never_ends_the_kernel() -> None:
    """Whatever a frontend wishes for the debuggee; afterwards all is as before."""
    fake = FakeDebugpy()

    async def scene(debugger: Debugger) -> None:
        await attach(debugger)
        await stop(debugger, fake)
        assert (await ask(debugger, "disconnect", terminateDebuggee=True))["success"]
        assert fake.requests[-1] == ("disconnect", {"restart": False, "terminateDebuggee": False})
        assert fake.events[-1]["event"] == "terminated"
        body = (await ask(debugger, "debugInfo"))["body"]
        assert (body["isStarted"], body["stoppedThreads"]) == (False, [])
        assert (await ask(debugger, "disconnect"))["success"]
        await attach(debugger)
        assert fake.commands().count("initialize") == 2

    debugged(fake, scene)


def test_a_debugpy_that_went_away_is_said_and_started_again() -> None:
    """The frontend is told that the session is over; what it asks then is refused."""
    fake = FakeDebugpy()

    async def scene(debugger: Debugger) -> None:
        await attach(debugger)
        await fake.gone()
        while not fake.events:
            await asyncio.sleep(0)
        assert fake.events[-1]["event"] == "terminated"
        assert not (await ask(debugger, "threads"))["success"]
        await attach(debugger)

    debugged(fake, scene)
