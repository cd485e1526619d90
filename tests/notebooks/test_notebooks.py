"""The example notebooks run on the kernel and show what they say they show."""

from __future__ import annotations

import base64

import nbformat
import pytest

from helpers import notebooks
from helpers.notebooks import data, error, executed, outputs, stream, value

PNG = b"\x89PNG\r\n\x1a\n"

# (notebook, cell, the text/plain of its value)
VALUES = [
    ("tour", "last", "7.633333333333333"),
    ("tour", "await", "[12, 18, 7, 25]"),
    ("tour", "task-read", "'the watch wrote several entries while we did something else'"),
    ("async_tasks", "gather", "['NORTH', 'EAST', 'SOUTH']"),
    ("async_tasks", "define", "55"),
    ("async_tasks", "comprehension", "[1, 9, 25]"),
    ("async_tasks", "producer", "'producer'"),
    ("async_tasks", "consumer", "[0, 1, 2, 3, 4]"),
    ("async_tasks", "finished", "(True, None)"),
    ("async_tasks", "group", "['EBB', 'FLOOD']"),
    ("async_tasks", "semaphore", "'never more than 2 at once'"),
    ("async_tasks", "to-thread", "4950"),
    ("async_tasks", "run", "'main is done'"),
    ("async_tasks", "sync-task-result", "'FROM A PLAIN CELL'"),
    ("async_tasks", "variables", "'first mate'"),
    ("async_tasks", "variables-kept", "'first mate'"),
    ("async_tasks", "subprocess", "('from a child process', 0)"),
    ("pandas_matplotlib", "query", "(True, np.int64(0))"),
    ("rich_display", "bundle", "Flag(blue, white)"),
    ("rich_display", "several", "Depth(17)"),
    ("rich_display", "broken", "HalfBroken()"),
    ("input_and_errors", "input", "'Swan'"),
    ("input_and_errors", "getpass", "True"),
    ("input_and_errors", "after-zero", "30.0"),
    ("input_and_errors", "shown", "True"),
    ("input_and_errors", "end", "'Swan is still here'"),
    ("long_output", "string", "300000"),
]

# (notebook, cell, what it prints to stdout)
PRINTS = [
    ("tour", "await", "4 soundings at once, faster than one after the other\n"),
    ("async_tasks", "context", "gate closed\ninside\ngate open\n"),
    ("async_tasks", "group-error", "the group stopped at once: hull breached\n"),
    ("async_tasks", "timeout", "gave up in time\n"),
    ("rich_display", "itself", "I show myself\n"),
    ("input_and_errors", "input", "StdinNotImplementedError\n"),
    ("input_and_errors", "warning", "still afloat\n"),
    ("long_output", "streams", "out 0\nout 1\nout 2\n"),
    ("long_output", "child", "".join(f"child {n}\n" for n in range(1000)) + "the child has ended\n"),
    ("long_output", "descriptor", "straight to the descriptor\n"),
    ("long_output", "one-line", "x" * 1_000_000 + "\n"),
]

# (notebook, cell, the richest form its value or display offers)
FORMS = [
    ("tour", "rich", "text/html"),
    ("tour", "own-repr", "image/svg+xml"),
    ("tour", "frame", "text/html"),
    ("tour", "plot", "image/png"),
    ("pandas_matplotlib", "load", "text/html"),
    ("pandas_matplotlib", "group", "text/html"),
    ("pandas_matplotlib", "line", "image/png"),
    ("pandas_matplotlib", "panels", "image/png"),
    ("pandas_matplotlib", "frame-plot", "image/png"),
    ("pandas_matplotlib", "pyplot", "image/png"),
    ("pandas_matplotlib", "bytes", "image/png"),
    ("rich_display", "html", "text/html"),
    ("rich_display", "markdown", "text/markdown"),
    ("rich_display", "math", "text/latex"),
    ("rich_display", "latex", "text/latex"),
    ("rich_display", "json", "application/json"),
    ("rich_display", "svg", "image/svg+xml"),
    ("rich_display", "image", "image/png"),
    ("rich_display", "audio", "text/html"),
    ("rich_display", "code", "text/html"),
    ("rich_display", "iframe", "text/html"),
    ("rich_display", "bundle", "text/markdown"),
    ("rich_display", "several", "text/latex"),
]

