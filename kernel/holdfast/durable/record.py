"""What cells showed, written as it is shown: files beside the store, appended to and never changed.

It must never make a cell wait for a disk, and never hold what a cell shows back: what cannot be written is counted.

    outputs/<first>-<last>    the files of these numbers folded into one; a kernel begins a file of its own, n-n

    file     MAGIC, then records
    record   head: kind, epoch, count, life, serial, size; tag (32 bytes); body
    life     the number of the first file of the kernel that wrote the record

A tag seals head and body with the session's seal; that of a blob is the blob's name, so one that is shown a hundred
times is in a file once.  Life and serial grow from record to record, so none can be moved or told twice.  A process
that is killed leaves at most a torn record at the end of its file, which nobody appends to again: nothing has to be
looked at when a session is opened.  A file holds every blob that it names.

Rejected: rows of the session's database (a transaction a message, on the thread that answers), one file for all
kernels (its end would have to be found and mended at each start), and a sync (what a page showed is no value: the
end of the machine may take its last seconds).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from hmac import compare_digest as _equal
from struct import Struct
from typing import BinaryIO, Self

import msgspec

from holdfast.durable.keys import Seal

FOLDER = "outputs"
#: What a file's name ends with while it is being written by `folding`.
NEW = ".new"
MAGIC = b"holdfast outputs 1\n"
HEAD = Struct("<BxxxIIIII")
TAG = 32
#: Kinds of records: a kernel began after a cell; a cell's output; one for displays of other cells; what was shown so
#: far is cleared; so much was left out here; data that others name.
LIFE, OUTPUT, UPDATE, CLEAR, LEFT, BLOB = range(1, 7)
#: Bytes of JSON from which a representation is a blob.
_SMALL = 1024
#: Bytes from which blake3 hashes before the seal does: four times as fast, and 1 ms to import.
_LARGE = 1 << 16
#: Bytes at which the next file begins.
FULL = 64 << 20
_NAME = r"(\d{6,})-(\d{6,})(?:\.new)?"

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.encode


class Left(msgspec.Struct, frozen=True, array_like=True):
    """What is not there: so many messages of so many bytes in all, and why, where it was not for want of room."""

    messages: int
    size: int
    reason: str = ""


def sealed(seal: Seal, head: bytes, body: bytes) -> bytes:
    """The tag of a record; that of a blob, its name, is of the body alone (`head` is empty)."""
    kind = b"output" if head else b"shown"
    if len(body) < _LARGE:
        return seal.tag(kind, head + body)
    from blake3 import blake3

    return seal.tag(b"large " + kind, head + blake3(body).digest())


def files(session: str) -> list[tuple[int, int, str]]:
    """The files of a session's folder in order: first number, last number, path; none that another one holds."""
    whole: list[tuple[int, int, str]] = []
    for first, last, path in sorted(_all(session), key=lambda file: (file[0], -file[1])):
        if not path.endswith(NEW) and (not whole or last > whole[-1][1]):
            whole.append((first, last, path))
    return whole


def spent(session: str, first: int, last: int) -> list[str]:
    """The files that the one of these numbers holds, and what a process that was killed left of a new one."""
    inside = [(a, b, path) for a, b, path in _all(session) if first <= a and b <= last]
    return [path for a, b, path in inside if (a, b) != (first, last) or path.endswith(NEW)]


def _all(session: str) -> list[tuple[int, int, str]]:
    folder = os.path.join(session, FOLDER)
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    matches = [match for name in names if (match := re.fullmatch(_NAME, name))]
    return [(int(match[1]), int(match[2]), os.path.join(folder, match[0])) for match in matches]


