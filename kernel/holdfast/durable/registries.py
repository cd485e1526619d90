"""Where libraries keep the notebook's objects: always looked at (DESIGN 5.1).

It must never load a module: what is not loaded holds nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FunctionType, MethodType

#: SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGALRM, SIGTERM, SIGCHLD, SIGWINCH: what notebooks use.
_SIGNALS = (1, 2, 10, 12, 14, 15, 17, 28)


def registries() -> Iterator[object]:
    """Callbacks and handlers made in the notebook, and what library handlers of the notebook write to."""
    logging = sys.modules.get("logging")
    if logging is not None:
        for ref in list(logging._handlerList):
            handler = ref()
            if handler is not None:
                stream = getattr(handler, "stream", None)
                yield from (one for one in (handler, stream, *handler.filters) if _made_here(one))
    hooks = (sys.gettrace(), sys.getprofile(), sys.excepthook, sys.displayhook, sys.unraisablehook)
    yield from (one for one in (*hooks, sys.stdout, sys.stderr, sys.stdin) if _made_here(one))
    signal = sys.modules.get("_signal")
    if signal is not None:
        for number in _SIGNALS:
            try:
                handler = signal.getsignal(number)
            except ValueError:
                continue
            if handler is not None and _made_here(handler):
                yield handler


def _made_here(obj: object) -> bool:
    """Whether the notebook made it; ours and the libraries' own would lead the walk through all of them."""
    if type(obj) is MethodType:
        return _made_here(obj.__self__)
    if type(obj) is FunctionType:
        return obj.__module__ == "__main__"
    return type(obj).__module__ == "__main__" or type(obj).__name__ in ("StringIO", "BytesIO", "partial")
