"""The user's key and what is sealed with it.

It must never leave the key where others can read it, and never write over one that is there: every session
of the user would be lost with it.

What the seals do: nobody without the key can make us unpickle bytes, move a record to another version or
session, or take a commit out of the middle.  What they do not: whoever can write the folder can put back an
older copy of the whole store, or cut its newest commits; that is a loss, not a way to run code.

Rejected: the operating system's keyring (absent on servers, asks in the middle of a cell), a key per session
beside its data (copied together with what it should authenticate), and signatures (nothing is to be shown to
third parties, and they cost a hundred times as much).
"""

from __future__ import annotations

import hashlib
import hmac
import os

from holdfast.durable.faults import KeyUnusable
from holdfast.durable.store.points import Crash, Point, go_on

#: Paths are strings here: a kernel that starts has no other use for pathlib, which costs it 3 ms.
StrPath = str | os.PathLike[str]

KEY_NAME = "key"
KEY_SIZE = 32
ID_SIZE = 8
_OTHERS = 0o077


class Seal:
    """HMAC-SHA256 for one session: a key derived from the user's and the session's random identity.

    The two hashes of the padded key are copied for each tag: starting OpenSSL's HMAC anew costs a cell 10 us.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes, ident: bytes) -> None:
        derived = hmac.digest(key, b"holdfast session\0" + ident, "sha256").ljust(64, b"\0")
        self._inner = hashlib.sha256(derived.translate(hmac.trans_36))
        self._outer = hashlib.sha256(derived.translate(hmac.trans_5C))

    def tag(self, kind: bytes, body: bytes) -> bytes:
        """Return the 32 bytes that authenticate `body` as a thing of this kind."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(kind + b"\0" + body)
        outer.update(inner.digest())
        return outer.digest()

    def holds(self, kind: bytes, body: bytes, tag: bytes) -> bool:
        """Say whether `tag` was made by us for this kind and body."""
        return hmac.compare_digest(self.tag(kind, body), tag)


def key_id(key: bytes) -> bytes:
    """Return 8 bytes that tell keys apart and say nothing about them."""
    return hmac.digest(key, b"holdfast key\0", "sha256")[:ID_SIZE]


def user_key(home: StrPath, crash: Crash = go_on, *, make: bool = True) -> bytes:
    """Return the user's key, made on first use unless told otherwise; raises `KeyUnusable`.

    `home` exists.  Two kernels that start at once end with the same key: the file gets its name by `link`,
    which only one of them can do.
    """
    path = os.path.join(home, KEY_NAME)
    try:
        try:
            return _read(path)
        except FileNotFoundError:
            if not make:
                raise
            _make(path, crash)
            return _read(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise KeyUnusable(path, reason, "correct that, or set HOLDFAST_HOME to another folder") from None


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if os.name == "posix":
            if status.st_uid != os.geteuid():
                whose = f"it belongs to user {status.st_uid}, you are user {os.geteuid()}"
                raise KeyUnusable(path, whose, "set HOLDFAST_HOME to a folder of your own")
            if status.st_mode & _OTHERS:
                reason = f"others may read or write it (mode {status.st_mode & 0o777:04o})"
                raise KeyUnusable(path, reason, f"run `chmod 600 {path}` if you trust who could")
        key = file.read(KEY_SIZE + 1)
    if len(key) != KEY_SIZE:
        reason = f"it does not hold {KEY_SIZE} bytes"
        raise KeyUnusable(path, reason, "put the right file back, or remove it and lose the sessions it sealed")
    return key


def _make(path: str, crash: Crash) -> None:
    folder = os.path.dirname(path)
    beside = os.path.join(folder, f".{KEY_NAME}-{os.getpid()}-{os.urandom(4).hex()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(os.urandom(KEY_SIZE))
            file.flush()
            os.fsync(descriptor)
        crash(Point.KEY_WRITTEN)
        try:
            os.link(beside, path)
        except FileExistsError:
            return  # another kernel was first; its key is everyone's
        except OSError:
            # No hard links on this file system: then without the protection against a race of first starts.
            if not os.path.exists(path):
                os.replace(beside, path)
    finally:
        if os.path.exists(beside):
            os.unlink(beside)
    sync_folder(folder)


def sync_folder(folder: str) -> None:
    """Make the names in a folder survive a power cut, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
