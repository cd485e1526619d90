"""`%session` and `holdfast.session` in a real kernel."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from helpers.kernel import Kernel, Result, Shared
from holdfast.magics.builtin.session import COMMANDS


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """A kernel that keeps its session."""
    folder = tmp_path_factory.mktemp("kernel")
    environment = {"HOLDFAST_DURABILITY": "process", "HOLDFAST_HOME": str(folder), "HOLDFAST_SESSION": "tested"}
    holder = Shared(lambda: Kernel(folder, environment=environment))
    yield holder
    holder.end()


def shown(result: Result) -> str:
    """The text of the last display."""
    return str(result.of_type("display_data")[-1].content["data"]["text/plain"])


def row(table: str, name: str) -> list[str]:
    """The words of a variable's row."""
    return next(line.split() for line in table.splitlines() if line.split()[:1] == [name])


def test_the_overview_is_a_table(kernel: Kernel) -> None:
    """Text for consoles, HTML for notebooks; it is no result."""
    count = kernel.run("seen = [1, 2]").reply["execution_count"]
    result = kernel.run("%session")
    data = result.of_type("display_data")[-1].content["data"]
    assert row(data["text/plain"], "seen")[:3] == ["seen", "list", "kept"]
    assert f"[{count}]" in row(data["text/plain"], "seen")
    assert "<td" in data["text/html"]
    assert (result.result, "tested" in data["text/plain"]) == (None, True)


def test_it_stands_anywhere_in_a_cell(kernel: Kernel) -> None:
    """Between other lines it shows what it shows, and the lines keep their meaning and their numbers."""
    result = kernel.run("early = 1\n%session\nif early:\n    %session log\nlate = early + 1\nlate")
    assert (len(result.of_type("display_data")), result.result) == (2, "2")
    assert row(str(result.of_type("display_data")[0].content["data"]["text/plain"]), "early")[2] == "pending"
    failed = kernel.run("%session\n\n1 / 0")
    assert "line 3" in failed.traceback
    assert "%session" in failed.traceback


def test_why(kernel: Kernel) -> None:
    """What is not kept, of all variables or of one."""
    kernel.run("gen = (i for i in range(3)); whole = 1")
    assert "generator" in shown(kernel.run("%session why"))
    assert "generator" in shown(kernel.run("%session why gen"))
    assert shown(kernel.run("%session why whole")) == "nothing of whole was lost"
    result = kernel.run("%session why nowhere")
    assert (result.reply["ename"], result.reply["evalue"]) == ("NoVariable", "there is no variable nowhere")


def test_an_unknown_word_is_an_error_that_lists_the_known(kernel: Kernel) -> None:
    """Its traceback shows the line of the cell and nothing of ours."""
    result = kernel.run("x = 1\n%session wy gen")
    assert result.reply["ename"] == "UnknownCommand"
    for part in ("'wy gen'", "%session why [NAME]", "%session log"):
        assert part in result.reply["evalue"]
    assert "----> 2 %session wy gen" in result.traceback
    assert "holdfast/magics" not in result.traceback


def test_the_log(kernel: Kernel) -> None:
    """One row for each commit."""
    kernel.run("logged_name = 1")
    assert "logged_name = 1" in shown(kernel.run("%session log"))


def test_it_is_imported_when_it_is_used(fresh: Kernel) -> None:
    """A session without it does not pay for it."""
    probe = "import sys; 'holdfast.magics.builtin.session' in sys.modules"
    assert fresh.run(probe).result == "False"
    fresh.run("%session")
    assert fresh.run(probe).result == "True"


@pytest.mark.parametrize(
    ("code", "matches"),
    [("%ses", ["%session"]), ("x = 1\n%session w", ["why"]), ("%session ", list(COMMANDS))],
)
def test_it_is_completed(kernel: Kernel, code: str, matches: list[str]) -> None:
    """Its name, and the word after it."""
    reply = kernel.request("complete_request", {"code": code, "cursor_pos": len(code)}).reply
    assert reply["matches"] == matches


@pytest.mark.parametrize("code", ["%session", "%session why x", "%session\nx = 1", "x = 1\n%session log"])
def test_a_cell_with_it_is_complete(kernel: Kernel, code: str) -> None:
    """A console runs it at the first Enter."""
    assert kernel.request("is_complete_request", {"code": code}).reply["status"] == "complete"


def test_the_session_as_data(kernel: Kernel, tmp_path: Path) -> None:
    """`holdfast.session` says the same to programs."""
    kernel.run("import holdfast, json\nvalue = [1]\ngone = (i for i in range(3))")
    result = kernel.run("print(json.dumps(holdfast.session.data()))")
    told = json.loads(result.stdout)
    assert (told["name"], told["durability"], told["epoch"]) == ("tested", "process", 1)
    rows = {one["name"]: one for one in told["variables"]}
    assert (rows["value"]["state"], rows["gone"]["state"]) == ("kept", "lost")
    attributes = "s = holdfast.session; s.name, s.durability, s.folder, s.count, s.size, s.epoch, s.restored"
    values = kernel.run(attributes + ", s.audited, type(s.ambient).__name__, type(s.log()).__name__").result
    assert values is not None
    assert values.startswith("('tested',\n 'process',\n ")


def test_a_session_kept_in_a_variable_is_a_reference(kernel: Kernel) -> None:
    """It leads to the kernel that it is used in, so it is stored by name; a table of it is stored as rows."""
    result = kernel.run(
        "import holdfast, pickle\ns = holdfast.session; t = s.variables\npickle.loads(pickle.dumps(s)) is s"
    )
    assert (result.result, "lost" in result.reply_message.metadata.get("holdfast", {})) == ("True", False)
    assert row(shown(kernel.run("%session")), "s")[2] == "kept"


def test_nothing_kept(launch: Callable[..., Kernel]) -> None:
    """With durability off it says so in one line, and how to switch it on; a question about it is an error."""
    kernel = launch(environment={"HOLDFAST_DURABILITY": "off"})
    said = "nothing of this session is kept: start the kernel with HOLDFAST_DURABILITY=full, and every cell is"
    assert shown(kernel.run("%session")) == said
    result = kernel.run("import holdfast; print(holdfast.session.durability); holdfast.session.variables")
    assert (result.stdout, result.reply["ename"], result.reply["evalue"]) == ("off\n", "NotKept", said)


def test_a_folder_that_cannot_be_used(launch: Callable[..., Kernel], tmp_path: Path) -> None:
    """Nothing is kept, and the reason is said by the first cell and by `%session`."""
    (tmp_path / "home").write_text("a file")
    kernel = launch(environment={"HOLDFAST_DURABILITY": "process", "HOLDFAST_HOME": str(tmp_path / "home")})
    assert "nothing of this session will be kept" in kernel.run("1").stderr
    assert "nothing of this session will be kept" in shown(kernel.run("%session"))
