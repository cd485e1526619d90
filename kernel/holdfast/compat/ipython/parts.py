"""What the shell and its parts have in common: they belong to the running kernel, and variables may hold them.

It must never lead to the kernel: a variable that holds a part stores by which name it is found, and gets the part of
the kernel that is running when it is loaded.
"""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any

__all__ = ["Made", "Part", "found", "reduced"]

_PACKAGE = __name__.rpartition(".")[0]
_lock = threading.RLock()


class Made[T]:
    """An attribute that is made, and whose module is imported, when it is first asked for: `Made("module:Class")`.

    Most libraries ask for one thing only.
    """

    def __init__(self, where: str) -> None:
        self._module, _, self._class = where.partition(":")
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, part: Any, owner: type | None = None) -> T:
        if part is None:
            raise AttributeError(f"{self._name} belongs to the shell, not to its class")
        with _lock:  # two threads must not have two of it
            attributes = part.__dict__
            if self._name not in attributes:
                attributes[self._name] = getattr(import_module(f"{_PACKAGE}.{self._module}"), self._class)()
            made: T = attributes[self._name]
            return made


class Part:
    """The shell (`path` is empty) or one of its attributes."""

    path = ""

    def __getattr__(self, name: str) -> Any:
        """Called for what is not there only; says so."""
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        whole = f"get_ipython().{self.path}" if self.path else "get_ipython()"
        raise AttributeError(
            f"{whole} has no {name!r}: it is Holdfast's, and has what libraries are known to read of IPython's",
            name=name,
            obj=self,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return found, (self.path,)

    def __copy__(self) -> Part:
        return self

    def __deepcopy__(self, memo: object) -> Part:
        return self


def found(path: str) -> Any:
    """The part of that name in the kernel of this process; RuntimeError where there is none."""
    from holdfast.compat.ipython import current

    part = current.shell()
    if part is None:
        raise RuntimeError("there is no shell here: this is no kernel, or HOLDFAST_IPYTHON_COMPAT is 0")
    for name in path.split(".") if path else ():
        part = getattr(part, name)
    return part


def reduced(part: Part, keeping: object) -> tuple[Any, ...]:
    """How a stream refers to a part (see `durable.reducers.families`)."""
    return found, (part.path,)
