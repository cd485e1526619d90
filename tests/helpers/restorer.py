"""A server that restores sessions in fresh processes: it imports once, and forks for each request.

It must never restore anything itself: what one restore leaves in a process would help the next.

Run as a script.  A request is a line with the path of a home; the answer is one line of JSON, the
description of the restored namespace and what was lost.
"""

from __future__ import annotations

import gc
import json
import os
import pkgutil
import shutil
import sys
import tempfile
import warnings
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import holdfast.durable

#: Scratch copies cost less where no disk is behind them.
_MEMORY = "/dev/shm"


def answer(folder: str) -> Mapping[str, object]:
    """Restore a copy of the folder, as a crash would have left it, and describe it."""
    from helpers.durable import Notebook
    from holdfast.durable.folder import open_session
    from holdfast.durable.restore import Restorer

    with tempfile.TemporaryDirectory(dir=_MEMORY if os.path.isdir(_MEMORY) else None) as scratch:
        home = shutil.copytree(folder, Path(scratch) / "home")
        session = open_session(home, "notebook", "process")
        notebook = Notebook(session.store)
        report = Restorer(notebook.committer, session.store, notebook.codec).restore()
        lost: object = report.lost if report else ["no commit"]
        session.close()
        return {"lines": notebook.describe(), "lost": lost}


def serve() -> None:
    """Answer requests until the input ends."""
    for name in ("numpy", "pandas", "blake3", "xxhash", "helpers.durable"):
        import_module(name)
    for _, name, _ in pkgutil.walk_packages(holdfast.durable.__path__, "holdfast.durable."):
        import_module(name)
    gc.collect()
    # Nothing that is here now is looked at by a collection in a child, so its pages stay shared.
    gc.freeze()
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            continue
        try:
            text = json.dumps(answer(line.strip()))
        except BaseException as error:
            text = json.dumps({"lines": [], "lost": [f"{type(error).__name__}: {error}"]})
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    serve()
