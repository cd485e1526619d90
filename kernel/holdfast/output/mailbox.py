"""The one queue by which output and events cross from the user's threads to the kernel thread, in order.

It must never make a cell wait for the kernel thread, except when so much text is pending that memory would
grow without bound; and it must never lose or reorder what was put in.

The first write after a silence wakes the kernel thread, which looks `FIRST` later: a lone line is seen at once,
and `print`, which writes its text and its newline separately, still makes one message.  Then it comes back every
`INTERVAL` by itself, so a flood costs the writer an append and nothing else.
Peers choose one of the two: a message per write (and lose text at the socket's high-water mark), or a fixed
delay before the first line is seen.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

#: Seconds from the first write to the first look.
FIRST = 0.001
#: Seconds between two looks at a stream that goes on.
INTERVAL = 0.05
#: Characters pending at which a writer waits for the kernel thread.
HIGH_WATER = 32_000_000
#: What a published event counts for, in characters: the kernel thread works as long on it.
EVENT_COST = 20_000
#: Characters pending at which the kernel thread is woken before its interval is over.
NUDGE = 2_000_000

#: (token, "stdout" or "stderr", text)
Chunk = tuple[object, str, str]


class Mailbox:
    """Many writers, one reader (the kernel thread)."""

    def __init__(self, wake: Callable[[], None], wake_for_text: Callable[[], None]) -> None:
        #: Thread-safe: ask the kernel thread to call `take` at once, or in `FIRST` seconds.
        self._wake = wake
        self._wake_for_text = wake_for_text
        self._items: deque[object] = deque()
        self.append = self._items.append
        #: Whether the kernel thread will look by itself.
        self.armed = False
        self.pending = 0
        self._drained = threading.Event()

    def post(self, event: object) -> None:
        """Hand over an event; the kernel thread is woken."""
        self._items.append(event)
        self._wake()

    def publish(self, event: object, size: int) -> None:
        """Hand over what user code publishes (`size` in bytes); like text, it waits when too much is pending."""
        self.pending += EVENT_COST + size
        self.post(event)
        if self.pending > HIGH_WATER:
            self._wait()

    def write(self, chunk: Chunk) -> None:
        """Hand over text."""
        self._items.append(chunk)
        self.pending = pending = self.pending + len(chunk[2])
        if not self.armed:
            self.armed = True
            self._wake_for_text()
        elif pending > NUDGE:
            self._wait() if pending > HIGH_WATER else self._wake()

    def _wait(self) -> None:
        """Hold a writer back while the kernel thread takes what is pending; give up after 10 s.

        Giving up bounds a deadlock (the kernel thread itself may be the writer's victim), not memory.
        """
        self._drained.clear()
        self._wake()
        self.pause()

    def pause(self) -> None:
        """The wait itself, of its own name: here an interrupt may end a cell, all that was put in is in."""
        self._drained.wait(10)

    def __bool__(self) -> bool:
        """Whether anything is in."""
        return bool(self._items)

    def take(self) -> list[object]:
        """Everything that is in, in order; called by the kernel thread only."""
        items = self._items
        # Only this thread takes, so what is counted is there; what comes in meanwhile waits for the next look.
        taken = [items.popleft() for _ in range(len(items))]
        self.pending = 0
        self._drained.set()
        return taken

    def disarm(self) -> bool:
        """The kernel thread will no longer look by itself; False when something came in meanwhile.

        1. The kernel thread finds nothing and decides to stop looking.
        2. A writer appends, sees `armed`, and does not wake it.
        3. The kernel thread clears `armed`: without a second look the text would lie there until the next
           write.  So it looks again after clearing, and stays armed when it finds something.
        """
        self.armed = False
        if self._items:
            self.armed = True
            return False
        return True
