"""What a kernel sets up at its start so that libraries find a shell, and a package `IPython` where there is none.

It must never import anything for it: this module is all that a session pays that never asks.

The finder stands at the end of `sys.meta_path`, so an installed IPython or ipykernel always wins.
"""

from __future__ import annotations

import sys

from holdfast.compat import finder
from holdfast.compat.ipython import current
from holdfast.namespace.namespace import add_builtins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

__all__ = ["BRIDGED", "CellHooks", "StandIns", "install", "uninstall"]

#: Packages that are answered for where they are not installed.
PACKAGES = frozenset({"IPython", "ipykernel"})
#: Modules of the real packages that are linked to this kernel when the user's code imports them.
BRIDGED = (
    "IPython.core.getipython",
    "IPython.core.display_functions",
    "IPython.core.interactiveshell",
    "IPython.core.magic",
    "IPython.utils.capture",
    "IPython",
    "ipykernel.connect",
    "ipykernel.zmqshell",
)


class CellHooks:
    """What libraries have registered with the shell, as the kernel asks for it around each cell."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Nothing is registered."""
        #: See `current.Hooks`.
        self.on_begin: Callable[[Any], None] | None = None
        self.on_end: Callable[[Any, bool], None] | None = None
        self.transform: Callable[[str], str] | None = None
        self.transform_tree: Callable[[Any], Any] | None = None
        self.report: Callable[[BaseException], list[str] | None] | None = None
        #: Called when a cell begins.
        self.checks: list[Callable[[], object]] = []

    def before(self, job: Any) -> None:
        """A cell begins."""
        for check in self.checks:
            check()
        if self.on_begin is not None:
            self.on_begin(job)

    def after(self, job: Any, failed: bool) -> None:
        """A cell has ended."""
        if self.on_end is not None:
            self.on_end(job, failed)


class StandIns:
    """A meta-path finder (importlib.abc.MetaPathFinder) that knows two packages, and asks another module about them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a stand-in; None for what is not ours.

        ModuleNotFoundError: a module of such a package for which there is no stand-in.
        """
        if fullname.partition(".")[0] not in PACKAGES:
            return None
        from holdfast.compat.ipython.standins import spec

        return spec(fullname)


_FINDER = StandIns()


def install(edges: Callable[[], Any]) -> None:
    """`edges()` gives a `current.Edges` when the shell is first asked for."""
    current.hand_in(edges)
    add_builtins({"get_ipython": current.get_ipython, "__IPYTHON__": True})
    if _FINDER not in sys.meta_path:
        sys.meta_path.append(_FINDER)
    for name in BRIDGED:
        finder.when_imported(name, _bridge)


def uninstall() -> None:
    """Take the finder out and forget the kernel; for tests."""
    if _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)
    current.forget()


def _bridge(module: ModuleType) -> None:
    from holdfast.compat.ipython.bridge import link
    from holdfast.compat.ipython.standins import is_one

    if not is_one(module):
        link(module)
