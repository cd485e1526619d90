"""The debugger in the kernel: made with the first `debug_request`, served on the kernel thread.

It must never be imported before that, and never leave files behind: cells that were written for a debugger go when
the process ends.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from holdfast.app.driver import Driver
from holdfast.app.surroundings import CellSurroundings
from holdfast.debug.debugger import Debugger
from holdfast.debug.messages import Json
from holdfast.debug.starting import let_go, trace
from holdfast.errors import DebugError
from holdfast.executor.interrupt import Interrupts
from holdfast.executor.outcome import Job
from holdfast.executor.source import SEED, Sources
from holdfast.machine.events import Looked, Published
from holdfast.magics.registry import Magics
from holdfast.namespace.namespace import Namespace
from holdfast.threads import OwnThread
from holdfast.wire.contents import DebugRequest
from holdfast.wire.message import Message

#: Characters of a value's one line.
_LINE = 400
_LARGEST_SOURCE = 16 << 20


class Debugging:
    """A `debug.port.Port`, and the bridge between `debug_request`s and its debugger; `folder` is the kernel's own."""

    def __init__(
        self,
        driver: Driver,
        sources: Sources,
        namespace: Namespace,
        surroundings: CellSurroundings,
        interrupts: Interrupts,
        magics: Magics,
        folder: str,
    ) -> None:
        self._driver = driver
        self._sources = sources
        self.namespace = namespace.dict
        self._formatters = surroundings.formatters
        self._around = surroundings.around
        self._interrupts = interrupts
        self._magics = magics
        self.folder = folder
        self.naming: Mapping[str, object] = {
            "hashMethod": "Murmur2",
            "hashSeed": SEED,
            "tmpFilePrefix": sources.prefix,
            "tmpFileSuffix": sources.suffix,
        }
        #: The newest request: events belong to it.
        self._token: Message | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writes = False
        self._debugger = Debugger(self)

    def serve(self, token: Message) -> None:
        """Answer a debug_request some time later."""
        self._token = token
        task = self._driver.loop.create_task(self._answer(token))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, token: Message) -> None:
        request = token.content
        assert isinstance(request, DebugRequest)
        content = {"seq": request.seq, "command": request.command, "arguments": request.arguments}
        self._driver.mailbox.post(Looked(token, await self._debugger.answer(content)))

    # ------------------------------------------------------------ debugpy and the user's threads

    def start(self, port: int, secret: str, over: Callable[[str], None]) -> None:
        """See the port."""
        if not any(isinstance(step, Afterwards) for step in self._around):
            self._around.append(Afterwards(partial(self._soon, self._debugger.rearm)))
            self._interrupts.heard = self._interrupted
        OwnThread(target=self._trace, args=(port, secret, over), name="holdfast-debugger", daemon=True).start()

    def _trace(self, port: int, secret: str, over: Callable[[str], None]) -> None:
        reason = ""
        try:
            trace(port, secret)
        except DebugError as error:
            reason = str(error)
        except BaseException as error:
            reason = f"the debugger does not start: {error!r}"
        try:
            self._driver.loop.call_soon_threadsafe(over, reason)
        except RuntimeError:  # the kernel has ended meanwhile
            return

    def _interrupted(self) -> None:
        """The main thread, in its handler, goes on to raise KeyboardInterrupt; so do all others soon.

        What it evaluates for the debugger meanwhile is interrupted instead, and it stands still as before.
        """
        if let_go():
            self._soon(self._debugger.release)

    def _soon(self, call: Callable[[], None]) -> None:
        try:
            self._driver.loop.call_soon_threadsafe(call)
        except RuntimeError:  # as in `_trace`
            return

    @property
    def is_idle(self) -> bool:
        """See the port."""
        return self._driver.is_idle

    def publish(self, event: Json) -> None:
        """See the port."""
        self._driver.mailbox.post(Published(self._token, "debug_event", event))

    def aside[T](self, call: Callable[[], T]) -> asyncio.Future[T]:
        """See the port."""
        done: asyncio.Future[T] = self._driver.loop.create_future()

        def run() -> None:
            try:
                value = call()
            except BaseException as error:
                self._soon(partial(_fail, done, error))
            else:
                self._soon(partial(_succeed, done, value))

        self._driver.in_pool(run)
        return done

    # ------------------------------------------------------------ files

    def dump(self, code: str) -> str:
        """See the port."""
        path = self._sources.name(code)
        self._write(path, code)
        return path

    def provide(self, path: str) -> None:
        """See the port."""
        if self.is_cell(path) and not os.path.exists(path):
            self._write(path, self._sources.texts[path])

    def _write(self, path: str, code: str) -> None:
        folder = os.path.dirname(path)
        if not self._writes:
            os.makedirs(folder, 0o700, exist_ok=True)
            status = os.lstat(folder)
            if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o077):
                raise PermissionError(f"{folder} is not ours alone; remove it")
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            self._writes = True
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8", errors="surrogatepass", newline="") as file:
            file.write(code)

    def text(self, path: str) -> str | None:
        """See the port."""
        known = self._sources.texts.get(path)
        if known is not None:
            return known
        try:
            if not os.path.isfile(path) or os.path.getsize(path) > _LARGEST_SOURCE:
                return None
            import tokenize

            with tokenize.open(path) as file:
                return file.read()
        except (OSError, SyntaxError, ValueError):
            return None

    def is_cell(self, path: str) -> bool:
        """See the port."""
        return path in self._sources.texts

    def is_ours(self, path: str) -> bool:
        """See the port."""
        return path.startswith(self.folder)

    # ------------------------------------------------------------ values

    def describe(self, value: object) -> str:
        """See the port."""
        from holdfast.language.brief import brief

        return brief(value, _LINE)

    def attributes(self, value: object) -> Mapping[str, object]:
        """See the port."""
        from holdfast.language.objects import instance_dict

        return instance_dict(value)

    def bundle(self, value: object) -> tuple[Mapping[str, object], Mapping[str, object]]:
        """See the port."""
        return self._formatters.format(value)

    def bind(self, name: str, value: object) -> None:
        """See the port."""
        self.namespace[name] = value
        self.touched()

    def touched(self) -> None:
        """See the port."""
        self._magics.kernel.touched()


class Afterwards:
    """After a cell: a step over its last line is over, and breakpoints that its interrupt took away come back."""

    def __init__(self, rearm: Callable[[], None]) -> None:
        self._rearm = rearm

    def before(self, job: Job) -> None:
        """Nothing."""

    def after(self, job: Job, failed: bool) -> None:
        """On the cell's thread."""
        let_go()
        self._rearm()


def _fail(done: asyncio.Future[Any], error: BaseException) -> None:
    if not done.done():
        done.set_exception(error)


def _succeed(done: asyncio.Future[Any], value: object) -> None:
    if not done.done():
        done.set_result(value)
