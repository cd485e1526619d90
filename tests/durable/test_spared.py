"""Memory that a cell cannot have written to is not hashed again, and every way of writing to it is caught or named."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.durable import Notebook
from holdfast.durable import spared
from holdfast.durable.spared import place
from holdfast.durable.store import chunks

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")
COMMIT, NAMED = "commit", "named"
SETUP = """import numpy as np, pandas as pd
df = pd.DataFrame({'a': np.arange(20_000.0), 'b': np.arange(20_000.0) * 2, 'k': 0})
arr = np.zeros(20_000)
d = {'x': arr, 'y': np.ones(20_000)}
def opened(frame):
    found = frame['a'].to_numpy()
    found.flags.writeable = True
    return found
"""

#: Who notices (its commit, or the reply names it and the audit stores it), set-up, and the cell.
PROGRAMS = [
    (COMMIT, "", "df['c'] = 1.0\ndf.loc[5, 'a'] = -1.0"),
    (COMMIT, "s = pd.Series(arr, index=[f'i{i}' for i in range(20_000)])\nt = s", "s['i5'] = 3.0\ns = df"),
    (COMMIT, "v = opened(df)", "df['c'] = v[3] = 1.5"),
    (COMMIT, "v = opened(df)", "df['c'], v[3] = 1.0, 1.5"),
    (COMMIT, "v = opened(df)", "(lambda: 0)\ndf['c'] = 1.0\nif True:\n    v[3] = 1.5"),
    (COMMIT, "", "df['c'] = 1.0\ndf.iloc[5, 0] = -1.0"),
    (COMMIT, "", "df['c'] = 1.0\ndf.at[5, 'a'] = -1.0"),
    (COMMIT, "", "df[df > 5] = 0"),
    (COMMIT, "", "df['a'] += 1"),
    (COMMIT, "", "df['c'] = 1.0\ndf.mask(df > 5, 0, inplace=True)"),
    (COMMIT, "", "df['c'] = 1.0\ndf.update(pd.DataFrame({'a': [7.0]}))"),
    (COMMIT, "", "df['c'] = 1.0\ndf.drop(index=range(5), inplace=True)\ndf.clip(0, 5, inplace=True)"),
    (COMMIT, "", "v = opened(df)\nv[3] = -1\ndf['c'] = 1.0"),
    (COMMIT, "v = opened(df)", "v[3] = -1\ndf['c'] = 1.0"),
    (COMMIT, "v = opened(df)", "v += 1\ndf['c'] = 1.0"),
    (COMMIT, "v = opened(df)", "np.add(v, 1, out=v)\ndf['c'] = 1.0"),
    (COMMIT, "v = opened(df)", "v.fill(4)\ndf['c'] = 1.0"),
    (COMMIT, "v = opened(df)", "exec('v[3] = -1')\ndf['c'] = 1.0"),
    (COMMIT, "d['df'] = df", "d['df'].loc[5, 'a'] = -1.0\ndf['c'] = 1.0"),
    (COMMIT, "df", "_.loc[5, 'a'] = -1.0\ndf['c'] = 1.0"),
    (COMMIT, "df", "Out[2].loc[5, 'a'] = -1.0\ndf['c'] = 1.0"),
    (COMMIT, "", "d['x'][0] = 5\nd['z'] = 1"),
    (COMMIT, "", "arr[0] = 5\nd['z'] = 1"),
    (COMMIT, "s = pd.Series(np.zeros(20_000), index=[f'i{i}' for i in range(20_000)])", "s['i5'] = 3.0"),
    (COMMIT, "", "df.to_numpy(copy=False)\ndf.values.base.flags.writeable = True\ndf['c'] = 1.0\ndf.loc[5, 'a'] = 3"),
    (NAMED, "", "v = opened(df)\nv[3] = -1\ndel v\ndf['c'] = 1.0"),
    (NAMED, "", "v = df['a'].to_numpy()\nv.flags.writeable = True\nv[3] = -1\ndel v\ndf['c'] = 1.0"),
    (NAMED, "", "v = df['a'].values\nv.flags.writeable = True\nv[3] = -1\ndel v\ndf['c'] = 1.0"),
    (NAMED, "", "for v in d.values():\n    v[3] = -1\ndel v\nd['z'] = 1"),
    (NAMED, "", "for name, v in d.items():\n    v[3] = -1\ndel v\nd['z'] = 1"),
    (NAMED, "", "x = d['x']\nx[3] = -1\ndel x\nd['z'] = 1"),
    (NAMED, "", "x = d.get('x')\nx[3] = -1\ndel x\nd['z'] = 1"),
    (NAMED, "v = opened(df)", "np.log1p(v, v)\ndf['c'] = 1.0"),
    (NAMED, "v = opened(df)", "np.copyto(v, 5)\ndf['c'] = 1.0"),
    (NAMED, "v = opened(df)", "np.median(v[::-1], overwrite_input=True)\nv.sort\ndf['c'] = 1.0"),
    (NAMED, "v = opened(df)", "df['c'] = (v.__setitem__(3, -1), 1.0)[1]"),
    (NAMED, "def f():\n    opened(df)[3] = -1\n    return 1.0", "df['c'] = f()"),
    (NAMED, "def f(value):\n    opened(df)[3] = -1\n    return value", "df['c'] = f(1.0)"),
    (
        NAMED,
        "class A:\n    def __add__(self, o):\n        opened(df)[3] = -1\n        return 1.0\na = A()",
        "df['c'] = a + 1",
    ),
    (NAMED, "def f(held=df):\n    opened(held)[3] = -1", "df['c'] = 1.0\nf()"),
    (NAMED, "def g(held):\n    def f():\n        opened(held)[3] = -1\n    return f\nf = g(df)", "df['c'] = 1.0\nf()"),
    (NAMED, "class B:\n    pass\nb = B()\nb.f = df", "df['c'] = 1.0\nopened(b.f)[3] = -1"),
    (NAMED, "def g():\n    yield\n    opened(df)[3] = -1\n    yield\ng = g()\nnext(g)", "df['c'] = 1.0\nnext(g)"),
    (NAMED, "", "[opened(one) for one in [df]][0][3] = -1\ndf['c'] = 1.0"),
    (NAMED, "", "with pd.option_context('display.width', 9):\n    opened(df)[3] = -1\ndf['c'] = 1.0"),
    (NAMED, "", "df.pipe(opened)[3] = -1\ndf['c'] = 1.0"),
]


@pytest.fixture(autouse=True)
def _worth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spared, "WORTH", 0)


@pytest.fixture
def notebook() -> Notebook:
    """With the values of `SETUP`, all of them looked at."""
    made = Notebook()
    made.run(SETUP)
    made.audit()
    return made


def _same(notebook: Notebook) -> bool:
    other, _ = notebook.restored()
    return notebook.describe() == other.describe()


@pytest.mark.parametrize(("by", "before", "cell"), PROGRAMS)
def test_what_is_written_in_place_is_stored_or_named(by: str, before: str, cell: str, notebook: Notebook) -> None:
    """Beside a cell that sets a column; what is named is stored by the audit, and named no more."""
    if before:
        notebook.run(before)
        notebook.audit()
    notebook.run(cell)
    assert not notebook.errors
    assert not notebook.failed
    if not _same(notebook):
        assert by == NAMED
        assert set(notebook.notes.get("unchecked", ())) & {"df", "d"}  # type: ignore[call-overload]
    notebook.audit()
    assert _same(notebook)
    notebook.run("pass")
    assert "unchecked" not in notebook.notes


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the buffers that were hashed."""
    found: list[int] = []
    original = chunks.fingerprints

    def counted(view: memoryview) -> bytes:
        found.append(view.nbytes)
        return original(view)

    monkeypatch.setattr(chunks, "fingerprints", counted)
    return found


