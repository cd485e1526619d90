"""The audit: what no cell's code led to is found in idle time."""

from __future__ import annotations

import itertools

import pytest

from helpers.durable import Notebook
from holdfast.durable import commit as commit_module
from holdfast.durable.store.memory import MemoryStore


def test_what_is_changed_behind_the_names_is_found_and_stored() -> None:
    """A value changed without any cell is committed and reported by name."""
    notebook = Notebook()
    notebook.run("a = [1]; b = [2]")
    notebook.namespace.dict["a"].append(5)  # type: ignore[attr-defined]
    assert notebook.audit() == ("a",)
    other, report = notebook.restored()
    assert other.namespace.dict["a"] == [1, 5]
    assert report.audited


def test_sharing_that_arose_behind_the_names_is_found() -> None:
    """Two variables that came to share an object become one component."""
    notebook = Notebook()
    notebook.run("a = [1]; b = [2]; c = [3]")
    namespace = notebook.namespace.dict
    namespace["a"].append(namespace["b"])  # type: ignore[attr-defined]
    namespace["c"] = namespace["b"]
    notebook.audit()
    other, _ = notebook.restored()
    assert other.describe() == notebook.describe()


def test_names_bound_and_deleted_by_others_are_found() -> None:
    """A thread or library that binds or deletes variables is followed."""
    notebook = Notebook()
    notebook.run("a = 1; b = 2")
    namespace = notebook.namespace.dict
    namespace["new"] = [1]
    del namespace["b"]
    assert set(notebook.audit()) == {"new", "b"}
    other, _ = notebook.restored()
    assert other.describe() == notebook.describe()


def test_an_audit_stops_when_a_request_arrives_and_goes_on_later() -> None:
    """It looks at one component at a time and asks before each."""
    notebook = Notebook()
    notebook.run("; ".join(f"a{i} = [{i}]" for i in range(10)))
    for i in range(10):
        notebook.namespace.dict[f"a{i}"].append(0)  # type: ignore[attr-defined]
    asked = itertools.count()
    found = notebook.committer.audit(lambda: next(asked) >= 3)
    assert (found.complete, len(found.changed)) == (False, 3)
    _, report = notebook.restored()
    assert not report.audited
    assert len(notebook.audit()) == 7
    _, report = notebook.restored()
    assert report.audited


def test_a_complete_audit_is_said_once() -> None:
    """Auditing again without a cell in between writes nothing."""
    notebook = Notebook()
    notebook.run("a = [1]")
    notebook.audit()
    entries = len(notebook.store.log())
    assert notebook.audit() == ()
    assert len(notebook.store.log()) == entries


def test_an_audit_that_cannot_write_says_so_and_tries_again() -> None:
    """A full disk fails the audit, not the session."""
    notebook = Notebook(MemoryStore(failures=[2]))
    notebook.run("a = [1]; b = [2]")
    notebook.namespace.dict["a"].append(5)  # type: ignore[attr-defined]
    found = notebook.committer.audit(lambda: False)
    assert not found.complete
    assert "disk is full" in found.failed
    notebook.run("c = 3")
    notebook.audit()
    other, _ = notebook.restored()
    assert other.describe() == notebook.describe()


def test_what_was_put_off_is_audited_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that a cell read over budget is the first that idle time checks."""
    monkeypatch.setattr(commit_module, "BUDGET", 0.0)
    notebook = Notebook()
    notebook.run("; ".join(f"a{i} = [[{i}]]" for i in range(10)) + "\ndef change(x):\n    x[0].append(1)")
    notebook.run("change(a7)")
    assert "a7" in notebook.notes["unchecked"]  # type: ignore[operator]
    asked = itertools.count()
    found = notebook.committer.audit(lambda: next(asked) >= 2)
    assert "a7" in found.changed


def test_the_audit_after_a_restore_sets_the_baseline() -> None:
    """Digests of an earlier process are not compared: an untouched restored session is not written again."""
    notebook = Notebook()
    notebook.run("a = {'x', 'y'}; b = [1, 'x']")
    other, _ = notebook.restored()
    other.namespace.install()
    size = other.store.size()
    assert other.audit() == ()
    other.run("len(a), len(b)")
    other.namespace.dict["b"].append(1)  # type: ignore[attr-defined]
    assert other.audit() == ("b",)
    assert other.store.size() < size * 2
