"""Values for which a session has no room are named; all others are kept, and they themselves as soon as there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from helpers.durable import Notebook
from holdfast.durable.folder import open_session
from holdfast.durable.retention import Limits
from holdfast.durable.store.memory import MemoryStore

MIB = 1 << 20
VALUES = {
    "an array": "big = np.arange(400_000.)",
    "a frame": "import pandas as pd\nbig = pd.DataFrame({'a': np.arange(400_000.)})",
    "a deep object": "big = [str(i) * 9 for i in range(100_000)]",
    "a long text": "big = 'x' * 3_000_000",
}


def short(left: int = MIB) -> tuple[Notebook, MemoryStore]:
    """A notebook with a small array, in a store with little room."""
    store = MemoryStore()
    notebook = Notebook(store)
    notebook.run("import numpy as np\nsmall = np.arange(20_000.)")
    store.left = left
    return notebook, store


def lost(notebook: Notebook) -> Any:
    """What the last reply says that cannot be kept."""
    return notebook.notes["lost"]


def value(notebook: Notebook, name: str) -> Any:
    """A variable."""
    return notebook.namespace.dict[name]


@pytest.mark.parametrize("code", VALUES.values(), ids=VALUES.keys())
def test_a_value_without_room_is_named_and_costs_only_itself(code: str) -> None:
    """The commit succeeds, the reply names the value, everything else is there after a restore."""
    notebook, _ = short()
    notebook.run(f"{code}\nother = ['kept']\nsmall[3] = 7")
    assert notebook.failed == ""
    ((name, _, reason),) = lost(notebook)
    assert name == "big"
    assert "does not fit into what this session may take on the disk" in reason
    other, restored = notebook.restored()
    assert [place for place, _, _ in restored.lost] == ["big"]
    assert other.namespace.dict["other"] == ["kept"]
    assert value(other, "small")[3] == 7
    assert "LostValue" in repr(other.namespace.dict["big"])


@pytest.mark.parametrize("code", VALUES.values(), ids=VALUES.keys())
def test_a_refused_value_is_kept_as_soon_as_there_is_room(code: str) -> None:
    """By the audit, without a cell that names it; until then nothing is written for it again."""
    notebook, store = short()
    notebook.run(code)
    notebook.audit()
    versions = store.at(len(store.log())).version
    for _ in range(3):
        notebook.run("pass")
        notebook.audit()
    assert store.at(len(store.log())).version == versions
    store.left = 100 * MIB
    notebook.run("pass")
    assert notebook.audit() == ("big",)
    other, restored = notebook.restored()
    assert restored.lost == ()
    assert str(other.namespace.dict["big"]) == str(notebook.namespace.dict["big"])


def test_an_old_state_is_never_kept_in_place_of_a_refused_one() -> None:
    """What was there before the change is history: the variable is named lost."""
    notebook, store = short(4 * MIB)
    notebook.run("big = np.zeros(400_000)")
    store.left = MIB
    notebook.run("big += 1")
    other, _ = notebook.restored()
    assert "LostValue" in repr(other.namespace.dict["big"])


def test_the_largest_of_those_that_share_go_first() -> None:
    """Of two variables in one component, the small one stays."""
    notebook, _ = short()
    notebook.run("common = [1]\nlittle = [common]\nbig = [common, np.arange(400_000.)]")
    other, _ = notebook.restored()
    assert other.namespace.dict["little"] == [[1]]
    assert other.namespace.dict["common"] is other.namespace.dict["little"][0]
    assert "LostValue" in repr(other.namespace.dict["big"])


def test_a_value_that_shrinks_is_kept_again() -> None:
    """By the commit of the cell that made it smaller."""
    notebook, _ = short()
    notebook.run("big = [str(i) * 9 for i in range(100_000)]")
    notebook.run("del big[5:]")
    assert "lost" not in notebook.notes
    other, _ = notebook.restored()
    assert other.namespace.dict["big"] == notebook.namespace.dict["big"]


def test_old_commits_go_before_a_value_does(tmp_path: Path) -> None:
    """The store on disk lets its history go for a new array, and keeps that."""
    session = open_session(tmp_path, "s", "process")
    session.store.limit(Limits(store=20 * MIB))
    notebook = Notebook(session.store)
    notebook.run("import numpy as np\nstays = ['here']")
    for number in range(10):
        notebook.run(f"big = np.arange(400_000.) + {number}")
        assert "lost" not in notebook.notes, number
    assert session.store.size() < 22 * MIB
    assert session.store.log()[0].number > 3
    notebook.run("huge = np.arange(4_000_000.)")
    assert [name for name, _, _ in lost(notebook)] == ["huge"]
    assert len(session.store.log()) > 1, "history went for a value that does not fit anyway"
    session.close()
    again = open_session(tmp_path, "s", "process")
    other, _ = notebook.restored(again.store)
    assert other.namespace.dict["stays"] == ["here"]
    assert value(other, "big")[0] == 9
    assert "LostValue" in repr(other.namespace.dict["huge"])
    again.close()
