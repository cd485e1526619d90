"""An nbclient that does not sleep beside a reply.

It must never change what nbclient does with a reply, nor how long it waits for one.

jupyter_client's asyncio channels send through a synchronous shadow of their socket.  For a notebook with an Output
widget or `interact` that goes wrong, with every kernel:

1. A cell writes to the widget; nbclient reads that on iopub.
2. The cell's reply arrives on its shell socket, whose descriptor fires, once.
3. nbclient, before it gets to that, answers the widget with a comm_msg.  Sending takes note of what has arrived.
4. Its wait for the reply looks only when the descriptor fires again: it sleeps until the timeout, or for ever.

Rejected: waking it from the kernel (messages behind one that was not read fire nothing).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from queue import Empty
from typing import Any

from nbclient import NotebookClient

#: Seconds after which a wait looks at its socket again.
LOOK = 0.25


class WatchfulClient(NotebookClient):
    """Looks at the shell channel again and again while it waits for a reply."""

    async def async_start_new_kernel_client(self) -> Any:
        """See nbclient."""
        client = await super().async_start_new_kernel_client()
        client.shell_channel.get_msg = watchful(client.shell_channel.get_msg)
        return client


def watchful(get_msg: Callable[..., Awaitable[Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
    """`get_msg(timeout)` in turns of `LOOK` seconds; raises `queue.Empty` when `timeout` is over."""

    async def get(timeout: float | None = None) -> Any:
        left = timeout
        while True:
            turn = LOOK if left is None else min(LOOK, left)
            try:
                return await get_msg(timeout=turn)
            except Empty:
                if left is not None:
                    left -= turn
                    if left <= 0:
                        raise

    return get
