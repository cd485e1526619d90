"""How the command starts kernels: Holdfast with the running interpreter, others by their kernelspec.

It must never depend on what is installed: `holdfast run` in a fresh environment needs no kernelspec on disk.
A kernelspec manager is replaced instead of a kernel manager because every client library (nbclient, the
provisioners of jupyter_client) looks the command line up there and nowhere else.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager, NoSuchKernel
from jupyter_client.manager import AsyncKernelManager

from holdfast.cli.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "holdfast"
DISPLAY_NAME = "Python 3 (Holdfast)"


def command(interpreter: str = sys.executable) -> list[str]:
    """Return the kernel's command line for an interpreter, as a kernelspec's `argv` has it.

    `-P` keeps the current folder off `sys.path` until the kernel has imported what it needs; the kernel then
    puts it back, so that a `queue.py` beside the notebook cannot break the start.
    """
    return [interpreter, "-P", "-m", "holdfast", "-f", "{connection_file}"]


def description(
    interpreter: str = sys.executable, display_name: str = DISPLAY_NAME, env: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the content of `kernel.json` for an interpreter."""
    return {
        "argv": command(interpreter),
        "display_name": display_name,
        "language": "python",
        "interrupt_mode": "signal",
        "kernel_protocol_version": "5.5",
        "env": dict(env or {}),
        "metadata": {"debugger": True, "supported_encryption": ["curve"]},
    }


class RunningInterpreter(KernelSpecManager):
    """A kernelspec manager that answers `holdfast` with this interpreter, and all other names as usual."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the spec of a name; raises `NoSuchKernel` for one that is not installed."""
        if kernel_name != NAME:
            return super().get_kernel_spec(kernel_name)
        return KernelSpec(**{**description(), "env": {}})


def manager(name: str = NAME) -> AsyncKernelManager:
    """Return a kernel manager that has started nothing yet; an unknown name is a `Refusal` that lists all."""
    specs = RunningInterpreter()
    try:
        specs.get_kernel_spec(name)
    except NoSuchKernel:
        known = sorted({NAME, *specs.find_kernel_specs()})
        raise Refusal(f"no kernel is named {name!r}", f"there are: {', '.join(known)}") from None
    return AsyncKernelManager(kernel_name=name, kernel_spec_manager=specs)
