"""What people set for a whole session with `%config`, `%precision`, `%xmode` and their kin.

It must never hold more than values: who acts on one reads it when the time comes.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Interactivity = Literal["all", "last", "last_expr", "none", "last_expr_or_assign"]


class Options(Struct):
    """The session's options, by the names that notebooks know from `%config`."""

    #: Which expressions of a cell are shown.
    ast_node_interactivity: Interactivity = "last_expr"
    #: How much a traceback tells (`%xmode`): "Plain", "Context", "Verbose" or "Minimal".
    xmode: str = "Context"
    #: Whether `cd x` and its kin are magics where no variable has that name.
    automagic: bool = True
    #: Whether an uncaught error opens the post-mortem debugger (`%pdb`).
    pdb: bool = False
