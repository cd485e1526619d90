"""The work of a commit, counted: it must not grow with history, nor with names and values that a cell leaves alone."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import pytest
from msgspec.structs import replace

from helpers.durable import Notebook
from holdfast.durable import audit
from holdfast.durable.folder import open_session
from holdfast.durable.pickling.lost import Pickled, World
from holdfast.durable.store import schema, upkeep
from holdfast.durable.store.sqlite import SqliteStore
from holdfast.durable.world import codec

CELLS = ("1+1", "x = 1", "x = 7 * [x]", "y = sum([1, 2])", "def f(): return x", "pass", "shared.append(1)", "text[:3]")
BEGIN = "x, text, shared = 0, 'some text', []\nother = [shared]"


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Notebook]:
    """A notebook on a store on disk."""
    session = open_session(tmp_path, "work", "full")
    notebook = Notebook(session.store)
    notebook.run(BEGIN)
    yield notebook
    session.close()


def steps(notebook: Notebook, code: str) -> int:
    """Lines of Python and calls of C functions in the commit of a cell: the median of a few cells."""
    counts = []
    for _ in range(5):
        count = 0

        def trace(frame: FrameType, event: str, arg: object) -> Any:
            nonlocal count
            count += event in ("line", "c_call")
            return trace

        commit = notebook.committer.commit

        def counted(*arguments: Any, commit: Any = commit, trace: Any = trace) -> None:
            before = sys.gettrace(), sys.getprofile()
            sys.setprofile(trace)
            sys.settrace(trace)
            try:
                commit(*arguments)
            finally:
                sys.settrace(before[0])
                sys.setprofile(before[1])

        notebook.committer.commit = counted  # type: ignore[method-assign, assignment]
        try:
            notebook.run(code)
        finally:
            notebook.committer.commit = commit  # type: ignore[method-assign]
        assert not notebook.failed
        counts.append(count)
    return int(statistics.median(counts))


def test_the_work_does_not_grow_with_history(notebook: Notebook) -> None:
    """After hundreds of cells, their results and their inputs, a cell costs what it cost at first."""
    for code in CELLS:
        notebook.run(code)
    first = {code: steps(notebook, code) for code in CELLS}
    for number in range(300):
        notebook.run(f"{number} * 2.5")
    last = {code: steps(notebook, code) for code in CELLS}
    assert last == {code: pytest.approx(count, rel=0.05, abs=20) for code, count in first.items()}


def test_the_work_does_not_grow_with_the_namespace(notebook: Notebook) -> None:
    """Thousands of names and large values that no cell mentions cost nothing."""
    for code in CELLS:
        notebook.run(code)
    first = {code: steps(notebook, code) for code in CELLS}
    notebook.run("\n".join(f"name_{i} = [{i}]" for i in range(3000)))
    notebook.run("large = [bytearray(100_000) for _ in range(50)]")
    last = {code: steps(notebook, code) for code in CELLS}
    assert last == {code: pytest.approx(count, rel=0.05, abs=20) for code, count in first.items()}


class Untouchable(dict[Any, Any]):
    """Answers for one key, and refuses to be gone through."""

    def _refused(self) -> NoReturn:
        raise AssertionError("a commit went through the whole index")

    __iter__ = keys = values = items = copy = _refused


@pytest.mark.parametrize("code", CELLS)
def test_the_index_is_not_gone_through(code: str, notebook: Notebook) -> None:
    """Not by a function written in C either, whose steps nobody counts."""
    index = notebook.committer.index
    index.by_root, index.owner = Untouchable(index.by_root), Untouchable(index.owner)
    notebook.run(code)
    assert not notebook.failed


def statements(notebook: Notebook, code: str) -> list[str]:
    """The first words of the SQL of a commit."""
    assert isinstance(notebook.store, SqliteStore)
    database = notebook.store._db
    assert database is not None
    found: list[str] = []
    database.set_trace_callback(lambda statement: found.append(" ".join(statement.split()[:3])))
    notebook.run(code)
    database.set_trace_callback(None)
    return found


def test_a_cell_that_changed_nothing_is_one_statement(notebook: Notebook) -> None:
    """Its row, its promise and its history are one row, which is a transaction of its own."""
    notebook.run("1+1")
    assert statements(notebook, "1+1") == ["insert into commits"]
    assert statements(notebook, "pass") == ["insert into commits"]


def test_a_cell_that_binds_a_name_is_one_transaction(notebook: Notebook) -> None:
    """One record and one row."""
    records = ["begin immediate", "insert into records", "insert into commits", "commit"]
    assert statements(notebook, "fresh = 2") == records


def test_a_pack_is_flushed_when_something_was_written_to_it(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for each commit that did, and not at all by the others; the database flushes its own log."""
    flushed: list[int] = []
    monkeypatch.setattr(os, "fdatasync", flushed.append)
    notebook.run("import random\nlarge = random.randbytes(3_000_000)")
    assert len(flushed) == 1
    notebook.run("x = 1")
    notebook.run("1+1")
    assert len(flushed) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no such call")
