"""The shell of this process: made when somebody first asks for it, from what the kernel handed in.

It must never import what the shell is made of before that.
"""

from __future__ import annotations

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from holdfast.compat.ipython.edges import Edges
    from holdfast.magics.port import Kernel

__all__ = [
    "connection_file",
    "edges",
    "edges_or_none",
    "forget",
    "get_ipython",
    "hand_in",
    "kernel",
    "make_shell",
    "shell",
]


_make: Callable[[], Edges] | None = None
_edges: Edges | None = None
_shell: Any = None
_lock = threading.RLock()
#: The module that has the shell's class.
_SHELL = "holdfast.compat.ipython.shell"


def hand_in(make: Callable[[], Edges]) -> None:
    """The kernel of this process says how to reach it."""
    global _make, _edges, _shell
    _make, _edges, _shell = make, None, None


def forget() -> None:
    """There is no kernel any more."""
    global _make, _edges, _shell
    _make = _edges = _shell = None


def edges_or_none() -> Edges | None:
    """The kernel's edges; None outside a kernel."""
    global _edges
    if _edges is None and _make is not None:
        _edges = _make()
    return _edges


def edges() -> Edges:
    """The kernel's edges; RuntimeError outside a kernel."""
    found = edges_or_none()
    if found is None:
        raise RuntimeError("this works in a cell of a Holdfast kernel only")
    return found


def kernel() -> Kernel:
    """The kernel as magics see it; RuntimeError outside a kernel."""
    return edges().kernel


def shell() -> Any:
    """The one shell; None outside a kernel."""
    if _shell is None and _make is not None:
        make_shell()
    return _shell


def connection_file() -> str | None:
    """The file that says how to reach this kernel, by the command line; None where it names none."""
    import sys

    # Not sys.argv, which is the cells' own.
    *_, option, path = ("", "", *sys.orig_argv)
    return path if option in ("-f", "--connection-file") else None


def get_ipython() -> Any:
    """The shell that libraries talk to: Holdfast's, whether or not IPython is installed; None outside a kernel."""
    return shell()


def make_shell() -> None:
    """Make the shell, unless another thread has made it meanwhile."""
    global _shell
    from importlib import import_module

    with _lock:
        if _shell is None:
            _shell = import_module(_SHELL).ZMQInteractiveShell()
