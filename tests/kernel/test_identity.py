"""Which session a kernel gets from a real jupyter_server: the table of docs/sessions.md, row by row."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.jupyter_server import JupyterServer, ServedKernel
from helpers.kernel import Kernel, wait_for
from helpers.peers import Household, PeerEnvironment, household, peers
from holdfast.durable import seen
from holdfast.durable.keys import user_key
from holdfast.durable.listing import summaries

__all__ = ["household", "peers"]

NAME = "import holdfast, os; os.path.basename(holdfast.session.name)"


@pytest.fixture(scope="module")
def server(peers: PeerEnvironment, household: Household) -> Iterator[JupyterServer]:
    """One for all tests here."""
    server = JupyterServer(peers, household, {"HOLDFAST_DURABILITY": "process"})
    yield server
    server.close()


def home(server: JupyterServer) -> str:
    """Where the sessions of its kernels are."""
    return server.household.environment()["HOLDFAST_HOME"]


def wait_until_noted(server: JupyterServer, cell: str) -> None:
    """Return when a session is known by this cell, which its kernel notes in a moment of rest."""
    key = user_key(home(server), make=False)
    wait_for(lambda: any(cell in found.known.ids for found in seen.everywhere(home(server), key)), f"a note of {cell}")


def said(kernel: ServedKernel, code: str = "0") -> str:
    """What the first cell shows of the session."""
    result = kernel.run(code)
    assert result.error is None, result.traceback
    return "".join(text for _, text in result.shown)


def test_untitled_deleted_and_made_again(server: JupyterServer) -> None:
    """A new session; the old one is kept, under a name that is told and leads back to it."""
    path = server.new()
    with server.open(path) as kernel:
        kernel.cell("x = 1", "the-first")
    server.save(path, "the-first")
    server.ask("DELETE", f"contents/{path}")
    assert server.new() == path
    with server.open(path) as kernel:
        assert f"%session attach {path}~2" in said(kernel)
        assert kernel.cell("x", "the-second") == "NameError"
        kernel.run(f"%session attach {path}~2")
        assert kernel.cell("x") == "1"


def test_renamed_and_opened(server: JupyterServer) -> None:
    """Its session comes along; VS Code, which names no path but in its cells, gets it too."""
    path = server.save("before.ipynb", "rrr-cell-1", "rrr-cell-2")
    with server.open(path) as kernel:
        kernel.cell("x = 1", "rrr-cell-1")
    server.ask("PATCH", f"contents/{path}", path="renamed.ipynb")
    with server.open("renamed.ipynb") as kernel:
        assert "that session is" in said(kernel, "x += 1")
        assert kernel.cell(NAME) == "'renamed.ipynb'"
    notebook = server.work / "renamed.ipynb"
    plain = Kernel(server.work, environment={**server.household.environment(), "HOLDFAST_DURABILITY": "process"})
    with plain:
        result = plain.run("x", metadata={"cellId": f"vscode-notebook-cell:{notebook}#W0sZmlsZQ%3D%3D"})
        assert (result.result, result.reply["execution_count"]) == ("2", 4)


def test_renamed_while_its_kernel_runs_and_dies(server: JupyterServer) -> None:
    """The kernel that the server starts again has its variables, though nothing is at the path it was started with."""
    path = server.save("unsaved.ipynb")
    with server.open(path) as kernel:
        kernel.cell("x = 1", "never-saved")
        server.ask("PATCH", f"contents/{path}", path="moved.ipynb")
        kernel.kill()
        assert kernel.cell("x", "never-saved") == "1"


def test_copied(server: JupyterServer) -> None:
    """A branch, while the other kernel runs; both have what was there."""
    path = server.save("origin.ipynb", "ccc-cell-1", "ccc-cell-2")
    with server.open(path) as kernel:
        kernel.cell("x = [1]", "ccc-cell-1")
        wait_until_noted(server, "ccc-cell-1")
        copy = server.ask("POST", "contents", copy_from=path)["path"]
        with server.open(copy) as branch:
            assert "a branch of that session" in said(branch, "x.append(2)")
            assert (branch.cell("x"), branch.cell(NAME)) == ("[1, 2]", repr(os.path.basename(copy)))
        assert kernel.cell("x") == "[1]"


def test_two_kernels_on_one_notebook(server: JupyterServer) -> None:
    """The second has a branch and says so, also after it died; the third, when the first has left, the first one's."""
    path = server.save("shared.ipynb", "ttt-cell-1", "ttt-cell-2")
    with server.open(path) as first:
        first.cell("x = 1", "ttt-cell-1")
        with server.open_beside(path) as second:
            assert f"{path}~2', a branch of" in said(second, "x += 10")
            second.kill()
            assert (second.cell("x"), second.cell(NAME)) == ("11", f"'{path}~2'")
    with server.open(path) as third:
        assert (third.cell("x"), third.cell(NAME)) == ("1", f"'{path}'")


def test_two_consoles(server: JupyterServer) -> None:
    """Each has a session of its own, though their names are one; they go with them."""
    before = {one.name for one in summaries(home(server))}
    with (
        server.open("console-1-aa", name="Console 1", kind="console") as one,
        server.open("console-1-bb", name="Console 1", kind="console") as other,
    ):
        assert "brings its variables back" in one.request("kernel_info_request", {}).reply["banner"]
        one.cell("x = 1")
        assert other.cell("x") == "NameError"
    assert {one.name for one in summaries(home(server))} == before


def test_a_kernel_without_a_name(server: JupyterServer) -> None:
    """It has its variables after a crash, and leaves nothing when it is shut down."""
    before = {one.name for one in summaries(home(server))}
    with server.plain() as kernel:
        kernel.cell("x = 1")
        kernel.kill()
        assert kernel.cell("x") == "1"
    assert {one.name for one in summaries(home(server))} == before


def test_a_notebook_executed_in_a_cell(server: JupyterServer) -> None:
    """Its kernel inherits the variables and not the session; it leaves nothing, and the cell's kernel has its own."""
    path = server.save("outer.ipynb")
    inner = server.work / "inner.ipynb"
    source = "x = 'inner'\nimport holdfast\nholdfast.session.name"
    cell: dict[str, object] = {
        "cell_type": "code",
        "id": "inner-cell",
        "source": source,
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    metadata = {"kernelspec": {"name": "holdfast", "display_name": "Holdfast"}}
    whole = {"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    inner.write_text(json.dumps(whole))
    before = {one.name for one in summaries(home(server))}
    with server.open(path) as kernel:
        kernel.cell("x = 'outer'", "outer-cell")
        command = [sys.executable, "-m", "jupyter", "execute", "--inplace", "inner.ipynb"]
        result = kernel.run(f"import subprocess\nsubprocess.run({command}, check=True)")
        assert result.error is None, result.shown
        outputs = json.loads(inner.read_text())["cells"][0]["outputs"]
        (name,) = ["".join(output["data"]["text/plain"]) for output in outputs if "data" in output]
        assert path not in name
        assert (kernel.cell("x"), kernel.cell(NAME)) == ("'outer'", f"'{path}'")
        after = {one.name for one in summaries(home(server))}
    assert after - before == {str(Path(server.work, path).resolve())}
