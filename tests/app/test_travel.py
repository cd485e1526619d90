"""Going elsewhere from within a cell: what is looked at before, and a session that was turned from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.durable import Notebook
from holdfast.app.opening import Opening, last_commit
from holdfast.app.settings import Settings
from holdfast.app.travel import NotHere, _comes_first, travel
from holdfast.clock import Clock
from holdfast.durable.elsewhere import checked_out
from holdfast.durable.folder import open_session
from holdfast.executor.compile import compile_cell
from holdfast.executor.outcome import Job
from holdfast.magics.parse import lower
from holdfast.namespace.namespace import Namespace


@pytest.mark.parametrize(
    ("code", "first"),
    [
        ("%checkout 3", True),
        ("\n# back\n%undo\nx = 1", True),
        ("x = 1\n%checkout 3", False),
        ("holdfast.session.checkout(3)", True),
        ("session.undo()", True),
        ("holdfast.session.checkout(x())", False),
        ("holdfast.session.checkout(cell=3)", False),
        ("other.checkout(3)", False),
        ("import holdfast; holdfast.session.checkout(3)", False),
        ("x", False),
        ("", False),
    ],
)
def test_whether_a_cell_has_done_nothing_before(code: str, first: bool) -> None:
    """Only where going elsewhere is its first statement, with nothing to be evaluated in it."""
    assert _comes_first(compile_cell(lower(code).code, "<cell>")) is first
    assert not _comes_first(None)


@pytest.mark.parametrize(("code", "commits"), [("%checkout 1", 1), ("x.append(5)\n%checkout 1", 2)])
def test_what_a_cell_did_before_it_went_is_one_commit(code: str, commits: int) -> None:
    """Nothing is stored before a checkout that comes first, when the audit has run."""
    notebook = Notebook()
    notebook.run("x = [1]")
    notebook.run("x.append(2)")
    notebook.audit()
    number = len(notebook.store.log())
    unit = compile_cell(lower(code).code, "<cell>")
    if commits == 2:
        exec("x.append(5)", notebook.namespace.dict)
    switched, text = travel(notebook.committer, Clock().date, "1", 1, Job(None, code, 3), unit, live=False)
    assert (len(notebook.store.log()) - number, switched.before) == (commits, number + commits - 1)
    assert text.startswith("Checked out [1] of ")
    switched, text = travel(notebook.committer, Clock().date, "", 2, Job(None, "%undo", 4), None, live=False)
    assert text.startswith("Undid [3]: 1 variable changed (x); %checkout @")
    assert notebook.namespace.dict["x"] == ([1, 2] if commits == 1 else [1, 2, 5])


@pytest.mark.parametrize("restore", ["always", "crash"])
@pytest.mark.parametrize("ended", ["end", "restart", "killed"])
def test_a_session_that_was_turned_starts_there(ended: str, restore: str, tmp_path: Path) -> None:
    """However it ended; nobody is told that a kernel died."""
    session = open_session(tmp_path, "mine", "process")
    notebook = Notebook(session.store)
    notebook.run("x = [1]")
    notebook.run("x.append(2)")
    if ended != "killed":
        head = session.store.head()
        assert head is not None
        session.store.commit(last_commit(head, 1, "2026-01-02", restart=ended == "restart"))
    session.close()
    checked_out(tmp_path, "mine", "1", Clock().date)
    namespace, said = Namespace(), list[str]()
    settings = Settings(durability="process", restore=restore)  # type: ignore[arg-type]
    opening = Opening(settings, namespace, Clock(), lambda call: None, said.append)
    opening.open({"HOLDFAST_HOME": str(tmp_path), "HOLDFAST_SESSION": "mine"}, "kernel.json")
    try:
        assert (namespace.dict["x"], opening.count, [line for line in said if "died" in line]) == ([1], 2, [])
        assert opening.restored is not None
        assert opening.restored.died.cell == 0
    finally:
        assert opening.session is not None
        assert opening.watch is not None
        opening.watch.close()
        opening.session.close()


def test_its_error_says_where_it_works() -> None:
    """And what is the matter here."""
    assert str(NotHere("why")) == "%checkout and %undo work in a cell of the main thread only: why"
