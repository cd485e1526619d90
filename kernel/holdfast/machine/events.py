"""What can happen to the kernel.

An event must never carry behaviour.  A *token* is the request that an event belongs to: whoever works for a
request hands its token back, so that nothing has to be looked up and output that arrives long after its cell
still finds its parent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Raw, Struct

from holdfast.wire.message import Message

Json = Mapping[str, object]


class Received(Struct, frozen=True):
    """An authentic message came in at `at` (seconds of a monotonic clock)."""

    message: Message
    at: float = 0.0


class Wrote(Struct, frozen=True):
    """Text was written to stdout or stderr."""

    token: Message | None
    name: str
    text: str


class Published(Struct, frozen=True):
    """User code published an iopub message; `content` is JSON already, but for an execute_result."""

    token: Message | None
    msg_type: str
    content: Json | Raw
    metadata: Json = {}
    buffers: Sequence[bytes | memoryview] = ()


class Finished(Struct, frozen=True):
    """A cell ended.  `ename` is empty when it ended well; `at` is when (monotonic seconds).

    `closing` are messages (type, content) to be published behind its error; `shown` says that the error is below the
    cell already, in another form.
    """

    token: Message
    ename: str = ""
    evalue: str = ""
    traceback: Sequence[str] = ()
    user_expressions: Json = {}
    payload: Sequence[Json] = ()
    metadata: Json = {}
    at: float = 0.0
    closing: Sequence[tuple[str, Json]] = ()
    shown: bool = False


class Committed(Struct, frozen=True):
    """What the cell left behind is as durable as it will be; `note` goes into the reply's metadata."""

    token: Message
    note: Json = {}


class CommitFailed(Struct, frozen=True):
    """What the cell left behind could not be kept, and why."""

    token: Message
    reason: str


class Looked(Struct, frozen=True):
    """A language request was served; `content` is the reply's content."""

    token: Message
    content: object


class Handled(Struct, frozen=True):
    """A comm message was delivered to the user's callbacks."""

    token: Message


class Asked(Struct, frozen=True):
    """User code waits for the person at the keyboard."""

    token: Message
    prompt: str
    password: bool = False


class Opened(Struct, frozen=True):
    """The session is open and restored: cells may run, and the first that counts is `count` + 1."""

    count: int = 0


class Counted(Struct, frozen=True):
    """The session went to a state with cells up to `count`: the next that counts comes after them."""

    count: int


class Left(Struct, frozen=True):
    """The user's side has ended: no cell runs, exit handlers have run, all output has been posted."""


class Stopping(Struct, frozen=True):
    """Something other than a request wants us to end: a signal, a dead parent."""

    reason: str


Event = (
    Received
    | Wrote
    | Published
    | Finished
    | Committed
    | CommitFailed
    | Looked
    | Handled
    | Asked
    | Opened
    | Counted
    | Left
    | Stopping
)
