"""A debugpy that is not there: it comes to the debugger's port like the real one and answers from a table."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from holdfast.debug.messages import Decoder, Json, encode


class FakeDebugpy:
    """A `debug.port.Port` with a debugpy behind it; `answers` has bodies by command, or functions of the
    arguments; a text is a refusal, None is no answer.

    `requests` are those that came, (command, arguments); `events` what the debugger published.
    """

    folder = "/kernel/"
    naming: Mapping[str, object] = {"hashMethod": "Murmur2", "hashSeed": 1, "tmpFilePrefix": "/cells/"}

    def __init__(self, **answers: object) -> None:
        self.answers: dict[str, Any] = answers
        self.namespace: dict[str, object] = {}
        self.requests: list[tuple[str, Json]] = []
        self.events: list[Json] = []
        self.dumped: list[str] = []
        self.touches = 0
        self.is_idle = False
        #: What it says when it is asked for the secret; None for the true one.
        self.token: str | None = None
        #: Why it does not come; "" for one that does.
        self.reason = ""
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._seq = 0

    # ------------------------------------------------------------ debugpy's side

    def start(self, port: int, secret: str, over: Callable[[str], None]) -> None:
        """Come to the port."""
        if self.reason:
            asyncio.get_running_loop().call_soon(over, self.reason)
        else:
            self._task = asyncio.create_task(self._live(port, self.token or secret, over))

    async def _live(self, port: int, secret: str, over: Callable[[str], None]) -> None:
        reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        decoder = Decoder()
        try:
            while data := await reader.read(65536):
                for request in decoder.feed(data):
                    command, arguments = request["command"], request["arguments"]
                    self.requests.append((command, arguments))
                    if command == "configurationDone":
                        over("")
                    answer = self._body(command, arguments)
                    if command == "pydevdAuthorize":
                        answer = {"clientAccessToken": secret}
                    if answer is not None:
                        about = {"type": "response", "request_seq": request["seq"], "command": command}
                        self._say({**about, **_response(answer)})
        except ConnectionError:
            return
        finally:
            self._writer.close()

    def _body(self, command: str, arguments: Json) -> object:
        answer = self.answers.get(command, {})
        return answer(arguments) if callable(answer) else answer

    def _say(self, message: Json) -> None:
        assert self._writer is not None
        self._seq += 1
        self._writer.write(encode({"seq": self._seq, **message}))

    def happens(self, event: str, **body: object) -> None:
        """Send an event."""
        self._say({"type": "event", "event": event, "body": body, "pydevd_cmd_id": 1})

    async def gone(self) -> None:
        """Close the connection."""
        if self._writer is not None:
            self._writer.close()
        if self._task is not None:
            await self._task

    def vanish(self) -> None:
        """Close it at once, with what it was about to say."""
        assert self._writer is not None
        self._writer.transport.abort()

    def commands(self) -> list[str]:
        """The requests that came, without those of the start."""
        return [command for command, _ in self.requests if command != "pydevdAuthorize"]

    # ------------------------------------------------------------ the kernel's side

    def publish(self, event: Json) -> None:
        """Keep it."""
        self.events.append(event)

    def dump(self, code: str) -> str:
        """Keep it."""
        self.dumped.append(code)
        return f"/cells/{len(self.dumped)}.py"

    def provide(self, path: str) -> None:
        """Keep it."""
        self.dumped.append(path)

    def text(self, path: str) -> str | None:
        """Cells have one."""
        return "x = 1" if self.is_cell(path) else None

    def is_cell(self, path: str) -> bool:
        """By its folder."""
        return path.startswith("/cells/")

    def is_ours(self, path: str) -> bool:
        """By its folder."""
        return path.startswith(self.folder)

    def describe(self, value: object) -> str:
        """Its repr."""
        return repr(value)

    def attributes(self, value: object) -> Mapping[str, object]:
        """Its dictionary."""
        return getattr(value, "__dict__", {})

    def bundle(self, value: object) -> tuple[Mapping[str, object], Mapping[str, object]]:
        """Its repr."""
        return {"text/plain": repr(value)}, {}

    def bind(self, name: str, value: object) -> None:
        """Set it."""
        self.namespace[name] = value

    def touched(self) -> None:
        """Count."""
        self.touches += 1

    async def aside[T](self, call: Callable[[], T]) -> T:
        """Call it here."""
        return call()


def _response(answer: object) -> Json:
    if isinstance(answer, str):
        return {"success": False, "message": answer}
    return {"success": True, "body": answer}


def debugged(fake: FakeDebugpy, scene: Callable[[Any], Awaitable[None]]) -> None:
    """Play a scene with a debugger on `fake`."""
    from holdfast.debug.debugger import Debugger

    async def play() -> None:
        debugger = Debugger(fake)
        try:
            await scene(debugger)
        finally:
            await fake.gone()
            await asyncio.sleep(0)

    asyncio.run(play())
