"""A line to who runs the kernel's own loop by hand, where `await` would do.

It must never speak of what a library does, nor twice, nor to who has said that loops are to nest (nest_asyncio).
"""

from __future__ import annotations

import sys

from holdfast.compat.loops import NESTING


class NestingHint:
    """Called with the hint by the method of the loop that a caller used."""

    def __init__(self, namespace: dict[str, object]) -> None:
        self._namespace = namespace
        self._given = False

    def __call__(self, hint: str) -> None:
        """Show it, if the method's caller is the user's own code."""
        caller = sys._getframe(1).f_back
        if self._given or caller is None or caller.f_globals is not self._namespace:
            return
        if not any(name in sys.modules for name in NESTING):
            self._given = True
            print(hint, file=sys.stderr)
