"""What every store does, on disk and in memory: one suite, run on each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from helpers.stores import DATE, MIB, cell, component, noise, stored
from holdfast.durable import folder
from holdfast.durable.faults import Absent, NotKept
from holdfast.durable.folder import Session, open_session
from holdfast.durable.store.memory import MemoryStore
from holdfast.durable.store.port import Buffer, Commit, Head, LogEntry, PromiseRow, Record, Store
from holdfast.durable.store.schema import Durability


class Life:
    """A store that can be closed and found again."""

    def __init__(self, open_first: Callable[[], Store], open_again: Callable[[Store], Store]) -> None:
        self.store = open_first()
        self._open_again = open_again

    def restart(self) -> Store:
        """Close the store and open what a new process would find."""
        self.store = self._open_again(self.store)
        return self.store

    def twice(self) -> Iterator[Store]:
        """The store as it is, then as a new process would find it."""
        yield self.store
        yield self.restart()


@pytest.fixture(params=["memory", "full", "process", "network"])
def life(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Life]:
    """Each implementation, the one on disk in both modes and as on a file system of the network."""
    monkeypatch.setattr(folder, "on_network", lambda place: request.param == "network")
    durability: Durability = "process" if request.param == "process" else "full"
    sessions: list[Session] = []

    def start() -> Store:
        sessions.append(open_session(tmp_path, "s", durability))
        return sessions[-1].store

    def again(store: Store) -> Store:
        sessions.pop().close()
        return start()

    def memory_again(store: Store) -> Store:
        assert isinstance(store, MemoryStore)
        return store.reopened()

    made = Life(MemoryStore, memory_again) if request.param == "memory" else Life(start, again)
    yield made
    made.store.close()
    for session in sessions:
        session.close()


def test_a_new_store_is_empty(life: Life) -> None:
    """Before the first commit there is no head, no log, no promise."""
    store = life.store
    assert store.head() is None
    assert (list(store.log()), list(store.states()), list(store.promise_rows())) == ([], [], [])


def test_a_commit_is_there_after_a_restart(life: Life) -> None:
    """The head has number, counts, manifest and state of the newest commit."""
    assert life.store.commit(cell(7, component(3), tokens={"t1": 3}, state=b'{"out":1}', epoch=2)) == 1
    head = life.store.head()
    assert head == Head(1, 7, 2, 3, DATE, {"v3": 3}, {"t1": 3}, b'{"out":1}')
    assert life.restart().head() == head


def test_manifests_are_the_sum_of_their_deltas(life: Life) -> None:
    """Names that a commit does not speak of stay; None deletes; a deleted name that is not there is no error."""
    life.store.commit(cell(1, component(1), component(2), tokens={"a": 1, "b": 2}))
    life.store.commit(cell(2, component(3), names={"v1": None, "n": 3, "ghost": None}, tokens={"a": None, "b": 3}))
    for store in (life.store, life.restart()):
        head = store.head()
        assert head is not None
        assert (head.names, head.tokens, head.version) == ({"v2": 2, "n": 3}, {"b": 3}, 3)


def test_many_commits_end_in_the_same_manifest(life: Life) -> None:
    """Past several whole manifests, a restart finds every name at its newest version."""
    expected: dict[str, int] = {}
    for number in range(1, 201):
        name = f"n{number % 7}"
        if number % 11:
            life.store.commit(cell(number, component(number), names={name: number}))
            expected[name] = number
        else:
            life.store.commit(cell(number, names={name: None}))
            expected.pop(name, None)
    head = life.restart().head()
    assert head is not None
    assert (head.number, head.version, head.names) == (200, 200, expected)


def test_any_commit_can_be_looked_at(life: Life) -> None:
    """The manifest, state and parent as of each commit, before and after a whole manifest, are those it had then."""
    expected: list[Head] = []
    for number in range(1, 71):
        record = () if number % 11 == 0 else (component(number),)
        names = {f"n{number % 7}": None if number % 11 == 0 else number}
        life.store.commit(cell(number, *record, names=names, tokens={"t": number}, state=b"%d" % number))
        head = life.store.head()
        assert head is not None
        expected.append(head)
    for store in life.twice():
        assert [store.at(number) for number in range(1, 71)] == expected


@pytest.mark.parametrize("number", [-1, 0, 3])
def test_a_commit_that_was_never_made_is_absent(number: int, life: Life) -> None:
    """And the sentence says which there are."""
    with pytest.raises(Absent, match=f"no commit {number} in this session: nothing was committed yet"):
        life.store.at(number)
    life.store.commit(cell(1))
    life.store.commit(cell(2))
    with pytest.raises(Absent, match=f"no commit {number} in this session: they go from 1 to 2"):
        life.store.at(number)


def test_a_commit_says_which_one_it_changed(life: Life) -> None:
    """The newest, unless another is named; head, history and `at` tell, also after a restart."""
    for number in range(1, 4):
        life.store.commit(cell(number, component(number)))
    life.store.commit(replace(cell(4), parent=2))
    life.store.commit(cell(5))
    for store in life.twice():
        head = store.head()
        assert head is not None
        assert head.parent == 4
        assert [entry.parent for entry in store.log()] == [0, 1, 2, 2, 4]
        assert [store.at(number).parent for number in range(1, 6)] == [0, 1, 2, 2, 4]


def test_commits_go_on_after_a_restart(life: Life) -> None:
    """Numbers go up by one over restarts, and old records stay readable."""
    assert life.store.commit(cell(1, component(1, b"one"))) == 1
    assert life.restart().commit(cell(2, component(2, b"two"))) == 2
    store = life.restart()
    assert [store.record(version).stream for version in (1, 2)] == [b"one", b"two"]


STREAMS = {
    "empty": b"",
    "small": b"abc",
    "below the limit": noise((1 << 16) - 1),
    "at the limit": noise(1 << 16),
    "above a chunk": noise(MIB + 1),
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS.keys())
def test_a_record_comes_back_as_it_was(life: Life, stream: bytes) -> None:
    """Stream, buffers, kind, key and meta survive whatever their size."""
    buffer = stored(life.store, noise(3 * MIB + 5, 1))
    record = Record(9, "definition", "token é\ud800", stream, (buffer, Buffer(0, ())), b'{"m":[1]}')
    life.store.commit(cell(1, record, names={}))
    assert life.store.record(9) == record
    assert life.restart().record(9) == record


SIZES = [0, 1, 4095, 4096, 4097, MIB - 1, MIB, MIB + 1, 5 * MIB + 17, 17 * MIB + 3]


@pytest.mark.parametrize("size", SIZES)
def test_a_buffer_comes_back_as_it_was(life: Life, size: int) -> None:
    """Buffers of every size around pages, chunks and the limit of mapping are read, and verified, as written."""
    data = noise(size, size)
    buffer = stored(life.store, data)
    life.store.commit(cell(1, component(1, buffers=(buffer,))))
    store = life.restart()
    assert store.read(buffer, writable=False) == data
    assert store.verify(buffer)


def test_a_buffer_is_readable_before_its_commit(life: Life) -> None:
    """What was put can be read at once."""
    data = noise(2 * MIB)
    assert life.store.read(stored(life.store, data), writable=False) == data


def test_writing_to_a_buffer_changes_nothing_in_the_store(life: Life) -> None:
    """A writable buffer is the reader's own, mapped (17 MiB) or read (1 MiB)."""
    for size in (MIB, 17 * MIB):
        data = noise(size, size)
        buffer = stored(life.store, data)
        life.store.commit(cell(1, component(size, buffers=(buffer,))))
        view = life.store.read(buffer, writable=True)
        view[:4] = b"mine"
        assert life.store.read(buffer, writable=False) == data
        assert life.store.verify(buffer)
        assert bytes(view[:4]) == b"mine"


