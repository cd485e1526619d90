"""A stream that leaves the memory a MiB at a time."""

from __future__ import annotations

import random

import pytest

from helpers.durable import Notebook
from holdfast.durable.faults import NotKept
from holdfast.durable.pickling.spool import Spool
from holdfast.durable.store.memory import MemoryStore
from holdfast.durable.store.port import CHUNK

#: Text of several MiB in small pieces, then a value that stops the pickler, deep in a container.
LONG = "rows = [{'number': i, 'text': f'row {i}'} for i in range(150_000)]"
DEEP = (
    "deep = [list(map(str, range(400_000)))]\nend = deep\nfor _ in range(100_000):\n    end.append([]); end = end[-1]"
)


class Shelf:
    """Where full pieces go."""

    def __init__(self) -> None:
        self.pieces: dict[bytes, bytes] = {}

    def put(self, piece: memoryview) -> bytes:
        """Keep a piece under a number."""
        assert piece.nbytes == CHUNK
        name = b"%d" % len(self.pieces)
        self.pieces[name] = bytes(piece)
        return name

    def whole(self, spool: Spool) -> bytes:
        """The stream as it would be read."""
        return b"".join([*(self.pieces[name] for name in spool.pieces), spool.rest()])


@pytest.mark.parametrize("seed", range(20))
def test_a_stream_is_what_was_written_and_not_taken_back(seed: int) -> None:
    """Writes of any size, a mark now and then, and ways back to it, within a piece and across several."""
    chance, shelf, expected, mark = random.Random(seed), Shelf(), b"", 0
    spool = Spool(shelf.put)
    for _ in range(60):
        match chance.choice("wwwwmb"):
            case "w":
                data = chance.randbytes(chance.choice((1, 100, 60_000, CHUNK - 1, CHUNK, 3 * CHUNK + 5)))
                assert spool.write(data) == len(data)
                expected += data
            case "m":
                spool.mark()
                mark = len(expected)
            case _:
                spool.back()
                expected = expected[:mark]
        assert len(spool.rest()) < CHUNK
        assert len(spool.pieces) * CHUNK + len(spool.rest()) == len(expected)
    assert shelf.whole(spool) == expected


def test_without_a_store_the_stream_stays_in_one() -> None:
    """Whoever wants bytes gets them."""
    spool = Spool(None)
    spool.write(b"x" * (3 * CHUNK))
    assert (spool.pieces, len(spool.rest())) == ([], 3 * CHUNK)


class Watched(MemoryStore):
    """A store that notes what it is handed, and may have a full disk."""

    full = False

    def __init__(self) -> None:
        super().__init__()
        self.longest = self.put_bytes = 0

    def put(self, data: memoryview, *, within_budget: bool = False) -> bytes:
        """Note the size."""
        if self.full:
            raise NotKept("memory", "database or disk is full")
        self.put_bytes += data.nbytes
        return super().put(data)

    def commit(self, commit: object) -> int:
        """Note the longest part of a stream that a record still holds."""
        self.longest = max([self.longest, *(len(record.stream) for record in commit.records)])  # type: ignore[attr-defined]
        return super().commit(commit)  # type: ignore[arg-type]


def test_the_graph_of_a_long_list_goes_through_pieces() -> None:
    """No record holds more than one of them, and the list is there after a restart."""
    store = Watched()
    notebook = Notebook(store)
    notebook.run(LONG)
    assert store.longest < CHUNK < store.put_bytes
    other, _ = notebook.restored()
    assert other.namespace.dict["rows"] == notebook.namespace.dict["rows"]


def test_a_value_that_cannot_be_pickled_takes_its_pieces_back() -> None:
    """What had left for it is no part of the stream, and what is beside it is whole."""
    notebook = Notebook(Watched())
    notebook.run(f"{LONG}\n{DEEP}\nboth = [rows, deep]")
    other, report = notebook.restored()
    assert other.namespace.dict["rows"] == notebook.namespace.dict["rows"]
    assert [kind for _, kind, reason in report.lost if "nested too deeply" in reason] == ["list", "list"]


def test_a_full_disk_is_no_fault_of_the_value() -> None:
    """The commit fails as a whole, and the next one keeps the value."""
    store = Watched()
    notebook = Notebook(store)
    store.full = True
    notebook.run(LONG)
    assert "disk is full" in notebook.failed
    store.full = False
    notebook.run("pass")
    assert not notebook.failed
    other, report = notebook.restored()
    assert (len(other.namespace.dict["rows"]), report.lost) == (150_000, ())  # type: ignore[arg-type]
