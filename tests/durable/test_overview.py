"""What is kept of a session, as tables: from cells that were committed, without a kernel."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import cast

import pytest

from helpers.durable import Notebook
from holdfast.durable.folder import Session
from holdfast.durable.overview import Overview, banner
from holdfast.durable.reports import Death, Restored
from holdfast.durable.rows import LostPart, NoVariable, Variable


def look(notebook: Notebook, restored: Restored | None = None) -> Overview:
    """The overview of a notebook as it is now."""
    session = SimpleNamespace(name="tested", folder="/folder", store=notebook.store)
    return Overview(notebook.committer, cast(Session, session), "full", restored)


def variable(notebook: Notebook, name: str, restored: Restored | None = None) -> Variable:
    """The row of one variable."""
    return next(row for row in look(notebook, restored).variables() if row.name == name)


@pytest.fixture
def notebook() -> Notebook:
    """A namespace with a store in memory."""
    return Notebook()


def test_a_kept_variable(notebook: Notebook) -> None:
    """Its type, the bytes stored, the cell that changed it last."""
    notebook.run("x = [1]; data = b'a' * 100_000")
    notebook.run("x.append(2)")
    row = variable(notebook, "x")
    assert (row.type, row.state, row.cell, row.reason) == ("list", "kept", 2, "")
    assert 0 < row.size < 1000
    assert variable(notebook, "data").size > 100_000


def test_only_the_users_names_are_variables(notebook: Notebook) -> None:
    """Results and inputs are the session's own."""
    notebook.run("x = 1; x")
    assert [row.name for row in look(notebook).variables()] == ["x"]


def test_aliases_are_together(notebook: Notebook) -> None:
    """Variables that share objects are stored as one."""
    notebook.run("a = [1]; b = a; c = [2]")
    assert [(row.name, row.together) for row in look(notebook).variables()] == [("a", ("b",)), ("b", ("a",)), ("c", ())]


def test_a_lost_variable(notebook: Notebook) -> None:
    """It says what it is, why, and what to do."""
    notebook.run("x = 1")
    notebook.run("g = (i for i in range(3))")
    row = variable(notebook, "g")
    assert (row.type, row.state, row.cell, "generator" in row.reason) == ("generator", "lost", 2, True)
    (part,) = look(notebook).lost()
    assert (part.path, part.kind, part.cell) == ("g", "generator", 2)
    assert part.advice == "after the end of this kernel, run cell [2] again"


def test_a_part_that_is_lost(notebook: Notebook) -> None:
    """The variable is kept in part, and the part has its path."""
    notebook.run("box = {'g': (i for i in range(3)), 'n': 7}")
    row = variable(notebook, "box")
    assert (row.state, row.reason.partition(":")[0]) == ("kept in part", "box['g']")
    assert [part.path for part in look(notebook).lost()] == ["box['g']"]


def test_what_shares_objects_with_a_lost_one_says_so(notebook: Notebook) -> None:
    """One path is enough for an object with two, but the other variable is not whole either."""
    notebook.run("g = (i for i in range(3)); box = [g]")
    rows = {row.name: row for row in look(notebook).variables()}
    assert (rows["g"].state, "shares objects with g" in rows["box"].reason) == ("lost", True)
    assert [part.path for part in look(notebook).why("box")] == ["g"]


def test_a_definition_that_holds_what_is_lost(notebook: Notebook) -> None:
    """A function's closure is part of the function."""
    notebook.run("def outer():\n    g = (i for i in range(3))\n    def f(): return g\n    return f\nf = outer()")
    assert [part.kind for part in look(notebook).lost()] == ["generator"]


def test_a_reopened_variable(notebook: Notebook, tmp_path: Path) -> None:
    """Kept by opening it again: the row says what will be opened."""
    path = tmp_path / "file.txt"
    notebook.run(f"f = open({str(path)!r}, 'w')")
    row = variable(notebook, "f")
    notebook.namespace.dict["f"].close()  # type: ignore[attr-defined]
    assert (row.state, str(path) in row.reason) == ("reopened", True)


def test_what_the_running_cell_bound_is_pending(notebook: Notebook) -> None:
    """It is kept with the cell's end, not before; what was lost and is bound anew is lost no more."""
    notebook.run("x = [1]; g = (i for i in range(3))")
    notebook.execute("x = [2]; y = 1; g = 5")
    assert {row.name: row.state for row in look(notebook).variables()} == dict.fromkeys("xyg", "pending")
    assert look(notebook).lost() == []


