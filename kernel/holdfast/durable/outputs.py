"""Reads what cells showed, and folds what is written of it: clears, updates and the room of a cell applied.

It must never show a byte that the user's key does not vouch for, and never wait for the kernel that writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Self

import msgspec

from holdfast.durable.keys import Seal
from holdfast.durable.record import (
    BLOB,
    CLEAR,
    LEFT,
    LIFE,
    UPDATE,
    Left,
    Place,
    Reader,
    files,
    places,
)

#: Bytes of JSON of one cell that are kept from its beginning and from its end; a display may be as large as both.
#: A little more than the writer's room, which does not count what it wraps messages in.
ROOM_HEAD, ROOM_TAIL = 9 << 19, 9 << 19


class Key(msgspec.Struct, frozen=True, order=True):
    """A run of a cell: kernels of one epoch count alike after a crash, so `life` tells them apart."""

    epoch: int
    count: int
    life: int


class Output(msgspec.Struct):
    """One message as a client would keep it; `left` instead of it says what is not there."""

    msg_type: str
    content: dict[str, object]
    metadata: dict[str, object] = {}
    buffers: list[bytes] = []
    size: int = 0
    left: Left | None = None

    @property
    def display_id(self) -> object:
        """What updates name it by, or None."""
        transient = self.content.get("transient")
        return transient.get("display_id") if isinstance(transient, dict) else None


class _Body(msgspec.Struct):
    type: str
    content: dict[str, object]
    metadata: dict[str, object] = {}
    blobs: dict[str, str] = {}
    buffers: list[str] = []


class _Shown(msgspec.Struct):
    transient: dict[str, object] = {}


class Brief(msgspec.Struct):
    """Only what a record is and what it names, the rest skipped."""

    type: str
    content: _Shown
    blobs: dict[str, str] = {}
    buffers: list[str] = []


_decode = msgspec.json.Decoder(_Body).decode
brief = msgspec.json.Decoder(Brief).decode
gap = msgspec.json.Decoder(Left).decode


class Record:
    """What was written of a session so far, indexed by one pass over the heads; a context manager.

    `until`: only files of at most this number.
    """

    def __init__(self, session: str, seal: Seal, until: int | None = None) -> None:
        self.reader = Reader(seal)
        self.lives: list[Place] = []
        #: The records of each run of a cell, in order; those for displays of any cell, in order of the whole.
        self.runs: dict[Key, list[Place]] = {}
        self.updates: list[Place] = []
        self.paths: list[str] = []
        #: How many records are not what was written: changed, moved, or of another key.
        self.damaged = 0
        self._blobs: dict[tuple[str, bytes], Place] = {}
        self._last = (0, 0)
        for _, last, path in files(session):
            if until is None or last <= until:
                self.paths.append(path)
                try:
                    self._index(path)
                except OSError:
                    continue

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.reader.__exit__()

    def _index(self, path: str) -> None:
        for place in places(path):
            if place.kind == BLOB:
                self._blobs[path, self.reader.name(place)] = place
                continue
            if (place.life, place.serial) <= self._last:
                self.damaged += 1
                continue
            self._last = place.life, place.serial
            if place.kind == LIFE:
                self.lives.append(place)
                continue
            self.runs.setdefault(Key(place.epoch, place.count, place.life), []).append(place)
            if place.kind == UPDATE:
                self.updates.append(place)

    # ------------------------------------------------------------ which

    def find(
        self, count: int, epoch: int | None = None, line: Sequence[int] = (), but: Key | None = None
    ) -> Key | None:
        """The run of cell `count` to show: of that epoch, else of the first of `line` that has it, else the newest.

        `but` is the run that asks.  Of runs in one epoch the newest counts.
        """
        found = [key for key in self.runs if key.count == count and key != but and epoch in (None, key.epoch)]
        rank = {each: -at for at, each in enumerate(line, 1)}
        return max(found, key=lambda key: (rank.get(key.epoch, -len(rank) - 1), key.epoch, key.life), default=None)

    def last(self, but: Key | None = None) -> Key | None:
        """The run that showed something last, and has not cleared it."""
        newest = sorted(self.runs, key=lambda key: (key.life, self.runs[key][-1].serial), reverse=True)
        return next((key for key in newest if key != but and self.live(key)), None)

    def live(self, key: Key) -> list[Place]:
        """The records of a run's outputs, gaps among them, since it last cleared them."""
        found: list[Place] = []
        for place in self.runs.get(key, ()):
            if place.kind == CLEAR:
                found.clear()
            elif place.kind != UPDATE:
                found.append(place)
        return found

    # ------------------------------------------------------------ what

    def outputs(self, key: Key) -> list[Output]:
        """What a run of a cell shows now, in order."""
        shown = [(place, found) for place in self.live(key) if (found := self._output(place)) is not None]
        if any(output.display_id is not None for _, output in shown):
            self._update(shown)
        return bounded([output for _, output in shown])

    def _update(self, shown: list[tuple[Place, Output]]) -> None:
        """Put in their place what later messages, of whichever cell, say that displays show now."""
        for place in self.updates:
            later = [output for its, output in shown if (its.life, its.serial) < (place.life, place.serial)]
            found = self._output(place) if later else None
            for output in later if found is not None and found.display_id is not None else ():
                if output.display_id == found.display_id:  # type: ignore[union-attr]
                    output.content = {**output.content, **_replaced(found.content)}  # type: ignore[union-attr]
                    output.buffers = found.buffers  # type: ignore[union-attr]

    def _output(self, place: Place) -> Output | None:
        """What a record says, with the data that it names put back; None where it is not ours."""
        content = self.body(place)
        if content is None:
            return None
        if place.kind == LEFT:
            return Output("", {}, left=gap(content))
        read = _decode(content)
        output = Output(read.type, read.content, read.metadata, [], place.size)
        data = output.content.get("data")
        for mime, name in read.blobs.items():
            found = self.blob(place.path, name)
            output.size += found.size if found is not None else 0
            value = self.body(found) if found is not None else None
            if isinstance(data, dict) and value is not None:
                data[mime] = msgspec.json.decode(value)
            elif isinstance(data, dict):
                data.setdefault("text/plain", f"[the {mime} was damaged and is not shown]")
        for name in read.buffers:
            found = self.blob(place.path, name)
            output.buffers.append((self.body(found) if found is not None else None) or b"")
            output.size += len(output.buffers[-1])
        return output

    def body(self, place: Place) -> bytes | None:
        """What a record holds; what is not ours is counted."""
        try:
            content = self.reader.body(place)
        except OSError:
            content = None
        self.damaged += content is None
        return content

    def blob(self, path: str, name: str) -> Place | None:
        """Where a file has what one of its records names."""
        return self._blobs.get((path, bytes.fromhex(name)))


