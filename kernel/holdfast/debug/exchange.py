"""Values handed from a stopped frame to the debugger, in the same process.

It must never be called by anything but an expression that the debugger evaluates in a frame.

A frame's variables live on a thread that stands still inside debugpy, which evaluates expressions there and answers
with their text.  The text is not what we want: the expression that we send calls `put`, and the value itself arrives.
"""

from __future__ import annotations

from collections.abc import Callable

_takers: dict[int, Callable[[object], None]] = {}
_made = 0


def ask(taker: Callable[[object], None], expression: str) -> tuple[int, str]:
    """A ticket, and what to evaluate so that `taker` is called, on the stopped thread, with the value."""
    global _made
    _made += 1
    _takers[_made] = taker
    return _made, f"__import__({__name__!r}, fromlist=('put',)).put({_made}, ({expression}))"


def forget(ticket: int) -> None:
    """Nobody waits for this value any more."""
    _takers.pop(ticket, None)


def put(ticket: int, value: object) -> None:
    """Hand over a value."""
    taker = _takers.pop(ticket, None)
    if taker is not None:
        taker(value)
