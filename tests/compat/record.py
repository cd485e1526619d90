"""Records the golden data of the compatibility suite with the real ipykernel, and writes the table of the document.

python tests/compat/record.py [NAME …]     record these scripts, or all that changed since they were recorded
python tests/compat/record.py --all        record all
python tests/compat/record.py --show NAME  what Holdfast shows now, beside the golden data
python tests/compat/record.py --table      write the table into docs/compatibility.md
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from helpers import compat_run, compat_scripts, compat_table
from helpers.compat_environments import environment
from helpers.compat_facts import difference
from helpers.compat_scripts import Script

#: Versions that are noted beside the facts: whose words they may hold.
_NOTED = ("ipykernel", "ipython")


def record(script: Script) -> None:
    """Run a script on ipykernel and keep what was seen; words that are not compared are not kept."""
    seen = {}
    for where in script.environments:
        with tempfile.TemporaryDirectory() as folder:
            seen[where] = script.loosened(compat_run.on_ipykernel(script.cells, where, Path(folder).resolve()))
    cells = seen.pop(script.environments[0])
    others = {where: {title: f for title, f in facts.items() if f != cells[title]} for where, facts in seen.items()}
    kept = {"script": script.hash, "recorded with": _versions(), "cells": cells, **others}
    script.golden.parent.mkdir(exist_ok=True)
    script.golden.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"recorded {script.name}: {sum(map(len, cells.values()))} facts of {len(cells)} cells")
    for where, facts in others.items():
        if facts:
            print(f"  ipykernel itself shows something else in {where}: {', '.join(facts)}")


def _versions() -> dict[str, str]:
    code = f"import importlib.metadata as m; print(*(m.version(n) for n in {_NOTED}))"
    command = [str(environment("ipython").python), "-c", code]
    return dict(zip(_NOTED, subprocess.check_output(command, text=True).split(), strict=True))


def show(script: Script) -> None:
    """Print what differs on Holdfast, in each environment."""
    for where in script.environments:
        expected = script.expected(where)
        with tempfile.TemporaryDirectory() as folder:
            facts = script.loosened(compat_run.on_holdfast(script.cells, where, Path(folder).resolve()))
        for title in expected:
            found = difference(expected[title], facts[title])
            print(f"[{where}] {title}: {'as ipykernel' if not found else chr(10) + found}")


def _is_stale(script: Script) -> bool:
    return not script.golden.exists() or json.loads(script.golden.read_text("utf-8"))["script"] != script.hash


def main(*arguments: str) -> None:
    """See the module."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOLDFAST_HOME"] = home
        match arguments:
            case ["--table"]:
                compat_table.write()
            case ["--show", *chosen]:
                for name in chosen:
                    show(compat_scripts.read(name))
            case _:
                wanted = [name for name in arguments if name != "--all"] or compat_scripts.names()
                for script in map(compat_scripts.read, wanted):
                    if arguments or _is_stale(script):
                        record(script)


if __name__ == "__main__":
    main(*sys.argv[1:])
