"""The kernel as libraries reach it through the shell: `get_ipython().kernel`.

It must never hand out the machine that runs the cells: what is here are answers to what libraries ask.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.compat.ipython import current
from holdfast.compat.ipython.parts import Part

__all__ = ["Channel", "Parents", "Session", "ShellKernel"]

_KEPT = 256


class Parents:
    """Messages that cells answer, as dicts for libraries: `set_parent` takes back what `get_parent` gave.

    The last few hundred are kept.
    """

    def __init__(self) -> None:
        self._tokens: dict[str, object] = {}

    def get(self) -> dict[str, Any]:
        """The message that output written here belongs to; empty outside a cell."""
        edges = current.edges()
        token = edges.token()
        message = edges.as_dict(token)
        if message:
            self._tokens[message["header"]["msg_id"]] = token
            while len(self._tokens) > _KEPT:
                del self._tokens[next(iter(self._tokens))]
        return message

    def set(self, parent: Mapping[str, Any]) -> None:
        """What this context writes belongs to that message from now on; one that is not known changes nothing."""
        token = self._tokens.get(parent.get("header", {}).get("msg_id", ""))
        if token is not None:
            current.edges().enter(token)


class Channel(Part):
    """`kernel.iopub_socket`: only to be handed to `session.send`."""

    path = "kernel.iopub_socket"


class Session(Part):
    """`kernel.session`."""

    path = "kernel.session"

    @property
    def session(self) -> str:
        """The id in the headers of the kernel's messages."""
        return current.edges().session

    def send(
        self,
        stream: object,
        msg_or_type: str | Mapping[str, Any],
        content: Mapping[str, object] | None = None,
        parent: object = None,
        ident: object = None,
        buffers: Sequence[bytes | memoryview] | None = None,
        track: bool = False,
        header: object = None,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Send a message on iopub for the running cell, whatever `stream` is."""
        kind: Any = msg_or_type
        if not isinstance(msg_or_type, str):
            kind, content = msg_or_type["header"]["msg_type"], msg_or_type.get("content", content)
        current.kernel().publish(str(kind), content or {}, metadata, buffers)


class ShellKernel(Part):
    """`get_ipython().kernel`."""

    path = "kernel"
    implementation = "holdfast"
    language_info: dict[str, Any] = {"name": "python", "mimetype": "text/x-python", "file_extension": ".py"}
    protocol_version = "5.5"

    def __init__(self) -> None:
        self._parents: Parents = current.shell()._parents
        self.session = Session()
        self.iopub_socket = Channel()
        self.log = logging.getLogger("holdfast")

    @property
    def shell(self) -> Any:
        """The shell whose kernel this is."""
        return current.shell()

    @property
    def user_ns(self) -> dict[str, Any]:
        """The user's variables."""
        return current.kernel().namespace

    @property
    def comm_manager(self) -> Any:
        """The registry of comms and their targets."""
        return current.edges().comm_manager()

    @property
    def execution_count(self) -> int:
        """See the shell's."""
        found: int = current.shell().execution_count
        return found

    def get_parent(self, channel: str | None = None) -> dict[str, Any]:
        """The message that output written here belongs to: header, content and so on; empty outside a cell."""
        return self._parents.get()

    def set_parent(self, ident: object, parent: Mapping[str, Any], channel: str = "shell") -> None:
        """What is written here belongs to that message from now on; it has to be one that `get_parent` gave."""
        self._parents.set(parent)

    @property
    def _parent_header(self) -> dict[str, Any]:
        return self._parents.get()

    @property
    def _parent_ident(self) -> dict[str, list[bytes]]:
        return {"shell": []}
