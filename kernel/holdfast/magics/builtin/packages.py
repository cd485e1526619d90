"""`%pip`, `%uv`, `%conda` and `%mamba`: packages for the interpreter that runs this kernel, and for no other.

It must never say that the kernel has to be restarted when nothing of what changed is in use.
"""

from __future__ import annotations

import importlib
import os
import shlex
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from holdfast.errors import CellError
from holdfast.magics.port import Kernel, LineMagic
from holdfast.magics.shell import Shell

_CHANGES = ("install", "uninstall", "sync", "update", "upgrade", "remove", "create")


class NoInstaller(CellError):
    """There is no program that could install something here."""

    def __init__(self, program: str, advice: str) -> None:
        super().__init__(program, advice)
        self.program = program
        self.advice = advice

    def __str__(self) -> str:
        return f"there is no {self.program} for {sys.executable}: {self.advice}"


def line(name: str, kernel: Kernel) -> LineMagic:
    """The magic of that name."""
    shell = Shell(kernel)

    def magic(rest: str) -> None:
        command = _command(name, rest)
        before = _installed()
        shell.system(command)
        importlib.invalidate_caches()
        in_use = _in_use(before, _installed())
        if in_use:
            print(f"Restart the kernel to use what changed: {', '.join(in_use)} was imported before.")

    install = "pip install" if name == "uv" else "install"
    magic.__doc__ = f"""Run {name} for the Python of this kernel: `%{name} {install} PACKAGE`, say.

    What it installs can be imported at once.
    """
    return magic


def _command(name: str, rest: str) -> str:
    if name == "pip":
        return _pip(rest)
    return _uv(rest) if name == "uv" else _conda(name, rest)


def _pip(rest: str) -> str:
    if find_spec("pip") is not None:
        return f"{shlex.quote(sys.executable)} -m pip {rest}"
    if shutil.which("uv") is not None:
        return _uv(rest if rest.startswith("-") else f"pip {rest}")
    raise NoInstaller("pip", f"run `{sys.executable} -m ensurepip`, or install uv")


def _uv(rest: str) -> str:
    """uv chooses an environment by the folder or by a variable, if it is not told."""
    program = shutil.which("uv")
    if program is None and find_spec("uv") is None:
        raise NoInstaller("uv", "%pip install uv")
    uv = shlex.quote(program) if program is not None else f"{shlex.quote(sys.executable)} -m uv"
    first, _, others = rest.partition(" ")
    what, _, words = others.strip().partition(" ")
    if first != "pip" or not what or "--python" in rest.split() or what.startswith("-"):
        return f"{uv} {rest}"
    return f"{uv} pip {what} --python {shlex.quote(sys.executable)} {words}".rstrip()


def _conda(name: str, rest: str) -> str:
    prefix = Path(sys.prefix)
    if not (prefix / "conda-meta").is_dir():
        raise NoInstaller(name, "it is not in an environment of conda; %pip install is for this one")
    program = os.environ.get("CONDA_EXE" if name == "conda" else "MAMBA_EXE") or shutil.which(name)
    if program is None:
        raise NoInstaller(name, f"{name} is not on PATH")
    what, _, words = rest.partition(" ")
    given = shlex.split(words)
    own = [] if {"-p", "--prefix", "-n", "--name"} & set(given) else ["--prefix", shlex.quote(str(prefix))]
    # Nobody can answer its question.
    own += ["--yes"] if what in _CHANGES and not {"-y", "--yes"} & set(given) else []
    return " ".join([shlex.quote(program), what, *own, words]).rstrip()


def _installed() -> dict[str, tuple[Path, int]]:
    """The records of installed distributions on the import path: where each lies, and when it was written."""
    found: dict[str, tuple[Path, int]] = {}
    for folder in sys.path:
        try:
            with os.scandir(folder or ".") as entries:
                for entry in entries:
                    if entry.name.endswith((".dist-info", ".egg-info")):
                        found.setdefault(entry.name, (Path(entry.path), entry.stat().st_mtime_ns))
        except OSError:
            continue
    return found


def _in_use(before: dict[str, tuple[Path, int]], after: dict[str, tuple[Path, int]]) -> list[str]:
    """The imported modules that belong to what came, or came anew; those that only went away still work."""
    changed = [record for name, record in after.items() if before.get(name) != record]
    names = {name for record, _ in changed for name in _modules(record)}
    return sorted(name for name in names if getattr(sys.modules.get(name), "__file__", None))


def _modules(record: Path) -> set[str]:
    """The top-level modules of a distribution, by what it recorded."""
    from csv import reader

    for name in ("RECORD", "installed-files.txt"):
        try:
            with open(record / name, encoding="utf-8", newline="") as file:
                tops = {row[0].replace("\\", "/").split("/")[0] for row in reader(file) if row}
        except OSError:
            continue
        return {top.removesuffix(".py") for top in tops if not top.endswith((".dist-info", ".egg-info", ".."))}
    return set()
