"""A Python kernel for Jupyter that keeps your session: what a cell may import from us.

It must never import more than this file when the kernel starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.cell import output_follows, page, register_magic, set_next_input
    from holdfast.current import session as session
    from holdfast.transacting import commit as commit
    from holdfast.transacting import rollback as rollback
    from holdfast.transacting import transaction as transaction

# The others are not in it: `from holdfast import *` must not take their names from what a notebook calls so.
__all__ = ["output_follows", "page", "register_magic", "set_next_input"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from holdfast import cell

        return getattr(cell, name)
    if name == "session":
        from holdfast.current import session

        return session
    if name in ("transaction", "commit", "rollback"):
        from holdfast import transacting

        return getattr(transacting, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
