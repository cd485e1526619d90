"""What the machine may ask for.  An effect must never carry behaviour: `app/driver` performs it."""

from __future__ import annotations

from msgspec import Struct

from holdfast.wire.message import Draft, Message


class Send(Struct, frozen=True):
    """Send `draft` on `channel`."""

    channel: str
    draft: Draft


class Run(Struct, frozen=True):
    """Run the cell of `token` as number `count`, in a subshell's thread or (None) in the main one."""

    token: Message
    count: int
    subshell: str | None = None


class Look(Struct, frozen=True):
    """Serve a language request beside whatever runs."""

    token: Message


class Debug(Struct, frozen=True):
    """Serve a debugger's request beside whatever runs or stands still; then report `Looked`."""

    token: Message


class Deliver(Struct, frozen=True):
    """Hand a comm message to the user's callbacks, in a subshell's thread or (None) in the main one."""

    token: Message
    subshell: str | None = None


class Commit(Struct, frozen=True):
    """Make what the cell left behind durable; `count` is 0 for a cell that left no trace in history."""

    token: Message
    count: int


class Remember(Struct, frozen=True):
    """Keep an input (or, when `code` is None, the output of it) in the session's record."""

    count: int
    code: str | None = None
    output: str | None = None


class Answer(Struct, frozen=True):
    """The person at the keyboard answered the open prompt."""

    value: str


class Interrupt(Struct, frozen=True):
    """Interrupt what runs."""


class OpenSubshell(Struct, frozen=True):
    """Start the thread of a subshell."""

    subshell: str


class CloseSubshell(Struct, frozen=True):
    """End the thread of a subshell once its cell is done."""

    subshell: str


class Leave(Struct, frozen=True):
    """End the user's side: interrupt what runs, run exit handlers, then report `Left`."""

    restart: bool


class Stop(Struct, frozen=True):
    """End the process once everything sent has left."""


class Identify(Struct, frozen=True):
    """Nobody named this kernel, and the first cell to come has this id: find its session, then report `Opened`."""

    cell: str


class Log(Struct, frozen=True):
    """A line for the kernel's log."""

    text: str


Effect = (
    Send
    | Run
    | Look
    | Debug
    | Deliver
    | Commit
    | Remember
    | Answer
    | Interrupt
    | OpenSubshell
    | CloseSubshell
    | Leave
    | Stop
    | Identify
    | Log
)
