"""`input()` and `getpass()`: a prompt is a promise, and whoever settles it first has answered it (P5).

It must never ask a client that cannot answer, never read the process's real stdin, and never use an answer that
was given to another question or to a cell that has been replied to.

A cell that asks becomes the root of a lineage: its own promise is pending until it is replied to, its prompts are
`…-i1`, `…-i2`, … below it.  A cell whose promise is found pending died before its reply: the answers that were
recorded for it are taken at once, and only the open question is asked again.
Source: Jupyter messaging 5.5, stdin channel; the answer "\\x04" means end of file, as peers have it.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from contextlib import suppress

from holdfast.engine.port import EXTERNAL, ORIGIN, SECRET, Engine, Promise, State
from holdfast.errors import ChildStdinError, PromptCancelledError, StdinNotImplementedError, StoreError

#: Who asks: (token, whether its client answers prompts, the id of its cell's promise).
Asker = tuple[object, bool, str]

#: Characters of a question that its promise holds; of a longer one, the rest is told apart by a digest.
LONGEST = 2000


class _Run:
    """One run of a cell that asks: how far it has asked, and whether an earlier run's answers hold for it."""

    __slots__ = ("number", "resumed")

    def __init__(self) -> None:
        self.number = 0
        self.resumed: bool | None = None


class _Open:
    """The prompt that waits, and what was typed for it."""

    __slots__ = ("typed",)

    def __init__(self) -> None:
        self.typed: str | None = None


class Prompts:
    """One open prompt at a time: the protocol's input_reply does not say which prompt it answers."""

    def __init__(
        self,
        engine: Callable[[], Engine],
        who: Callable[[], Asker],
        ask: Callable[[object, str, bool], None],
    ) -> None:
        #: The engine, which may be opened by this call.
        self._engine = engine
        self._who = who
        self._ask = ask
        self._turn = threading.Lock()
        self._pid = os.getpid()
        self._runs: dict[str, _Run] = {}
        self._open: _Open | None = None

    def input(self, prompt: object = "", /) -> str:
        """Read a line from the person at the keyboard; the trailing newline is not part of it.

        Raises `StdinNotImplementedError` where the client does not answer prompts, EOFError at end of file,
        `PromptCancelledError` (an EOFError too) where somebody settled the prompt without an answer, and
        `ChildStdinError` (the same) in a forked child.
        """
        return self.ask(str(prompt), password=False, function="input")

    def getpass(self, prompt: str = "Password: ", stream: object = None, *, echo_char: str | None = None) -> str:
        """Read a line without showing it; `stream` and `echo_char` are accepted and not used."""
        return self.ask(prompt, password=True, function="getpass")

    def ask(self, prompt: str, *, password: bool, function: str) -> str:
        """Open the promise, send the prompt, wait for whoever answers first."""
        if os.getpid() != self._pid:
            raise ChildStdinError(function)
        token, answers, cell = self._who()
        if not answers:
            raise StdinNotImplementedError(function)
        with self._turn:
            engine = self._engine()
            promise = self._promise(engine, cell, prompt, password)
            if promise.state == "pending":
                promise = self._settled(engine, promise.id, token, prompt, password)
        if promise.state != "resolved":
            raise PromptCancelledError(prompt)
        value = promise.value
        text = value if isinstance(value, str) else "" if value is None else str(value)
        if text == "\x04":
            raise EOFError("the person at the keyboard ended the input")
        return text

    def _promise(self, engine: Engine, cell: str, prompt: str, password: bool) -> Promise:
        """The promise of the next question: one that an earlier run of the cell left, or a new one."""
        run = self._runs.get(cell)
        if run is None:
            run = self._runs[cell] = _Run()
        if run.resumed is None:
            run.resumed = engine.create(cell).state == "pending"
        param = {"prompt": _question(prompt), "password": password}
        tags = {EXTERNAL: "true", ORIGIN: cell, **({SECRET: "true"} if password else {})}
        while True:
            run.number += 1
            promise = engine.create(f"{cell}-i{run.number}", param, tags)
            if promise.param == param:
                if promise.state == "pending" or (run.resumed and promise.state == "resolved"):
                    return promise
            elif promise.state == "pending":
                engine.settle(promise.id, "rejected_canceled")  # this run does not ask that

    def _settled(self, engine: Engine, id: str, token: object, prompt: str, password: bool) -> Promise:
        """Send the prompt, whose promise is there already, and wait on the caller's thread."""
        this = self._open = _Open()
        try:
            self._ask(token, prompt, password)
            promise = engine.wait(id, until=lambda: this.typed is not None)
            # Kept before the cell goes on with it; if somebody else was faster, theirs is the answer.
            return promise if promise.state != "pending" else engine.settle(id, "resolved", this.typed)
        except BaseException:
            with suppress(StoreError):
                engine.settle(id, "rejected_canceled")
            raise
        finally:
            self._open = None

    def answer(self, value: str) -> bool:
        """The client's answer, from any thread; False when no prompt is open or it has been answered.

        Only hands it over: the thread that asks writes it down, so that the kernel's own never waits for a disk.
        """
        this = self._open
        if this is None or this.typed is not None:
            return False
        this.typed = value
        self._engine().wake()
        return True

    def ended(self, cell: str, state: State, value: object) -> None:
        """The cell is over, and that is how: what it still asked is cancelled, its answers hold for no other run."""
        if self._runs.pop(cell, None) is None:
            return
        engine = self._engine()
        for promise in engine.list_open(f"{cell}-i"):
            engine.settle(promise.id, "rejected_canceled")
        with suppress(KeyError):  # interrupted before there was any
            engine.settle(cell, state, value)

    @property
    def asking(self) -> bool:
        """Whether any cell that runs has asked."""
        return bool(self._runs)


def _question(prompt: str) -> str:
    """What a promise says of a prompt: small, and JSON."""
    text = prompt.encode("utf-8", "backslashreplace").decode()
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}… {hashlib.sha256(text.encode()).hexdigest()[:16]}"
