"""Random notebooks whose cells fail in the middle and are rolled back, in one process of the server (`restorer.py`).

It must never compare a rolled back state with itself: what is expected is written down before the cell runs.
"""

from __future__ import annotations

import ast
import gc
import random
import types
from collections import Counter, deque
from difflib import unified_diff
from typing import Any

from helpers.durable import Notebook
from helpers.wide_programs import WideProgram
from holdfast.durable.definitions import is_definition
from holdfast.durable.policies import EXPLICIT, ROLLBACK
from holdfast.durable.preimage import RolledBack, TransactionRefused
from holdfast.durable.transactions import Running, Transactions
from holdfast.executor.compile import Unit, compile_cell

#: Cells of a program; the part of them before which the notebook is restored, and tried in an explicit transaction.
CELLS, RESTORES, SERIES = 14, 0.1, 0.3
_DEPTH = 5


def play(seed: int) -> dict[str, object]:
    """Try each cell of a program before it is run; what happened, and the first difference as `failed`."""
    chance = random.Random(seed)
    notebook = Notebook()
    counts: Counter[str] = Counter()
    gc.disable()
    for code in WideProgram(seed).write(CELLS):
        if chance.random() < RESTORES and notebook.store.head() is not None:
            notebook, _ = notebook.restored()
            notebook.namespace.install()
        cuts = [_cut(code, chance) for _ in range(1 + (chance.random() < SERIES))]
        failed = _try(notebook, cuts, counts)
        if failed:
            return {"failed": f"seed {seed}: {cuts}\n{failed}", "counts": counts}
        notebook.run(code)
        if notebook.failed:
            return {"failed": f"seed {seed}: {code}\n{notebook.failed}", "counts": counts}
    return {"failed": "", "counts": counts}


def _cut(code: str, chance: random.Random) -> str:
    """The first statements of a cell, and then an error."""
    statements = ast.parse(code).body
    kept = statements[: chance.randrange(len(statements) + 1)]
    return "\n".join([*map(ast.unparse, kept), "raise RuntimeError('cut')"])


def _try(notebook: Notebook, cuts: list[str], counts: Counter[str]) -> str:
    """Run the codes and roll them back: one that fails, or several in an explicit transaction."""
    # What the code could reach is looked at once: digests of before a restart are no baseline.
    for code in cuts:
        cell = _cell(notebook, "", compile_cell(code, "<cut>"), ROLLBACK)
        notebook.committer.commit(cell, lambda note, reason: None)
    lines, places = _lines(notebook), _places(notebook)
    transactions = Transactions(notebook.namespace, notebook.committer)
    policy = EXPLICIT if len(cuts) > 1 else ROLLBACK
    report: RolledBack | None = None
    for code in cuts:
        unit = compile_cell(code, "<cut>")
        cell = _cell(notebook, code, unit, policy)
        try:
            transactions.begin(cell)
        except TransactionRefused as refused:
            counts["refused"] += 1
            if not refused.what:
                return "refused without a reason"
            if policy == EXPLICIT and transactions.uncommitted:
                break
            return ""
        notebook.execute(code)
        notebook.errors.clear()
        report = transactions.end(True)
        transactions.commit(cell, lambda note, reason: None, report, True)
    if policy == EXPLICIT:
        report = transactions.roll_back_now()
    assert report is not None
    counts[policy] += 1
    counts["changed"] += bool(report.names or report.removed)
    counts["replaced"] += bool(report.replaced)
    counts["stored again"] += policy == ROLLBACK and bool(_stored(notebook) - set(report.replaced))
    return _difference(notebook, lines, places, report)


def _cell(notebook: Notebook, code: str, unit: Unit, policy: str) -> Running:
    codes = tuple(one for one in (unit.body, unit.last) if one is not None)
    return Running(notebook.count + 1, code, codes, unit.tree, status="error", epoch=1, policy=policy)


def _difference(notebook: Notebook, lines: list[str], places: dict[str, int], report: RolledBack) -> str:
    now = _lines(notebook)
    if now != lines:
        return f"{report}\n" + "\n".join(unified_diff(lines, now, "before", "rolled back", n=0, lineterm=""))
    moved = [
        path
        for path, number in _places(notebook).items()
        if places.get(path) != number and path.partition(".")[0] not in report.replaced
    ]
    if moved and not report.replaced:
        return f"{report}\nother objects: {moved[:10]}"
    return ""


def _stored(notebook: Notebook) -> set[str]:
    """The variables that the newest commit stored."""
    return {name for name in notebook.store.log(newest=1)[-1].bound if not name.startswith("@")}


def _lines(notebook: Notebook) -> list[str]:
    notebook.namespace.prepare()
    gc.collect()
    return [line for line in notebook.describe() if not line.startswith("_i")]


def _places(notebook: Notebook) -> dict[str, int]:
    """Which object is where: the id of all that is reached through containers, attributes and closures."""
    found: dict[str, int] = {}
    names = notebook.namespace.dict
    queue: deque[tuple[str, Any, int]] = deque((name, names[name], 0) for name in notebook.names())
    seen: set[int] = set()
    while queue:
        path, obj, depth = queue.popleft()
        found[path] = id(obj)
        if depth == _DEPTH or id(obj) in seen:
            continue
        seen.add(id(obj))
        queue.extend((f"{path}.{label}", part, depth + 1) for label, part in _parts(obj))
    return found


def _parts(obj: Any) -> list[tuple[str, Any]]:
    cls = type(obj)
    if cls in (list, tuple, deque):
        return [(str(i), part) for i, part in enumerate(obj)]
    if cls in (dict, Counter) or cls.__name__ in ("defaultdict", "OrderedDict"):
        return [(repr(key)[:40], part) for key, part in obj.items()]
    if cls is types.FunctionType and is_definition(obj):
        cells = [("cell", cell) for cell in obj.__closure__ or ()]
        return [*cells, ("defaults", obj.__defaults__), *vars(obj).items()]
    if issubclass(cls, type) and is_definition(obj):
        return [(name, part) for name, part in vars(obj).items() if not name.startswith("__")]
    # Asking others for their attributes would make some.
    return list(vars(obj).items()) if cls.__module__ == "__main__" and cls.__dictoffset__ else []
