"""Interrupt and shutdown.

It must never wait for the user's code.  A `debug_request` is answered by the debugger, see `machine`.
Source: Jupyter messaging 5.5, "Control channel".
"""

from __future__ import annotations

from typing import cast

from holdfast.machine.effects import Effect, Interrupt, Send
from holdfast.machine.state import KernelState
from holdfast.wire.contents import ShutdownRequest
from holdfast.wire.message import Message


def interrupt(_state: KernelState, message: Message) -> list[Effect]:
    """Interrupt what runs; the reply says that it was passed on, not that it was obeyed."""
    return [Interrupt(), Send(message.channel, message.reply({"status": "ok"}))]


def wants_restart(message: Message) -> bool:
    """Whether a new kernel follows."""
    return cast(ShutdownRequest, message.content).restart


def shutdown_replies(state: KernelState, message: Message) -> list[Effect]:
    """The reply, and the same for all clients on iopub."""
    content = {"status": "ok", "restart": state.restart}
    return [
        Send("iopub", message.publish("shutdown_reply", content)),
        Send(message.channel, message.reply(content)),
    ]