def test_a_buffer_that_is_not_writable_refuses_writing(life: Life) -> None:
    """`writable=False` gives a read-only view."""
    for size in (10, 17 * MIB):
        assert life.store.read(stored(life.store, noise(size, size)), writable=False).readonly


def test_a_buffer_outlives_the_store(life: Life) -> None:
    """What was read or mapped stays valid after close."""
    for size in (MIB, 17 * MIB):
        data = noise(size, size)
        view = life.store.read(stored(life.store, data), writable=True)
        life.restart()
        assert view == data


def test_equal_chunks_are_kept_once(life: Life) -> None:
    """The second array with the same bytes costs no more than its record."""
    data = noise(4 * MIB)
    first = stored(life.store, data)
    life.store.commit(cell(1, component(1, buffers=(first,))))
    before = life.store.size()
    second = stored(life.store, data)
    life.store.commit(cell(2, component(2, buffers=(second,))))
    assert second == first
    assert life.store.size() - before < 100_000


def test_what_was_put_without_a_commit_is_gone_after_a_restart(life: Life) -> None:
    """Chunks are durable only with a commit; afterwards they can be put again."""
    data = noise(2 * MIB)
    buffer = stored(life.store, data)
    store = life.restart()
    assert not store.verify(buffer)
    with pytest.raises(Absent):
        store.read(buffer, writable=False)
    store.commit(cell(1, component(1, buffers=(stored(store, data),))))
    assert life.restart().read(buffer, writable=False) == data


def test_a_record_may_not_refer_to_a_chunk_that_is_not_there(life: Life) -> None:
    """Such a commit is refused and leaves nothing behind."""
    with pytest.raises(Absent):
        life.store.commit(cell(1, component(1, buffers=(Buffer(5, (b"\0" * 32,)),))))
    assert life.restart().head() is None


