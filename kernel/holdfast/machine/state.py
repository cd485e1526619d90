"""What the machine knows.

It must never hold anything that user code can reach.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from msgspec import Struct

from holdfast.machine.events import Finished
from holdfast.wire.connection import ConnectionInfo
from holdfast.wire.message import Message


class Failure(Struct, frozen=True):
    """A cell that failed with `stop_on_error`: what was sent before its reply could be seen is aborted.

    `sent` is the date in the failed request's header, `took` the seconds from its arrival to its end.
    """

    session: str
    sent: str
    took: float


class Shell:
    """One queue of cells and the one that runs: the main shell or a subshell."""

    __slots__ = ("arrived", "closing", "count", "failure", "finished", "name", "queue", "running")

    def __init__(self, name: str | None) -> None:
        self.name = name
        #: Execute requests, and comm messages that arrived behind one; with their time of arrival.
        self.queue: deque[tuple[Message, float]] = deque()
        self.running: Message | None = None
        self.arrived = 0.0
        self.count = 0
        #: How the running cell ended, while its commit is awaited.
        self.finished: Finished | None = None
        self.failure: Failure | None = None
        #: Deleted while a cell runs: what is queued is aborted, and the shell goes with the cell.
        self.closing = False


class KernelState:
    """The whole state of the kernel, as the protocol sees it."""

    __slots__ = (
        "connection",
        "execution_count",
        "info",
        "leaving",
        "main",
        "nameless",
        "opening",
        "prompt",
        "restart",
        "shells",
        "subshells_made",
    )

    def __init__(self, info: Mapping[str, object], connection: ConnectionInfo, execution_count: int = 0) -> None:
        self.info = info
        self.connection = connection
        self.execution_count = execution_count
        self.main = Shell(None)
        self.shells: dict[str | None, Shell] = {None: self.main}
        self.subshells_made = 0
        #: Sessions that are still being restored: everything is answered but cells, which wait for them.
        self.opening = 0
        #: Whether the first cell may say whose session this is, because nothing else does.
        self.nameless = False
        #: The request whose cell waits for an answer on stdin.
        self.prompt: Message | None = None
        #: Shutdown requests to be answered once the user's side has ended; None while we live.
        self.leaving: list[Message] | None = None
        self.restart = False

    def shell_of(self, token: Message) -> Shell | None:
        """The shell in which `token` runs, if it does."""
        for shell in self.shells.values():
            if shell.running is token:
                return shell
        return None
