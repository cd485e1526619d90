"""What cells showed, on the disk: written, read, torn, tampered with, copied."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.recorded import SEAL, Written, text
from holdfast.durable.keys import Seal
from holdfast.durable.outputs import Key, Record
from holdfast.durable.record import FOLDER, HEAD, MAGIC, TAG, copied, files, places, spent

PICTURE = "iVBOR" * 1000


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    """A session's folder, and pens for it."""
    made = Written(tmp_path)
    yield made
    made.close()


def test_what_was_written_is_read(written: Written) -> None:
    """In order, with what was large put back."""
    pen = written.pen()
    pen.stream(1, "a")
    pen.picture(1, PICTURE)
    pen.stream(1, "b")
    assert written.shown(1) == ["a", PICTURE, "b"]


def test_a_large_representation_is_written_once(written: Written) -> None:
    """A hundred cells show it, the file holds it once."""
    pen = written.pen()
    for count in range(1, 101):
        pen.picture(count, PICTURE)
    assert written.size() < len(PICTURE) + 100 * 250
    assert written.shown(100) == [PICTURE]


def test_buffers_come_back(written: Written) -> None:
    """What travels beside a message is kept beside it."""
    written.pen().show(1, "display_data", {"data": {"a/b": "x"}, "metadata": {}}, [b"\0\1", b""])
    with written.record() as record:
        assert record.outputs(Key(1, 1, 1))[0].buffers == [b"\0\1", b""]


def test_kernels_write_files_of_their_own(written: Written) -> None:
    """The next one looks at nothing of the one before, and both are read."""
    written.pen().stream(1, "a")
    written.pen().stream(2, "b")
    assert [(first, last) for first, last, _ in files(str(written.folder))] == [(1, 1), (2, 2)]
    assert (written.shown(1), written.shown(2, life=2)) == (["a"], ["b"])


@pytest.mark.parametrize("lost", [1, 40, 59, 100])
def test_a_torn_end_is_not_shown(written: Written, lost: int) -> None:
    """Whatever part of the last record a kill has left."""
    pen = written.pen()
    pen.stream(1, "whole")
    before = written.size()
    pen.stream(1, "x" * 100)
    os.truncate(written.file(), max(before, written.size() - lost))
    assert written.shown(1) == ["whole"]


def test_a_kernel_killed_before_its_first_record(written: Written) -> None:
    """A file without even its beginning is no file; the next kernel begins another."""
    (written.folder / FOLDER).mkdir()
    (written.folder / FOLDER / "000001-000001").write_bytes(MAGIC[:5])
    written.pen().stream(1, "a")
    assert written.shown(1, life=2) == ["a"]


@pytest.mark.parametrize("at", [8, 30, HEAD.size + TAG + 15])
def test_a_changed_record_is_not_shown(written: Written, at: int) -> None:
    """A changed cell number, seal or text; the records around it are."""
    pen = written.pen()
    for n in "abc":
        pen.stream(1, f"{n} and more text")
    place = list(places(str(written.file())))[2]
    written.flip(place.at + at)
    with written.record() as record:
        shown = [text(output) for key in record.runs for output in record.outputs(key)]
        assert "b and more text" not in "".join(shown)
        assert record.damaged


def test_a_planted_record_is_not_shown(written: Written) -> None:
    """Who can write the folder but has not the key shows us nothing."""
    written.pen().stream(1, "ours")
    other = Written(written.folder, Seal(b"another" * 5, b"ident"))
    other.pen().show(1, "display_data", {"data": {"text/html": "<script>"}, "metadata": {}, "transient": {}})
    other.close()
    with written.record() as record:
        assert [text(output) for key in record.runs for output in record.outputs(key)] == ["ours"]


def test_a_blob_is_not_taken_for_another(written: Written) -> None:
    """Data under a name that is not its own is not shown, and said to be missing."""
    pen = written.pen()
    pen.picture(1, PICTURE)
    blob = next(place for place in places(str(written.file())) if place.size > 1000)
    written.flip(blob.at + HEAD.size + TAG + 100)
    assert written.shown(1) == ["[the image/png was damaged and is not shown]"]


def test_a_record_told_twice_is_shown_once(written: Written) -> None:
    """A copy of a record behind it, or a whole file under another number, adds nothing."""
    written.pen().stream(1, "a")
    content = written.file().read_bytes()
    written.file().write_bytes(content + content[len(MAGIC) :])
    (written.folder / FOLDER / "000002-000002").write_bytes(content)
    assert written.shown(1) == ["a"]


def test_a_copy_has_what_was_shown_so_far(written: Written, tmp_path: Path) -> None:
    """What the origin shows later does not appear in it."""
    written.pen().stream(1, "a")
    pen = written.pen()
    pen.stream(2, "b")
    other = Written(tmp_path / "copy")
    copied(str(written.folder), str(other.folder))
    pen.stream(2, "later")
    assert (other.shown(1), other.shown(2, life=2), written.shown(2, life=2)) == (["a"], ["b"], ["blater"])


def test_nothing_to_copy(written: Written, tmp_path: Path) -> None:
    """A session that showed nothing has no folder for it, nor has its copy."""
    other = Written(tmp_path / "copy")
    copied(str(written.folder), str(other.folder))
    assert not (other.folder / FOLDER).exists()


def test_what_cannot_be_written_leaves_the_file_as_it_was(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full in the middle of a record; what comes later is read."""
    pen = written.pen()
    pen.stream(1, "a")
    write = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda fd, data: write(fd, data[: len(data) // 2]))
        with pytest.raises(OSError, match="No space left"):
            pen.stream(1, "lost")
    pen.stream(1, "b")
    assert written.shown(1) == ["ab"]


def test_files_that_a_folded_one_holds_do_not_count(written: Written) -> None:
    """They, and what a kill left of a new one, are spent."""
    folder = written.folder / FOLDER
    folder.mkdir()
    for name in ("000001-000003", "000002-000002", "000004-000004", "000001-000003.new", "notes.txt"):
        (folder / name).write_bytes(MAGIC)
    assert [(first, last) for first, last, _ in files(str(written.folder))] == [(1, 3), (4, 4)]
    gone = spent(str(written.folder), 1, 3)
    assert sorted(os.path.basename(path) for path in gone) == ["000001-000003.new", "000002-000002"]


def test_the_record_is_for_its_owner_only(written: Written) -> None:
    """Mode 0600 in a folder of mode 0700."""
    written.pen().stream(1, "a")
    assert (written.file().stat().st_mode & 0o777, written.file().parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_no_record() -> None:
    """Where nothing was shown there is nothing to find."""
    with Record("/nowhere", SEAL) as record:
        assert (record.find(1), record.last()) == (None, None)
