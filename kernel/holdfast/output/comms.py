"""Comms: messages between the user's objects and their twins in the frontend.

It must never import `comm` before the user does or a comm message arrives.
Source: Jupyter messaging 5.5, "Custom Messages".

The `comm` package is the registry that libraries use; we give it a class that publishes through us.  Its own
`BaseComm.handle_msg` imports IPython on every message, so ours does not call it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

#: (msg_type, content, metadata, buffers); thread-safe.
Publish = Callable[[str, dict[str, object], dict[str, object], Sequence[bytes | memoryview] | None], None]


class Comms:
    """The open comms of this kernel and the targets that libraries registered."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._manager: Any = None

    def adopt(self, comm: ModuleType) -> None:
        """Make the `comm` package, which has just been imported, create and find comms here."""
        if self._manager is not None:
            return
        self._manager = comm.base_comm.CommManager()
        publish = self._publish

        class KernelComm(comm.base_comm.BaseComm):  # type: ignore[misc, name-defined]
            """A comm that publishes on this kernel's iopub."""

            def publish_msg(
                self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
            ) -> None:
                content = {"data": data or {}, "comm_id": self.comm_id, **keys}
                publish(msg_type, content, metadata or {}, buffers)

            def handle_msg(self, msg: Any) -> None:
                if self._msg_callback:
                    self._msg_callback(msg)

        comm.create_comm = KernelComm  # type: ignore[attr-defined]
        comm.get_comm_manager = lambda: self._manager  # type: ignore[attr-defined]

    @property
    def manager(self) -> Any:
        """The registry; imports `comm` when nobody has yet."""
        if self._manager is None:
            import comm.base_comm

            self.adopt(comm)
        return self._manager

    def handle(self, msg_type: str, message: Mapping[str, object]) -> None:
        """Give a message to its comm or target; an unknown target is answered with comm_close.

        `message` has the keys content, metadata, buffers, header, as libraries read them.
        """
        getattr(self.manager, msg_type)(None, None, message)

    def info(self, target_name: str | None) -> dict[str, object]:
        """The content of a comm_info_reply."""
        comms = dict(self._manager.comms) if self._manager is not None else {}
        chosen = {
            comm_id: {"target_name": comm.target_name}
            for comm_id, comm in comms.items()
            if target_name is None or comm.target_name == target_name
        }
        return {"status": "ok", "comms": chosen}
