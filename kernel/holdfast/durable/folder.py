"""Where sessions live, and how one is opened: by name, by one owner, whatever lies there already.

It must never change or remove a store that is not ours, and never end the kernel: what cannot be used is left
or moved aside, a fresh session takes its place, and a sentence says so.

    HOME/key                            the user's key
    HOME/sessions/<word>-<digest>/      lock, session.sqlite, packs/
    HOME/aside/<word>-<digest>-<date>/  what was damaged or tampered with
    HOME/gone/                          what is being removed

The digest is of the session's whole name, so any text can be one; the word is for people who look.

Rejected: the name itself as the folder's (a notebook's path has slashes and may be longer than a file name),
and repairing a damaged store (half of a namespace is the wrong values P1 rules out).
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from holdfast.clock import Clock
from holdfast.durable.faults import (
    BadSessionName,
    Damaged,
    Locked,
    OtherFormat,
    OtherKey,
    OtherOwner,
    Tampered,
    Unusable,
)
from holdfast.durable.filesystem import on_network
from holdfast.durable.keys import StrPath, key_id, user_key
from holdfast.durable.lock import Lock
from holdfast.durable.store.points import Crash, Point, go_on

if TYPE_CHECKING:
    from holdfast.durable.store.schema import Durability
    from holdfast.durable.store.sqlite import SqliteStore

_CLOCK = Clock()
SESSIONS = "sessions"
ASIDE = "aside"
GONE = "gone"
#: Said once of each session there, and by `holdfast doctor`.
ON_NETWORK = "commits take longer there and large values are read, not mapped; set HOLDFAST_HOME to a local folder"
_LONGEST_NAME = 4096


class Session:
    """An open session and its lock; `local` is False on a file system of the network (journal `truncate`, not `wal`).

    `fresh`: nothing was there before.  `branch_of`: the name that was asked for and is in use, or "".
    `notices`: sentences for the user about what was refused or moved aside.
    """

    __slots__ = ("name", "folder", "store", "local", "fresh", "branch_of", "notices", "crash", "_lock")

    def __init__(self, name: str, folder: str, store: SqliteStore, local: bool, lock: Lock, crash: Crash) -> None:
        self.name = name
        self.folder = folder
        self.store = store
        self.local = local
        self.fresh = store.head() is None
        self.branch_of = ""
        self.notices: tuple[str, ...] = ()
        self._lock = lock
        self.crash = crash

    @property
    def lineage(self) -> str:
        """What its promises are called by: another one for each session and each branch, the same after a rename."""
        about = self.store.about
        return hashlib.sha256(about.ident + about.created.encode()).hexdigest()[:16]

    def close(self) -> None:
        """Close the store, then let another kernel have the session; may be called twice."""
        self.crash(Point.CLOSING)
        self.store.close()
        self._lock.release()

    def close_and_hand_over(self, names: list[str], write: Callable[[SqliteStore], object]) -> bool:
        """Close as usual, and have another process write what is left with a store of its own: whether one does."""
        from holdfast.durable.forked import POSSIBLE, hand_over

        if not (POSSIBLE and self.local):
            return False
        home = os.path.dirname(os.path.dirname(self.folder))
        key, crash = user_key(home, make=False), self.crash
        durability: Durability = "full" if self.store._durable else "process"
        self.store.close()

        def open_and_write() -> None:
            from holdfast.durable.store.sqlite import SqliteStore

            crash(Point.FLUSHING)
            store = SqliteStore(self.folder, key, durability, local=True, crash=crash)
            write(store)
            crash(Point.FLUSHED)
            store.close()

        if not hand_over(self.folder, self._lock.fileno(), names, open_and_write):
            return False
        self._lock.forget()
        return True

    def discard(self) -> None:
        """Close and remove it: at once gone as a session, then as files, with those that a crash left there."""
        import shutil

        self.close()
        gone = os.path.join(os.path.dirname(os.path.dirname(self.folder)), GONE)
        try:
            _private(gone)
            os.rename(self.folder, os.path.join(gone, f"{os.path.basename(self.folder)}-{os.getpid()}"))
        except (OSError, OtherOwner):
            gone = self.folder
        shutil.rmtree(gone, ignore_errors=True)


def home(environ: Mapping[str, str]) -> str:
    """Return HOLDFAST_HOME, or the folder for user data of this platform; it may not exist yet."""
    given = environ.get("HOLDFAST_HOME", "")
    if given:
        return os.path.expanduser(given)
    if sys.platform == "darwin":
        data = "~/Library/Application Support"
    elif sys.platform == "win32":
        data = environ.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        data = environ.get("XDG_DATA_HOME") or "~/.local/share"
    return os.path.join(os.path.expanduser(data), "holdfast")


def folder_of(home: StrPath, name: str) -> str:
    """Return the folder of the session with this name; raises `BadSessionName`."""
    if not name.strip():
        raise BadSessionName(name, "it is empty")
    if len(name) > _LONGEST_NAME:
        raise BadSessionName(name, f"it is longer than {_LONGEST_NAME} characters")
    if not name.isprintable():
        raise BadSessionName(name, "it holds characters that cannot be printed")
    word = re.sub(r"[^A-Za-z0-9_.]+", "-", name.replace("\\", "/").rstrip("/").rpartition("/")[2]).strip("-.")[:40]
    digest = hashlib.sha256(name.encode("utf-8")).hexdigest()[:16]
    return os.path.join(home, SESSIONS, f"{word or 'session'}-{digest}")


def open_session(
    home: StrPath,
    name: str,
    durability: Durability = "full",
    *,
    branch: bool = True,
    crash: Crash = go_on,
    date: Callable[[], str] = _CLOCK.date,
) -> Session:
    """Open or make the session `name`; a session in use is branched (or, without `branch`, raises `Locked`).

    Raises `BadSessionName`, `KeyUnusable`, `Unusable`: then there is no durability, and the kernel says so.
    A store of another user, key or format is left untouched, and a folder beside it is used, the same one at
    every start.  A damaged one is moved to `aside/`.
    """
    place = folder_of(home, name)
    try:
        _private(os.fspath(home))
        key = user_key(home, crash)
        _private(os.path.join(home, SESSIONS))
        try:
            return _usable(place, key, name, durability, crash, date)
        except Locked as error:
            if not branch:
                raise
            from holdfast.durable.branch import branched, numbered

            made, its_name, reason = branched(error.path, key, numbered(name), folder_of, date(), crash)
            session = _usable(made, key, its_name, durability, crash, date)
            session.branch_of = name
            said = f"{error.reason}, so this is {its_name!r}, {reason or f'a branch of {name!r}'}"
            session.notices = (said, *session.notices)
            return session
    except OSError as error:
        raise Unusable(str(error.filename or place), error.strerror or str(error)) from None


def _usable(
    place: str, key: bytes, name: str, durability: Durability, crash: Crash, date: Callable[[], str]
) -> Session:
    """Open `place`, or what stands in for it when it cannot be used."""
    notices: list[str] = []
    for folder in (place, f"{place}.{key_id(key).hex()}"):
        try:
            session = _own(folder, key, name, durability, crash, date, notices)
        except (OtherOwner, OtherKey, OtherFormat) as error:
            notices.append(str(error))
            continue
        if session.fresh and not session.local:
            notices.append(f"{folder} lies on a file system of the network: {ON_NETWORK}")
        session.notices = tuple(notices)
        return session
    raise Unusable(place, "neither it nor the folder that stands in for it is yours to use")


def _own(
    folder: str,
    key: bytes,
    name: str,
    durability: Durability,
    crash: Crash,
    date: Callable[[], str],
    notices: list[str],
) -> Session:
    """Lock one folder and open the store in it; a damaged one is moved aside, said in `notices`."""
    from holdfast.durable.store.schema import DATABASE, PACKS, prepare
    from holdfast.durable.store.sqlite import SqliteStore

    local = not on_network(folder)
    for attempt in (1, 2):
        _private(folder)
        lock = Lock(folder, local=local)
        try:
            crash(Point.LOCKED)
            packs = os.path.join(folder, PACKS)
            _private(packs)
            if not os.path.exists(os.path.join(folder, DATABASE)):
                if os.listdir(packs) or os.path.exists(os.path.join(folder, f"{DATABASE}-wal")):
                    raise Damaged(folder, f"{DATABASE} is missing")
                prepare(folder, key, name, date(), crash, local=local)
            _close_to_others(os.path.join(folder, DATABASE))
            for pack in os.listdir(packs):
                _close_to_others(os.path.join(packs, pack))
            store = SqliteStore(folder, key, durability, local=local, crash=crash)
            if store.about.name != name:  # a crash came between its new place and its new name
                from holdfast.durable.branch import call

                call(folder, key, name)
            return Session(name, folder, store, local, lock, crash)
        except (Damaged, Tampered) as error:
            crash(Point.REFUSED)
            if attempt == 2:
                raise
            # Moved while we hold its lock: no other kernel opens it meanwhile.
            notices.append(f"{error}; it was moved to {_move_aside(folder, date(), lock)}")
            crash(Point.MOVED_ASIDE)
            lock.release()
        except BaseException:
            lock.release()
            raise
    raise AssertionError("unreachable")


def _move_aside(folder: str, date: str, lock: Lock) -> str:
    aside = os.path.join(os.path.dirname(os.path.dirname(folder)), ASIDE)
    _private(aside)
    stem = os.path.join(aside, f"{os.path.basename(folder)}-{re.sub(r'[^0-9T]', '', date[:19])}")
    place = stem
    number = 1
    while os.path.exists(place):
        number += 1
        place = f"{stem}-{number}"
    try:
        os.rename(folder, place)
    except PermissionError:
        lock.release()  # Windows moves nothing that is open
        os.rename(folder, place)
    return place


def _private(folder: str) -> None:
    """Make a folder that only its owner can enter; raises `OtherOwner` where it is someone else's, or a link."""
    if not os.path.isdir(folder):
        os.makedirs(os.path.dirname(os.path.abspath(folder)), exist_ok=True)
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            if not os.path.isdir(folder):
                raise
    if os.name != "posix":
        return
    if os.path.islink(folder) and os.path.basename(os.path.dirname(folder)) == SESSIONS:
        raise OtherOwner(folder, "it is a symbolic link")
    status = os.stat(folder)
    if status.st_uid != os.geteuid():
        raise OtherOwner(folder, f"it belongs to user {status.st_uid}, you are user {os.geteuid()}")
    if status.st_mode & 0o077:
        os.chmod(folder, 0o700)


def _close_to_others(file: str) -> None:
    """Take back what others may do with a file, as with the folder that it is in."""
    mode = os.lstat(file).st_mode
    if os.name == "posix" and stat.S_ISREG(mode) and mode & 0o077:
        os.chmod(file, 0o600)
