"""A session whose files were changed under it: refused or named, never unpickled, and the kernel lives.

Each test hurts the files of a session that a kernel left, and looks at what the person at the next one sees.
"""

from __future__ import annotations

import os
import pickle
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from helpers import crash_kernel
from helpers.kernel import Kernel, Process, Result
from helpers.stores import cell, flip
from holdfast.durable.folder import ASIDE, folder_of, open_session
from holdfast.durable.keys import KEY_NAME, Seal
from holdfast.durable.store.ledger import DELTAS
from holdfast.durable.store.schema import DATABASE, PACKS

NAME = "tampered"
#: A value in the database, one whose stream lies in a pack, one with bytes of its own that are read, one that is
#: mapped: each is a component of its own.
CELLS = (
    "import numpy as np",
    "small = {'k': [1, 2]}",
    "stream = [str(i) for i in range(50_000)]",
    "read = np.arange(100_000.)",
    "mapped = np.arange(3_000_000.); view = mapped[5:10]",
    "def f(): return small",
    "'a result'",
)
VALUES = "print(small, len(stream), float(read.sum()), float(mapped.sum()), view.tolist(), f() is small)"
EXPECTED = "{'k': [1, 2]} 50000 4999950000.0 4499998500000.0 [5.0, 6.0, 7.0, 8.0, 9.0] True\n"


class Home:
    """A HOLDFAST_HOME, and kernels on its one session."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "home"
        self.environment = {
            "HOLDFAST_DURABILITY": "process",
            "HOLDFAST_HOME": str(self.path),
            "HOLDFAST_SESSION": NAME,
        }

    @contextmanager
    def kernel(self, foreign: Path | None = None) -> Iterator[Kernel]:
        """A kernel that must live to the end of the block, and end well; `foreign` looks like someone else's to it."""
        environment, program = self.environment, ["-m", "holdfast"]
        if foreign is not None:
            environment, program = {**environment, "CRASH_FOREIGN": str(foreign)}, [crash_kernel.__file__]
        process = Process(self.folder, environment=environment, program=program)
        with Kernel(self.folder, process=process) as kernel:
            yield kernel
            assert kernel.run("21 * 2").result == "42"

    @property
    def session(self) -> Path:
        """The session's folder."""
        return Path(folder_of(self.path, NAME))

    @property
    def database(self) -> Path:
        """Its database."""
        return self.session / DATABASE

    @property
    def pack(self) -> Path:
        """Its pack."""
        return self.session / PACKS / "00000001.pack"

    def aside(self) -> list[str]:
        """What was moved aside."""
        return sorted(os.listdir(self.path / ASIDE)) if (self.path / ASIDE).exists() else []

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What the database holds."""
        with closing(sqlite3.connect(self.database)) as db:
            return db.execute(query, values).fetchall()

    def change(self, statement: str, *values: object) -> None:
        """Change the database as someone would who has no key."""
        with closing(sqlite3.connect(self.database)) as db, db:
            assert db.execute(statement, values).rowcount == 1

    def version(self, name: str) -> int:
        """The version of the component that holds a variable."""
        names: dict[str, int] = {}
        for (delta,) in self.rows("select delta from commits order by number"):
            names.update(msgspec.json.decode(delta)[0])
        return names[name]

    def place(self, name: str) -> int:
        """Where in the pack the first chunk of that component lies."""
        ((layout,),) = self.rows("select layout from records where version = ?", self.version(name))
        digest = msgspec.msgpack.decode(layout)[0][1][:32]
        ((offset,),) = self.rows("select offset from chunks where digest = ?", digest)
        return int(offset)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose kernel was shut down after some cells."""
    folder = tmp_path_factory.mktemp("original")
    home = Home(folder)
    with home.kernel() as kernel:
        for code in CELLS:
            assert kernel.run(code).reply["status"] == "ok"
    return home.path


@pytest.fixture
def home(original: Path, tmp_path: Path) -> Home:
    """A copy of it, to be hurt."""
    shutil.copytree(original, tmp_path / "home")
    return Home(tmp_path)


def said(result: Result) -> str:
    """What the person sees below a cell."""
    return result.stderr + "".join(str(m.content["data"]["text/plain"]) for m in result.of_type("display_data"))


def test_untouched_files_come_back(home: Home) -> None:
    """What the other tests hurt comes back when nobody hurts it."""
    with home.kernel() as kernel:
        result = kernel.run(VALUES)
        assert result.stdout == EXPECTED
        assert "could not be kept" not in said(result)
    assert home.aside() == []


@pytest.mark.parametrize("name", ["stream", "read"])
def test_a_byte_of_what_is_read(name: str, home: Home) -> None:
    """The one value is lost and named in the banner, all others are there, and it can be made and kept again."""
    flip(home.pack, home.place(name) + 1000)
    code = next(code for code in CELLS if code.startswith(name))
    with home.kernel() as kernel:
        result = kernel.run("small, len(view)")
        assert result.result == "({'k': [1, 2]}, 5)"
        assert f"1 could not be kept: {name}" in said(result)
        touched = kernel.run(f"len({name})")
        assert touched.error == "LostValueError"
        assert "not what was written" in touched.reply["evalue"]
        kernel.run(code)
    with home.kernel() as kernel:
        result = kernel.run(VALUES)
        assert result.stdout == EXPECTED


