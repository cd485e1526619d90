"""A session under another name: a kernel's own copy of one that is in use, or the session itself, renamed.

It must never write into a file that the first kernel also writes: packs are shared by hard links, which both
only read, and the branch appends to packs of its own.  It must never rename what a kernel uses.

A branch has its origin's identity and so its seal: it is the same lineage, and sealing a copy of every record
again would cost what copying them costs.  The snapshot is the origin's last commit.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import count

from holdfast.durable import seen
from holdfast.durable.faults import Damaged, Refused
from holdfast.durable.filesystem import on_network
from holdfast.durable.keys import sync_folder
from holdfast.durable.lock import Lock
from holdfast.durable.record import copied
from holdfast.durable.store.points import Crash, Point
from holdfast.durable.store.schema import DATABASE, PACKS, PREPARED, About, connect_to_read, identify

#: The origin may remove a pack between the snapshot and its link; the next snapshot does not know it.
_TRIES = 3
_NAMED = "update about set ident = ?, name = ?, created = ?, key = ?, first_pack = ?, tag = ?"


def numbered(name: str) -> Iterator[str]:
    """The names of what belongs beside the session `name`."""
    return (f"{name}~{number}" for number in count(2))


def branched(
    origin: str, key: bytes, names: Iterable[str], folder_of: Callable[[str, str], str], date: str, crash: Crash
) -> tuple[str, str, str]:
    """Copy `origin` under the first free one of `names`; returns its folder, its name, and why it is empty or "".

    The origin's owner goes on undisturbed.  Raises OSError.
    """
    home = os.path.dirname(os.path.dirname(origin))
    for its_name in names:
        place = folder_of(home, its_name)
        try:
            os.mkdir(place, 0o700)
            break
        except FileExistsError:
            continue
    why = ""
    for _ in range(_TRIES):
        try:
            _copy(origin, place, key, its_name, date, crash)
            return place, its_name, ""
        except Refused as error:
            why = str(error)
            shutil.rmtree(os.path.join(place, PACKS))
            os.unlink(os.path.join(place, PREPARED))
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
    return place, its_name, f"an empty branch: {why}"


def _copy(origin: str, place: str, key: bytes, name: str, date: str, crash: Crash) -> None:
    os.mkdir(os.path.join(place, PACKS), 0o700)
    beside = os.path.join(place, PREPARED)
    if not os.path.exists(os.path.join(origin, DATABASE)):
        return  # the other kernel has not written anything yet: an empty branch
    os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        source, copy = connect_to_read(origin), sqlite3.connect(beside, isolation_level=None)
    except sqlite3.Error as error:
        raise Damaged(origin, f"{DATABASE} cannot be opened ({error})") from None
    try:
        try:
            source.backup(copy)
            copy.execute("pragma journal_mode = truncate")
            about = identify(copy, origin, key)
            copy.execute("delete from lease")
            packs = [int(number) for (number,) in copy.execute("select number from packs")]
            # Packs are linked after the snapshot, so each holds at least what the snapshot knows of it.
            for number in packs:
                file = os.path.join(PACKS, f"{number:08d}.pack")
                _share(os.path.join(origin, file), os.path.join(place, file))
            copy.execute(_NAMED, About(about.ident, name, date, max(packs, default=0) + 1).row(key))
        finally:
            copy.close()
    except sqlite3.Error as error:
        raise Damaged(origin, f"{DATABASE} cannot be read ({error})") from None
    finally:
        source.close()
    try:
        copied(origin, place)
    except OSError:  # its kernel is folding them, or the disk is full: what cells showed is no value
        pass
    crash(Point.BRANCHED)
    os.replace(beside, os.path.join(place, DATABASE))
    sync_folder(place)
    sync_folder(os.path.dirname(place))


def _share(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError as error:
        raise Damaged(source, error.strerror or "missing") from None
    except OSError:
        shutil.copyfile(source, target)  # a file system without hard links
        os.chmod(target, 0o600)


def renamed(origin: str, key: bytes, names: Iterable[str], folder_of: Callable[[str, str], str]) -> str:
    """Give the session in `origin` the first free one of `names`, and return it; its notebook stays the same.

    Raises `Locked` for one in use, OSError.
    """
    home = os.path.dirname(os.path.dirname(origin))
    lock = Lock(origin, local=not on_network(origin))
    try:
        for name in names:
            place = folder_of(home, name)
            if not os.path.lexists(place):
                break
        if os.name == "nt":
            lock.release()  # nothing that is open can be moved there
        os.rename(origin, place)
        # A crash here leaves the old name inside: whoever opens it next calls it by the new one, or says that it is
        # damaged.
        with suppress(Refused):
            call(place, key, name)
        known = seen.read(place, key)
        if known is not None:
            seen.write(place, key, seen.Known(name, known.notebook, known.ids), durable=False)
        return name
    finally:
        lock.release()


def call(folder: str, key: bytes, name: str) -> None:
    """Write the name of a session into its store, which the caller owns; nothing where no store was made yet."""
    path = os.path.join(folder, DATABASE)
    if not os.path.exists(path):
        return
    try:
        db = sqlite3.connect(path, isolation_level=None)
    except sqlite3.Error as error:
        raise Damaged(folder, f"{DATABASE} cannot be opened ({error})") from None
    try:
        about = identify(db, folder, key)
        db.execute(_NAMED, About(about.ident, name, about.created, about.first_pack).row(key))
    except sqlite3.Error as error:
        raise Damaged(folder, f"{DATABASE} cannot be read ({error})") from None
    finally:
        db.close()