# (cell of input_and_errors, the exception it ends with)
FAILURES = [
    ("zero", "ZeroDivisionError"),
    ("chain", "Aground"),
    ("note", "Aground"),
    ("group", "ExceptionGroup"),
    ("syntax", "SyntaxError"),
    ("indent", "IndentationError"),
    ("deep", "RecursionError"),
    ("lazy", "NameError"),
]


@pytest.mark.parametrize("name", notebooks.names())
def test_it_runs_as_it_is_tagged(name: str) -> None:
    """Every cell runs, and exactly the cells tagged as failing fail."""
    notebook = executed(name)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    failed = {cell.id for cell in code if any(o.output_type == "error" for o in cell.outputs)}
    tagged = {cell.id for cell in code if notebooks.MAY_FAIL in cell.metadata.get("tags", ())}
    assert failed == tagged


@pytest.mark.parametrize("name", notebooks.names())
def test_it_is_stored_clean(name: str) -> None:
    """The stored notebook is valid, has cell ids, names our kernel and holds no outputs."""
    stored = nbformat.read(notebooks.FOLDER / f"{name}.ipynb", as_version=nbformat.NO_CONVERT)
    nbformat.validate(stored)
    assert (stored.nbformat, stored.nbformat_minor) == (4, 5)
    assert stored.metadata.kernelspec.name == "holdfast"
    code = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.outputs or cell.execution_count is not None] == []


@pytest.mark.parametrize("name", notebooks.names())
def test_what_comes_out_is_valid(name: str) -> None:
    """The executed notebook is one that other tools accept, and its language is Python."""
    nbformat.validate(executed(name))
    assert executed(name).metadata.language_info.name == "python"


@pytest.mark.parametrize(("name", "cell", "text"), VALUES, ids=lambda part: str(part)[:24])
def test_value_of_a_cell(name: str, cell: str, text: str) -> None:
    """A cell's last expression is its value."""
    assert value(name, cell) == text


@pytest.mark.parametrize(("name", "cell", "text"), PRINTS, ids=lambda part: str(part)[:24])
def test_stdout_of_a_cell(name: str, cell: str, text: str) -> None:
    """What a cell prints arrives whole and in order."""
    assert stream(name, cell) == text


@pytest.mark.parametrize(("name", "cell", "mime"), FORMS)
def test_form_of_a_display(name: str, cell: str, mime: str) -> None:
    """A rich value offers its form beside text/plain; a PNG is one."""
    bundle = data(name, cell)[-1]
    assert {mime, "text/plain"} <= set(bundle)
    if mime == "image/png":
        assert base64.b64decode(bundle[mime]).startswith(PNG)


@pytest.mark.parametrize(("cell", "kind"), FAILURES)
def test_error_of_a_cell(cell: str, kind: str) -> None:
    """A failing cell's error has its name and a traceback that quotes the cell."""
    problem = error("input_and_errors", cell)
    assert problem.ename == kind
    assert any("Cell In" in line for line in problem.traceback)


def test_a_chain_shows_both_errors() -> None:
    """`raise … from …` shows the cause as well."""
    text = "\n".join(error("input_and_errors", "chain").traceback)
    assert "KeyError" in text
    assert "Aground" in text


def test_a_note_is_shown() -> None:
    """A note added to an exception is part of its traceback."""
    assert "look at the chart first" in "\n".join(error("input_and_errors", "note").traceback)


def test_a_deep_traceback_is_short() -> None:
    """A thousand equal frames are told in few lines."""
    assert len("\n".join(error("input_and_errors", "deep").traceback).splitlines()) < 200


