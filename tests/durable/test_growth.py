"""Restarts of a session that nobody changes: the store must not grow with them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
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
#: Imports once, and forks for each of the sessions: [home, cells] in JSON.
_PROGRAM = """\
import json, os, sys, warnings
warnings.simplefilter('ignore')
import pandas
from helpers.durable import Notebook
from holdfast.durable import commit, restore
from holdfast.durable.folder import open_session
from holdfast.durable.pickling import careful, pickler, unpickler
# What is looked at before a cell, what is compared with it, and what by the audit, is not to depend on the machine.
commit.BUDGET = restore.INDEXING = 60

def live(home, cells):
    session = open_session(home, 'notebook', 'process')
    notebook = Notebook(session.store)
    report = restore.Restorer(notebook.committer, session.store, notebook.codec).restore()
    notebook.count = report.count if report else 0
    assert not report or not report.lost, report.lost
    for code in cells:
        notebook.run(code)
        assert not notebook.errors and not notebook.failed, (notebook.errors, notebook.failed)
    notebook.audit()
    session.close()

for home, cells in json.loads(sys.argv[1]):
    child = os.fork()
    if child:
        assert os.waitpid(child, 0)[1] == 0, home
        continue
    try:
        live(home, cells)
        os._exit(0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
"""
LOOKS: dict[str, tuple[str, ...]] = {"untouched": (), "looked at": ("(len(rows), frame.shape, words);",)}
Sizes = dict[str, list[int]]


def _life(sessions: Mapping[Path, Sequence[str]], seed: int) -> list[int]:
    """An interpreter with its own order of sets, and in it a process of each session; the bytes of their stores."""
    environment = {**os.environ, "PYTHONPATH": str(Path(helpers.__file__).parents[1]), "PYTHONHASHSEED": str(seed)}
    told = json.dumps([[str(home), list(cells)] for home, cells in sessions.items()])
    subprocess.run([sys.executable, "-c", _PROGRAM, told], check=True, env=environment, timeout=300)
    return [sum(path.stat().st_size for path in (home / SESSIONS).rglob("*") if path.is_file()) for home in sessions]


@pytest.fixture(scope="module")
def sizes(tmp_path_factory: pytest.TempPathFactory) -> Sizes:
    """What the stores take before, and after each of ten restarts."""
    homes = {what: tmp_path_factory.mktemp("growth") for what in LOOKS}
    lives = [_life(dict.fromkeys(homes.values(), (_SESSION, "many", "words")), 1)]
    lives += [_life({homes[what]: cells for what, cells in LOOKS.items()}, seed) for seed in range(2, 12)]
    return dict(zip(homes, map(list, zip(*lives, strict=True)), strict=True))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("how", LOOKS)
def test_restarts_of_an_unchanged_session_store_next_to_nothing(sizes: Sizes, how: str) -> None:
    """Ten restarts, each with another order of sets, add no more than a tenth of one percent each."""
    before, first, *later = sizes[how]
    assert first - before < before // 20
    assert later[-1] - first < before // 100
