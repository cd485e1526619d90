"""A kernel that goes on with another session, or with its own anew; and one whose first cell says whose it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers.kernel import Kernel, Result
from holdfast.durable.listing import summaries


class Desk:
    """Sessions of one HOME, and kernels on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"

    @contextmanager
    def kernel(self, session: str = "", **environ: str) -> Iterator[Kernel]:
        """A kernel that ends well, or was killed by the test."""
        named = {"HOLDFAST_SESSION": session} if session else {}
        settings = {"HOLDFAST_DURABILITY": "process", "HOLDFAST_HOME": str(self.home)}
        kernel = Kernel(self.folder, environment={**settings, **named, **environ})
        try:
            yield kernel
            if not kernel.is_over:
                kernel.shut_down()
        finally:
            kernel.process.kill()
            kernel.close()

    @staticmethod
    def kill(kernel: Kernel) -> None:
        """SIGKILL."""
        kernel.process.kill()
        kernel.is_over = True

    def names(self) -> set[str]:
        """The sessions there are."""
        return {one.name for one in summaries(self.home)}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A HOME of this test's own."""
    return Desk(tmp_path)


def told(result: Result) -> tuple[str | None, int]:
    """A cell's value and its number."""
    return result.result, int(result.reply["execution_count"])


def test_a_session_begun_anew(desk: Desk) -> None:
    """No variable, no result, no change around them; cells count from 1; after a crash only what came since."""
    with desk.kernel("mine") as kernel:
        kernel.run("import os, sys\nx = 1\nos.environ['HERE'] = '1'\nsys.path.append('/there')\nhere = os.getcwd()")
        kernel.run("os.chdir('/')\n41 + 1")
        result = kernel.run("%session new")
        assert "no variables" in result.stdout
        assert told(result)[1] == 3
        probe = "os.environ.get('HERE'), '/there' in sys.path, os.getcwd() == '/', _, dict(Out), len(In)"
        assert told(kernel.run(f"import os, sys\n{probe}")) == ("(None, False, False, '', {}, 2)", 1)
        assert [name for name in ("x", "here") if kernel.run(name).error != "NameError"] == []
        kernel.run("y = 2")
        desk.kill(kernel)
    with desk.kernel("mine") as kernel:
        assert told(kernel.run("y, 'x' in globals()")) == ("(2, False)", 5)
        kernel.run("%checkout 1:2")
        assert told(kernel.run("x, _"))[0] == "(1, 42)"


def test_attached_to_another_session(desk: Desk) -> None:
    """Everything of it is there, with its numbers; the one that was left is kept, and its lock is free."""
    with desk.kernel("other") as kernel:
        kernel.run("a = [1]; b = a")
        kernel.run("a")
    with desk.kernel("mine") as kernel:
        kernel.run("x = 1")
        result = kernel.run("# over there\n%session attach oth")
        assert result.stdout == "from the next cell on this is the session 'other', as of cell [2]\n"
        assert told(result)[1] == 2
        first = kernel.run("b.append(2); a is b, a, 'x' in globals(), _")
        assert first.shown[0][1].startswith("Restored 2 variables as of cell [2]")
        assert told(first) == ("(True, [1, 2], False, [1, 2])", 3)
        with desk.kernel("mine") as beside:
            assert told(beside.run("x")) == ("1", 3)
        desk.kill(kernel)
    with desk.kernel("other") as kernel:
        assert told(kernel.run("a")) == ("[1, 2]", 4)


def test_where_it_cannot_be_done(desk: Desk) -> None:
    """The cell fails and says why; the session goes on as it was."""
    with desk.kernel("mine") as kernel:
        kernel.run("x = 1")
        for cell, error, said in (
            ("x = 2\n%session new", "CannotMove", "only line of its cell"),
            ("%session attach nowhere", "NoSession", "no session 'nowhere'"),
            ("%session attach mine", "Locked", "is using it"),
        ):
            result = kernel.run(cell)
            assert (result.error, said in result.reply["evalue"]) == (error, True)
        assert told(kernel.run("x")) == ("2", 5)


