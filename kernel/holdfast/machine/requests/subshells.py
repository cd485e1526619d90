"""Kernel subshells: queues of cells beside the main one, on the same namespace.

They must never have a counter or a history of their own: the session has one.  Source: JEP 91.
"""

from __future__ import annotations

from typing import cast

from holdfast.machine.effects import CloseSubshell, Effect, OpenSubshell, Send
from holdfast.machine.state import KernelState, Shell
from holdfast.wire.contents import DeleteSubshellRequest, ErrorReply
from holdfast.wire.message import Message


def create(state: KernelState, message: Message) -> list[Effect]:
    """Make a subshell and say its id."""
    state.subshells_made += 1
    name = f"subshell-{state.subshells_made}"
    state.shells[name] = Shell(name)
    return [OpenSubshell(name), Send(message.channel, message.reply({"status": "ok", "subshell_id": name}))]


def delete(state: KernelState, message: Message) -> list[Effect]:
    """End a subshell; cells still queued in it are aborted, the one that runs may end."""
    name = cast(DeleteSubshellRequest, message.content).subshell_id
    shell = state.shells.get(name)
    if shell is None or shell.closing:
        evalue = f"there is no subshell {name!r}; list_subshell_request names those there are"
        return [Send(message.channel, message.reply(ErrorReply("UnknownSubshell", evalue)))]
    if shell.running is None and not shell.queue:
        del state.shells[name]
    else:
        shell.closing = True
    return [CloseSubshell(name), Send(message.channel, message.reply({"status": "ok"}))]


def list_all(state: KernelState, message: Message) -> list[Effect]:
    """Say the ids of all subshells."""
    names = [name for name, shell in state.shells.items() if name is not None and not shell.closing]
    return [Send(message.channel, message.reply({"status": "ok", "subshell_id": names}))]
