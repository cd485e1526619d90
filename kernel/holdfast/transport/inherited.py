"""The kernel's sockets in a forked child: closed there, and left as they are in the kernel.

It must never close a socket of the user's.

1. A cell forks a worker, and the kernel is killed.  2. The worker lives on, with the kernel's listening sockets and
its connections.  3. The next kernel cannot bind the ports of its connection file, and the clients never learn that
the one they talk to is gone: the notebook hangs until the worker ends.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from contextlib import suppress

_LISTS = ("/proc/self/fd", "/dev/fd")


def close_in_children(ports: Iterable[int], ip: str, transport: str) -> None:
    """Have each child that is forked from now on close the sockets that are bound to these."""
    if not hasattr(os, "register_at_fork"):
        return
    bound = {f"{ip}-{port}" if transport == "ipc" else port for port in ports}
    os.register_at_fork(after_in_child=lambda: _close(bound))


def _close(bound: set[str | int]) -> None:
    """Close listening sockets and accepted connections alike: both have the local address that was bound."""
    folder = next((folder for folder in _LISTS if os.path.isdir(folder)), None)
    for descriptor in [int(name) for name in os.listdir(folder)] if folder else range(3, 256):
        with suppress(OSError):  # no socket, or the descriptor of this very listing
            found = socket.socket(fileno=descriptor)
            local: str | int = ""
            with suppress(OSError):
                address: tuple[str, int] | str | bytes = found.getsockname()
                local = address[1] if isinstance(address, tuple) else os.fsdecode(address)
            if found.family in _FAMILIES and local in bound:
                found.close()
            else:
                found.detach()


_FAMILIES = {getattr(socket, name) for name in ("AF_INET", "AF_INET6", "AF_UNIX") if hasattr(socket, name)}
