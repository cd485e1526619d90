"""`ipykernel` where it is not installed: comms, and names that libraries look for.

It must never start a kernel: this is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.compat.ipython import current
from holdfast.compat.ipython.kernelside import ShellKernel
from holdfast.compat.ipython.shell import ZMQInteractiveShell

if TYPE_CHECKING:
    from comm.base_comm import BaseComm as Comm
    from comm.base_comm import CommManager

    from holdfast.compat.ipython.displaying import DisplayPublisher as ZMQDisplayPublisher

__all__ = [
    "Comm",
    "CommManager",
    "IPythonKernel",
    "Kernel",
    "ZMQDisplayPublisher",
    "ZMQInteractiveShell",
    "get_connection_file",
    "get_connection_info",
    "version_info",
]

#: The version whose interface libraries are answered with.
version_info = (7, 0, 0, "+holdfast")
__version__ = "7.0.0+holdfast"


def __getattr__(name: str) -> Any:
    """`Comm` is the class of this kernel's comms; it needs the comm package, which is imported now."""
    if name == "Comm":
        import comm

        edges = current.edges_or_none()
        if edges is not None:
            edges.comm_manager()  # makes the package create comms of this kernel
        return comm.create_comm
    if name == "CommManager":
        import comm.base_comm

        return comm.base_comm.CommManager
    if name == "ZMQDisplayPublisher":
        from holdfast.compat.ipython.displaying import DisplayPublisher

        return DisplayPublisher
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


Kernel = IPythonKernel = ShellKernel


def get_connection_file(app: object = None) -> str:
    """The file that says how to reach this kernel.  RuntimeError: the kernel was started without one."""
    found = current.connection_file()
    if found is None:
        raise RuntimeError("this kernel was started without a connection file")
    return found


def get_connection_info(connection_file: str | None = None, unpack: bool = False) -> Any:
    """What stands in that file, as text or as a dict."""
    import json

    with open(connection_file or get_connection_file(), encoding="utf-8") as file:
        text = file.read()
    return json.loads(text) if unpack else text