def test_a_version_is_never_written_twice(life: Life) -> None:
    """A commit with a version that exists is refused whole; the one before stays."""
    life.store.commit(cell(1, component(1, b"first")))
    with pytest.raises(NotKept):
        life.store.commit(cell(2, component(2), component(1, b"second")))
    store = life.restart()
    head = store.head()
    assert head is not None
    assert head.number == 1
    assert store.record(1).stream == b"first"
    with pytest.raises(Absent):
        store.record(2)


def test_the_commit_after_a_failed_one_succeeds(life: Life) -> None:
    """Numbers have no hole, and chunks put for the failed commit serve the next one."""
    data = noise(2 * MIB)
    buffer = stored(life.store, data)
    life.store.commit(cell(1, component(1)))
    with pytest.raises(NotKept):
        life.store.commit(cell(2, component(1)))
    assert life.store.commit(cell(3, component(2, buffers=(buffer,)))) == 2
    assert life.restart().read(buffer, writable=False) == data


def test_an_unknown_version_is_absent(life: Life) -> None:
    """Asking for a version that was never stored says so."""
    with pytest.raises(Absent, match="version 4"):
        life.store.record(4)


def test_the_log_tells_each_commit(life: Life) -> None:
    """Entries are in order, with code as it was typed and the names bound and deleted."""
    life.store.commit(cell(1, component(1), code="x = '\ud800é'"))
    life.store.commit(Commit(2, 3, "boom", "error", DATE, (), {"v1": None}, {}, b"", ("", "", b"")))
    expected = [
        LogEntry(1, 1, 1, "x = '\ud800é'", "ok", DATE, ("v1",), ()),
        LogEntry(2, 2, 3, "boom", "error", DATE, (), ("v1",), 1),
    ]
    assert list(life.store.log()) == expected
    assert list(life.restart().log()) == expected
    assert [list(life.store.log(newest)) for newest in (0, 1, 2, 3)] == [[], expected[1:], expected, expected]


def test_states_are_told_from_any_commit_on(life: Life) -> None:
    """`states(after)` gives the states of later commits with their numbers."""
    for number in range(1, 4):
        life.store.commit(cell(number, state=b"s%d" % number))
    store = life.restart()
    assert list(store.states()) == [(1, b"s1"), (2, b"s2"), (3, b"s3")]
    assert list(store.states(2)) == [(3, b"s3")]
    assert list(store.states(3)) == []


def test_promises_are_rows_of_their_commits(life: Life) -> None:
    """A commit's promise is there with it; an empty id keeps none; the same id is replaced."""
    life.store.commit(cell(1))
    life.store.commit(Commit(2, 1, "", "ok", DATE, (), {}, {}, b"", ("", "", b"")))
    life.store.commit(Commit(3, 1, "", "ok", DATE, (), {}, {}, b"", ("k1-e1-c1-0123", "rejected", b"null")))
    store = life.restart()
    assert list(store.promise_rows()) == [PromiseRow("k1-e1-c1-0123", "rejected", b"null", 3)]
    assert store.promise("k1-e1-c1-0123") == PromiseRow("k1-e1-c1-0123", "rejected", b"null", 3)
    assert store.promise("k1-e1-c1") is store.promise("") is None


@pytest.mark.parametrize("size", [0, MIB + 1])
def test_a_chunk_has_a_size(life: Life, size: int) -> None:
    """Nothing, and more than a MiB, is not a chunk."""
    with pytest.raises(ValueError, match="1 to 1048576 bytes"):
        life.store.put(memoryview(bytes(size)))


def test_a_closed_store_keeps_nothing(life: Life) -> None:
    """Closing twice is allowed; committing and putting afterwards is refused, in words."""
    life.store.close()
    life.store.close()
    with pytest.raises(NotKept, match="closed"):
        life.store.commit(cell(1))
    with pytest.raises(NotKept, match="closed"):
        life.store.put(memoryview(b"x"))


def test_names_may_be_any_text(life: Life) -> None:
    """`globals()` takes names that are no identifiers."""
    names = {"": 1, "a b": 1, "é": 1, "\ud800": 1, "x" * 10_000: 1}
    life.store.commit(cell(1, component(1), names=names))
    head = life.restart().head()
    assert head is not None
    assert head.names == names


def test_a_big_buffer_in_several_places_comes_back_whole(life: Life) -> None:
    """A buffer whose chunks were stored by different commits reads as one, and writing to it stays private."""
    data = bytearray(noise(20 * MIB + 100))
    first = stored(life.store, data)
    life.store.commit(cell(1, component(1, buffers=(first,))))
    for index in (0, 7, 20):
        data[index * MIB + 50] ^= 1
    second = stored(life.store, data)
    life.store.commit(cell(2, component(2, buffers=(second,))))
    store = life.restart()
    view = store.read(second, writable=True)
    assert view == data
    view[:] = bytes(len(view))
    assert store.read(second, writable=False) == data
    assert store.verify(second)
    assert store.verify(first)
