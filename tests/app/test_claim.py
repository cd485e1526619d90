"""The session that a kernel gets, on real stores: started, ended, killed, while notebooks are renamed and copied."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from helpers.stores import cell
from holdfast.app.claim import Claim
from holdfast.clock import Clock
from holdfast.durable import seen
from holdfast.durable.faults import Locked, NoSession, SeveralSessions
from holdfast.durable.folder import Session, folder_of
from holdfast.durable.keys import KEY_NAME, user_key


class Started:
    """A kernel's claim, and what it tells; each has one session that holds the mark of who made it."""

    def __init__(self, home: Path, kernel: str, environ: dict[str, str], cell_id: str = "") -> None:
        self.told: list[str] = []
        self.environ = {"HOLDFAST_HOME": str(home), **environ}
        self.claim = Claim(self.environ, kernel, "process", self.told.append, Clock())
        self.session: Session = self.claim.open()
        self.own = self.session
        if cell_id:
            self.session = self.claim.of_cell(cell_id) or self.own

    @property
    def name(self) -> str:
        """The session's, without the folder of a notebook."""
        return os.path.basename(self.session.name)

    @property
    def mark(self) -> str:
        """What the first cell of this session, or of the one it was copied from, has left."""
        log = self.session.store.log()
        return log[0].code if log else ""

    def run(self, mark: str, *ids: str) -> Started:
        """Commit a cell, then others whose ids have these letters, and have a moment of rest."""
        self.session.store.commit(cell(1, code=mark))
        for one in ids:
            self.claim.saw(one * 8)
        if self.claim.due:
            self.claim.note()
        return self

    def end(self, restart: bool = False) -> None:
        """Leave as one should; a console's session goes."""
        self.claim.end(restart)
        self.close()
        if self.claim.ephemeral and not restart:
            self.session.discard()

    def close(self) -> None:
        """The process is gone."""
        self.session.close()
        self.own.close()


class Desk:
    """Notebooks in a folder, and kernels that are started on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self.folder.mkdir()
        self.home = folder / "home"
        self.kernels: list[Started] = []

    def path(self, name: str) -> str:
        """Where a notebook is."""
        return str(self.folder.resolve() / name)

    def write(self, name: str, ids: str, minor: int = 5) -> str:
        """A notebook whose cells have an id of each of these letters."""
        cells = [{"cell_type": "code", "id": one * 8, "source": "1"} for one in ids]
        Path(self.path(name)).write_text(json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": minor}))
        return name

    def start(self, notebook: str = "", kernel: str = "", cell_id: str = "", **environ: str) -> Started:
        """A kernel as a server starts it, or without a notebook as others do."""
        given = {"JPY_SESSION_NAME": self.path(notebook)} if notebook else {}
        started = Started(self.home, kernel or f"kernel-{len(self.kernels)}", {**given, **environ}, cell_id)
        self.kernels.append(started)
        return started


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A folder of notebooks and a HOME."""
    made = Desk(tmp_path)
    yield made
    for started in made.kernels:
        started.close()


def test_a_notebook_comes_back(desk: Desk) -> None:
    """The same path, the same cells: its session, whichever kernel it is."""
    desk.start(desk.write("a.ipynb", "123")).run("first").end()
    again = desk.start("a.ipynb")
    assert (again.name, again.mark, again.told, again.claim.ephemeral) == ("a.ipynb", "first", [], False)


def test_deleted_and_made_again(desk: Desk) -> None:
    """A new session; the old one is kept under a name that is told, and leads back to it."""
    desk.start(desk.write("Untitled.ipynb", "123")).run("first").end()
    new = desk.start(desk.write("Untitled.ipynb", ""))
    assert (new.name, new.mark) == ("Untitled.ipynb", "")
    assert "kept as " in new.told[0]
    assert "%session attach Untitled.ipynb~2" in new.told[0]
    old = new.claim.attach("Untitled.ipynb~2")
    assert old.store.log()[0].code == "first"
    old.close()
    new.run("second", "7").end()
    desk.write("Untitled.ipynb", "78")
    assert desk.start("Untitled.ipynb").mark == "second"


def test_made_again_three_times_and_taken_out_of_the_bin(desk: Desk) -> None:
    """Each notebook that had the path has its session, under the path when it is back."""
    for ids in ("123", "456", "789"):
        desk.start(desk.write("Untitled.ipynb", ids)).run(ids).end()
    desk.write("Untitled.ipynb", "456")
    back = desk.start("Untitled.ipynb")
    assert (back.name, back.mark) == ("Untitled.ipynb", "456")
    back.end()
    found = seen.everywhere(desk.home, user_key(desk.home))
    assert {(os.path.basename(one.known.name), "".join(its[0] for its in one.known.ids)) for one in found} == {
        ("Untitled.ipynb", "456"), ("Untitled.ipynb~2", "123"), ("Untitled.ipynb~4", "789"),
    }  # fmt: skip


