"""Links an installed IPython, which the user's code has just imported, to this kernel.

It must never import anything of it: each module is linked when its own code has run, before anybody else reads it.

The real IPython keeps its shell in a class and asks there.  Its functions are replaced one by one and its modules stay
what they are, so that whatever is not named here works as its authors meant it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from holdfast.compat.ipython import current

__all__ = ["link"]


def link(module: ModuleType) -> None:
    """Link one of `install.BRIDGED`."""
    found = _LINKS.get(module.__name__)
    if found is not None:
        found(module)


def _get_ipython(module: Any) -> None:
    module.get_ipython = current.get_ipython


def _display(module: Any) -> None:
    from holdfast.output import display

    for name in ("DisplayHandle", "clear_output", "display", "publish_display_data", "update_display"):
        setattr(module, name, getattr(display, name))


def _shell(module: Any) -> None:
    """The one instance is this kernel's shell, and counts as one of their class.

    Code that was written for their shell hands it to objects that check what they get.
    """
    theirs = module.InteractiveShell
    _pass_for(theirs)
    theirs.instance = classmethod(lambda cls, *args, **kwargs: current.shell())
    theirs.initialized = classmethod(lambda cls: True)
    theirs._instance = current.shell()
    _follow_interactivity(theirs)


def _zmq_shell(module: Any) -> None:
    """As one of a kernel's, too."""
    _pass_for(module.ZMQInteractiveShell)


def _connect(module: Any) -> None:
    """Where this kernel is reached; code that looks for its notebook takes the kernel's id from the file's name."""
    theirs = module.get_connection_file

    def get_connection_file(app: Any = None) -> str:
        found = current.connection_file() if app is None else None
        return found if found is not None else theirs(app)

    module.get_connection_file = get_connection_file


def _pass_for(theirs: Any) -> None:
    shell_class: Any = type(current.shell())
    shell_class.face = type(theirs)("ZMQInteractiveShell", (theirs,), {"__module__": shell_class.__module__})


def _follow_interactivity(theirs: Any) -> None:
    """`InteractiveShell.ast_node_interactivity = "all"` sets an attribute of the class: looked at before each cell."""
    from holdfast.compat.ipython.shell import set_interactivity

    trait = vars(theirs).get("ast_node_interactivity")

    def look() -> None:
        found = vars(theirs).get("ast_node_interactivity")
        if isinstance(found, str):
            theirs.ast_node_interactivity = trait
            set_interactivity(found)

    current.edges().hooks.checks.append(look)


def _magic(module: Any) -> None:
    """Their decorators register with this kernel; their classes work with its shell."""
    from holdfast.compat.ipython import magic

    for name in ("register_line_magic", "register_cell_magic", "register_line_cell_magic"):
        setattr(module, name, getattr(magic, name))


def _capture(module: Any) -> None:
    """`capture_output` catches what this kernel displays."""
    from holdfast.output import capturing

    for name in capturing.__all__:
        setattr(module, name, getattr(capturing, name))


_LINKS: dict[str, Callable[[Any], None]] = {
    "IPython.core.getipython": _get_ipython,
    "IPython.core.display_functions": _display,
    "IPython.core.interactiveshell": _shell,
    "IPython.core.magic": _magic,
    "IPython.utils.capture": _capture,
    "IPython": _get_ipython,
    "ipykernel.connect": _connect,
    "ipykernel.zmqshell": _zmq_shell,
}