def test_warnings_and_logs_go_to_stderr() -> None:
    """A warning and a log record appear under the cell, on stderr."""
    assert "falling barometer" in stream("input_and_errors", "warning", "stderr")
    assert "wind rising" in stream("input_and_errors", "logged", "stderr")


def test_a_hundred_thousand_lines_arrive() -> None:
    """No line of a long output is lost, doubled or out of order."""
    lines = stream("long_output", "lines").splitlines()
    assert [int(line[:6]) for line in lines] == list(range(100_000))


def test_long_output_comes_in_few_pieces() -> None:
    """A hundred thousand prints are not a hundred thousand messages."""
    assert len(outputs("long_output", "lines")) < 1000


def test_clear_output_leaves_the_last() -> None:
    """A progress display ends as its last state."""
    assert stream("long_output", "progress") == f"[{'#' * 20}] 100 %\n"


def test_carriage_returns_are_kept_in_order() -> None:
    """A bar drawn with carriage returns ends at its end."""
    assert stream("long_output", "carriage").endswith("\r100 % done\n")


def test_stderr_is_told_from_stdout() -> None:
    """Both streams of a cell arrive, each under its name."""
    assert stream("long_output", "streams", "stderr") == "err 0\nerr 1\nerr 2\n"


def test_every_line_of_every_thread_arrives() -> None:
    """Lines printed by threads arrive whole, each thread's in its order."""
    lines = stream("long_output", "thread").splitlines()
    for number in range(4):
        own = [line for line in lines if line.startswith(f"thread {number} ")]
        assert own == [f"thread {number} line {line}" for line in range(100)]
    assert len(lines) == 400


def test_a_long_list_is_shown_in_part() -> None:
    """A list of 100,000 is cut with dots, at a thousand items."""
    text = value("long_output", "list")
    assert text.endswith("...]")
    assert len(text.splitlines()) < 1100


@pytest.mark.parametrize(("name", "cell"), [("long_output", "quiet"), ("pandas_matplotlib", "silent")])
def test_a_semicolon_suppresses(name: str, cell: str) -> None:
    """A trailing semicolon hides the value."""
    assert data(name, cell) == []


def test_several_figures_keep_their_order() -> None:
    """Two figures displayed in one cell are two pictures."""
    assert [set(bundle) >= {"image/png"} for bundle in data("pandas_matplotlib", "two")] == [True, True]


def test_an_update_reaches_the_display_of_another_cell() -> None:
    """`update_display` changes what an earlier cell shows."""
    assert data("rich_display", "first")[0]["text/plain"] == "'under way'"


def test_a_handle_updates_in_place() -> None:
    """A display handle's updates replace what is shown, and add nothing."""
    assert [bundle["text/markdown"] for bundle in data("rich_display", "handle")] == ["step **3** of 3"]


def test_display_takes_several_values() -> None:
    """Each value given to `display` is its own output."""
    assert [bundle["text/plain"] for bundle in data("rich_display", "many")][:2] == ["'one'", "'two'"]


def test_display_metadata_is_kept() -> None:
    """Metadata given to `display` is part of the output."""
    shown = outputs("rich_display", "metadata")[0]
    assert "isolated" in str(dict(shown.metadata))


def test_a_failing_form_is_said() -> None:
    """A `_repr_html_` that raises leaves the plain text and says so on stderr."""
    assert set(data("rich_display", "broken")[-1]) == {"text/plain"}
    assert "no HTML today" in stream("rich_display", "broken", "stderr")


def test_plain_values_are_laid_out() -> None:
    """Sets are sorted, classes shown by name, and long containers wrapped."""
    text = value("rich_display", "plain")
    assert text.startswith("{'sets': {1, 2, 3},\n 'types': int,\n 'nested': [[0, 1,")
    assert max(map(len, text.splitlines())) <= 79