def test_renamed_and_opened(desk: Desk) -> None:
    """Adopted: the session has the new name, under which it is found from then on, and the old one leads nowhere."""
    desk.start(desk.write("a.ipynb", "123")).run("first").end()
    os.rename(desk.path("a.ipynb"), desk.path("b.ipynb"))
    renamed = desk.start("b.ipynb")
    assert (renamed.name, renamed.mark) == ("b.ipynb", "first")
    assert f"that session is {desk.path('b.ipynb')!r} now" in renamed.told[0]
    renamed.end()
    again = desk.start("b.ipynb")
    assert (again.mark, again.told) == ("first", [])
    assert not os.path.exists(folder_of(desk.home, desk.path("a.ipynb")))


def test_copied(desk: Desk) -> None:
    """Branched: both go on from there, each on its own."""
    desk.start(desk.write("a.ipynb", "123")).run("first").end()
    shutil.copy(desk.path("a.ipynb"), desk.path("b.ipynb"))
    copy = desk.start("b.ipynb")
    assert (copy.name, copy.mark) == ("b.ipynb", "first")
    assert copy.session.branch_of == desk.path("a.ipynb")
    assert "a branch of that session" in copy.told[0]
    copy.run("in the copy").end()
    origin, again = desk.start("a.ipynb"), desk.start("b.ipynb")
    assert (len(origin.session.store.log()), len(again.session.store.log())) == (1, 2)
    assert origin.session.lineage != again.session.lineage


def test_copied_while_its_kernel_runs(desk: Desk) -> None:
    """The other kernel goes on undisturbed."""
    first = desk.start(desk.write("a.ipynb", "123")).run("first")
    shutil.copy(desk.path("a.ipynb"), desk.path("b.ipynb"))
    assert (desk.start("b.ipynb").mark, first.session.store.log()[0].code) == ("first", "first")


def test_renamed_while_its_kernel_runs(desk: Desk) -> None:
    """A rename does not reach a kernel: a second one gets a branch, and the first, started again, its own session."""
    first = desk.start(desk.write("a.ipynb", "123"), "k").run("first")
    os.rename(desk.path("a.ipynb"), desk.path("b.ipynb"))
    second = desk.start("b.ipynb")
    assert (second.name, second.mark) == ("b.ipynb", "first")
    assert any("is using it" in told for told in second.told)
    first.run("more").close()  # a crash
    again = desk.start("a.ipynb", "k")
    assert (again.name, len(again.session.store.log()), again.told) == ("a.ipynb", 2, [])


def test_killed_before_the_notebook_was_saved(desk: Desk) -> None:
    """A server starts the kernel again: what is in the file by then decides nothing."""
    desk.start(desk.write("a.ipynb", ""), "k").run("first", "n").close()
    assert desk.start("a.ipynb", "k").mark == "first"


def test_restarted_before_the_notebook_was_saved(desk: Desk) -> None:
    """So does the button."""
    desk.start(desk.write("a.ipynb", ""), "k").run("first", "n").end(restart=True)
    assert desk.start("a.ipynb", "k").mark == "first"


def test_two_kernels_on_one_notebook(desk: Desk) -> None:
    """The second has a branch, also after its own death; the third gets the first one's when that has ended."""
    first = desk.start(desk.write("a.ipynb", "123")).run("first")
    second = desk.start("a.ipynb", "k").run("second")
    assert (second.name, second.mark, second.session.branch_of) == ("a.ipynb~2", "first", desk.path("a.ipynb"))
    assert "a branch of" in second.session.notices[0]
    second.close()
    again = desk.start("a.ipynb", "k")
    assert (again.name, [entry.code for entry in again.session.store.log()]) == ("a.ipynb~2", ["first", "second"])
    first.end()
    third = desk.start("a.ipynb")
    assert (third.name, len(third.session.store.log()), third.told) == ("a.ipynb", 1, [])


def test_another_notebook_under_the_path_of_one_in_use(desk: Desk) -> None:
    """It gets a new session of another name, and comes back to it; the first kernel keeps the name."""
    first = desk.start(desk.write("a.ipynb", "123")).run("first")
    second = desk.start(desk.write("a.ipynb", "789")).run("second")
    assert (second.name, second.session.branch_of) == ("a.ipynb~2", "")
    assert "is using it" in second.told[0]
    second.end()
    meanwhile = desk.start("a.ipynb")
    assert (meanwhile.name, meanwhile.mark) == ("a.ipynb~2", "second")
    meanwhile.end()
    first.end()
    after = desk.start("a.ipynb")
    assert (after.name, after.mark) == ("a.ipynb", "second")


