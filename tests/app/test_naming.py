"""Which session a kernel is to have, as a table: what is known before, what is decided."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from holdfast.app.naming import EXPORTED, Asked, asked, choose, export, kernel_id, notebook_at, notebook_of
from holdfast.durable.seen import Found, Known

A, B = "/w/a.ipynb", "/w/b.ipynb"
IDS = frozenset("1234")


def found(name: str, notebook: str, ids: str, at: float = 0.0) -> Found:
    """A session that has seen the cells of these ids."""
    return Found(f"folder of {name}", Known(name, notebook, tuple(ids)), at)


# Ids of the notebook A; what is known of the session of that name; other sessions; notebooks that still have their ids;
# the act, the session it is about, and whether the one of that name is kept under another.
CASES: dict[str, tuple[frozenset[str] | None, Known | None, list[Found], set[str], tuple[str, str, bool]]] = {
    "nothing is known": (IDS, None, [], set(), ("open", "", False)),
    "the same cells": (IDS, Known(A, A, tuple("1234")), [], set(), ("open", "", False)),
    "one cell in common": (IDS, Known(A, A, tuple("4567")), [], set(), ("open", "", False)),
    "deleted and made again": (IDS, Known(A, A, tuple("567")), [], set(), ("open", "", True)),
    "made again, not saved yet": (frozenset(), Known(A, A, tuple("567")), [], set(), ("open", "", True)),
    "a notebook without ids goes by its path": (None, Known(A, A, tuple("567")), [], set(), ("open", "", False)),
    "a session that has seen nothing": (IDS, Known(A), [], set(), ("open", "", False)),
    "no ids and nothing known": (None, None, [found(B, B, "1234")], set(), ("open", "", False)),
    "renamed": (IDS, None, [found(B, B, "1234")], set(), ("adopt", B, False)),
    "renamed, half of the cells known": (IDS, None, [found(B, B, "12")], set(), ("adopt", B, False)),
    "less than half": (IDS, None, [found(B, B, "1")], set(), ("open", "", False)),
    "copied": (IDS, None, [found(B, B, "1234")], {B}, ("branch", B, False)),
    "the other path has another notebook now": (IDS, None, [found(B, B, "1234")], {"/w/c.ipynb"}, ("adopt", B, False)),
    "copied over another notebook": (IDS, Known(A, A, ("9",)), [found(B, B, "1234")], {B}, ("branch", B, True)),
    "renamed over another notebook": (IDS, Known(A, A, ("9",)), [found(B, B, "1234")], set(), ("adopt", B, True)),
    "taken out of the bin": (IDS, Known(A, A, ("9",)), [found(f"{A}~2", A, "1234")], {A}, ("adopt", f"{A}~2", True)),
    "its own session before a branch of it": (
        IDS, None, [found(f"{B}~2", B, "1234", 9.0), found(B, B, "1234")], set(), ("adopt", B, False),
    ),
    "the most cells before the newest": (
        IDS, None, [found("x", "x", "12", 9.0), found("y", "y", "123")], set(), ("adopt", "y", False),
    ),
    "the newest of equal ones": (
        IDS, None, [found("x", "x", "12", 1.0), found("y", "y", "34", 2.0)], set(), ("adopt", "y", False),
    ),
    "a console's that died": (IDS, None, [found("kernel-7", "", "1234")], set(), ("adopt", "kernel-7", False)),
}  # fmt: skip


@pytest.mark.parametrize(("ids", "here", "others", "still", "decided"), CASES.values(), ids=CASES.keys())
def test_the_session_of_a_notebook(
    ids: frozenset[str] | None, here: Known | None, others: list[Found], still: set[str], decided: tuple[str, str, bool]
) -> None:
    """Path and content decide; what was there under the path stays under another name."""
    choice = choose(A, ids, here, lambda: others, lambda path: IDS if path in still else None)
    assert choice.name == A
    assert (choice.act, choice.of.known.name if choice.of else "", choice.aside) == decided


def test_other_sessions_are_not_looked_at_for_the_usual_start() -> None:
    """The files of all sessions are read only when the path's own is not the one."""
    assert choose(A, IDS, Known(A, A, ("1",)), lambda: pytest.fail("looked"), lambda path: None).act == "open"


