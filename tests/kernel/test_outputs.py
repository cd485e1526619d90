"""`%outputs`: what a cell showed, again: later, beside it, after a crash, after Restart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.kernel import Kernel, Result, wait_for
from helpers.lives import Lives

SHOWN = """import sys
print('printed')
print('warned', file=sys.stderr)
display({'x': 1})
1 + 1"""


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Lives:
    """A session of this module's own."""
    return Lives(tmp_path_factory.mktemp("outputs"))


@pytest.fixture
def own(tmp_path: Path) -> Lives:
    """A session of this test's own."""
    return Lives(tmp_path)


@pytest.fixture(scope="module")
def living(lives: Lives) -> Iterator[Kernel]:
    """A kernel that keeps a session."""
    with lives.kernel() as kernel:
        yield kernel


def count(result: Result) -> int:
    """The number of a cell."""
    return int(result.reply["execution_count"])


def again(kernel: Kernel, words: object) -> list[tuple[str, str]]:
    """What `%outputs` shows."""
    result = kernel.run(f"%outputs {words}")
    assert result.error is None, result.traceback
    return result.shown


def test_a_cell_is_shown_again_in_order(living: Kernel) -> None:
    """Streams, displays, the result, as what they were; a result is no result of the cell that asks."""
    cell = living.run(SHOWN)
    expected = [(kind.replace("execute_result", "display_data"), text) for kind, text in cell.shown]
    assert again(living, count(cell)) == expected
    assert again(living, f"1:{count(cell)}") == expected
    assert len(expected) == 4


def test_an_error_is_shown_again(living: Kernel) -> None:
    """With its traceback, and the cell that asks ends well."""
    cell = living.run("1 / 0")
    result = living.run(f"%outputs {count(cell)}")
    assert (result.reply["status"], result.traceback) == ("ok", cell.traceback)


def test_alone_it_shows_the_last_there_are(living: Kernel) -> None:
    """Not its own."""
    living.run("print('one')")
    living.run("x = 1")
    assert again(living, "") == [("stdout", "one\n")]


def test_what_is_shown_again_follows_its_updates(living: Kernel) -> None:
    """A display keeps its name, so what updates it reaches both."""
    cell = living.run("handle = display('old', display_id=True)")
    living.run("handle.update('new')")
    result = living.run(f"%outputs {count(cell)}")
    display_id = cell.of_type("display_data")[0].content["transient"]["display_id"]
    [shown] = result.of_type("display_data")
    assert (shown.content["data"]["text/plain"], shown.content["transient"]["display_id"]) == ("'new'", display_id)


@pytest.mark.parametrize("words", ["x", "1:2:3", "-1", "41 42"])
def test_words_that_name_no_cell(living: Kernel, words: str) -> None:
    """An error that says what can be asked."""
    result = living.run(f"%outputs {words}")
    assert result.error == "NoSuchCell"
    assert "%outputs 41 shows those of cell [41]" in result.traceback


def test_a_cell_that_showed_nothing(living: Kernel) -> None:
    """Said, and no error: most cells show nothing."""
    cell = living.run("x = 1")
    assert again(living, count(cell)) == [("display_data", f"nothing is kept of what cell [{count(cell)}] showed")]


def test_from_python(living: Kernel) -> None:
    """`holdfast.session.outputs` gives what a notebook keeps."""
    cell = living.run(SHOWN)
    code = f"import holdfast, json; print(json.dumps(holdfast.session.outputs({count(cell)})))"
    kinds = [output["output_type"] for output in json.loads(living.run(code).stdout)]
    assert kinds == ["stream", "stream", "display_data", "execute_result"]


def test_a_cell_that_still_runs(living: Kernel) -> None:
    """Asked from a subshell, what is there so far is shown, also text that waits to be sent."""
    reply = living.request("create_subshell_request", {}, "control").reply
    running = living.execute("import threading\nfor n in range(3): print(n)\ngate = threading.Event()\ngate.wait(30)")
    living.until(lambda: running.stdout, "the cell's first line")
    header = {"subshell_id": reply["subshell_id"]}
    number = running.of_type("execute_input")[0].content["execution_count"]
    shown = living.run(f"%outputs {number}", header=living.header("execute_request", **header))
    living.run("gate.set()", header=living.header("execute_request", **header))
    living.finish(running)
    living.request("delete_subshell_request", header, "control")
    assert shown.stdout == "0\n1\n2\n"


def test_after_a_kill(own: Lives) -> None:
    """What a cell had shown when its kernel was killed is shown by the next; and not as the new cell of its number."""
    with own.kernel() as kernel:
        kernel.run("x = 1")
        running = kernel.execute("print('before')\nimport time; time.sleep(60)")
        kernel.until(lambda: running.stdout, "the cell's first line")
        wait_for(lambda: any(b"before" in file.read_bytes() for file in own.home.glob("sessions/*/outputs/*")), "it")
        own.kill(kernel)
    with own.kernel() as kernel:
        assert again(kernel, 2)[-2:] == [
            ("display_data", "what cell [2] showed before (epoch 1):"),
            ("stdout", "before\n"),
        ]
        kernel.run("print('cell 3')")
        assert again(kernel, 3) == [("stdout", "cell 3\n")]


def test_what_was_changed_on_the_disk_is_not_shown(own: Lives) -> None:
    """Who can write the folder but has not the key cannot put words into a cell's mouth."""
    with own.kernel() as kernel:
        kernel.run("display({'text/html': '<b>ours</b>'}, raw=True)")
        kernel.run("print('kept')")
        [file] = own.home.glob("sessions/*/outputs/*")
        wait_for(lambda: b"kept" in file.read_bytes(), "the second output")
        file.write_bytes(file.read_bytes().replace(b"<b>ours</b>", b"<b>evil</b>"))
        assert again(kernel, 1) == [
            ("display_data", "nothing is kept of what cell [1] showed"),
            ("display_data", "[an output is not what was written, and not shown]"),
        ]
        assert again(kernel, 2) == [("stdout", "kept\n")]


def test_after_a_restart(own: Lives) -> None:
    """The earlier timeline keeps its outputs, and what the new one shows goes first."""
    with own.kernel() as kernel:
        kernel.run("print('old')")
        kernel.run("print('older')")
        kernel.shut_down(restart=True)
    with own.kernel() as kernel:
        kernel.run("print('new')")
        assert again(kernel, 1) == [("stdout", "new\n")]
        assert again(kernel, "1:1")[-1] == ("stdout", "old\n")
        assert again(kernel, "1:2")[-1] == ("stdout", "older\n")
        kernel.shut_down(restart=True)
    with own.kernel() as kernel:
        assert again(kernel, "1")[-1] == ("stdout", "new\n")


def test_a_second_kernel_has_what_was_shown_so_far(own: Lives) -> None:
    """Its branch is a copy of the session, outputs included."""
    with own.kernel() as first:
        first.run("print('shared')")
        with own.kernel() as second:
            assert again(second, 1)[-1] == ("stdout", "shared\n")
            first.run("x = 1")
            first.run("print('not shared')")
            assert again(second, 3) == [("display_data", "nothing is kept of what cell [3] showed")]


def test_nothing_is_kept(tmp_path: Path) -> None:
    """Where the session is not, its outputs are not, and the error says how to have both."""
    with Lives(tmp_path, HOLDFAST_DURABILITY="off").kernel() as kernel:
        result = kernel.run("%outputs")
        assert (result.error, "HOLDFAST_DURABILITY=full" in result.traceback) == ("NotKept", True)