def test_a_byte_of_what_is_mapped(home: Home) -> None:
    """It is found beside the cells: the array and what shares its memory become lost values, and a sentence says so."""
    flip(home.pack, home.place("mapped") + 9_000_000)
    with home.kernel() as kernel:
        seen = ""
        while "lost:" not in seen:
            seen += said(kernel.run("pass"))
        assert "lost: mapped, view (its bytes on the disk are not what was written)" in seen
        assert [kernel.run(f"len({name})").error for name in ("mapped", "view")] == ["LostValueError"] * 2
        assert kernel.run("len(read)").result == "100000"
    with home.kernel() as kernel:
        assert kernel.run("small, len(stream)").result == "({'k': [1, 2]}, 50000)"
        assert kernel.run("mapped").result.startswith("<LostValue")  # type: ignore[union-attr]
        kernel.run(CELLS[4])
    with home.kernel() as kernel:
        assert kernel.run(VALUES).stdout == EXPECTED


def test_a_byte_of_a_record(home: Home) -> None:
    """A record that was changed is lost by name; the others are there."""
    version = home.version("small")
    ((stream,),) = home.rows("select stream from records where version = ?", version)
    assert isinstance(stream, bytes)
    home.change("update records set stream = ? where version = ?", stream[:-1] + b"?", version)
    with home.kernel() as kernel:
        result = kernel.run("len(stream), len(read)")
        assert result.result == "(50000, 100000)"
        assert "could not be kept: small" in said(result)
        assert "changed by someone without your key" in kernel.run("small['k']").reply["evalue"]


def test_a_record_in_the_place_of_another(home: Home) -> None:
    """An authentic record under another version is as good as a forged one."""
    here, there = home.version("small"), home.version("read")
    (other,) = home.rows("select stream, layout, meta, tag from records where version = ?", there)
    home.change("update records set (stream, layout, meta, tag) = (?, ?, ?, ?) where version = ?", *other, here)
    with home.kernel() as kernel:
        assert "could not be kept: small" in said(kernel.run("len(read)"))


def test_a_byte_of_a_commit_before_the_last_whole_manifest(home: Home) -> None:
    """The history is lost by name; no value depends on it."""
    with home.kernel() as kernel:
        for _ in range(DELTAS):
            kernel.run("small['n'] = 1")
        kernel.run("del small['n']")
    old_commit(home)
    with home.kernel() as kernel:
        result = kernel.run(VALUES)
        assert (result.stdout, "could not be kept: In" in said(result)) == (EXPECTED, True)


def newest_commit(home: Home) -> None:
    """The names of the newest commit lead elsewhere."""
    home.change("update commits set delta = ? where number = (select max(number) from commits)", b'[{"small":1},{}]')


def old_commit(home: Home) -> None:
    """An old commit says that another cell was run."""
    home.change("update commits set code = ? where number = 2", b"rm -rf")


def missing_commit(home: Home) -> None:
    """A commit is taken out of the middle."""
    home.change("delete from commits where number = 3")


def identity(home: Home) -> None:
    """The session says that it is another one."""
    home.change("update about set name = ?", b"another")


def header(home: Home) -> None:
    """A byte at the beginning of the database."""
    flip(home.database, 3)


