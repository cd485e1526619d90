"""A Python kernel for Jupyter that keeps your session: what a cell may import from us.

It must never import more than this file when the kernel starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.cell import output_follows, page, set_next_input
    from holdfast.current import session as session

# `session` is not in it: `from holdfast import *` must not take that name from a notebook's own session.
__all__ = ["output_follows", "page", "set_next_input"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from holdfast import cell

        return getattr(cell, name)
    if name == "session":
        from holdfast.current import session

        return session
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
