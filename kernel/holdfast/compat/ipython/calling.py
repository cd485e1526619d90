"""The shell's methods about magics: running them, finding them, registering more.

It must never import what keeps them before one is registered or looked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from holdfast.compat.ipython import current

if TYPE_CHECKING:
    from holdfast.compat.ipython.magicside import MagicsManager

__all__ = ["HasMagics"]

type Function = Callable[..., Any]


class HasMagics:
    """The shell's methods about magics."""

    if TYPE_CHECKING:

        @property
        def magics_manager(self) -> MagicsManager:
            """What keeps them."""

    def run_line_magic(self, magic_name: str, line: str, _stack_depth: int = 1) -> Any:
        """The value of `%magic_name line`; an error where there is no such magic."""
        return current.kernel().magics(magic_name, line)

    def run_cell_magic(self, magic_name: str, line: str, cell: str) -> Any:
        """The value of `%%magic_name line` above `cell`; an error where there is no such magic."""
        return current.kernel().magics.cell(magic_name, line, cell)

    def magic(self, arg_s: str) -> Any:
        """The value of a line magic, written as in a cell with or without the percent sign."""
        name, _, rest = arg_s.lstrip("%").partition(" ")
        return self.run_line_magic(name, rest.strip())

    def find_line_magic(self, magic_name: str) -> Function | None:
        """The function of a line magic; None where there is none."""
        return self.magics_manager.find("line", magic_name)

    def find_cell_magic(self, magic_name: str) -> Function | None:
        """The function of a cell magic; None where there is none."""
        return self.magics_manager.find("cell", magic_name)

    def find_magic(self, magic_name: str, magic_kind: str = "line") -> Function | None:
        """The function of a magic; None where there is none."""
        return self.magics_manager.find(magic_kind, magic_name)

    def register_magic_function(self, func: Function, magic_kind: str = "line", magic_name: str | None = None) -> None:
        """Make a function a magic: see `MagicsManager.register_function`."""
        self.magics_manager.register_function(func, magic_kind, magic_name)

    def register_magics(self, *magic_objects: Any) -> None:
        """Make the methods of classes derived from `Magics` magics: see `MagicsManager.register`."""
        self.magics_manager.register(*magic_objects)

    def define_magic(self, name: str, func: Function) -> None:
        """Make a function of (shell, line) a line magic, as very old code does."""
        self.magics_manager.register_function(lambda line: func(self, line), "line", name)