def _replaced(content: dict[str, object]) -> dict[str, object]:
    return {name: content[name] for name in ("data", "metadata") if name in content}


def middle(sizes: Sequence[tuple[int, bool]]) -> tuple[int, int]:
    """Which of a cell's outputs (size, whether text) have no room: from the first number up to the second."""
    if sum(size for size, _ in sizes) <= ROOM_HEAD + ROOM_TAIL:
        return 0, 0
    head, used = 0, 0
    while head < len(sizes) and used + sizes[head][0] <= ROOM_HEAD + (0 if sizes[head][1] else ROOM_TAIL):
        used += sizes[head][0]
        head += 1
    tail, used = len(sizes), 0
    while tail > head and used + sizes[tail - 1][0] <= ROOM_TAIL:
        tail -= 1
        used += sizes[tail][0]
    return head, tail


def together(gone: Iterable[Left]) -> Left:
    """Gaps that have become one."""
    parts = list(gone)
    reason = next((part.reason for part in parts if part.reason), "")
    return Left(sum(part.messages for part in parts), sum(part.size for part in parts), reason)


def bounded(shown: list[Output]) -> list[Output]:
    """The outputs that a cell has room for: what is in the middle is left out, and said to be."""
    head, tail = middle([(output.size, output.msg_type == "stream") for output in shown])
    if head == tail:
        return joined(shown)
    # What the writer has left out before belongs to the same gap, wherever in it that was said.
    left = together(output.left or Left(1, output.size) for output in shown[head:tail])
    return joined([*shown[:head], Output("", {}, left=left), *shown[tail:]])


def joined(shown: list[Output]) -> list[Output]:
    """Pieces of one stream that follow each other become one, as clients show them; so do two gaps."""
    whole: list[Output] = []
    text: list[str] = []
    for output in (*shown, None):
        last = whole[-1] if whole else None
        same = output is not None and last is not None and last.msg_type == output.msg_type == "stream"
        if same and output is not None and last is not None and last.content["name"] == output.content["name"]:
            text.append(str(output.content["text"]))
            last.size += output.size
            continue
        if text and last is not None:
            last.content = {**last.content, "text": "".join([str(last.content["text"]), *text])}
            text = []
        if output is None:
            break
        if last is not None and last.left is not None and output.left is not None:
            last.left = together((last.left, output.left))
        else:
            whole.append(output)
    return whole


def gap_text(left: Left) -> str:
    """The words for what is not there."""
    from holdfast.durable.tables import size_text

    many = f"{left.messages} outputs" if left.messages > 1 else "an output"
    return f"[{many}, {size_text(left.size)}, left out here: {left.reason or 'a cell keeps its first and last 4 MB'}]"


def notebook(output: Output) -> dict[str, object]:
    """An output as a notebook file keeps it (nbformat 4), binary buffers left out."""
    content = output.content
    if output.left is not None:
        left = msgspec.to_builtins(output.left)
        told = {"holdfast": {"left": dict(zip(("messages", "size", "reason"), left, strict=True))}}
        return {"output_type": "display_data", "data": {"text/plain": gap_text(output.left)}, "metadata": told}
    names = {
        "stream": ("name", "text"),
        "error": ("ename", "evalue", "traceback"),
        "execute_result": ("execution_count", "data", "metadata"),
    }.get(output.msg_type, ("data", "metadata"))
    return {"output_type": output.msg_type, **{name: content.get(name, {}) for name in names}}
