"""Comms: messages between the user's objects and their twins in the frontend.

It must never import `comm` before the user does: until then no comm and no target is known.
Source: Jupyter messaging 5.5, "Custom Messages".

The `comm` package is the registry that libraries use; we give it a class that publishes through us.  Its own
`BaseComm.handle_msg` imports IPython on every message, so ours does not call it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, cast

#: (msg_type, content, metadata, buffers); thread-safe.
Publish = Callable[[str, dict[str, object], dict[str, object], Sequence[bytes | memoryview] | None], None]


class Comms:
    """The open comms of this kernel and the targets that libraries registered."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._manager: Any = None
        self._class: Any = None
        #: Called before (`app/ipython.py`) and after the callback of each message: libraries show then what it drew.
        self.before: list[Callable[[], object]] = []
        self.after: list[Callable[[], object]] = []

    def adopt(self, comm: ModuleType) -> None:
        """Make the `comm` package, which has just been imported, create and find comms here."""
        if self._manager is None:
            self._manager = comm.base_comm.CommManager()
            self._class = _comm_class(comm, self.send, self._received)
        comm.create_comm = self._class  # type: ignore[attr-defined]
        comm.get_comm_manager = lambda: self._manager  # type: ignore[attr-defined]

    def send(self, comm_id: str, msg_type: str, data: Any, metadata: Any, buffers: Any, keys: dict[str, Any]) -> None:
        """Publish a message of a comm; `keys` are the fields of its content besides data and id."""
        content = {"data": data or {}, "comm_id": comm_id, **keys}
        self._publish(msg_type, content, metadata or {}, buffers)

    def _received(self, callback: Callable[[Any], object], message: Any) -> None:
        for call in self.before:
            call()
        try:
            callback(message)
        finally:
            for call in self.after:
                call()

    @property
    def comm_class(self) -> Any:
        """The class of this kernel's comms."""
        assert self.manager is not None
        return self._class

    @property
    def manager(self) -> Any:
        """The registry; imports `comm` when nobody has yet."""
        if self._manager is None:
            import comm.base_comm

            self.adopt(comm)
        return self._manager

    def handle(self, msg_type: str, message: Mapping[str, object]) -> None:
        """Give a message to its comm or target; an unknown one is answered with comm_close.

        That is what a page learns whose widgets belong to a kernel that ended.
        `message` has the keys content, metadata, buffers, header, as libraries read them.
        """
        manager, content = self._manager, cast("dict[str, str]", message["content"])
        opens = msg_type == "comm_open"
        if manager is not None and (
            content["target_name"] in manager.targets if opens else content["comm_id"] in manager.comms
        ):
            getattr(manager, msg_type)(None, None, message)
        elif msg_type != "comm_close":
            self.send(content["comm_id"], "comm_close", None, None, None, {})

    def info(self, target_name: str | None) -> dict[str, object]:
        """The content of a comm_info_reply."""
        comms = dict(self._manager.comms) if self._manager is not None else {}
        chosen = {
            comm_id: {"target_name": comm.target_name}
            for comm_id, comm in comms.items()
            if target_name is None or comm.target_name == target_name
        }
        return {"status": "ok", "comms": chosen}


def _comm_class(comm: Any, send: Callable[..., None], received: Callable[..., None]) -> type:
    class KernelComm(comm.base_comm.BaseComm):  # type: ignore[misc]
        """A comm that publishes on this kernel's iopub."""

        def publish_msg(
            self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
        ) -> None:
            send(self.comm_id, msg_type, data, metadata, buffers, keys)

        def handle_msg(self, msg: Any) -> None:
            if self._msg_callback:
                received(self._msg_callback, msg)

    return KernelComm