def test_cells_that_were_queued_run_in_the_session_that_was_asked_for(desk: Desk) -> None:
    """They wait for it, and count on from it."""
    with desk.kernel("other") as kernel:
        kernel.run("a = 5")
    # Whatever else is to come back when a kernel starts.
    with desk.kernel(HOLDFAST_RESTORE="never") as kernel:
        asked = [kernel.execute(code) for code in ("%session attach other", "a += 1", "a")]
        results = [kernel.finish(result) for result in asked]
        assert [told(result) for result in results] == [(None, 1), (None, 2), ("6", 3)]
    # The console's own session held nothing, so it is gone; the one that it came to is not.
    assert desk.names() == {"other"}


def test_a_console_says_how_to_come_back(desk: Desk) -> None:
    """Its banner has the name of the session, which is there after a crash, and stays once somebody came for it."""
    with desk.kernel() as kernel:
        banner = kernel.request("kernel_info_request", {}).reply["banner"]
        name = banner.partition("%session attach ")[2].partition("`")[0]
        kernel.run("x = 1")
        desk.kill(kernel)
    assert desk.names() == {name}
    with desk.kernel() as kernel:
        assert "brings its variables back" in kernel.request("kernel_info_request", {}).reply["banner"]
        kernel.run(f"%session attach {name}")
        assert told(kernel.run("x")) == ("1", 2)
    assert desk.names() == {name}


def test_vs_codes_first_cell_says_whose_it_is(desk: Desk) -> None:
    """Before it runs the notebook's session is there, with what the client did unseen; its number follows on."""
    notebook = desk.folder / "a.ipynb"
    cells = [{"cell_type": "code", "id": one, "source": "1"} for one in ("the-first", "the-second")]
    notebook.write_text(json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5}))
    uri = f"vscode-notebook-cell:{notebook}#W0sZmlsZQ%3D%3D"
    with desk.kernel() as kernel:
        kernel.run("__vsc_ipynb_file__ = 'a.ipynb'; helper = 1", silent=True, store_history=False)
        assert told(kernel.run("x = 1; helper", metadata={"cellId": uri})) == ("1", 1)
        assert told(kernel.run("x", metadata={"cellId": uri})) == ("1", 2)
    assert desk.names() == {str(notebook.resolve())}
    with desk.kernel() as kernel:
        kernel.run("helper = 2", silent=True, store_history=False)
        assert told(kernel.run("x, helper", metadata={"cellId": uri})) == ("(1, 2)", 3)
        desk.kill(kernel)
    with desk.kernel(JPY_SESSION_NAME=str(notebook)) as kernel:
        assert told(kernel.run("x, helper")) == ("(1, 2)", 4)


def test_an_open_transaction_is_not_left(desk: Desk) -> None:
    """What is to be committed or undone belongs to this session: first one or the other."""
    with desk.kernel("one") as kernel:
        kernel.run("%transaction explicit")
        kernel.run("x = 1")
        assert kernel.run("%session new").error == "TransactionOpen"
        assert kernel.run("x").result == "1"
        kernel.run("%transaction commit")
        kernel.run("%transaction commit_always")
        assert kernel.run("%session new").error is None
        assert kernel.run("x").error == "NameError"


def test_a_policy_of_the_session_does_not_keep_one_there(desk: Desk) -> None:
    """Cells that only go back, or leave, are no transactions of their own."""
    with desk.kernel("one") as kernel:
        kernel.run("x = [1]")
        kernel.run("%transaction rollback_on_failure")
        kernel.run("x.append(2)")
        assert kernel.run("%checkout 1").error is None
        assert kernel.run("x.append(3); x").result == "[1, 3]"
        assert kernel.run("%undo").error is None
        assert kernel.run("x.append(4); 1 / 0").error == "ZeroDivisionError"
        assert kernel.run("x").result == "[1]"
        assert kernel.run("%session new").error is None
        assert kernel.run("x").error == "NameError"
