"""A message of the Jupyter wire protocol, typed, and its children.

It must never change a parent's header: children echo the raw bytes that came in, so that a client finds its
own header again whatever it put there (unknown fields, odd dates, numbers beyond a double).
Source: Jupyter messaging 5.5, "General message format".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

PROTOCOL_VERSION = "5.5"

#: The parent of a message that answers nobody: the protocol wants an empty object.
NO_PARENT = b"{}"


class Header(Struct, frozen=True):
    """The header of an incoming message; only `msg_id` and `msg_type` are needed to serve it."""

    msg_id: str
    msg_type: str
    session: str = ""
    username: str = ""
    date: str = ""
    version: str = ""
    subshell_id: str | None = None


class Draft(Struct, frozen=True):
    """An outgoing message before it has an id, a date and a signature.

    `idents` are ROUTER identities, or for iopub the one topic frame; `parent` is the raw parent header.
    """

    msg_type: str
    content: object
    parent: bytes = NO_PARENT
    idents: tuple[bytes, ...] = ()
    metadata: Mapping[str, object] | None = None
    buffers: Sequence[bytes | memoryview] = ()


class Message(Struct, frozen=True):
    """An incoming, authenticated message.

    `content` is the struct registered for the header's `msg_type`, or a plain dict for an unknown one;
    `channel` is the one it came in on, and so the one its reply goes out on;
    `fault` says what is wrong with the content when it could not be read (then `content` is the raw dict).
    """

    header: Header
    raw_header: bytes
    content: object
    channel: str = "shell"
    idents: tuple[bytes, ...] = ()
    metadata: Mapping[str, object] = {}
    parent_header: Mapping[str, object] = {}
    buffers: tuple[bytes, ...] = ()
    fault: str = ""

    @property
    def msg_type(self) -> str:
        """The protocol's name of this message."""
        return self.header.msg_type

    def reply(self, content: object, metadata: Mapping[str, object] | None = None) -> Draft:
        """The reply to this request, back to who sent it (`X_request` is answered by `X_reply`)."""
        name = self.header.msg_type.removesuffix("_request") + "_reply"
        return Draft(name, content, self.raw_header, self.idents, metadata)

    def publish(
        self,
        msg_type: str,
        content: object,
        metadata: Mapping[str, object] | None = None,
        buffers: Sequence[bytes | memoryview] = (),
    ) -> Draft:
        """An iopub message that this request is the parent of; its topic is the message type."""
        return Draft(msg_type, content, self.raw_header, (msg_type.encode(),), metadata, buffers)
