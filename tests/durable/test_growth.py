"""Restarts of a session that nobody changes: the store must not grow with them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import helpers
from holdfast.durable.folder import SESSIONS

#: Sets of strings, whose order is another in each process; classes, closures, arrays, frames, shared objects.
_SESSION = """\
import collections, dataclasses, enum, functools, weakref
import numpy as np, pandas as pd
words = {w for w in 'to be or not to be that is the question'.split()}
by_word, fixed = {w: {w, w * 2} for w in words}, frozenset(words)
rows = [{'id': i, 'tags': {f't{i % 7}', 'all'}} for i in range(500)]
a = np.arange(200_000.)
view, structured, objects = a[10:], np.zeros(3, [('x', 'f8')]), np.array([{'k'}, None, [1]], dtype=object)
frame = pd.DataFrame({'a': np.arange(9000), 's': [str(i % 9) for i in range(9000)]})
@dataclasses.dataclass
class P:
    x: int
    tags: set = dataclasses.field(default_factory=set)
class Color(enum.Enum):
    RED = 'r'
class Q(P):
    known = {}
    def put(self):
        self.known[self.x] = self
many = [Q(i, {'a', 'b', str(i)}) for i in range(20)]
for one in many:
    one.put()
def make():
    seen = {'x', 'y', 'z'}
    def f(a, d={'k', 'l', 'm'}):
        return seen
    return f
f = make()
@functools.lru_cache
def cached(n):
    return {n}
weak, counts = weakref.ref(many[3]), collections.Counter('abracadabra')
"""
_PROGRAM = """\
import sys, warnings
warnings.simplefilter('ignore')
from helpers.durable import Notebook
from holdfast.durable import commit
from holdfast.durable.folder import open_session
from holdfast.durable.restore import Restorer
home, cells = sys.argv[1], sys.argv[2:]
commit.BUDGET = 60  # what is compared with a cell, and what by the audit, is not to depend on the machine
session = open_session(home, 'notebook', 'process')
notebook = Notebook(session.store)
report = Restorer(notebook.committer, session.store, notebook.codec).restore()
notebook.count = report.count if report else 0
assert not report or not report.lost, report.lost
for code in cells:
    notebook.run(code)
    assert not notebook.errors and not notebook.failed, (notebook.errors, notebook.failed)
notebook.audit()
session.close()
"""


def _life(home: Path, seed: int, *cells: str) -> int:
    """One process of the session; the bytes of its store afterwards."""
    environment = {**os.environ, "PYTHONPATH": str(Path(helpers.__file__).parents[1]), "PYTHONHASHSEED": str(seed)}
    subprocess.run([sys.executable, "-c", _PROGRAM, str(home), *cells], check=True, env=environment, timeout=60)
    files = [path for path in (home / SESSIONS).rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in files)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("cells", [(), ("(len(rows), frame.shape, words);",)], ids=["untouched", "looked at"])
def test_restarts_of_an_unchanged_session_store_next_to_nothing(tmp_path: Path, cells: tuple[str, ...]) -> None:
    """Ten restarts, each with another order of sets, add no more than a tenth of one percent each."""
    before = _life(tmp_path, 1, _SESSION, "many", "words")
    first = _life(tmp_path, 2, *cells)
    after = [_life(tmp_path, seed, *cells) for seed in range(3, 11)][-1]
    assert first - before < before // 20
    assert after - first < before // 100
