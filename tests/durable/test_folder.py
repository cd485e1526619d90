"""Opening a session by name, whatever lies in its place."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from helpers.stores import MIB, cell, component, flip, noise, stored
from holdfast.durable.faults import BadSessionName, KeyUnusable, Locked, OtherOwner, Tampered, Unusable
from holdfast.durable.folder import ASIDE, SESSIONS, Session, folder_of, home, open_session
from holdfast.durable.keys import KEY_NAME
from holdfast.durable.store.schema import DATABASE, FORMAT, PACKS
from holdfast.errors import StoreError

NAME = "/work/notes.ipynb"
STREAM = b"the stream of the first component"


@pytest.fixture
def opened() -> Iterator[Callable[..., Session]]:
    """Open sessions that the test need not close."""
    sessions = []

    def open_it(*args: object, **kwargs: object) -> Session:
        sessions.append(open_session(*args, **kwargs))  # type: ignore[arg-type]
        return sessions[-1]

    yield open_it
    for session in sessions:
        session.close()


def seed(home: Path) -> Path:
    """Make a session with some commits and a pack; returns its folder."""
    session = open_session(home, NAME)
    buffer = stored(session.store, noise(3 * MIB))
    session.store.commit(cell(1, component(1, STREAM, (buffer,)), code="a = 1"))
    for number in range(2, 70):
        session.store.commit(cell(number, component(number), code=f"a = {number}"))
    session.close()
    return Path(session.folder)


def modes(folder: Path) -> set[str]:
    """The modes of everything in a folder."""
    return {f"{path.name}: {path.stat().st_mode & 0o777:o}" for path in [folder, *folder.rglob("*")]}


def test_everything_is_private(tmp_path: Path, opened: Callable[..., Session]) -> None:
    """Folders are 0700 and files 0600, whatever the umask, also those that SQLite makes."""
    old = os.umask(0)
    try:
        session = opened(tmp_path / "home", NAME)
        session.store.put(memoryview(b"x"))
        session.store.commit(cell(1))
    finally:
        os.umask(old)
    found = modes(tmp_path / "home")
    files = {DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", "lock", KEY_NAME, "00000001.pack"}
    assert {entry.rpartition(":")[0] for entry in found if entry.endswith(" 600")} == files
    assert {entry for entry in found if not entry.endswith((" 600", " 700"))} == set()


def test_open_folders_are_closed_to_others(tmp_path: Path, opened: Callable[..., Session]) -> None:
    """A folder that others could enter is made private again."""
    folder = seed(tmp_path)
    folder.chmod(0o755)
    assert opened(tmp_path, NAME).notices == ()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_session_is_found_again(tmp_path: Path, opened: Callable[..., Session]) -> None:
    """The second opening is not fresh, and other names lead elsewhere."""
    assert opened(tmp_path, NAME).fresh
    other = opened(tmp_path, "/elsewhere/notes.ipynb")
    other.store.commit(cell(1))
    other.close()
    again = opened(tmp_path, "/elsewhere/notes.ipynb")
    assert (again.fresh, again.branch_of, again.notices, again.name) == (False, "", (), "/elsewhere/notes.ipynb")


NAMES = {
    "/a/b/My Notes (1).ipynb": "My-Notes-1-.ipynb",
    "plain": "plain",
    "../../etc/passwd": "passwd",
    "..": "session",
    "C:\\x\\y.ipynb": "y.ipynb",
    "日本": "session",
    "a" * 300: "a" * 40,
    "/": "session",
}


@pytest.mark.parametrize(("name", "word"), NAMES.items(), ids=range(len(NAMES)))
def test_any_text_can_name_a_session(name: str, word: str, tmp_path: Path) -> None:
    """Its folder lies in `sessions`, has a readable word and a digest."""
    folder = Path(folder_of(tmp_path, name))
    assert folder.parent == tmp_path / SESSIONS
    assert folder.name.rpartition("-")[0] == word
    assert len(folder.name.rpartition("-")[2]) == 16


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\0b", "x" * 5000, "\ud800"])
def test_some_text_cannot(name: str, tmp_path: Path) -> None:
    """Nothing, control characters and very long names are refused in one line."""
    with pytest.raises(BadSessionName, match="no session can be named"):
        open_session(tmp_path, name)


HOMES = {
    "given": ({"HOLDFAST_HOME": "/x/y"}, "/x/y"),
    "XDG": ({"XDG_DATA_HOME": "/data"}, "/data/holdfast"),
    "neither": ({}, str(Path.home() / ".local/share/holdfast")),
}


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="the folders of this table are Linux's")
@pytest.mark.parametrize(("environ", "expected"), HOMES.values(), ids=HOMES.keys())
def test_home_is_where_the_platform_keeps_data(environ: dict[str, str], expected: str) -> None:
    """HOLDFAST_HOME first, then XDG, then the usual place."""
    assert home(environ) == expected


def change(query: str, *values: object) -> Callable[[Path], None]:
    """Return a change to the database by somebody without the key."""

    def act(folder: Path) -> None:
        db = sqlite3.connect(folder / DATABASE)
        try:
            with db:
                assert db.execute(query, values).rowcount != 0
        finally:
            db.close()

    return act


def pack(folder: Path) -> Path:
    """The session's only pack."""
    return folder / PACKS / "00000001.pack"


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte of the last manifest": (change("update manifests set names = replace(names, 'v1', 'v2')"), "manifest"),
    "a delta": (change("update commits set delta = ? where number = 66", b'[{"v1":2},{}]'), "commit 66"),
    "the code of the last cell": (change("update commits set code = ? where number = 69", b"a = 0"), "commit 69"),
    "the state": (change("update commits set state = ? where number = 69", b"[]"), "commit 69"),
    "the pack's committed end": (change("update commits set tail = 4096 where number = 69"), "commit 69"),
    "a tag of another type": (change("update commits set tag = 7 where number = 69"), "commit 69"),
    "a commit taken out": (change("delete from commits where number = 67"), "commit 67 is missing"),
    "two commits exchanged": (
        change("update commits set number = 200 where number = 67"),
        "commit 67 is missing",
    ),
    "every commit taken out": (change("delete from commits"), "commit 64 is missing"),
    "the session's name": (change("update about set name = ?", b"other"), "without your key"),
    "the identity": (change("update about set ident = ?", b"0" * 16), "without your key"),
    "a second identity": (change("insert into about select * from about"), "which session it is"),
    "a table dropped": (change("drop table packs"), "no such table"),
    "the application": (change("pragma application_id = 5"), "not a database of Holdfast"),
    "the first byte of the database": (lambda folder: flip(folder / DATABASE, 0), "not a database"),
    "a database cut in half": (lambda folder: os.truncate(folder / DATABASE, 20_000), "malformed"),
    "an empty database": (lambda folder: os.truncate(folder / DATABASE, 0), "not a database of Holdfast"),
    "text for a database": (lambda folder: (folder / DATABASE).write_text("hello" * 1000), "not a database"),
    "no database": (lambda folder: (folder / DATABASE).unlink(), "session.sqlite is missing"),
    "a pack cut short": (lambda folder: os.truncate(pack(folder), 2 * MIB), "bytes where"),
    "an empty pack": (lambda folder: os.truncate(pack(folder), 0), "not that of a pack of this session"),
    "a pack's first page": (lambda folder: flip(pack(folder), 20), "not that of a pack of this session"),
    "no pack": (lambda folder: pack(folder).unlink(), "No such file"),
}


