"""Every exception of Holdfast, sorted by whose fault it is.

It must never import anything of ours: all rings may raise these.

Four roots: `PeerError` (a message or a connection file that somebody else wrote), `CellError` (the user's
code), `StoreError` (disk, server), `KernelBug` (ours).  Each carries its fields; the sentence is built in
`__str__`; each survives pickling, because errors cross the durable boundary.
"""

from __future__ import annotations


class HoldfastError(Exception):
    """What all errors of Holdfast have in common: fields as positional arguments, a sentence as text."""


class PeerError(HoldfastError):
    """Somebody sent us something that we cannot use; it is dropped or answered with an error."""


class BadFrames(PeerError):
    """A multipart message that is not in the shape of the wire protocol."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"dropped a message: {self.reason}"


class BadSignature(PeerError):
    """A message whose HMAC does not match: it was not written by a holder of the connection file's key."""

    def __str__(self) -> str:
        return "dropped a message: its signature does not match the connection file's key"


class Replayed(PeerError):
    """A message whose signature was seen before."""

    def __str__(self) -> str:
        return "dropped a message: the same signed message was received before"


class BadContent(PeerError):
    """An authentic request whose content has the wrong shape; it gets an error reply."""

    def __init__(self, msg_type: str, reason: str) -> None:
        super().__init__(msg_type, reason)
        self.msg_type = msg_type
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot serve {self.msg_type}: {self.reason}"


class DebugError(PeerError):
    """The debugger cannot do what a frontend asked for, or debugpy said what we do not understand."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class ConnectionFileError(PeerError):
    """The connection file is missing, unreadable or not what the protocol says."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot use the connection file {self.path!r}: {self.reason}"


class AddressTaken(PeerError):
    """A port or path of the connection file cannot be bound."""

    def __init__(self, channel: str, address: str, reason: str) -> None:
        super().__init__(channel, address, reason)
        self.channel = channel
        self.address = address
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"cannot listen for {self.channel} on {self.address}: {self.reason}; "
            "start the kernel with another connection file or with port 0"
        )


class CellError(HoldfastError):
    """The user's code asked for something that cannot be done."""


class StdinNotImplementedError(CellError, NotImplementedError):
    """`input()` or `getpass()` where the client has said that nobody can answer (`allow_stdin: false`)."""

    def __init__(self, function: str) -> None:
        super().__init__(function)
        self.function = function

    def __str__(self) -> str:
        return (
            f"{self.function}() was called, but this client does not answer prompts; "
            "run the cell in JupyterLab or jupyter console, or pass the value in as a variable"
        )


class ChildStdinError(CellError, EOFError):
    """`input()` or `getpass()` in a process that a cell has forked."""

    def __init__(self, function: str) -> None:
        super().__init__(function)
        self.function = function

    def __str__(self) -> str:
        return (
            f"{self.function}() was called in a process that a cell started, where nobody can answer; "
            "ask in the cell itself and hand the answer over"
        )


class PromptCancelledError(CellError, EOFError):
    """A prompt that was settled without an answer, from outside or because its session went on without it."""

    def __init__(self, prompt: str) -> None:
        super().__init__(prompt)
        self.prompt = prompt

    def __str__(self) -> str:
        return f"the prompt {self.prompt!r} was cancelled, nobody answered it; run the cell again to be asked again"


class StoreError(HoldfastError):
    """A disk or a server could not keep what it was given."""


class KernelBug(HoldfastError):
    """An error of ours: please report it with the kernel's log."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(where, what)
        self.where = where
        self.what = what

    def __str__(self) -> str:
        return f"a bug in Holdfast, in {self.where}: {self.what}; the session goes on; please report this"