def test_unchecked(notebook: Notebook) -> None:
    """A large value that a cell handed to a function is compared later; until then it is unchecked."""
    notebook.run("import numpy as np\nbig = [object() for _ in range(60_000)]\ndef look(x): pass")
    notebook.run("look(big)")
    assert notebook.notes["unchecked"] == ["big"]
    assert (variable(notebook, "big").state, variable(notebook, "big").audited) == ("unchecked", False)
    notebook.audit()
    assert (variable(notebook, "big").state, variable(notebook, "big").audited) == ("kept", True)


def test_audited(notebook: Notebook) -> None:
    """What nothing led to is audited when the audit is complete, until the next cell."""
    notebook.run("x = [1]")
    notebook.run("y = [1]")
    assert (look(notebook).audited, variable(notebook, "x").audited, variable(notebook, "y").audited) == (
        False, False, True,
    )  # fmt: skip
    notebook.audit()
    assert (look(notebook).audited, variable(notebook, "x").audited) == (True, True)


def test_after_a_restore(notebook: Notebook) -> None:
    """Placeholders are lost, with the cell that made the value; the rest is kept, with its size."""
    notebook.run("g = (i for i in range(3)); x = [1]; box = [(i for i in range(3))]")
    other, restored = notebook.restored()
    assert restored.kept == ("box", "x")
    rows = {row.name: row for row in look(other, restored).variables()}
    assert (rows["g"].type, rows["g"].state, rows["g"].cell) == ("generator", "lost", 1)
    assert (rows["x"].state, rows["x"].size, rows["box"].state) == (
        "kept", variable(notebook, "x").size, "kept in part",
    )  # fmt: skip
    found = {part.path: part.advice for part in look(other, restored).lost()}
    assert found == dict.fromkeys(("g", "box[0]"), "run cell [1] again, or delete it")


def test_why(notebook: Notebook) -> None:
    """One variable's losses; of one that is whole that it is, and of one that is not there an error."""
    notebook.run("x = 1; g = (i for i in range(3))")
    overview = look(notebook)
    assert [part.path for part in overview.why("g")] == ["g"]
    assert repr(overview.why("x")) == "nothing of x was lost"
    with pytest.raises(NoVariable, match="there is no variable nowhere"):
        overview.why("nowhere")


