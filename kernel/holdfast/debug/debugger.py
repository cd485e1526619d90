"""Answers `debug_request`s: debugpy's part is passed on, the notebook's part is answered here.

It must never wait for the user's code other than in a coroutine, and never import debugpy before the first
`initialize`.  Everything runs on one loop, that of the kernel thread, which no debugger stops.

Sources: Debug Adapter Protocol; JEP 47 and "Messaging in Jupyter", Debug request, for `debugInfo`, `dumpCell`,
`inspectVariables`, `richInspectVariables`, `copyToGlobals` and `modules`.  A request that must come in order
(initialize, attach, disconnect) is over before a later one begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from holdfast.debug import exchange, stack
from holdfast.debug.breakpoints import Breakpoints, checked_path
from holdfast.debug.connection import Connection
from holdfast.debug.inspection import Inspection
from holdfast.debug.messages import Json
from holdfast.debug.modules import loaded_modules
from holdfast.debug.port import Port
from holdfast.debug.variables import is_ours
from holdfast.errors import DebugError

#: Passed on to debugpy as they are.
PASSED_ON = frozenset("threads continue next stepIn stepOut gotoTargets goto".split())
#: Passed on while something stands still: debugpy has its thread answer, and a thread that runs never does.
ASKED_THREADS = frozenset("exceptionInfo completions stepInTargets".split())
#: Contexts of `evaluate` in which people do not change anything.
LOOKING = frozenset({"watch", "hover", "clipboard", "variables"})

_DETACHED = "no debugger is attached: send initialize and attach first"

Handler = Callable[[Json], Awaitable[Json]]


class Debugger:
    """`answer` is the content of the debug_reply to a request's content."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._connection: Connection | None = None
        self._order = asyncio.Lock()
        #: Whether user threads are traced; made with the first connection.
        self._traced: asyncio.Future[None] | None = None
        self._attached = False
        self._seq = 0
        #: Threads that stand still and were reported, the newest last.
        self._stopped: dict[int, None] = {}
        #: References of the scopes with the notebook's variables, of the frames that stand still.
        self._globals: set[int] = set()
        #: Those of these frames that are a cell's own: their locals are the notebook's variables, too.
        self._cells: set[int] = set()
        #: What threads are asked that stand still.
        self._awaited: set[asyncio.Future[Json]] = set()
        self._evaluating = 0
        self._breakpoints = Breakpoints(self._send)
        self._inspection = Inspection(port, self._evaluate)
        self._ordered: dict[str, Handler] = {
            "initialize": self._initialize,
            "attach": self._attach,
            "disconnect": self._disconnect,
            "terminate": self._disconnect,
        }
        self._handlers: dict[str, Handler] = {
            "debugInfo": self._debug_info,
            "dumpCell": self._dump_cell,
            "source": self._source,
            "modules": self._modules,
            "inspectVariables": self._inspect_variables,
            "richInspectVariables": self._rich,
            "copyToGlobals": self._copy_to_globals,
            "configurationDone": self._configuration_done,
            "setBreakpoints": self._set_breakpoints,
            "setExceptionBreakpoints": self._set_exceptions,
            "setFunctionBreakpoints": self._set_functions,
            "stackTrace": self._stack_trace,
            "variables": self._variables,
            "evaluate": self._evaluated,
            "setVariable": self._changed("setVariable"),
            "setExpression": self._changed("setExpression"),
            "scopes": self._scopes,
            "pause": self._pause,
            **{command: self._passed_on(command) for command in PASSED_ON},
            **{command: self._asked(command) for command in ASKED_THREADS},
        }

    async def answer(self, request: Json) -> Json:
        """Never raises: what cannot be done is answered with `success: false` and the reason."""
        command, arguments = str(request.get("command", "")), dict(request.get("arguments") or {})
        try:
            response = await self._answer(command, arguments)
        except DebugError as error:
            response = {"success": False, "message": str(error)}
        except Exception as error:
            response = {"success": False, "message": f"{command} failed: {error!r}"}
        self._seq += 1
        known: Json = {key: response[key] for key in ("success", "message", "body") if key in response}
        return {
            "type": "response",
            "seq": self._seq,
            "request_seq": request.get("seq", 0),
            "success": True,
            "command": command,
            **known,
        }

    async def _answer(self, command: str, arguments: Json) -> Json:
        async with self._order:
            ordered = self._ordered.get(command)
            if ordered is not None:
                return await ordered(arguments)
        handler = self._handlers.get(command)
        if handler is None:
            raise DebugError(f"the debugger knows no request {command!r}")
        return await handler(arguments)

    # ------------------------------------------------------------ life

    async def _initialize(self, arguments: Json) -> Json:
        if self._connection is None or not self._connection.is_open:
            self._traced = asyncio.get_running_loop().create_future()
            connection = Connection(self._happened, self._lost)
            await connection.open(self._start(connection, self._traced))
            self._connection = connection
        return await self._send("initialize", arguments)

    def _start(self, connection: Connection, traced: asyncio.Future[None]) -> Callable[[int, str], None]:
        def over(reason: str) -> None:
            if reason:
                connection.failed(reason)
            elif not traced.done():
                traced.set_result(None)

        return lambda port, secret: self._port.start(port, secret, over)

    async def _attach(self, arguments: Json) -> Json:
        if self._connection is None or self._traced is None:
            raise DebugError(_DETACHED)
        # What cells write is ours to publish, figures are ours to show, and nobody steps into the kernel.
        arguments.pop("redirectOutput", None)
        given = arguments.get("debugOptions")
        options = [option for option in given if option != "RedirectOutput"] if isinstance(given, list) else []
        rules = arguments.get("rules")
        arguments |= {
            "debugOptions": options,
            "guiEventLoop": "none",
            "rules": [{"path": self._port.folder, "include": False}, *(rules if isinstance(rules, list) else [])],
        }
        response = await self._send("attach", arguments)
        if response.get("success"):
            # debugpy traces nothing before it; what frontends say of breakpoints before theirs holds all the same.
            await self._send("configurationDone", {})
            await self._traced
            self._attached = True
        return response

    async def _configuration_done(self, _arguments: Json) -> Json:
        self._connected()
        return {}

    async def _disconnect(self, _arguments: Json) -> Json:
        """Never what the request says of the debuggee: the kernel lives on."""
        if self._attached:
            await self._send("disconnect", {"restart": False, "terminateDebuggee": False})
            self._over()
        return {}

    def _over(self) -> None:
        self._attached = False
        self._went_on()
        self._breakpoints.clear()
        self._seq += 1
        self._port.publish({"type": "event", "seq": self._seq, "event": "terminated"})

    def _lost(self) -> None:
        self._connection = None
        if self._attached:
            self._over()

    # ------------------------------------------------------------ to and from debugpy

    def _connected(self) -> None:
        if not self._attached:
            raise DebugError(_DETACHED)

    def _send(self, command: str, arguments: Mapping[str, object]) -> asyncio.Future[Json]:
        if self._connection is None:
            raise DebugError(_DETACHED)
        return self._connection.send(command, arguments)

    def _passed_on(self, command: str) -> Handler:
        async def pass_on(arguments: Json) -> Json:
            self._connected()
            return await self._send(command, arguments)

        return pass_on

    def _asked(self, command: str) -> Handler:
        return lambda arguments: self._of_thread(command, arguments)

    async def _of_thread(self, command: str, arguments: Json) -> Json:
        """What a thread answers that stands still; raises `DebugError` when it goes on instead."""
        self._connected()
        if not self._stopped:
            raise DebugError("nothing stands still: run a cell that stops at a breakpoint")
        answer = self._send(command, arguments)
        self._awaited.add(answer)
        try:
            return await answer
        finally:
            self._awaited.discard(answer)

    def _went_on(self) -> None:
        self._stopped.clear()
        for answer in self._awaited:
            if not answer.done():
                answer.set_exception(DebugError("the thread went on meanwhile"))

    def _changed(self, command: str) -> Handler:
        async def change(arguments: Json) -> Json:
            response = await self._of_thread(command, arguments)
            self._port.touched()
            return response

        return change

    def _happened(self, event: Json) -> None:
        kind, body = event.get("event"), event.get("body") or {}
        thread: int = body.get("threadId", 0)
        if kind == "module" and self._port.is_ours((body.get("module") or {}).get("path") or ""):
            return
        if kind in ("stopped", "continued"):
            self._globals.clear()
            self._cells.clear()
        if kind == "stopped":
            self._stopped.pop(thread, None)
            self._stopped[thread] = None
        elif kind == "continued" and body.get("allThreadsContinued", True):
            self._went_on()
        elif kind == "continued" or (kind == "thread" and body.get("reason") == "exited"):
            self._stopped.pop(thread, None)
        event.pop("pydevd_cmd_id", None)
        self._port.publish(event)

    # ------------------------------------------------------------ interrupts

    def release(self) -> None:
        """Let go of all threads and stop none, until `rearm`: somebody interrupts what stands still.

        Unless a thread that stands still evaluates an expression: then it is that which is interrupted.
        """
        if self._stopped and self._attached and not self._evaluating:
            self._breakpoints.suspend()
            self._send("continue", {"threadId": next(iter(self._stopped))})

    def rearm(self) -> None:
        """What was interrupted is over."""
        if self._attached:
            self._breakpoints.resume()

    # ------------------------------------------------------------ cells and breakpoints

    async def _debug_info(self, _arguments: Json) -> Json:
        return {
            "body": {
                "isStarted": self._attached,
                **self._port.naming,
                "breakpoints": self._breakpoints.listed(),
                "stoppedThreads": list(reversed(self._stopped)),
                "richRendering": True,
                "exceptionPaths": ["Python Exceptions"],
                "copyToGlobals": True,
            }
        }

    async def _dump_cell(self, arguments: Json) -> Json:
        code = arguments.get("code")
        if not isinstance(code, str):
            raise DebugError("dumpCell needs the cell's code")
        try:
            return {"body": {"sourcePath": self._port.dump(code)}}
        except OSError as error:
            raise DebugError(f"the cell cannot be written for the debugger: {error}") from None

    async def _source(self, arguments: Json) -> Json:
        source = arguments.get("source") or {}
        path = source.get("path")
        text = self._port.text(path) if isinstance(path, str) else None
        if text is None and self._attached and (arguments.get("sourceReference") or source.get("sourceReference")):
            return await self._send("source", arguments)
        if text is None:
            raise DebugError(f"there is no source of {path!r}")
        return {"body": {"content": text}}

    async def _set_breakpoints(self, arguments: Json) -> Json:
        self._connected()
        self._port.provide(checked_path(arguments))
        return await self._breakpoints.set_lines(arguments)

    async def _set_exceptions(self, arguments: Json) -> Json:
        self._connected()
        return await self._breakpoints.set_other("setExceptionBreakpoints", arguments)

    async def _set_functions(self, arguments: Json) -> Json:
        self._connected()
        return await self._breakpoints.set_other("setFunctionBreakpoints", arguments)

    # ------------------------------------------------------------ what stands still

    async def _stack_trace(self, arguments: Json) -> Json:
        self._connected()
        start, levels = arguments.pop("startFrame", 0), arguments.pop("levels", 0)
        response = await self._send("stackTrace", arguments)
        body = response.get("body") or {}
        frames = body.get("stackFrames")
        if isinstance(frames, list):
            shown = stack.visible(frames, self._port.is_cell, self._port.is_ours)
            self._cells.update(stack.cells(shown, self._port.is_cell))
            body |= {"stackFrames": stack.page(shown, start, levels), "totalFrames": len(shown)}
        return response

    async def _pause(self, arguments: Json) -> Json:
        """Between cells it would be the kernel itself that stands still, and with it the next cell, seemingly."""
        self._connected()
        if self._port.is_idle:
            raise DebugError("no cell runs that could be paused")
        return await self._send("pause", arguments)

    async def _scopes(self, arguments: Json) -> Json:
        self._connected()
        response = await self._send("scopes", arguments)
        scopes = (response.get("body") or {}).get("scopes") or []
        names = ("Globals", "Locals") if arguments.get("frameId") in self._cells else ("Globals",)
        self._globals.update(scope["variablesReference"] for scope in scopes if scope.get("name") in names)
        return response

    async def _evaluated(self, arguments: Json) -> Json:
        response = await self._at_work(arguments)
        if arguments.get("context") not in LOOKING:
            self._port.touched()
        return response

    async def _evaluate(self, expression: str, frame: object, taker: Callable[[object], None]) -> Json:
        """Call `taker` with the value of an expression in a frame, on the thread that stands still."""
        ticket, code = exchange.ask(taker, expression)
        try:
            return await self._at_work({"expression": code, "frameId": frame, "context": "clipboard"})
        finally:
            exchange.forget(ticket)

    async def _at_work(self, arguments: Json) -> Json:
        """An `evaluate` request; see `release`."""
        self._evaluating += 1
        try:
            return await self._of_thread("evaluate", arguments)
        finally:
            self._evaluating -= 1

    # ------------------------------------------------------------ variables and modules

    async def _inspect_variables(self, _arguments: Json) -> Json:
        return await self._inspection.variables()

    async def _variables(self, arguments: Json) -> Json:
        own = await self._inspection.children(arguments.get("variablesReference"))
        if own is not None:
            return own
        response = await self._of_thread("variables", arguments)
        variables = (response.get("body") or {}).get("variables")
        if isinstance(variables, list) and arguments.get("variablesReference") in self._globals:
            response["body"]["variables"] = [variable for variable in variables if not is_ours(variable.get("name"))]
        return response

    async def _rich(self, arguments: Json) -> Json:
        return await self._inspection.rich(arguments, bool(self._stopped))

    async def _copy_to_globals(self, arguments: Json) -> Json:
        return await self._inspection.copy_to_globals(arguments)

    async def _modules(self, arguments: Json) -> Json:
        found = loaded_modules()
        shown = stack.page(found, arguments.get("startModule"), arguments.get("moduleCount"))
        return {"body": {"modules": shown, "totalModules": len(found)}}
