"""`input()` and `getpass()`: a prompt is a promise, and whoever settles it first has answered it (P5).

It must never ask a client that cannot answer, and never read the process's real stdin.
Source: Jupyter messaging 5.5, stdin channel; the answer "\\x04" means end of file, as peers have it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from holdfast.engine.port import Engine
from holdfast.errors import StdinNotImplementedError

#: Who asks: (token, whether its client answers prompts, prefix of its promises' ids).
Asker = tuple[object, bool, str]


class Prompts:
    """One open prompt at a time: the protocol's input_reply does not say which prompt it answers."""

    def __init__(
        self,
        engine: Engine,
        who: Callable[[], Asker],
        ask: Callable[[object, str, bool], None],
    ) -> None:
        self._engine = engine
        self._who = who
        self._ask = ask
        self._turn = threading.Lock()
        self._asked: dict[str, int] = {}
        self._open: str | None = None

    def input(self, prompt: object = "", /) -> str:
        """Read a line from the person at the keyboard; the trailing newline is not part of it.

        Raises `StdinNotImplementedError` where the client does not answer prompts, EOFError at end of file.
        """
        return self.ask(str(prompt), password=False, function="input")

    def getpass(self, prompt: str = "Password: ", stream: object = None, *, echo_char: str | None = None) -> str:
        """Read a line without showing it; `stream` and `echo_char` are accepted and not used."""
        return self.ask(prompt, password=True, function="getpass")

    def ask(self, prompt: str, *, password: bool, function: str) -> str:
        """Open the promise, send the prompt, wait for whoever answers first."""
        token, answers, prefix = self._who()
        if not answers:
            raise StdinNotImplementedError(function)
        with self._turn:
            promise = self._new(prefix, prompt, password)
            self._open = promise
            try:
                # The promise is there before its prompt leaves: an answer finds it.
                self._ask(token, prompt, password)
                settled = self._engine.wait(promise)
            except BaseException:
                self._engine.settle(promise, "rejected_canceled")
                raise
            finally:
                self._open = None
        value = str(settled.value)
        if value == "\x04":
            raise EOFError("the person at the keyboard ended the input")
        return value

    def _new(self, prefix: str, prompt: str, password: bool) -> str:
        # Cells of subshells ask in between: a number is never used twice, its promise is settled.
        self._asked[prefix] = self._asked.get(prefix, 0) + 1
        promise = f"{prefix}-i{self._asked[prefix]}"
        self._engine.create(promise, {"prompt": prompt, "password": password}, {"resonate:external": "true"})
        return promise

    def answer(self, value: str) -> bool:
        """The client's answer; False when no prompt is open."""
        promise = self._open
        if promise is None:
            return False
        self._engine.settle(promise, "resolved", value)
        return True
