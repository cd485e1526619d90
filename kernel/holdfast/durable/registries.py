"""Where libraries keep the notebook's objects: always looked at (DESIGN 5.1).

It must never load a module: what is not loaded holds nothing.
"""

from __future__ import annotations

import sys
from operator import is_
from types import FunctionType, MethodType

#: SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGALRM, SIGTERM, SIGCHLD, SIGWINCH: what notebooks use.
_SIGNALS = (1, 2, 10, 12, 14, 15, 17, 28)
#: What was there at the last look and was not the notebook's: the same objects need not be judged again.
_ours: list[object] = []


def registries() -> list[object]:
    """Callbacks and handlers made in the notebook, and what library handlers of the notebook write to."""
    found: list[object] = [sys.gettrace(), sys.getprofile(), sys.excepthook, sys.displayhook, sys.unraisablehook]
    found += (sys.stdout, sys.stderr, sys.stdin)
    logging = sys.modules.get("logging")
    if logging is not None:
        for ref in list(logging._handlerList):
            handler = ref()
            if handler is not None:
                found += (handler, getattr(handler, "stream", None), *handler.filters)
    signal = sys.modules.get("_signal")
    if signal is not None:
        for number in _SIGNALS:
            try:
                found.append(signal.getsignal(number))
            except ValueError:
                continue
    if len(found) == len(_ours) and all(map(is_, found, _ours)):
        return []
    made = [one for one in found if _made_here(one)]
    # What the notebook made is not held here: it may go when the notebook lets it go.
    _ours[:] = () if made else found
    return made


def _made_here(obj: object) -> bool:
    """Whether the notebook made it; ours and the libraries' own would lead the walk through all of them."""
    if type(obj) is MethodType:
        return _made_here(obj.__self__)
    if type(obj) is FunctionType:
        return obj.__module__ == "__main__"
    return type(obj).__module__ == "__main__" or type(obj).__name__ in ("StringIO", "BytesIO", "partial")
