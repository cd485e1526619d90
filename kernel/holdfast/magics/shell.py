"""`!command`, `!!command` and `x = !command`.

It must never read the keyboard for a command, nor show what a command wrote in another cell than the one that ran it.

`!command` writes to a terminal of 80 columns, both its streams to the same one: so they keep their order, children
write line by line, and colours and progress bars are as people know them.  `x = !command` is for programs, and gets
pipes: no colours.  Text goes to `sys.stdout`, where `%%capture` and its kin find it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager

from holdfast.magics.child import Child
from holdfast.magics.expand import expand, variables_of_caller
from holdfast.magics.port import Kernel
from holdfast.magics.slist import SList


class Shell:
    """Runs commands for cells; `{name}` and `$name` in them stand for variables of whoever calls it."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def __call__(self, command: str) -> None:
        """Run a command to its end; its output is shown as it comes, `_exit_code` is how it ended."""
        self.system(self._filled(command))

    def awaited(self, command: str) -> Coroutine[object, object, None]:
        """As `__call__`, while the loop goes on; cancelling it ends the command."""
        return self._awaited(self._filled(command))

    def lines(self, command: str) -> SList:
        """What a command writes, to either stream, as lines."""
        return self.output(self._filled(command))

    def system(self, command: str) -> None:
        """As `__call__`, for a command as it is."""
        with self._child() as child:
            child.run(command, [_show], on_terminal=True, environment=terminal_environment())

    def output(self, command: str) -> SList:
        """As `lines`, for a command as it is."""
        parts: list[str] = []
        with self._child() as child:
            child.run(command, [parts.append], environment=environment())
        return SList("".join(parts).splitlines())

    async def _awaited(self, command: str) -> None:
        with self._child() as child:
            await child.awaited(command, [_show], on_terminal=True, environment=terminal_environment())

    def _filled(self, command: str) -> str:
        return expand(command, variables_of_caller(self._kernel.namespace))

    @contextmanager
    def _child(self) -> Iterator[Child]:
        """A child whose end, however it comes, is `_exit_code`."""
        child = Child(self._kernel)
        try:
            yield child
        finally:
            if child.process is not None:
                self._kernel.namespace["_exit_code"] = child.process.returncode
                self._kernel.touched("_exit_code")


def _show(text: str) -> None:
    sys.stdout.write(text)


def environment() -> dict[str, str]:
    """That of commands: nobody can turn the pages of a pager."""
    return {**os.environ, "PAGER": "cat", "GIT_PAGER": "cat", "MANPAGER": "cat"}


def terminal_environment() -> dict[str, str]:
    """That of commands whose output Jupyter shows: with its colours, unless the session is set to have none."""
    found = environment()
    if found.get("TERM") != "dumb":
        found |= {"TERM": "xterm-256color", "CLICOLOR": "1"}
    return found
