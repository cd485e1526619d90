"""Users' durable functions: Resonate on a thread and loop of its own, over the session's ledger.

It must never let what user code does reach the engine: a function that is interrupted, cancelled or returns what
is not JSON is a rejected promise, not a dead loop and not a redelivery for ever.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from holdfast.engine import sdk
from holdfast.engine.ledger import Ledger
from holdfast.engine.values import Guard

if TYPE_CHECKING:
    from resonate.resonate import Resonate

    from holdfast.engine.connection import EmbeddedConnection

GROUP = "holdfast"
#: A durable function may take this long unless `run` is told otherwise; the SDK's default is one day.
DEADLINE = timedelta(days=365)

F = TypeVar("F", bound=Callable[..., Any])


class Functions:
    """`register`, `run`, `get` from any thread; the thread starts with the first of `run`, `get` and `start`."""

    def __init__(self, ledger: Ledger, key: bytes) -> None:
        sdk.load()
        from resonate.heartbeat import NoopHeartbeat
        from resonate.resonate import Resonate
        from resonate.retry import Never

        from holdfast.engine.connection import EmbeddedConnection

        self._registered: dict[tuple[str, int], Callable[..., Any]] = {}
        self._names: dict[Callable[..., Any], tuple[str, int]] = {}
        pid = f"{os.getpid()}-{os.urandom(4).hex()}"
        self._connection: EmbeddedConnection = EmbeddedConnection(
            ledger, GROUP, pid, lambda name, version: (name, version) in self._registered
        )
        self._resonate: Resonate = Resonate(
            network=self._connection,
            group=GROUP,
            pid=pid,
            # No lease ends by time: the session's lock says who is alive, and a body may take as long as it likes.
            ttl=timedelta(0),
            heartbeat=NoopHeartbeat(),
            retry_policy=Never(),
            encryptor=Guard(key),
            # RESONATE_URL in the environment would turn the embedded engine into a remote one.
            env={},
            clock=ledger.now,
            observer=_say_nothing,
            subscription_refresh_secs=0,
            autostart=False,
        )
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def register(self, function: F, *, name: str | None = None, version: int = 1) -> F:
        """Make `function(ctx, *args)` durable under its name; again, in a cell that is run again, replaces it.

        Calls of it that an earlier process left unfinished go on from here.
        """
        sdk.admit_models()
        name = name or function.__name__
        registry = self._resonate._registry
        with self._lock:
            # The SDK refuses a name twice, but a notebook's cells are run again and again.
            registry._by_key.pop((name, version), None)
            self._resonate.register(_guarded(function, lambda: self._closed), name=name, version=version)
            self._registered[name, version] = function
            self._names[function] = (name, version)
        self._connection.knows()
        return function

    def run(
        self,
        id: str,
        function: Callable[..., object] | str,
        *args: object,
        timeout: timedelta = DEADLINE,
        version: int = 1,
        **kwargs: object,
    ) -> Future[Any]:
        """Start `function` under the promise `id`, or join the run that has it; the future of its result.

        Cancelling the future does not cancel the function.  KeyError where the function is not registered.
        """
        if not isinstance(function, str):
            function, version = self._names[function]
        name = function

        async def go() -> object:
            handle = self._resonate.options(timeout=timeout, version=version).run(id, name, *args, **kwargs)
            await handle.id()  # raises what creation failed with; `result` would wait for ever
            return await handle.result()

        return self._submit(go())

    def get(self, id: str) -> Future[Any]:
        """The future of the result of the promise `id`; it raises the SDK's ServerError(404) where there is none."""

        async def go() -> object:
            return await (await self._resonate.get(id)).result()

        return self._submit(go())

    def start(self) -> None:
        """Begin to serve what an earlier process left; idempotent."""
        with self._lock:
            if self._loop is not None or self._closed:
                return
            started = threading.Event()
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=self._live, args=(self._loop, started), name="holdfast-engine", daemon=True
            )
            self._thread.start()
        started.wait()

    def close(self, seconds: float = 2.0) -> None:
        """Stop serving: bodies in flight are cancelled after `seconds`, and are run again by the next process."""
        with self._lock:
            self._closed = True
            loop, thread = self._loop, self._thread
        if loop is None or thread is None or not thread.is_alive():
            return
        loop.call_soon_threadsafe(lambda: loop.create_task(self._end(loop, seconds)))
        thread.join(seconds + 5.0)

    # On the engine's thread

    def _live(self, loop: asyncio.AbstractEventLoop, started: threading.Event) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.call_soon(self._resonate.start)
            loop.call_soon(started.set)
            loop.run_forever()
        finally:
            started.set()
            asyncio.set_event_loop(None)
            loop.close()

    async def _end(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        # `stop` waits for bodies without end; a body cancelled here must stay pending, not be rejected.
        stop = loop.create_task(self._resonate.stop())
        await asyncio.wait([stop], timeout=seconds)
        self._connection.refuse()
        rest = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task(loop)]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        loop.stop()

    def _submit(self, work: Coroutine[Any, Any, object]) -> Future[Any]:
        self.start()
        loop = self._loop
        if loop is None or self._closed:
            work.close()
            raise RuntimeError("durable functions cannot be started: the session has been closed")
        return asyncio.run_coroutine_threadsafe(work, loop)


def _say_nothing(event: object) -> None:
    """An observer for events that handles report anyway."""


def _guarded(function: Callable[..., Any], closing: Callable[[], bool]) -> Callable[..., Awaitable[Any]]:
    """`function` as the engine may call it: never blocks its loop, and fails only with ordinary exceptions."""
    from resonate.codec import enc_hook
    from resonate.error import ApplicationError

    name = getattr(function, "__name__", "function")
    blocking = not inspect.iscoroutinefunction(function)

    @functools.wraps(function)
    async def guarded(ctx: Any, /, *args: Any, **kwargs: Any) -> Any:
        try:
            call = functools.partial(function, ctx, *args, **kwargs)
            result = await _in_thread(call, name) if blocking else call()
            if inspect.isawaitable(result):
                result = await result
        except (KeyboardInterrupt, SystemExit, asyncio.CancelledError, GeneratorExit) as error:
            if closing():
                raise asyncio.CancelledError from None  # the run is left to the next process, as it is
            raise ApplicationError(f"{name} was ended by {type(error).__name__}") from error
        if not isinstance(result, Exception):
            import msgspec

            try:
                msgspec.json.encode(result, enc_hook=enc_hook)
            except Exception as error:
                raise ApplicationError(f"{name} returned a {type(result).__name__} that is not JSON: {error}") from None
        return result

    return guarded


async def _in_thread(call: Callable[[], object], name: str) -> object:
    # Not `asyncio.to_thread`: its threads are waited for when the process ends, and this one may sleep for hours.
    result: Future[object] = Future()

    def work() -> None:
        try:
            result.set_result(call())
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=work, name=f"holdfast-engine-{name}", daemon=True).start()
    return await asyncio.wrap_future(result)
