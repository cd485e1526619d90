"""What was mapped and turns out to be damaged: found beside the cells, and no name shows it any more."""

from __future__ import annotations

import queue
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.durable import Notebook
from helpers.stores import flip
from holdfast.durable.components import Component
from holdfast.durable.folder import open_session
from holdfast.durable.pickling.lost import LostValue
from holdfast.durable.restore import Restorer
from holdfast.durable.store.schema import PACKS
from holdfast.durable.verifier import Verifier, withdraw

ARRAY = "import numpy as np\na = np.arange(20_000.)"


def damage(notebook: Notebook, key: str) -> list[str]:
    """Take every chunk of the component of a key for damaged; the variables that this cost."""
    component: Component = notebook.committer.index.by_root[key]
    bad = frozenset(digest for buffer in component.buffers for digest in buffer.chunks)
    assert bad
    return withdraw(notebook.committer, bad, LostValue)


def lost(notebook: Notebook, expression: str) -> bool:
    """Whether a placeholder stands there."""
    return type(eval(expression, notebook.namespace.dict)) is LostValue


@pytest.mark.parametrize(
    ("cell", "named", "gone", "kept"),
    [
        ("b = [1]", ["a"], ["a"], ["b"]),
        ("b = [a, 1]; c = b", ["a", "b", "c"], ["a", "b", "c"], []),
        ("view = a[3:5]; b = a.copy()[:9]", ["a", "view"], ["a", "view"], ["b"]),
        ("def make(x):\n    def get(): return x\n    return get\nget = make(a)", ["a"], ["a", "get()"], ["get"]),
        ("a", ["Out[2]", "a"], ["a", "Out[2]", "_", "_2"], []),
        ("many = {i: np.arange(20_000.) + i for i in range(100)}; many[50] = a", ["a", "many"], ["a", "many"], []),
    ],
    ids=["alone", "in a list", "with a view", "in a closure", "as a result", "in a hub"],
)
def test_all_that_shows_it_is_replaced(cell: str, named: list[str], gone: list[str], kept: list[str]) -> None:
    """The variable, what shares its memory, results, closures, and what holds it; nothing else."""
    notebook = Notebook()
    notebook.run(ARRAY)
    notebook.run(cell)
    assert damage(notebook, "a") == named
    assert [lost(notebook, expression) for expression in gone] == [True] * len(gone)
    assert [lost(notebook, expression) for expression in kept] == [False] * len(kept)


def test_the_store_follows_with_the_next_cell() -> None:
    """A restore brings the placeholder, with the reason."""
    notebook = Notebook()
    notebook.run(ARRAY)
    damage(notebook, "a")
    notebook.run("b = 1")
    other, _ = notebook.restored()
    assert "not what was written" in repr(other.namespace.dict["a"])


class Restored:
    """A session with arrays that are mapped, restored after a byte of one was changed; what the verifier says."""

    def __init__(self, folder: Path, offset: int | None) -> None:
        session = open_session(folder, "notebook", "process")
        notebook = Notebook(session.store)
        notebook.run("import numpy as np\na = np.arange(2_500_000.)\nb = np.zeros(2_500_000)\nc = np.arange(9)")
        session.close()
        if offset is not None:
            flip(Path(session.folder, PACKS, "00000001.pack"), offset)
        self.session = open_session(folder, "notebook", "process")
        self.notebook = Notebook(self.session.store)
        Restorer(self.notebook.committer, self.session.store, self.notebook.codec).restore()
        self.to_do: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.said: list[str] = []
        self.verifier = Verifier(self.notebook.committer, LostValue, self.to_do.put, self.said.append)

    def __enter__(self) -> Restored:
        return self

    def __exit__(self, *error: object) -> None:
        self.session.close()
        # `__main__` holds them on, and before Python 3.13 a map keeps a descriptor of its file.
        self.notebook.namespace.dict.clear()

    def lost(self) -> list[bool]:
        """Which of the arrays are."""
        return [lost(self.notebook, name) for name in "abc"]


def test_a_damaged_chunk_is_found_beside_the_cells(tmp_path: Path) -> None:
    """What has to be done is handed over, and does it, and says so."""
    with Restored(tmp_path, 9_000_000) as found:
        found.verifier.start()
        act = found.to_do.get(timeout=120)
        assert (found.lost(), found.said) == ([False, False, False], [])
        act()
        assert found.lost() == [True, False, False]
        (sentence,) = found.said
        assert sentence.startswith("lost: a (its bytes on the disk are not what was written)")


def test_the_same_value_is_written_again(tmp_path: Path) -> None:
    """The store does not take a damaged chunk for kept when its value comes once more."""
    with Restored(tmp_path, 9_000_000) as found:
        found.verifier.start()
        found.to_do.get(timeout=120)()
        found.notebook.run("a = np.arange(2_500_000.)")
        assert found.notebook.failed == ""
        component = found.notebook.committer.index.by_root["a"]
        assert component.buffers
        assert all(found.session.store.verify(buffer) for buffer in component.buffers)


@pytest.mark.parametrize("closed", [False, True])
def test_what_is_whole_or_closed_is_not_spoken_of(closed: bool, tmp_path: Path) -> None:
    """Nothing is handed over when all is right, nor when the session ends before it was known."""
    with Restored(tmp_path, 9_000_000 if closed else None) as found:
        if closed:
            found.session.close()
        components = found.notebook.committer.index.components()
        found.verifier._run([buffer for component in components for buffer in component.buffers])
        assert found.to_do.empty()