@pytest.mark.parametrize(("damage", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_a_store_that_was_changed_is_moved_aside(
    damage: Callable[[Path], object], said: str, tmp_path: Path, opened: Callable[..., Session]
) -> None:
    """Nothing of it is loaded; a fresh session takes its place and a sentence says what, which and where to."""
    folder = seed(tmp_path)
    damage(folder)
    session = opened(tmp_path, NAME)
    (notice,) = session.notices
    assert said in notice
    assert str(folder) in notice
    (aside,) = (tmp_path / ASIDE).iterdir()
    assert notice.endswith(f"it was moved to {aside}")
    assert (session.fresh, session.folder, session.store.head()) == (True, str(folder), None)
    session.store.commit(cell(1))
    session.close()
    assert opened(tmp_path, NAME).notices == ()


LATER: dict[str, Callable[[Path], object]] = {
    "a stream": change("update records set stream = ? where version = 1", STREAM.replace(b"first", b"worst")),
    "another version's row": change(
        "update records set (stream, layout, tag) = (select stream, layout, tag from records where version = 2)"
        " where version = 1"
    ),
    "its buffers": change("update records set layout = ? where version = 1", b"\x90"),
    "its tag": change("update records set tag = '' where version = 1"),
    "its kind": change("update records set kind = 'definition' where version = 1"),
}


@pytest.mark.parametrize("damage", LATER.values(), ids=LATER.keys())
def test_a_record_that_was_changed_is_never_returned(
    damage: Callable[[Path], object], tmp_path: Path, opened: Callable[..., Session]
) -> None:
    """Reading it raises; the other records are as they were."""
    damage(seed(tmp_path))
    store = opened(tmp_path, NAME).store
    with pytest.raises(StoreError):
        store.record(1)


def test_a_byte_flipped_in_a_chunk_is_noticed(tmp_path: Path, opened: Callable[..., Session]) -> None:
    """`verify` tells, and so does reading a stream that lies in the pack."""
    session = open_session(tmp_path, NAME)
    data = noise(3 * MIB)
    session.store.commit(cell(1, component(1, noise(100_000), (stored(session.store, data),))))
    buffer = session.store.record(1).buffers[0]
    end = session.store._ledger.place[1]
    session.close()
    for offset in (4096 + MIB, end - 8192):  # in the array, in the stream
        flip(pack(Path(session.folder)), offset)
    again = opened(tmp_path, NAME).store
    assert not again.verify(buffer)
    with pytest.raises(Tampered, match="not what was written"):
        again.record(1)


def test_a_promise_that_was_changed_is_never_returned(tmp_path: Path, opened: Callable[..., Session]) -> None:
    """A settled value is authentic or refused, asked for alone or with all others."""
    folder = seed(tmp_path)
    store = opened(tmp_path, NAME).store
    change("update commits set value = ? where number = 3", b"{}")(folder)
    with pytest.raises(Tampered, match="commit 3"):
        store.promise_rows()
    with pytest.raises(Tampered, match="commit 3"):
        store.promise("k1-e1-c3-0123")


UNTOUCHED: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "another key": (lambda home, folder: (home / KEY_NAME).write_bytes(b"k" * 32), "another key than yours"),
    "a bit of the key": (lambda home, folder: flip(home / KEY_NAME, 5), "another key than yours"),
    "no key": (lambda home, folder: (home / KEY_NAME).unlink(), "another key than yours"),
    "a newer format": (
        lambda home, folder: change(f"pragma user_version = {FORMAT + 1}")(folder),
        f"format is {FORMAT + 1}, newer",
    ),
    "an older format": (lambda home, folder: change("pragma user_version = 0")(folder), "format is 0, older"),
    "a link": (
        lambda home, folder: os.symlink(folder.rename(home / "real"), folder),
        "symbolic link",
    ),
}


def bytes_of(folder: Path) -> dict[str, bytes]:
    """What a folder's store holds."""
    return {path.name: path.read_bytes() for path in [folder / DATABASE, pack(folder)]}


@pytest.mark.parametrize(("act", "said"), UNTOUCHED.values(), ids=UNTOUCHED.keys())
def test_a_store_that_is_not_ours_is_left_untouched(
    act: Callable[[Path, Path], object], said: str, tmp_path: Path, opened: Callable[..., Session]
) -> None:
    """A session beside it is used, the same one at every start, and a sentence says why each time."""
    folder = seed(tmp_path)
    act(tmp_path, folder)
    before = bytes_of(folder)
    first = opened(tmp_path, NAME)
    first.store.commit(cell(1))
    first.close()
    second = opened(tmp_path, NAME)
    assert (first.fresh, second.fresh, first.folder) == (True, False, second.folder)
    for session in (first, second):
        (notice,) = session.notices
        assert said in notice
        assert "left untouched" in notice
    assert bytes_of(folder) == before
    assert not (tmp_path / ASIDE).exists()


def test_the_right_key_put_back_opens_the_store(tmp_path: Path, opened: Callable[..., Session]) -> None:
    """A key that was away for a while costs nothing."""
    seed(tmp_path)
    key = (tmp_path / KEY_NAME).read_bytes()
    flip(tmp_path / KEY_NAME, 0)
    opened(tmp_path, NAME).close()
    (tmp_path / KEY_NAME).write_bytes(key)
    assert opened(tmp_path, NAME).store.record(1).stream == STREAM


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_store_of_another_user_is_left_untouched(tmp_path: Path, opened: Callable[..., Session]) -> None:
    """Its folder is not entered, even where we could."""
    folder = seed(tmp_path)
    os.chown(folder, 12345, -1)
    before = bytes_of(folder)
    (notice,) = opened(tmp_path, NAME).notices
    assert "belongs to user 12345" in notice
    assert bytes_of(folder) == before


def test_a_home_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written into it."""
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(OtherOwner, match="HOLDFAST_HOME"):
        open_session(tmp_path, NAME)
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_cannot_be_trusted_opens_nothing(tmp_path: Path) -> None:
    """No session is made beside a key that others can read."""
    seed(tmp_path)
    (tmp_path / KEY_NAME).chmod(0o644)
    with pytest.raises(KeyUnusable):
        open_session(tmp_path, NAME)


def test_a_home_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    """A file in the folder's place is named."""
    (tmp_path / "home").write_text("")
    with pytest.raises(Unusable, match=r"home.*HOLDFAST_HOME"):
        open_session(tmp_path / "home", NAME)


def test_without_branches_a_session_in_use_is_refused(tmp_path: Path, opened: Callable[..., Session]) -> None:
    """The error says who uses it."""
    opened(tmp_path, NAME)
    with pytest.raises(Locked, match=f"process id {os.getpid()}"):
        open_session(tmp_path, NAME, branch=False)


def test_a_pack_of_another_session_does_not_fit(tmp_path: Path, opened: Callable[..., Session]) -> None:
    """The same key made both; still one session's chunks are not another's."""
    folder = seed(tmp_path)
    other = opened(tmp_path, "other")
    other.store.commit(cell(1, component(1, buffers=(stored(other.store, noise(3 * MIB, 9)),))))
    other.close()
    shutil.copy(pack(Path(other.folder)), pack(folder))
    (notice,) = opened(tmp_path, NAME).notices
    assert "not that of a pack of this session" in notice


def test_a_home_may_have_any_name(tmp_path: Path, opened: Callable[..., Session]) -> None:
    """Characters that mean something in an address are part of a folder's name like others."""
    strange = tmp_path / "50% #1? ünï/deep er"
    session = opened(strange, NAME)
    session.store.commit(cell(1))
    session.close()
    assert not opened(strange, NAME).fresh
    assert [path.name for path in tmp_path.iterdir()] == ["50% #1? ünï"]


def test_a_discarded_session_is_gone(tmp_path: Path) -> None:
    """Its folder is, and what an earlier removal left when it was killed; other sessions stay."""
    other = open_session(tmp_path, "other", "process")
    other.close()
    left = tmp_path / "gone" / "half-removed"
    left.mkdir(parents=True)
    session = open_session(tmp_path, "mine", "process")
    session.discard()
    assert not os.path.exists(session.folder)
    assert not left.exists()
    assert os.path.exists(other.folder)


def test_a_session_that_cannot_be_moved_is_removed_where_it_is(tmp_path: Path) -> None:
    """Something else has the name of the folder for what goes."""
    (tmp_path / "gone").write_text("")
    session = open_session(tmp_path, "mine", "process")
    session.discard()
    assert not os.path.exists(session.folder)