def test_a_notebook_without_ids_goes_by_its_path(desk: Desk) -> None:
    """Whatever its cells are by now."""
    desk.start(desk.write("a.ipynb", "123", minor=4)).run("first", "r").end()
    again = desk.start(desk.write("a.ipynb", "789", minor=4))
    assert (again.mark, again.told) == ("first", [])


def test_a_lost_file_is_made_again(desk: Desk) -> None:
    """Without what it says the path decides, and the ids of the notebook are written down anew."""
    started = desk.start(desk.write("a.ipynb", "123")).run("first")
    started.end()
    os.unlink(os.path.join(started.session.folder, seen.SEEN))
    again = desk.start("a.ipynb")
    assert again.mark == "first"
    again.end()
    known = seen.read(again.session.folder, user_key(desk.home))
    assert known == seen.Known(desk.path("a.ipynb"), desk.path("a.ipynb"), ("1" * 8, "2" * 8, "3" * 8))


def test_cells_that_were_saved_later_are_known_at_the_end(desk: Desk) -> None:
    """Clients that tell no ids have written them into the file by then."""
    started = desk.start(desk.write("a.ipynb", "")).run("first")
    desk.write("a.ipynb", "123")
    started.end()
    os.rename(desk.path("a.ipynb"), desk.path("b.ipynb"))
    assert desk.start("b.ipynb").mark == "first"


def test_a_crash_in_the_middle_of_a_rename(desk: Desk) -> None:
    """The folder has its new place and says the old name: the session is found, and called by the new one."""
    desk.start(desk.write("a.ipynb", "123")).run("first").end()
    os.rename(desk.path("a.ipynb"), desk.path("b.ipynb"))
    os.rename(folder_of(desk.home, desk.path("a.ipynb")), folder_of(desk.home, desk.path("b.ipynb")))
    found = desk.start("b.ipynb")
    assert (found.name, found.mark) == ("b.ipynb", "first")
    found.end()
    again = desk.start("b.ipynb")
    assert again.session.store.about.name == desk.path("b.ipynb")
    (known,) = seen.everywhere(desk.home, user_key(desk.home))
    assert known.known.name == desk.path("b.ipynb")


def test_a_console_has_a_session_of_its_own(desk: Desk) -> None:
    """Two of the same name have two, that go with them; after a crash it stays, for the same kernel and by name."""
    first, second = desk.start("Console 1", "kernel-a"), desk.start("Console 1", "kernel-b")
    assert (first.name, second.name, first.claim.ephemeral) == ("kernel-a", "kernel-b", True)
    second.run("second").end()
    assert not os.path.exists(second.session.folder)
    first.run("first").close()
    again = desk.start("Console 1", "kernel-a")
    assert (again.mark, again.claim.ephemeral) == ("first", True)
    again.close()
    other = desk.start("Console 1", "kernel-c")
    other.session = other.claim.take(other.claim.attach("kernel-a"))
    assert (other.mark, other.claim.ephemeral) == ("first", False)


def test_nothing_is_written_for_a_kernel_without_a_notebook(desk: Desk) -> None:
    """No id, no file: the path of a cell and of the start are as they were."""
    desk.start().run("first")
    assert [one.name for one in desk.home.iterdir() if one.name != KEY_NAME] == ["sessions"]
    assert list(desk.home.glob("sessions/*/seen")) == []


def test_the_first_cell_of_vs_code_tells_the_notebook(desk: Desk) -> None:
    """A plain start without a name; by the notebook's path and cells it gets what JupyterLab would."""
    desk.start(desk.write("a.ipynb", "123")).run("first").end()
    started = desk.start(cell_id=f"vscode-notebook-cell:{desk.path('a.ipynb')}#W0sZmlsZQ%3D%3D")
    assert (started.name, started.mark, started.claim.ephemeral) == ("a.ipynb", "first", False)


def test_a_known_id_alone_leads_to_its_session(desk: Desk) -> None:
    """Another client that names nothing but cells; an unknown id leaves the kernel with its own session."""
    desk.start(desk.write("a.ipynb", "123")).run("first", "x").end()
    started = desk.start(cell_id="x" * 8)
    assert (started.name, started.mark) == ("a.ipynb", "first")
    assert desk.start(cell_id="y" * 8).claim.ephemeral


