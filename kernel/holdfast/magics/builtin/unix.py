"""`%ls`, `%cat`, `%mkdir` and their kin: commands of the shell by their own names; `%less` and `%man` in the pager.

It must never do more than run the command of that name.
"""

from __future__ import annotations

import sys
from pathlib import Path

from holdfast.magics.port import Kernel, LineMagic
from holdfast.magics.shell import Shell

_LS = "ls -FG" if sys.platform == "darwin" else "ls -F --color=always"
_POSIX = {
    "ls": _LS,
    "ll": f"{_LS} -o",
    "la": f"{_LS} -a",
    "lf": f"{_LS} -o {{}} | grep '^-'",
    "lk": f"{_LS} -o {{}} | grep '^l'",
    "ldir": f"{_LS} -o {{}} | grep '^d'",
    "lx": f"{_LS} -o {{}} | grep '^-..x'",
    "cat": "cat",
    "mkdir": "mkdir",
    "rmdir": "rmdir",
    "cp": "cp",
    "mv": "mv",
    "rm": "rm",
}
_WINDOWS = {**_POSIX, "ls": "dir", "ll": "dir", "la": "dir /a", "cat": "type", "cp": "copy", "mv": "move", "rm": "del"}
_COMMANDS = _WINDOWS if sys.platform == "win32" else _POSIX


def line(name: str, kernel: Kernel) -> LineMagic:
    """The magic of that name."""
    shell = Shell(kernel)
    if name == "man":
        return _man(shell, kernel)
    if name in ("less", "more"):
        return _less(kernel)
    command = _COMMANDS[name]

    def magic(rest: str) -> None:
        shell.system(command.format(rest) if "{}" in command else f"{command} {rest}")

    magic.__doc__ = f"Run `{command.replace('{}', '…')}` in the shell."
    return magic


def _man(shell: Shell, kernel: Kernel) -> LineMagic:
    def man(rest: str) -> None:
        """Show the manual of a command in the pager."""
        kernel.page(shell.output(f"man {rest} | col -b").n)

    return man


def _less(kernel: Kernel) -> LineMagic:
    def less(rest: str) -> None:
        """Show a file in the pager."""
        kernel.page(Path(rest.strip("'\"")).expanduser().read_text(errors="replace"))

    return less