def half_a_database(home: Home) -> None:
    """The second half of the database is gone."""
    os.truncate(home.database, home.database.stat().st_size // 2)


def empty_database(home: Home) -> None:
    """All of it is gone."""
    os.truncate(home.database, 0)


def no_database(home: Home) -> None:
    """Not even the file is there."""
    home.database.unlink()


def half_a_pack(home: Home) -> None:
    """The second half of the pack is gone."""
    os.truncate(home.pack, home.pack.stat().st_size // 2)


def no_pack(home: Home) -> None:
    """The pack is gone."""
    home.pack.unlink()


def pack_of_another(home: Home) -> None:
    """The first page of the pack is not this session's."""
    flip(home.pack, 20)


@pytest.mark.parametrize(
    "hurt",
    [
        *(newest_commit, old_commit, missing_commit, identity),
        *(header, half_a_database, empty_database, no_database),
        *(half_a_pack, no_pack, pack_of_another),
    ],
)
def test_a_store_that_is_refused(hurt: Callable[[Home], None], home: Home) -> None:
    """Nothing of it is loaded, it is moved aside, a sentence says where, and a fresh session is kept from then on."""
    hurt(home)
    with home.kernel() as kernel:
        result = kernel.run("'small' in globals()")
        assert result.result == "False"
        (moved,) = home.aside()
        assert "nothing was loaded from it" in said(result)
        assert f"it was moved to {home.path / ASIDE / moved}" in said(result)
        assert said(kernel.run("fresh = [1]")) == ""
    with home.kernel() as kernel:
        assert kernel.run("fresh, 'small' in globals()").result == "([1], False)"


def test_a_session_that_cannot_be_restored_is_left_alone(home: Home) -> None:
    """Authentic and no sense to us: the kernel starts, says so, and puts nothing into it."""
    session = open_session(home.path, NAME)
    session.store.commit(cell(8, names={}, state=b"no JSON"))
    session.close()
    before = home.rows("select count(*) from commits")
    with home.kernel() as kernel:
        result = kernel.run("x = 1; 'small' in globals()")
        assert result.result == "False"
        assert "could not be restored and is left as it is, nothing is kept" in said(result)
    assert home.rows("select count(*) from commits") == before


def test_a_byte_of_the_key(home: Home) -> None:
    """The session is left untouched, one beside it is kept, and the right key brings it back."""
    flip(home.path / KEY_NAME, 7)
    before = {path: path.read_bytes() for path in (home.database, home.pack)}
    with home.kernel() as kernel:
        result = kernel.run("'small' in globals()")
        assert result.result == "False"
        assert "it was sealed with another key than yours; it was left untouched; put the key file" in said(result)
        kernel.run("other = 1")
    with home.kernel() as kernel:
        assert kernel.run("other").result == "1"
    assert {path: path.read_bytes() for path in before} == before
    flip(home.path / KEY_NAME, 7)
    with home.kernel() as kernel:
        assert kernel.run(VALUES).stdout == EXPECTED


def short_key(home: Home) -> str:
    """The key lost a byte."""
    os.truncate(home.path / KEY_NAME, 31)
    return "it does not hold 32 bytes"


def readable_key(home: Home) -> str:
    """Others may read the key."""
    (home.path / KEY_NAME).chmod(0o644)
    return "others may read or write it (mode 0644)"


@pytest.mark.parametrize("hurt", [short_key, readable_key])
def test_a_key_that_is_not_trusted(hurt: Callable[[Home], str], home: Home) -> None:
    """Nothing is loaded or kept, the sentence says what to do, and cells run."""
    reason = hurt(home)
    database = home.database.read_bytes()
    with home.kernel() as kernel:
        result = kernel.run("'small' in globals()")
        assert result.result == "False"
        assert "nothing of this session will be kept: cannot use the key" in said(result)
        assert reason in said(result)
    assert home.database.read_bytes() == database


@pytest.mark.parametrize("whose", ["session", "path"], ids=["the session", "the whole home"])
def test_a_folder_of_another_user(whose: str, home: Home) -> None:
    """It is left as it is, and the sentence says whose it is."""
    folder: Path = getattr(home, whose)
    before = home.database.read_bytes()
    if os.geteuid() == 0:
        os.chown(folder, 12345, 12345)
    with home.kernel(foreign=folder) as kernel:
        result = kernel.run("'small' in globals()")
        assert result.result == "False"
        assert "it belongs to user" in said(result)
        assert "HOLDFAST_HOME to a folder of your own" in said(result) or "that you can write" in said(result)
    assert home.database.read_bytes() == before


def test_modes_that_let_others_in_are_taken_back(home: Home) -> None:
    """What was opened to others is the owner's alone again after the next start."""
    paths = [home.path, home.session, home.session / PACKS, home.database, home.pack]
    for path in paths:
        path.chmod(0o777)
    with home.kernel() as kernel:
        assert kernel.run(VALUES).stdout == EXPECTED
    assert [oct(path.stat().st_mode & 0o077) for path in paths] == [oct(0)] * len(paths)


class Evil:
    """Its pickle makes a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.file),)


@pytest.mark.parametrize("sealed", [False, True], ids=["without the key", "with the key"])
def test_a_planted_record_is_not_unpickled(sealed: bool, home: Home) -> None:
    """Bytes without the right seal are not even looked at; with it, they would have run: so the test can fail."""
    made = home.folder / "it ran"
    version = home.version("small")
    stream = pickle.dumps(Evil(made), 5)
    ((kind, key, layout, meta, tag, ident),) = home.rows(
        "select kind, records.key, layout, meta, records.tag, ident from records, about where version = ?", version
    )
    if sealed:
        assert isinstance(ident, bytes)
        body = msgspec.msgpack.encode((version, kind, key, stream, layout, meta))
        tag = Seal((home.path / KEY_NAME).read_bytes(), ident).tag(b"record", body)
    home.change("update records set stream = ?, tag = ? where version = ?", stream, tag, version)
    with home.kernel() as kernel:
        assert "could not be kept: small" in said(kernel.run("len(read)"))
    assert made.exists() == sealed


def test_a_pickle_planted_in_a_pack_is_not_unpickled(home: Home) -> None:
    """A long stream lies in the pack, under its digest: other bytes there are not looked at."""
    made = home.folder / "it ran"
    with home.pack.open("r+b") as file:
        file.seek(home.place("stream"))
        file.write(pickle.dumps(Evil(made), 5))
    with home.kernel() as kernel:
        assert "could not be kept: stream" in said(kernel.run("len(read)"))
    assert not made.exists()
