"""Functions made for IPython's calling conventions, as the kernel's registry calls magics.

It must never keep a change of the user's variables from the commit: nobody knows what such a function does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from holdfast.compat.ipython import current
from holdfast.compat.ipython.magic import NEEDS_SCOPE, NO_EXPANSION, SILENCED

__all__ = ["ForeignMagic", "local_scope"]


class ForeignMagic:
    """A magic of a library or a notebook: called with (line) or (line, cell), and with `local_ns` if it wants that."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__doc__ = function.__doc__
        self.__name__ = getattr(function, "__name__", "magic")
        #: `{name}` and `$name` in its line stay as they are.
        self.no_var_expand = bool(getattr(function, NO_EXPANSION, False))
        self.output_can_be_silenced = bool(getattr(function, SILENCED, False))

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        return self.function

    def __call__(self, *given: str) -> object:
        """Run it."""
        keywords: dict[str, Any] = {}
        if getattr(self.function, NEEDS_SCOPE, False):
            keywords["local_ns"] = local_scope()
        try:
            return self.function(*given, **keywords)
        finally:
            current.kernel().touched()


def local_scope() -> Mapping[str, object]:
    """The variables of the innermost frame of the user's: a function's own, else all."""
    namespace = current.kernel().namespace
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_globals is namespace:
            found = frame.f_locals
            return found if found is namespace else dict(found)
        if frame.f_back is None:
            break
        frame = frame.f_back
    return namespace
