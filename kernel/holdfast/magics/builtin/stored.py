"""`%store`: values that all sessions of a person share.

It must never unpickle bytes that the shelf has not found authentic.
"""

from __future__ import annotations

import pickle
import re
import sys
from pathlib import Path

from holdfast.errors import CellError
from holdfast.magics.port import Kernel, LineMagic
from holdfast.magics.words import BadWords, split

_INTO_FILE = re.compile(r"(.+?)\s*(>>?)\s*(\S.*)")


class CannotStore(CellError):
    """A value that cannot be kept for another session."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name = name
        self.reason = reason

    def __str__(self) -> str:
        return f"%store {self.name}: the value cannot be stored ({self.reason})"


class CannotMake(CellError):
    """A stored value that cannot be made here."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name = name
        self.reason = reason

    def __str__(self) -> str:
        return f"%store -r {self.name}: the value cannot be made here ({self.reason})"


def line(_name: str, kernel: Kernel) -> LineMagic:
    """The magic of that name."""

    def magic(rest: str) -> None:
        """Keep variables for all your sessions.

        %store x y      keep their values        %store -r     bring all back (%store -r x: one)
        %store          list what is kept        %store -d x   forget one         %store -z   forget all
        %store x > FILE   write its text to a file (`>>`: behind what is there)
        """
        into = _INTO_FILE.fullmatch(rest)
        if into is not None:
            _write(kernel, into[1].strip(), into[2], into[3])
            return
        words = split("%store", rest)
        flags = [word for word in words if word.startswith("-")]
        names = [word for word in words if not word.startswith("-")]
        if len(flags) > 1 or flags[:1] not in ([], ["-r"], ["-d"], ["-z"]):
            raise BadWords("%store", f"there is no {' '.join(flags)}; there are -r, -d and -z")
        if not words:
            _list(kernel)
        elif not flags:
            for name in names:
                _store(kernel, name)
        elif flags == ["-r"]:
            _bring_back(kernel, names)
        else:
            _forget(kernel, names if flags == ["-d"] else kernel.shelf.names())

    return magic


def _store(kernel: Kernel, name: str) -> None:
    if name not in kernel.namespace:
        raise BadWords("%store", f"there is no variable {name!r}")
    value = kernel.namespace[name]
    if getattr(value, "__module__", None) == "__main__" or type(value).__module__ == "__main__":
        raise CannotStore(name, "it is defined in this session, and no other one has that; put it into a module")
    try:
        data = pickle.dumps(value, protocol=5)
    except Exception as error:
        raise CannotStore(name, str(error) or type(error).__name__) from None
    kernel.shelf.put(name, data)
    print(f"Stored {name!r} ({type(value).__name__})")


def _bring_back(kernel: Kernel, names: list[str]) -> None:
    for name in names or kernel.shelf.names():
        data = kernel.shelf.get(name)
        if data is None:
            print(f"%store: nothing is stored as {name!r}", file=sys.stderr)
            continue
        kernel.namespace[name] = _made(name, data)
        kernel.touched(name)


def _made(name: str, data: bytes) -> object:
    try:
        return pickle.loads(data)
    except Exception as error:
        raise CannotMake(name, f"{type(error).__name__}: {error}") from error


def _forget(kernel: Kernel, names: list[str]) -> None:
    for name in names:
        if not kernel.shelf.drop(name):
            raise BadWords("%store -d", f"nothing is stored as {name!r}")


def _list(kernel: Kernel) -> None:
    names = kernel.shelf.names()
    print("Stored values:" if names else "Nothing is stored: %store NAME keeps a variable for all your sessions.")
    width = max(map(len, names), default=0)
    for name in names:
        try:
            text = kernel.formatters.plain.text(_made(name, kernel.shelf.get(name) or b""))
        except CannotMake as error:
            text = f"({error.reason})"
        line = " ".join(text.split())
        print(f"{name:{width}} -> {line if len(line) <= 70 else f'{line[:67]}...'}")


def _write(kernel: Kernel, name: str, how: str, file: str) -> None:
    if name not in kernel.namespace:
        raise BadWords("%store", f"there is no variable {name!r}")
    value = kernel.namespace[name]
    path = Path(file.strip("'\"")).expanduser()
    lines = isinstance(value, list) and all(isinstance(item, str) for item in value)
    text = value if isinstance(value, str) else "\n".join(value) if lines else kernel.formatters.plain.text(value)
    with path.open("a" if how == ">>" else "w", encoding="utf-8") as written:
        written.write(text if text.endswith("\n") else f"{text}\n")
    print(f"{'Added' if how == '>>' else 'Written'} {name!r} ({type(value).__name__}) to {path}")
