"""What frontends want the user's threads to stop at.

It must never forget a breakpoint but at the end of the debug session: while something is interrupted none is set,
and all come back with `resume`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from holdfast.debug.messages import Json
from holdfast.errors import DebugError

#: The requests without lines, and what they look like when nothing is to stop.
_NOTHING: dict[str, Json] = {
    "setExceptionBreakpoints": {"filters": []},
    "setFunctionBreakpoints": {"breakpoints": []},
}


def checked_path(arguments: Json) -> str:
    """The path of a setBreakpoints request; raises `DebugError` for one that would end pydevd's connection."""
    source, lines = arguments.get("source"), arguments.get("breakpoints") or []
    path = source.get("path") if isinstance(source, dict) else None
    if not isinstance(path, str) or not isinstance(lines, list):
        raise DebugError("setBreakpoints needs the path of a source and a list of breakpoints")
    if not all(isinstance(entry, dict) and isinstance(entry.get("line"), int) for entry in lines):
        raise DebugError("each breakpoint needs the number of its line")
    return path


class Breakpoints:
    """`send(command, arguments)` sends a request to debugpy."""

    def __init__(self, send: Callable[[str, Mapping[str, object]], asyncio.Future[Json]]) -> None:
        self._send = send
        #: By path, as the frontend sent them.
        self._lines: dict[str, Json] = {}
        self._others: dict[str, Json] = {}
        self._suspended = False

    def listed(self) -> list[Json]:
        """For `debugInfo`."""
        return [{"source": path, "breakpoints": sent["breakpoints"]} for path, sent in self._lines.items()]

    async def set_lines(self, arguments: Json) -> Json:
        """A setBreakpoints request: those of one source."""
        path = checked_path(arguments)
        response = await self._send("setBreakpoints", arguments)
        if response.get("success"):
            self._lines.pop(path, None)
            if arguments.get("breakpoints"):
                self._lines[path] = arguments
        return response

    async def set_other(self, command: str, arguments: Json) -> Json:
        """Exceptions or functions."""
        response = await self._send(command, arguments)
        if response.get("success"):
            self._others[command] = arguments
        return response

    def suspend(self) -> None:
        """Set none for now."""
        self._suspended = True
        for arguments in self._lines.values():
            self._send("setBreakpoints", {**arguments, "breakpoints": []})
        for command in self._others:
            self._send(command, _NOTHING[command])

    def resume(self) -> None:
        """Set those again that `suspend` took away."""
        if self._suspended:
            self._suspended = False
            for arguments in self._lines.values():
                self._send("setBreakpoints", arguments)
            for command, arguments in self._others.items():
                self._send(command, arguments)

    def clear(self) -> None:
        """The debug session is over."""
        self._lines, self._others, self._suspended = {}, {}, False
