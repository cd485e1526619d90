"""A server of fresh processes: it imports once, and forks for each session that is to be looked at or played.

It must never restore or run anything itself: what one session leaves in a process would help the next.

Run as a script.  Requests and answers are lines of JSON.  `{"look": home}` restores a copy of the home, as a crash
would have left it, and describes it.  `{"play": home, "audit": …}` restores the home itself; further requests go to
that process: `{"run": code, "audit": …}` until `{"die": …}`, when it ends as by `kill -9`.  An empty home's name plays
a notebook from which nothing is ever stored.  `{"travel": seed, "home": home}`: see `traveller.py`.
`{"rollback": seed}`: see `rollback.py`.  `audit` says whether the audit runs afterwards.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import holdfast.durable

if TYPE_CHECKING:
    from helpers.durable import Notebook

#: Scratch copies cost less where no disk is behind them.
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None
Answer = dict[str, Any]


def _look(home: str) -> Answer:
    with tempfile.TemporaryDirectory(dir=MEMORY) as scratch:
        notebook, answer = _restored(shutil.copytree(home, Path(scratch) / "home"))
        answer["lines"] = _describe(notebook)
    return answer


def _restored(home: Path) -> tuple[Notebook, Answer]:
    from helpers.durable import Notebook
    from holdfast.durable.folder import open_session
    from holdfast.durable.restore import Restorer

    session = open_session(home, "notebook", "process")
    notebook = Notebook(session.store)
    report = Restorer(notebook.committer, session.store, notebook.codec).restore()
    notebook.count = report.count if report else 0
    return notebook, {"lost": report.lost if report else []}


def _describe(notebook: Notebook) -> list[str]:
    """The description, once nothing that only garbage holds is there: a weak reference must not show it."""
    notebook.errors.clear()
    notebook.namespace.prepare()
    gc.collect()
    return notebook.describe()


def _play(request: Answer) -> None:
    """Be one process of a session until it dies."""
    from helpers.durable import Notebook

    home = request["play"]
    notebook, answer = _restored(home) if home else (Notebook(), {"lost": []})
    # A collection at a moment of its own would end the targets of weak references here and not there.
    gc.disable()
    if request.get("audit"):
        notebook.audit()
    _tell({**answer, "lines": _describe(notebook)})
    for line in sys.stdin:
        request = json.loads(line)
        if "die" in request:
            # Answered, so that nothing more is sent while this process still reads ahead.
            _tell({})
            break
        code = request["run"]
        if home:
            notebook.run(code)
            if request.get("audit") or "unchecked" in notebook.notes:
                notebook.audit()
        else:
            notebook.execute(code)
        _tell({"lines": _describe(notebook), "failed": notebook.failed, "lost": []})


def _tell(answer: Answer) -> None:
    os.write(1, (json.dumps(answer) + "\n").encode())


def serve() -> None:
    """Answer requests until the input ends."""
    for name in ("numpy", "pandas", "numpy.ma", "blake3", "xxhash", "helpers.durable"):
        importlib.import_module(name)
    for _, name, _ in pkgutil.walk_packages(holdfast.durable.__path__, "holdfast.durable."):
        importlib.import_module(name)
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
            request = json.loads(line)
            if "travel" in request:
                from helpers.traveller import travel

                _tell(travel(request))
            elif "rollback" in request:
                from helpers.rollback import play

                _tell(play(request["rollback"]))
            elif "look" in request:
                _tell(_look(request["look"]))
            else:
                _play(request)
        except BaseException as error:
            import traceback

            _tell({"lines": [], "lost": [], "failed": "".join(traceback.format_exception(error))})
        os._exit(0)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    serve()
