"""Which cell a piece of output belongs to: the one that started the thread or task that wrote it.

It must never carry the user's whole context into a thread, only the cell's token: a context variable set in
the cell must not appear in a thread that Python starts with an empty context.

Rejected: the newest cell for all threads (peers do that: output of a background thread lands wherever the
person happens to be); a map from thread id to cell (ids are reused).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Literal

#: The token of the cell that the current task or thread belongs to.  Tasks inherit it with their context.
TOKEN: ContextVar[object] = ContextVar("holdfast_cell", default=None)


class _Muted:
    """The token of what nobody is to see."""


MUTED = _Muted()


def mute() -> Callable[[], None]:
    """Drop what this context writes and displays from now on, until the function that is returned is called."""
    was = TOKEN.set(MUTED)
    return lambda: TOKEN.reset(was)


class Attribution:
    """Knows the newest cell and hands each thread its starter's token."""

    def __init__(self) -> None:
        #: For threads that C code started, and for children's output.
        self.newest: object = None
        self._follow_newest = False
        #: Whether the user has asked for that.
        self._asked = False
        self._undo: list[Callable[[], None]] = []
        self._executors_wrapped = False

    def current(self) -> object:
        """The token that output written now, here, belongs to."""
        token = TOKEN.get()
        return self.newest if token is None or (self._follow_newest and token is not MUTED) else token

    def begin(self, token: object, newest_only: bool = False) -> None:
        """A cell starts in this context; it is the newest from now on.

        `newest_only`: its client reads what belongs to the cell that it waits for, and drops all else.
        """
        TOKEN.set(token)
        self.newest = token
        self._follow_newest = self._asked or newest_only
        if not self._executors_wrapped:
            self._wrap_executors()

    def visit(self, token: object) -> Callable[[], None]:
        """What this context writes belongs to `token`, beside a cell that awaits, until what is returned is called."""
        before, newest = TOKEN.set(token), self.newest
        self.newest = token

        def leave() -> None:
            TOKEN.reset(before)
            if self.newest is token:
                self.newest = newest

        return leave

    def follows(self, which: Literal["newest", "starter"]) -> None:
        """Let all output go to the newest cell, or (the default) to the cell that started its writer."""
        if which not in ("newest", "starter"):
            raise ValueError(f"output can follow 'newest' or 'starter', not {which!r}")
        self._follow_newest = self._asked = which == "newest"

    def install(self) -> None:
        """Wrap `Thread.start`; executors are wrapped once something has imported them."""
        start = threading.Thread.start
        bootstrap = getattr(threading.Thread, "_bootstrap_inner", None)
        if bootstrap is None:  # not CPython's: threads then belong to the newest cell
            return

        def start_with_token(thread: threading.Thread) -> None:
            thread.__dict__["_holdfast_cell"] = TOKEN.get()
            start(thread)

        def bootstrap_with_token(thread: threading.Thread) -> None:
            token = thread.__dict__.pop("_holdfast_cell", None)
            if token is not None:
                TOKEN.set(token)
            bootstrap(thread)

        start_with_token.__doc__ = start.__doc__
        self._replace(threading.Thread, "start", start_with_token)
        self._replace(threading.Thread, "_bootstrap_inner", bootstrap_with_token)

    def _wrap_executors(self) -> None:
        """A pool's thread outlives the cell that made it: each submitted call brings its own token.

        The first calls need no wrapping (their threads start in the cell that submits them), so it is enough
        to look for the module when a cell begins, and nothing is imported for it.
        """
        module = sys.modules.get("concurrent.futures.thread")
        if module is None:
            return
        executor = module.ThreadPoolExecutor
        submit = executor.submit

        def submit_with_token(self: object, fn: Callable[..., object], /, *args: object, **kwargs: object) -> object:
            token = TOKEN.get()
            return submit(self, _Carried(fn, token) if token is not None else fn, *args, **kwargs)

        submit_with_token.__doc__ = submit.__doc__
        self._replace(executor, "submit", submit_with_token)
        self._executors_wrapped = True

    def _replace(self, owner: type, name: str, value: object) -> None:
        original = getattr(owner, name)
        setattr(owner, name, value)
        self._undo.append(lambda: setattr(owner, name, original))

    def uninstall(self) -> None:
        """Put back what was wrapped."""
        while self._undo:
            self._undo.pop()()
        self._executors_wrapped = False


class _Carried:
    """A call that sets its token for as long as it runs."""

    __slots__ = ("fn", "token")

    def __init__(self, fn: Callable[..., object], token: object) -> None:
        self.fn = fn
        self.token = token

    def __call__(self, *args: object, **kwargs: object) -> object:
        was = TOKEN.set(self.token)
        try:
            return self.fn(*args, **kwargs)
        finally:
            TOKEN.reset(was)
