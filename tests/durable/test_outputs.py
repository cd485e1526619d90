"""What a cell shows in the end: clears, updates, gaps; which run of a cell is meant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.recorded import Written, text
from holdfast.durable.outputs import Key, Output, bounded, middle, notebook
from holdfast.durable.record import LEFT, Left, files


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    """A session's folder, and pens for it."""
    made = Written(tmp_path)
    yield made
    made.close()


def _stream(size: int, name: str = "stdout") -> Output:
    return Output("stream", {"name": name, "text": "x"}, size=size)


def test_what_was_cleared_is_not_shown(written: Written) -> None:
    """Only what came after."""
    pen = written.pen()
    pen.stream(1, "a")
    pen.clear(1)
    pen.stream(1, "b")
    assert written.shown(1) == ["b"]


def test_an_update_shows_in_every_display_of_its_id(written: Written) -> None:
    """Whichever cell sends it, and only in displays that were there before it."""
    pen = written.pen()
    pen.display(1, "old", "bar")
    pen.display(1, "other", "else")
    pen.display(2, "old", "bar")
    pen.display(2, "50 %", "bar", update=True)
    pen.display(3, "100 %", "bar", update=True)
    pen.display(4, "later", "bar")
    assert [written.shown(cell) for cell in (1, 2, 3, 4)] == [["100 %", "other"], ["100 %"], [], ["later"]]


def test_pieces_of_a_stream_are_one(written: Written) -> None:
    """As clients join them; another stream, or a display, comes between."""
    pen = written.pen()
    for name, piece in (("stdout", "a"), ("stdout", "b"), ("stderr", "c"), ("stdout", "d")):
        pen.stream(1, piece, name)
    assert written.shown(1) == ["ab", "c", "d"]


def test_a_gap_is_shown_where_it_is(written: Written) -> None:
    """What the writer left out is named between what was before and after; two gaps in a row are one."""
    pen = written.pen()
    pen.stream(1, "a")
    for size in (10, 20):
        pen.pen.put(LEFT, 1, 1, b"[1,%d]" % size)
    pen.stream(1, "b")
    assert written.shown(1) == ["a", "left 2", "b"]


@pytest.mark.parametrize(
    ("sizes", "gone"),
    [
        ([], []),
        ([(9, True)], []),
        ([(3, True), (3, True), (3, True)], []),
        ([(4, True), (4, True), (4, True)], [1]),
        ([(8, False), (4, True)], []),
        ([(10, True)], [0]),
        ([(10, False), (1, True)], [0]),
        ([(1, True)] * 20, list(range(4, 16))),
    ],
)
def test_the_middle_has_no_room(sizes: list[tuple[int, bool]], gone: list[int]) -> None:
    """The first 4 MB and the last 4 MB are kept, of a display 8, and everything if it is no more."""
    scaled = [(size << 20, is_text) for size, is_text in sizes]
    assert list(range(*middle(scaled))) == gone


def test_the_middle_is_named() -> None:
    """With the gaps that were in it already."""
    mega = 1 << 20
    shown = [_stream(4 * mega), _stream(mega), Output("", {}, left=Left(5, 7)), _stream(mega), _stream(4 * mega, "e")]
    assert [output.left for output in bounded(shown)] == [None, Left(7, 2 * mega + 7), None]


def test_which_run_is_meant(written: Written) -> None:
    """The newest kernel's, of the epoch that is asked for or the first of the line; never the one that asks."""
    pens = [written.pen() for _ in range(3)]
    for epoch, pen in ((1, pens[0]), (1, pens[1]), (2, pens[2])):
        pen.pen.put(LEFT, epoch, 5, b"[1,1]")
    with written.record() as record:
        assert record.find(5) == Key(2, 5, 3)
        assert record.find(5, epoch=1) == Key(1, 5, 2)
        assert record.find(5, line=(3, 1)) == Key(1, 5, 2)
        assert record.find(5, but=Key(2, 5, 3)) == Key(1, 5, 2)
        assert (record.find(6), record.find(5, epoch=9)) == (None, None)


def test_the_last_that_shows_anything(written: Written) -> None:
    """Not one that has cleared everything, nor one that only updates another's display."""
    pen = written.pen()
    pen.stream(1, "a")
    pen.stream(2, "b")
    pen.clear(2)
    pen.display(3, "x", "bar", update=True)
    with written.record() as record:
        found = record.last()
    assert found == Key(1, 1, 1)


@pytest.mark.parametrize(
    ("output", "kept"),
    [
        (
            Output("stream", {"name": "stderr", "text": "x"}),
            {"output_type": "stream", "name": "stderr", "text": "x"},
        ),
        (
            Output("execute_result", {"execution_count": 3, "data": {"text/plain": "1"}, "metadata": {}}),
            {"output_type": "execute_result", "execution_count": 3, "data": {"text/plain": "1"}, "metadata": {}},
        ),
        (
            Output("display_data", {"data": {"a/b": "1"}, "metadata": {"a": 1}, "transient": {"display_id": "x"}}),
            {"output_type": "display_data", "data": {"a/b": "1"}, "metadata": {"a": 1}},
        ),
        (
            Output("error", {"ename": "E", "evalue": "v", "traceback": ["t"]}),
            {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["t"]},
        ),
    ],
)
def test_as_a_notebook_keeps_it(output: Output, kept: dict[str, object]) -> None:
    """Of each kind the fields that the notebook format has."""
    assert notebook(output) == kept


def test_a_gap_in_a_notebook_is_words() -> None:
    """For people, and in its metadata for programs."""
    kept = notebook(Output("", {}, left=Left(3, 5_000_000)))
    assert kept["data"] == {"text/plain": "[3 outputs, 5.0 MB, left out here: a cell keeps its first and last 4 MB]"}
    assert kept["metadata"] == {"holdfast": {"left": {"messages": 3, "size": 5_000_000, "reason": ""}}}


def test_files_that_go_while_they_are_read(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was folded meanwhile is counted as not read, and nothing fails."""
    written.pen().stream(1, "a")
    there = files(str(written.folder))
    written.file().unlink()
    monkeypatch.setattr("holdfast.durable.outputs.files", lambda _folder: there)
    with written.record() as record:
        assert [text(output) for output in record.outputs(Key(1, 1, 1))] == []
