"""`%sx`, `%system` and the cells below `%%sx`, `%%system`: a command whose output is a list of lines.

It must never run a command in another way than `x = !command` does.
"""

from __future__ import annotations

from holdfast.magics.port import CellMagic, Kernel, LineMagic
from holdfast.magics.shell import Shell


def line(_name: str, kernel: Kernel) -> LineMagic:
    """The magic of that name."""
    shell = Shell(kernel)

    def magic(rest: str) -> object:
        """Run a command of the shell: its output, as a list of lines (as `x = !command` gives)."""
        return shell.output(rest) if rest else None

    return magic


def cell(_name: str, kernel: Kernel) -> CellMagic:
    """The magic of that name."""
    shell = Shell(kernel)

    def magic(_rest: str, body: str) -> object:
        """Run the lines below as one script of the shell: its output, as a list of lines."""
        return shell.output(body)

    return magic