def test_what_a_nameless_kernel_has_seen_is_known_after_its_death(desk: Desk) -> None:
    """The session stays after a crash, and the next kernel that runs one of its cells goes on with it."""
    desk.start(kernel="kernel-a", cell_id="o" * 8).run("first", "o").close()
    started = desk.start(kernel="kernel-b", cell_id="o" * 8)
    assert (started.name, started.mark) == ("kernel-a", "first")


def test_a_given_name_is_all_there_is(desk: Desk) -> None:
    """The notebook's path and cells do not matter, and are not noted."""
    desk.start(desk.write("a.ipynb", "123"), HOLDFAST_SESSION="nightly").run("first", "1").end()
    other = desk.start(desk.write("b.ipynb", "123"), HOLDFAST_SESSION="nightly")
    assert (other.name, other.mark) == ("nightly", "first")
    other.end()
    assert desk.start("b.ipynb").name == "b.ipynb"
    assert desk.start("b.ipynb", HOLDFAST_SESSION="nightly").name == "nightly"


def test_the_branch_of_a_given_name_is_kept_by_its_kernel(desk: Desk) -> None:
    """Killed and started again it has its own variables, not those of the session that it was copied from."""
    desk.start(HOLDFAST_SESSION="shared").run("first")
    desk.start(kernel="k", HOLDFAST_SESSION="shared").run("second").close()
    again = desk.start(kernel="k", HOLDFAST_SESSION="shared")
    assert (again.name, len(again.session.store.log())) == ("shared~2", 2)


def test_a_child_that_inherited_the_notebook_is_nobodys(desk: Desk) -> None:
    """What runs `!jupyter execute` in a cell keeps its session to itself; a server in a cell names its notebooks."""
    outer = desk.start(desk.write("a.ipynb", "123")).run("first")
    inherited = {**outer.environ, "HOLDFAST_KERNEL": outer.environ["HOLDFAST_KERNEL"].replace(str(os.getpid()), "1", 1)}
    child = desk.start(**inherited)
    assert child.claim.ephemeral
    grandchild = desk.start(**{**child.environ, "HOLDFAST_KERNEL": child.environ["HOLDFAST_KERNEL"].replace(
        str(os.getpid()), "1", 1)})  # fmt: skip
    assert grandchild.claim.ephemeral
    server = desk.start(**{**inherited, "JPY_SESSION_NAME": desk.path(desk.write("b.ipynb", "789"))})
    assert (server.name, server.claim.ephemeral) == ("b.ipynb", False)


def test_attached_to_and_killed(desk: Desk) -> None:
    """The kernel that went over to another session comes back to that one."""
    desk.start(desk.write("a.ipynb", "123")).run("first").end()
    other = desk.start(desk.write("b.ipynb", "789"), "k").run("second")
    other.session.close()
    other.session = other.claim.take(other.claim.attach("a.ipynb"))
    other.close()
    assert desk.start("b.ipynb", "k").mark == "first"


REFUSED: dict[str, tuple[type[Exception], str]] = {
    "a.ipynb": (Locked, "is using it"),
    "nowhere": (NoSession, "nowhere"),
    "same": (SeveralSessions, "same-2"),
}


@pytest.mark.parametrize(("name", "error"), REFUSED.items())
def test_what_cannot_be_attached(name: str, error: tuple[type[Exception], str], desk: Desk) -> None:
    """One in use, one that is not there, a name that several have: said before anything is left."""
    desk.start(desk.write("a.ipynb", "123")).run("first")
    for one in ("same-1", "same-2"):
        desk.start(HOLDFAST_SESSION=one).run("x").end()
    with pytest.raises(error[0], match=error[1]):
        desk.start().claim.attach(name)


def test_two_kernels_find_a_renamed_notebook_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that comes second to the rename looks again, and gets a branch."""
    desk.start(desk.write("a.ipynb", "123")).run("first").end()
    os.rename(desk.path("a.ipynb"), desk.path("b.ipynb"))
    found: list[Started] = []
    others: Callable[[Claim], list[seen.Found]] = Claim._others

    def raced(self: Claim) -> list[seen.Found]:
        listed = others(self)
        if not found:
            monkeypatch.setattr(Claim, "_others", others)
            found.append(desk.start("b.ipynb"))
        return listed

    monkeypatch.setattr(Claim, "_others", raced)
    second = desk.start("b.ipynb")
    assert (found[0].name, second.name, second.mark) == ("b.ipynb", "b.ipynb~2", "first")


def test_numbered_cells_tell_nothing(desk: Desk) -> None:
    """Tools that strip outputs give all notebooks the same ids: those go by their paths."""
    started = desk.start(desk.write("a.ipynb", "123"), "k").run("first")
    for number in range(3):
        started.claim.saw(str(number))
    assert not started.claim.due
