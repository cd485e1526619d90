"""A second kernel's own copy of a session that is in use.

It must never write into a file that the first kernel also writes: packs are shared by hard links, which both
only read, and the branch appends to packs of its own.

A branch has its origin's identity and so its seal: it is the same lineage, and sealing a copy of every record
again would cost what copying them costs.  The snapshot is the origin's last commit.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable

from holdfast.durable.faults import Damaged, Refused
from holdfast.durable.keys import sync_folder
from holdfast.durable.store.points import Crash, Point
from holdfast.durable.store.schema import DATABASE, PACKS, PREPARED, About, connect_to_read, identify


def branched(
    origin: str, key: bytes, name: str, folder_of: Callable[[str, str], str], date: str, crash: Crash
) -> tuple[str, str, str]:
    """Copy `origin` into the first free branch of `name`; returns its folder, its name, and why it is empty or "".

    The origin's owner goes on undisturbed.  Raises OSError.
    """
    home = os.path.dirname(os.path.dirname(origin))
    number = 2
    while True:
        its_name = f"{name}~{number}"
        place = folder_of(home, its_name)
        try:
            os.mkdir(place, 0o700)
            break
        except FileExistsError:
            number += 1
    try:
        _copy(origin, place, key, its_name, date, crash)
    except Refused as error:
        shutil.rmtree(os.path.join(place, PACKS))
        os.unlink(os.path.join(place, PREPARED))
        return place, its_name, f"an empty branch: {error}"
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return place, its_name, ""


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
            packs = [int(number) for (number,) in copy.execute("select number from packs")]
            # Packs are linked after the snapshot, so each holds at least what the snapshot knows of it.
            for number in packs:
                file = os.path.join(PACKS, f"{number:08d}.pack")
                _share(os.path.join(origin, file), os.path.join(place, file))
            row = About(about.ident, name, date, max(packs, default=0) + 1).row(key)
            copy.execute("update about set ident = ?, name = ?, created = ?, key = ?, first_pack = ?, tag = ?", row)
        finally:
            copy.close()
    except sqlite3.Error as error:
        raise Damaged(origin, f"{DATABASE} cannot be read ({error})") from None
    finally:
        source.close()
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
