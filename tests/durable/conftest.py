"""What cells leave in libraries is taken back: at every commit the registries are looked at (DESIGN 5.1).

A handler that one test leaves would be a definition of the next test's session, until it is collected.
"""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Iterator

import pytest

#: Those that notebooks use; the kernel's own list is longer.
_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGTERM)
_HOOKS = ("excepthook", "displayhook", "unraisablehook", "stdin", "stdout", "stderr")


@pytest.fixture(autouse=True)
def _registries() -> Iterator[None]:
    """Put back hooks, signal handlers and the handlers of `logging`."""
    hooks = {name: getattr(sys, name) for name in _HOOKS}
    signals = {number: signal.getsignal(number) for number in _SIGNALS}
    handlers: list[object] = logging._handlerList  # type: ignore[attr-defined]
    before = list(handlers)
    yield
    for name, value in hooks.items():
        setattr(sys, name, value)
    for number, handler in signals.items():
        signal.signal(number, handler)
    handlers[:] = before