class Pen:
    """Writes one kernel's part.  All methods belong to one thread; OSError means that nothing was written."""

    def __init__(self, session: str, seal: Seal, epoch: int, count: int) -> None:
        self._folder = os.path.join(session, FOLDER)
        self._session = session
        self._seal = seal
        self._began = epoch, count
        self._file = -1
        self._size = 0
        self._serial = 0
        self._blobs: set[bytes] = set()
        #: 0 until something is written.
        self.life = 0
        self.number = 0

    def put(self, kind: int, epoch: int, count: int, body: bytes) -> None:
        """Append a record."""
        if self._file < 0 or self._size > FULL:
            self._turn()
        self._write(kind, epoch, count, body)

    def show(
        self, kind: int, epoch: int, count: int, shown: tuple[str, bytes, bytes, Sequence[bytes | memoryview]]
    ) -> None:
        """Append an OUTPUT or UPDATE: message type, content and metadata as JSON, buffers."""
        if self._file < 0 or self._size > FULL:
            self._turn()
        msg_type, content, metadata, buffers = shown
        more = b""
        if buffers or (len(content) >= _SMALL and msg_type not in ("stream", "error")):
            content, blobs = self._without_blobs(content)
            names = [self._blob(bytes(buffer)) for buffer in buffers]
            more = b',"blobs":%s,"buffers":%s' % (_encode(blobs), _encode(names))
        whole = b'{"type":"%s","content":%s,"metadata":%s%s}' % (msg_type.encode(), content, metadata, more)
        self._write(kind, epoch, count, whole)

    def _without_blobs(self, content: bytes) -> tuple[bytes, dict[str, str]]:
        """The content without its large representations, and the names of those by type."""
        fields = _fields(content)
        if "data" not in fields:
            return content, {}
        data = _fields(fields["data"])
        blobs = {mime: self._blob(bytes(data.pop(mime))) for mime in list(data) if len(data[mime]) >= _SMALL}
        fields["data"] = msgspec.Raw(_encode(data))
        return _encode(fields), blobs

    def _blob(self, body: bytes) -> str:
        name = sealed(self._seal, b"", body)
        if name not in self._blobs:
            self._append(HEAD.pack(BLOB, 0, 0, self.life, 0, len(body)) + name + body)
            self._blobs.add(name)
        return name.hex()

    def _write(self, kind: int, epoch: int, count: int, body: bytes) -> None:
        head = HEAD.pack(kind, epoch, count, self.life, self._serial + 1, len(body))
        self._append(head + sealed(self._seal, head, body) + body)
        self._serial += 1

    def _append(self, data: bytes) -> None:
        try:
            written = os.write(self._file, data)
        except OSError:
            self._mend()
            raise
        if written != len(data):
            self._mend()
            raise OSError(28, "No space left on device")
        self._size += written

    def _mend(self) -> None:
        """Cut off what was written in part; if even that fails, the next record begins a new file."""
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            self.close()

    def _turn(self) -> None:
        """Begin the next file."""
        self.close()
        if not os.path.isdir(self._folder):
            os.mkdir(self._folder, 0o700)
        there = files(self._session)
        number = there[-1][1] + 1 if there else 1
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._file = os.open(os.path.join(self._folder, f"{number:06d}-{number:06d}"), flags, 0o600)
        self.number = number
        self._size = 0
        self._append(MAGIC)
        if not self.life:
            self.life = number
            self._write(LIFE, *self._began, b"")

    def close(self) -> None:
        """Nothing more is written to this file."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1
        self._blobs.clear()


class Place(msgspec.Struct, frozen=True):
    """A record in a file: `at` is where its head begins."""

    kind: int
    epoch: int
    count: int
    life: int
    serial: int
    size: int
    path: str
    at: int


def places(path: str) -> Iterator[Place]:
    """The records of a file by their heads, not verified; ends where the file is torn.  Raises OSError."""
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)), "rb") as file:
        end = os.fstat(file.fileno()).st_size
        if file.read(len(MAGIC)) != MAGIC:
            return
        at = len(MAGIC)
        while at + HEAD.size + TAG <= end:
            kind, epoch, count, life, serial, size = HEAD.unpack(file.read(HEAD.size))
            following = at + HEAD.size + TAG + size
            if following > end:
                return
            yield Place(kind, epoch, count, life, serial, size, path, at)
            file.seek(following)
            at = following


class Reader:
    """Reads records of any file of a session, each file opened once; a context manager."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal
        self._files: dict[str, BinaryIO] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()

    def name(self, blob: Place) -> bytes:
        """What a blob says it is called; raises OSError."""
        return self._at(blob.path, blob.at + HEAD.size, TAG)

    def whole(self, place: Place) -> bytes | None:
        """The record as it stands there, if it is ours; raises OSError."""
        found = self._at(place.path, place.at, HEAD.size + TAG + place.size)
        head, tag, content = found[: HEAD.size], found[HEAD.size : HEAD.size + TAG], found[HEAD.size + TAG :]
        if len(content) != place.size:
            return None
        return found if _equal(sealed(self._seal, b"" if place.kind == BLOB else head, content), tag) else None

    def body(self, place: Place) -> bytes | None:
        """What a record holds, if it is ours; raises OSError."""
        found = self.whole(place)
        return found[HEAD.size + TAG :] if found is not None else None

    def _at(self, path: str, at: int, size: int) -> bytes:
        file = self._files.get(path)
        if file is None:
            flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
            file = self._files[path] = os.fdopen(os.open(path, flags), "rb")
        file.seek(at)
        return file.read(size)


def copied(origin: str, place: str) -> None:
    """Give a session's copy what cells showed so far; nothing that is shown later appears in both.  Raises OSError."""
    there = files(origin)
    if there:
        os.mkdir(os.path.join(place, FOLDER), 0o700)
    import shutil

    for _, _, path in there:
        target = os.path.join(place, FOLDER, os.path.basename(path))
        try:
            if path is there[-1][2]:
                raise OSError  # its kernel may still append to it
            os.link(path, target)
        except OSError:
            shutil.copyfile(path, target)
            os.chmod(target, 0o600)
