"""The environments of the compatibility suite: real libraries with IPython beside them, and without.

Each holds the libraries of a dependency group of pyproject.toml and what the kernel itself needs; the kernel is
the one of this checkout.  They are built with uv as `peers` says, and kept in `.cache/peers`.
"""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from functools import cache
from typing import Final

from helpers.peers import CACHE, PeerEnvironment, build
from helpers.source import ROOT

#: The name of an environment in a script's header, and the dependency group that fills it.
GROUPS: Final = {"ipython": "compat-ipython", "plain": "compat"}
NAMES: Final = tuple(GROUPS)
#: What ipykernel itself brings along: the rest of its group is not there where `plain` is recorded.
_REFERENCE: Final = ("ipykernel", "ipython")


@cache
def environment(name: str) -> PeerEnvironment:
    """The environment of that name, built when it is not there yet."""
    made = build(requirements(name))
    # Where this takes more than 5 s, matplotlib says so in the cell that imports it.
    if not list((CACHE / "matplotlib").glob("fontlist*")):
        fonts = [str(made.python), "-c", "import matplotlib.font_manager"]
        subprocess.run(fonts, env={**os.environ, **variables()}, capture_output=True, check=True)
    return made


@cache
def reference(name: str) -> PeerEnvironment:
    """Where ipykernel shows what is expected in the environment of that name: the same libraries beside it."""
    own = [line for line in requirements("ipython") if _distribution(line) in _REFERENCE]
    return environment(name) if name == "ipython" else build((*requirements(name), *own))


def requirements(name: str) -> tuple[str, ...]:
    """What is to be installed in it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return (*project["project"]["dependencies"], *_group(project["dependency-groups"], GROUPS[name]))


def _group(groups: dict[str, list[str | dict[str, str]]], name: str) -> list[str]:
    found: list[str] = []
    for entry in groups[name]:
        found += [entry] if isinstance(entry, str) else _group(groups, entry["include-group"])
    return found


def _distribution(line: str) -> str:
    return re.split(r"[\[<>=~!;]", line)[0]


def variables() -> dict[str, str]:
    """What a kernel of theirs is started with beside the variables of this process."""
    return {
        "PYTHONPATH": str(ROOT / "kernel"),
        # The list of fonts takes longer than a script, and is the same for all.
        "MPLCONFIGDIR": str(CACHE / "matplotlib"),
        # Scripts must not depend on what the person at this machine has configured.
        "IPYTHONDIR": str(CACHE / "ipython"),
        # Some libraries (holoviews) show less where tests run by themselves.
        "CI": "",
    }