@pytest.mark.parametrize(("durability", "parts"), [("full", 2), ("process", 0)])
def test_the_disk_has_begun_before_the_flush(
    durability: schema.Durability, parts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the next chunks are hashed and copied it writes the ones before, every byte once."""
    begun: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda descriptor, offset, size, advice: begun.append((offset, size)))
    with closing(open_session(tmp_path, "work", durability)) as session:
        Notebook(session.store).run("import random\nlarge = random.randbytes(9_000_000)")
    assert len(begun) == parts
    assert all(size >= 4 << 20 for _, size in begun)
    assert [offset for offset, _ in begun[1:]] == [offset + size for offset, size in begun[:-1]]


@pytest.mark.parametrize(("durability", "settled"), [("full", 1), ("process", 0)])
def test_a_new_store_is_flushed_by_its_first_commit(
    durability: schema.Durability, settled: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing waits for the disk when a kernel starts; a kernel that ended before its first commit left nothing."""
    flushed: list[int] = []
    open_session(tmp_path, "key").close()
    with monkeypatch.context() as context:
        context.setattr(os, "fsync", flushed.append)
        context.setattr(os, "fdatasync", flushed.append)
        open_session(tmp_path, "work", durability).close()
        session = open_session(tmp_path, "work", durability)
        assert not flushed
        notebook = Notebook(session.store)
        notebook.run("1+1")
        assert bool(flushed) == bool(settled)
        before = len(flushed)
        notebook.run("1+1")
        assert len(flushed) == before
        session.close()


class Dumps:
    """A codec that counts the streams it makes."""

    def __init__(self) -> None:
        self.count = 0
        self.codec = replace(codec(), dump=self.dump)
        self._dump = codec().dump

    def dump(self, values: dict[str, object], world: World) -> Pickled:
        """As the real one."""
        self.count += 1
        return self._dump(values, world)


def test_an_audit_pickles_no_number_and_no_short_text() -> None:
    """The same object is the same value, so thousands of them cost the audit nothing; what may change is pickled."""
    dumps = Dumps()
    notebook = Notebook(how=dumps.codec)
    notebook.run("\n".join(f"n{i}, t{i} = {i}.5, 'text {i}'" for i in range(50)) + "\nmutable = [1]")
    assert (notebook.audit(), dumps.count) == ((), 102)
    notebook.run("pass")
    before = dumps.count
    assert notebook.audit() == ()
    assert dumps.count == before + 1


def test_a_number_that_was_bound_elsewhere_is_found() -> None:
    """What is compared is the object, so another one at the name is noticed though no code named it."""
    notebook = Notebook()
    notebook.run("number = 1.5")
    notebook.namespace.dict["number"] = float("2.5")
    notebook.run("pass")
    assert notebook.audit() == ("number",)


def test_an_audit_gives_way_while_it_compares_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Among very many names even the comparison comes in parts."""
    monkeypatch.setattr(audit, "PART", 10)
    notebook = Notebook()
    notebook.run("\n".join(f"n{i} = {i}" for i in range(100)))
    looks = 0
    while not notebook.committer.audit(lambda: True).complete:
        looks += 1
    assert looks > 110


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is told by /proc")
def test_a_commit_holds_no_copy_of_an_array() -> None:
    """The peak of a process rises by some chunks of 1 MiB, not by the 256 MB that the cell made."""
    code = "from benchmarks.modes import peak; peak('process', 'numpy', 256)"
    folder = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder)
    added, before, _, stored = map(float, done.stdout.split())
    assert before > 240
    assert stored > 240
    assert added < 64


def test_idle_time_empties_the_log(notebook: Notebook) -> None:
    """What SQLite would copy in the middle of some cell is copied after the audit."""
    assert isinstance(notebook.store, SqliteStore)
    database = notebook.store._db
    assert database is not None
    for number in range(upkeep.OFTEN):
        notebook.run(f"x = {number}")
    found: list[str] = []
    database.set_trace_callback(found.append)
    notebook.audit()
    notebook.run("pass")
    notebook.audit()
    assert [statement for statement in found if "checkpoint" in statement] == ["pragma wal_checkpoint(passive)"]


def test_surroundings_changed_by_a_calm_cell_are_found() -> None:
    """Binding a name can end an object whose class does anything; the audit looks at what the commit need not."""
    notebook = Notebook()
    notebook.run("import random\nclass Last:\n    def __del__(self):\n        random.seed(7)\nx = Last()")
    notebook.run("x = 1")
    notebook.audit()
    expected = random.Random(7).getstate()
    state = random.getstate()
    random.seed(8)
    notebook.restored()
    assert random.getstate() == state == expected


@pytest.mark.parametrize(
    ("code", "looks"),
    [
        ("len(large)", 0),
        ("large.count([])", 0),
        ("len(large); large[0].append(1)", 1),
        ("large[5]", 1),
        ("f(large)", 1),
    ],
)
def test_a_pure_use_of_a_large_value_is_no_reason_to_look_at_it(code: str, looks: int, notebook: Notebook) -> None:
    """Though its check would be within the budget; any other use is."""
    notebook.run("large = [[i] for i in range(2000)]\ndef f(x): return len(x)")
    component = notebook.committer.index.by_root["large"]
    component.seconds = 0.001
    walked: list[frozenset[str]] = []
    draft = notebook.committer.publisher.draft

    def counted(survey: Any, *more: Any, **named: Any) -> Any:
        walked.extend(one.roots for one in survey.touched)
        return draft(survey, *more, **named)

    notebook.committer.publisher.draft = counted  # type: ignore[method-assign]
    notebook.run(code)
    assert sum("large" in roots for roots in walked) == looks