COLUMN = 160_000


@pytest.mark.parametrize(
    ("cell", "sizes"),
    [
        ("df['c'] = df['a'] * 2", [COLUMN]),
        ("df['c'] = np.log1p(df['a'])", [COLUMN]),
        ("df['c'] = df['a'].fillna(df['a'].median()) - df.b", [COLUMN]),
        ("df['k'] = df['a'] > 3", []),
        ("df.drop(columns=['k'], inplace=True)", []),
        ("df.rename(columns={'k': 'l'}, inplace=True)", []),
        ("del df['k']", []),
        ("df = df.drop(columns='k')", []),
        ("d['z'] = arr * 2", [COLUMN]),
        ("df.loc[5, 'a'] = 1.0", [COLUMN, 2 * COLUMN]),
    ],
)
def test_only_what_is_new_is_hashed(cell: str, sizes: list[int], notebook: Notebook, hashed: list[int]) -> None:
    """The other columns are as they were; nothing is in doubt, and the store has it all."""
    notebook.run(cell)
    assert not notebook.errors
    assert sorted(hashed) == sizes
    assert "unchecked" not in notebook.notes
    assert _same(notebook)


def test_what_a_call_may_have_written_to_is_named(notebook: Notebook, hashed: list[int]) -> None:
    """Until the audit has hashed it; a cell before that does not clear it."""
    notebook.run("df['c'] = pd.Series(opened(df))")
    assert COLUMN not in hashed[:-1]
    assert notebook.notes["unchecked"] == ["df"]
    notebook.run("df['e'] = df['a'] * 2")
    assert notebook.notes["unchecked"] == ["df"]
    hashed.clear()
    notebook.audit()
    assert len(hashed) >= 4
    notebook.run("df['f'] = df['a'] * 3")
    assert "unchecked" not in notebook.notes


@pytest.mark.parametrize("live", [True, False])
def test_beside_a_thread_everything_is_hashed(live: bool, notebook: Notebook, hashed: list[int]) -> None:
    """It can write where no cell says so."""
    notebook.run("df['c'] = df['a'] * 2", live=live)
    assert (len(hashed) > 1) == live


def test_after_a_failed_commit_everything_is_hashed(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the cell before it changed is nowhere yet, whatever this one's code says."""
    notebook.run("v = opened(df)")
    with monkeypatch.context() as patch:
        patch.setattr(notebook.store, "commit", lambda commit: 1 / 0)
        notebook.run("v[3] = -1")
    assert notebook.failed
    notebook.run("df['c'] = df['a'] * 2")
    assert not notebook.failed
    assert _same(notebook)


def test_memory_is_told_by_its_owner() -> None:
    """Another array at the same place, one that does not own its memory, and one that was resized are not the same."""
    array = np.zeros(1000)
    first = place(memoryview(array))
    assert first is not None
    again = place(memoryview(array[:]))
    assert again is not None
    assert first.same(again)
    other = place(memoryview(array[:10]))
    assert other is not None
    assert not first.same(other)
    del array
    assert not first.same(again)
    assert place(memoryview(bytearray(100))) is None
    assert place(memoryview(np.frombuffer(bytearray(100), np.uint8))) is None


def test_a_file_that_is_mapped_is_not_told(tmp_path: object) -> None:
    """Another process can write to it."""
    mapped = np.memmap(f"{tmp_path}/file", np.uint8, "w+", shape=100_000)
    assert place(memoryview(mapped)) is None
    assert place(memoryview(mapped.view(np.ndarray))) is None
