"""Which cells a session has seen, and which session a kernel had: small files that say so without opening a store.

They must never be needed: where one is lost, a session is found by the path of its notebook, as if that had no ids,
and the file is written anew.

    HOME/sessions/<word>-<digest>/seen    the session's name, its notebook, the ids of that notebook's code cells
    HOME/kernels/<kernel>                 the session that this kernel, started again, goes on with, and its notebook

Both are sealed with the user's key and replaced in one step, beside the path of a cell.  One that was changed counts
as lost.

Rejected: one index for all sessions (two kernels would have to take turns writing it), a table in the session's
store (to find a renamed notebook every store would be opened), and the ids in the commit of their cell (the path of
a cell is no place for what is read once a week).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import msgspec

from holdfast.durable.keys import Seal, StrPath

SEEN, KERNELS, SESSIONS = "seen", "kernels", "sessions"
#: Bytes of a file that is read, and of its seal.
_LARGEST, _TAG = 1 << 20, 32
#: Ids of one session that are kept, the newest.
MOST = 4096
#: Files of kernels beyond which old ones are looked for, and seconds after which one is old.
_FEW, _OLD = 64, 30 * 86400


class Known(msgspec.Struct, frozen=True):
    """A session as its file tells it; `notebook` is the path of the notebook whose it is, or ""."""

    name: str
    notebook: str = ""
    ids: tuple[str, ...] = ()


class Found(msgspec.Struct, frozen=True):
    """A session that was come across: its folder, what it says, and when that was last written."""

    folder: str
    known: Known
    at: float = 0.0


def read(folder: StrPath, key: bytes) -> Known | None:
    """What a session's file says; None for one that is not there or not ours."""
    return _known(os.path.join(folder, SEEN), _seal(key))


def write(folder: StrPath, key: bytes, known: Known, *, durable: bool) -> None:
    """Replace a session's file; raises OSError.  `durable` waits for the disk."""
    _write(os.path.join(folder, SEEN), _seal(key), msgspec.json.encode(known), durable)


def everywhere(home: StrPath, key: bytes) -> Iterator[Found]:
    """The sessions that have such a file."""
    try:
        folders = [entry.path for entry in os.scandir(os.path.join(home, SESSIONS))]
    except OSError:
        return
    for folder in folders:
        known = read(folder, key)
        if known is not None:
            try:
                at = os.stat(os.path.join(folder, SEEN)).st_mtime
            except OSError:  # it is being moved
                continue
            yield Found(folder, known, at)


def session_of(home: StrPath, key: bytes, kernel: str) -> Known | None:
    """The session that this kernel had when it ended as it should not have; its ids are not told here."""
    return _known(_place(home, kernel), _seal(key, kernel))


def tell(home: StrPath, key: bytes, kernel: str, known: Known) -> None:
    """Have this kernel go on with a session when it is started again; raises OSError."""
    place = _place(home, kernel)
    folder = os.path.dirname(place)
    if not os.path.isdir(folder):
        os.mkdir(folder, 0o700)
    _write(place, _seal(key, kernel), msgspec.json.encode(Known(known.name, known.notebook)), False)
    _tidy(folder)


def forget(home: StrPath, kernel: str) -> None:
    """This kernel ended as it should."""
    try:
        os.unlink(_place(home, kernel))
    except OSError:
        return


def _tidy(folder: str) -> None:
    """Remove what kernels left that were never started again."""
    files = list(os.scandir(folder))
    if len(files) > _FEW:
        for file in files:
            if file.stat().st_mtime < time.time() - _OLD:
                os.unlink(file)


def _place(home: StrPath, kernel: str) -> str:
    # What names a file is chosen by whoever wrote the connection file.
    return os.path.join(home, KERNELS, kernel.replace(os.sep, "-")[:200])


def _seal(key: bytes, kernel: str = "") -> Seal:
    return Seal(key, b"seen" + kernel.encode("utf-8", "surrogatepass"))


def _known(path: str, seal: Seal) -> Known | None:
    try:
        with open(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
            whole = file.read(_LARGEST + 1)
        tag, body = whole[:_TAG], whole[_TAG:]
        if len(whole) > _LARGEST or not seal.holds(b"seen", body, tag):
            return None
        return msgspec.json.decode(body, type=Known)
    except (OSError, msgspec.DecodeError):  # sealed by another version of us
        return None


def _write(path: str, seal: Seal, body: bytes, durable: bool) -> None:
    beside = f"{path}.{os.getpid()}"
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(seal.tag(b"seen", body) + body)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    os.replace(beside, path)