FILES = {
    "kernel-8b1f0c3e-1c1f-4f0a-9c7e-0d6a5b9c2f11.json": "kernel-8b1f0c3e-1c1f-4f0a-9c7e-0d6a5b9c2f11",
    "kernel-v38b1f0c3e1c1f4f0a9c7e0d6a5b9c2f11abc.json": "kernel-v38b1f0c3e1c1f4f0a9c7e0d6a5b9c2f11abc",
    "kernel-4711.json": "kernel-4711-2c70e12b",
    "": "kernel-2c70e12b",
}


@pytest.mark.parametrize(("file", "name"), FILES.items())
def test_a_kernel_is_called_by_its_connection_file(file: str, name: str) -> None:
    """And by its key where another kernel may get a file of that name, as consoles with the same process id do."""
    assert kernel_id(f"/run/{file}" if file else "", "key") == name
    assert (kernel_id(f"/run/{file}", "other") == name) == (len(file) > 20)


def test_a_name_that_was_given_comes_first(tmp_path: Path) -> None:
    """Then the notebook, if there is one of that path; links lead to one name."""
    notebook = tmp_path / "a.ipynb"
    notebook.write_text("{}")
    (tmp_path / "link.ipynb").symlink_to(notebook)
    whole = str(notebook.resolve())
    assert asked({"HOLDFAST_SESSION": "mine", "JPY_SESSION_NAME": whole}) == Asked(given="mine")
    assert asked({"JPY_SESSION_NAME": str(tmp_path / "link.ipynb")}) == Asked(notebook=whole)
    assert asked({"JPY_SESSION_NAME": str(tmp_path / "Console 1")}) == Asked()
    assert asked({"JPY_SESSION_NAME": str(tmp_path / "gone.ipynb")}) == Asked()
    assert asked({}) == Asked(nameless=True)


def test_a_path_from_the_servers_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel starts in the notebook's folder; a whole path that leads nowhere is not looked for elsewhere."""
    (tmp_path / "a.ipynb").write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert notebook_at("folder/a.ipynb") == str((tmp_path / "a.ipynb").resolve())
    assert notebook_at("/nowhere/a.ipynb") == ""


def test_what_was_merely_inherited_names_nothing(tmp_path: Path) -> None:
    """A child of a cell has its parent's variables; what a server or a cell sets anew is another thing."""
    notebook = tmp_path / "a.ipynb"
    notebook.write_text("{}")
    environ = {"HOLDFAST_SESSION": "mine", "JPY_SESSION_NAME": str(tmp_path / "Console 1")}
    export(environ)
    assert asked(environ) == Asked(given="mine")  # the kernel itself
    environ[EXPORTED] = environ[EXPORTED].replace(str(os.getpid()), "1", 1)
    assert asked(environ) == Asked()
    assert asked({**environ, "JPY_SESSION_NAME": str(notebook)}) == Asked(notebook=str(notebook.resolve()))
    assert asked({**environ, "HOLDFAST_SESSION": "nightly"}) == Asked(given="nightly")


def test_a_child_of_a_child_inherits_too(tmp_path: Path) -> None:
    """Each kernel exports what it was started with, whether it took it or not."""
    environ = {"HOLDFAST_SESSION": "mine", EXPORTED: "1 0000"}
    export(environ)
    assert asked({**environ, EXPORTED: environ[EXPORTED].replace(str(os.getpid()), "1", 1)}) == Asked()


def test_vs_code_names_the_notebook_in_its_cells(tmp_path: Path) -> None:
    """By an address, remote or not; other ids, other documents and paths that lead nowhere tell nothing."""
    notebook = tmp_path / "my notes.ipynb"
    notebook.write_text("{}")
    whole, path = str(notebook.resolve()), str(notebook).replace(" ", "%20")
    assert notebook_of(f"vscode-notebook-cell:{path}#W0sZmlsZQ%3D%3D") == whole
    assert notebook_of(f"vscode-notebook-cell://ssh-remote%2Bhost{path}#X10sdnNjb2Rl") == whole
    for other in ("1e9aac6b-cee9-4786-813b-df30c0debc38", f"file:{path}", "vscode-notebook-cell:Untitled-1.ipynb#W0",
                  "vscode-notebook-cell://[#W", "vscode-notebook-cell:/c%3A/nowhere/a.ipynb#W0", ""):  # fmt: skip
        assert notebook_of(other) == ""
