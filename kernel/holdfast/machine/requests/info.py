"""Who the kernel is: kernel_info_request and connect_request.

It must never depend on what runs.  Source: Jupyter messaging 5.5, "Kernel info", "Connect"; JEP 80.
"""

from __future__ import annotations

from holdfast.machine.effects import Effect, Send
from holdfast.machine.state import KernelState
from holdfast.wire.connection import CHANNELS
from holdfast.wire.message import Message


def kernel_info(state: KernelState, message: Message) -> list[Effect]:
    """Reply with what wiring knows of us."""
    return [Send(message.channel, message.reply(state.info))]


def connect(state: KernelState, message: Message) -> list[Effect]:
    """Reply with the ports."""
    ports = {f"{channel}_port": state.connection.port(channel) for channel in CHANNELS}
    return [Send(message.channel, message.reply({"status": "ok", **ports}))]