def test_what_cells_changed_around_the_variables_is_listed(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of the environment the names only: values may be secrets."""
    monkeypatch.setenv("TESTED_SECRET", "hush")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("/more")
    notebook.run("import random; random.seed(1)")
    listed = {(row.what, row.value) for row in look(notebook).ambient()}
    expected = {("working folder", str(tmp_path)), ("import path", "/more"), ("environment", "TESTED_SECRET")}
    assert {*expected, ("random state", "kept")} <= listed
    assert "hush" not in look(notebook).text()


def test_the_log(notebook: Notebook) -> None:
    """Each commit with the variables that it stored or deleted, and the cell's first line."""
    notebook.run("x = 1; y = 2")
    notebook.run("\ndel y\nx")
    rows = [(row.commit, row.cell, row.names, row.code) for row in look(notebook).log()]
    assert rows == [(1, 1, ("x", "y"), "x = 1; y = 2"), (2, 2, ("-y",), "del y")]


def test_data_is_json(notebook: Notebook) -> None:
    """All of it goes through JSON."""
    notebook.run("x = 1; g = (i for i in range(3))")
    other, restored = notebook.restored()
    told = json.loads(json.dumps(look(other, restored).data()))
    assert (told["name"], told["count"], told["durability"]) == ("tested", 1, "full")
    assert [row["state"] for row in told["variables"]] == ["lost", "kept"]
    assert told["restored"]["kept"] == ["x"]
    assert [part["path"] for part in told["lost"]] == ["g"]


def test_it_is_readable(notebook: Notebook) -> None:
    """Text and HTML say the same: where, how much, and each variable."""
    notebook.run("x = 1")
    text, html = look(notebook).text(), look(notebook).html()
    for part in ("session tested", "as of cell [1]", "/folder", "x", "int", "kept"):
        assert part in text
        assert part in html


def test_very_many_variables_are_not_all_shown(notebook: Notebook) -> None:
    """The display describes what it shows; the list has all."""
    notebook.run("for i in range(150): globals()[f'x{i:03}'] = i")
    assert "… and 51 more" in look(notebook).text().splitlines()
    assert "… and 51 more" in look(notebook).html()
    assert (len(look(notebook).variables()), len(look(notebook).variables(100))) == (151, 100)


def test_user_code_does_not_run(notebook: Notebook) -> None:
    """Classes that lie about themselves, and reprs that fail, are not asked."""
    notebook.run(
        "class Meta(type):\n    def __getattribute__(cls, name): raise RuntimeError(name)\n"
        "class Hostile(metaclass=Meta):\n    def __repr__(self): raise RuntimeError\n"
        "    def __eq__(self, other): raise RuntimeError\nh = Hostile()"
    )
    assert "Hostile" in look(notebook).text()


@pytest.mark.parametrize(
    ("restored", "text"),
    [
        (Restored(1, kept=("x",)), "Restored 1 variable as of cell [1]"),
        (Restored(41, kept=("x", "y")), "Restored 2 variables as of cell [41]"),
        (
            Restored(41, kept=("x",), lost=(("gen", "generator", "no"), ("conn", "socket", "no"))),
            "Restored 1 variable as of cell [41]; 2 could not be kept: gen, conn (%session why)",
        ),
        (
            Restored(3, kept=("f", "g"), reopened=(("f", "file", "/x"),), rebuilt=(("g", "function", "3.12"),)),
            "Restored 2 variables as of cell [3], 1 of them reopened, 1 rebuilt from source",
        ),
        (
            Restored(3, lost=tuple((f"g{i}", "generator", "no") for i in range(12))),
            "Restored 0 variables as of cell [3]; 12 could not be kept: "
            + ", ".join(f"g{i}" for i in range(10)) + " and 2 more (%session why)",
        ),
        (
            Restored(7, lost=(("@c6", "cell", "r"), ("Base", "definition", "r"), ("@h29", "list", "r"))),
            "Restored 0 variables as of cell [7]; 1 could not be kept: Base (%session why)",
        ),
        (
            Restored(7, kept=("x",), lost=(("@c6", "cell", "r"),)),
            "Restored 1 variable as of cell [7]; parts of functions could not be kept (%session why)",
        ),
    ],
)  # fmt: skip
def test_the_banners_sentence(restored: Restored, text: str) -> None:
    """How many variables, as of which cell, and what could not be kept."""
    assert banner(restored) == text


@pytest.mark.parametrize(
    ("restored", "lines"),
    [
        (
            Restored(3, audited=False),
            ["the kernel ended too soon after cell [3] to look for changes by callbacks, threads or libraries"],
        ),
        (Restored(3, unchecked=("x",)), ["not compared since the last cell, so perhaps older than it: x"]),
        (
            Restored(3, versions=(("pandas", "3.2", "3.1"), ("mine", "source ab", "source cd"))),
            ["restored under pandas 3.2 (was 3.1)", "restored under another source of mine than it was stored with"],
        ),
        (
            Restored(3, died=Death(4, "train()", "out of memory")),
            ["the kernel before this one died in cell [4] (train()): out of memory"],
        ),
        (Restored(3, died=Death(4)), ["the kernel before this one died in cell [4]: killed, reason unknown"]),
        (Restored(3, died=Death(reason="Aborted")), ["the kernel before this one died: Aborted"]),
        (
            Restored(3, died=Death(live="widgets, thread poll")),
            [
                "widgets do not come back by themselves: run the cells that show them again",
                "what ran beside the cells ended with it: thread poll",
            ],
        ),
        (
            Restored(3, died=Death(live="widgets")),
            ["widgets do not come back by themselves: run the cells that show them again"],
        ),
        (
            Restored(3, died=Death(live="task widgets")),
            ["what ran beside the cells ended with it: task widgets"],
        ),
    ],
)
def test_the_banners_other_lines(restored: Restored, lines: list[str]) -> None:
    """One for each thing to know."""
    assert banner(restored).splitlines()[1:] == lines


def test_another_version_of_a_package_is_named(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a variable refers to has another version at the restore than when it was stored."""
    module = ModuleType("made_up_package")
    vars(module)["__version__"] = "3.1"
    exec("class Thing: pass", vars(module))
    monkeypatch.setitem(__import__("sys").modules, "made_up_package", module)
    notebook.run("import made_up_package\nthing = made_up_package.Thing()")
    assert notebook.restored()[1].versions == ()
    from holdfast.durable.pickling import modules

    vars(module)["__version__"] = "3.2"
    modules._known.pop("made_up_package")
    assert notebook.restored()[1].versions == (("made_up_package", "3.2", "3.1"),)


def test_rows_are_what_they_say() -> None:
    """A row compares by its fields and cannot be changed."""
    assert LostPart("g", "generator", "no") == LostPart("g", "generator", "no")
    with pytest.raises(AttributeError):
        Variable("x", "int", "kept").name = "y"  # type: ignore[misc]
