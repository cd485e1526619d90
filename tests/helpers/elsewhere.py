"""Sessions that one Python writes and another one opens, without a kernel; and where that other Python is.

Run as a program under either: `write HOME` or `read HOME`, with a list of [cell, expression] on stdin as JSON.  The
writer dies as by `kill -9`.  The reader prints what is true of its values, and what the restore said, as JSON.

It must never compare an interpreter with itself.
"""

from __future__ import annotations

import json
import linecache
import os
import shutil
import subprocess
import sys
import warnings
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

#: What the durable part of Holdfast imports, and what the tests of it hold.
NEEDED = ("msgspec", "blake3", "xxhash", "numpy")
#: An older pandas than that of the development environment.
OLDER = "pandas>=2.2,<3"
Case = tuple[str, str]


@cache
def other_python() -> Path | None:
    """Another Python that Holdfast runs under, with what it needs and an older pandas; None where there is none."""
    from helpers.peers import build

    for minor in (12, 13, 14):
        if minor == sys.version_info.minor:
            continue
        # pyenv, uv and their kin keep the versions side by side.
        beside = sorted(Path(sys.base_prefix).parent.glob(f"*3.{minor}*/bin/python3.{minor}"))
        for candidate in filter(None, (shutil.which(f"python3.{minor}"), *map(str, beside))):
            if subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
                needed = (*(f"{name}=={version(name)}" for name in NEEDED), OLDER)
                return build(needed, interpreter=candidate).python
    return None


def write(python: str | Path, home: Path, cases: list[Case]) -> None:
    """Let that Python run the cells of a session in the folder."""
    _run(python, "write", home, cases)


def read(python: str | Path, home: Path, cases: list[Case]) -> dict[str, Any]:
    """What that Python finds: `answers` to the expressions, and the parts of the restore's report."""
    found: dict[str, Any] = json.loads(_run(python, "read", home, cases))
    return found


def _run(python: str | Path, how: str, home: Path, cases: list[Case]) -> str:
    home.mkdir(mode=0o700, exist_ok=True)
    folders = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "kernel")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    done = subprocess.run(
        [str(python), "-P", __file__, how, str(home)],
        input=json.dumps(cases), capture_output=True, text=True, check=False, env=environment, cwd=home, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def _write(home: str, cases: list[Case]) -> None:
    notebook = _notebook(home)
    for cell, _ in cases:
        name = f"<cell {notebook.count + 1}>"
        linecache.cache[name] = (len(cell), None, cell.splitlines(keepends=True), name)
        notebook.run(cell)
        assert not notebook.errors, (cell, notebook.errors)
        assert not notebook.failed, notebook.failed
    notebook.audit()


def _read(home: str, cases: list[Case]) -> dict[str, Any]:
    import msgspec

    from holdfast.durable.restore import Restorer

    notebook = _notebook(home)
    report = Restorer(notebook.committer, notebook.store, notebook.codec).restore()
    answers = []
    for _, expression in cases:
        try:
            answers.append(str(eval(expression, notebook.namespace.dict)))
        except BaseException as error:
            answers.append(f"{type(error).__name__}: {error}")
    return {**msgspec.to_builtins(report), "answers": answers}


def _notebook(home: str) -> Any:
    from helpers.durable import Notebook
    from holdfast.durable import commit
    from holdfast.durable.folder import open_session

    warnings.simplefilter("ignore")
    commit.BUDGET = 60  # what is compared with a cell is not to depend on the machine
    return Notebook(open_session(Path(home), "notebook", "process").store)


def main() -> None:
    """See the module."""
    how, home = sys.argv[1:]
    cases = json.load(sys.stdin)
    printed, sys.stdout = sys.stdout, sys.stderr
    if how == "write":
        _write(home, cases)
    else:
        printed.write(json.dumps(_read(home, cases)))
        printed.flush()
    # Finalizers would still remove folders and close files that the session has.
    os._exit(0)


if __name__ == "__main__":
    main()
