"""Keeps what each cell shows, as it is sent: `durable.record` on the kernel thread.

It must never hold a message back, and never keep more of a cell in memory than its record has room for.

What is sent is written as soon as the kernel thread has nothing to send, so no reply waits for it.  Once the
beginning of a cell has no room left, or it has cleared its outputs, only the newest are held, and written when the
cell ends, or each `PACE` seconds: a cell that prints for hours, or draws again and again, writes its end and not all
that was on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

import msgspec

from holdfast.durable.record import CLEAR, LEFT, OUTPUT, UPDATE, Left, Pen
from holdfast.wire.contents import ExecuteRequest
from holdfast.wire.message import Draft, Message

if TYPE_CHECKING:
    from holdfast.durable.keys import Seal

#: Bytes of JSON that are written as they come, and that are held; a display may be as large as both.
BEGINNING, END = 4 << 20, 4 << 20
#: Seconds between two writes of what is held.
PACE = 1.0
#: Seconds from the first record of a file to a look at those before it.
_QUIET = 5.0
#: Messages that may wait to be written.
_MANY = 50
#: Cells whose late outputs are still known to be theirs.
CELLS = 1000
#: Bytes that are let go of beyond what must: cutting a text costs a copy of it.
_SPARE = 100_000
_KINDS = {
    "stream": OUTPUT,
    "display_data": OUTPUT,
    "execute_result": OUTPUT,
    "error": OUTPUT,
    "update_display_data": UPDATE,
    "clear_output": CLEAR,
}
#: Message type, content and metadata as JSON, buffers.
_Shown = tuple[str, bytes, bytes, Sequence[bytes | memoryview]]


class _Transient(msgspec.Struct):
    transient: dict[str, object] = {}


class _Clear(msgspec.Struct):
    wait: bool = False


class _Stream(msgspec.Struct):
    name: str
    text: str


_transient = msgspec.json.Decoder(_Transient).decode
_clear = msgspec.json.Decoder(_Clear).decode
_stream = msgspec.json.Decoder(_Stream).decode


class _Cell:
    """What is known of one cell's outputs while they may still come."""

    __slots__ = ("clearing", "count", "epoch", "held", "left", "pending", "room", "updates", "wipe", "wrote")

    def __init__(self, epoch: int, count: int) -> None:
        self.epoch = epoch
        self.count = count
        #: Bytes that may still be written as they come.
        self.room = BEGINNING
        #: The next output replaces all before.
        self.clearing = False
        #: What is held, in order: outputs and, by the display that they are for, updates.
        self.pending: dict[object, _Shown] = {}
        self.updates: dict[object, object] = {}
        self.held = 0
        self.left = Left(0, 0)
        #: What is on the disk is to be cleared first.
        self.wipe = False
        self.wrote = float("-inf")


class Recorder:
    """All methods belong to the kernel thread, but `cell`, `life` and the constructor."""

    def __init__(
        self,
        session: str,
        seal: Seal,
        count: int,
        epoch: Callable[[], int],
        soon: Callable[[Callable[[], None]], object],
        later: Callable[[float, Callable[[], None]], object],
        monotonic: Callable[[], float],
        beside: Callable[[Callable[[], None]], object],
    ) -> None:
        """`soon` calls on the kernel thread, `later` in some seconds, `beside` on a thread of the pool."""
        self._soon = soon
        #: What was sent and is not written, and the cells that have ended, in order.
        self._sent: list[tuple[Draft | None, Sequence[bytes | memoryview], _Cell]] = []
        self._session = session
        self._seal = seal
        self._epoch = epoch
        self._later = later
        self._beside = beside
        self._folded = 0
        self._monotonic = monotonic
        self._pen = Pen(session, seal, epoch(), count)
        self._cells: dict[bytes, _Cell] = {}
        self._is_due = False
        self._serial = 0

    @property
    def life(self) -> int:
        """Which kernel's part of the record this is; 0 while nothing was written."""
        return self._pen.life

    def cell(self, token: Message) -> tuple[int, int] | None:
        """Epoch and count of a cell; thread-safe."""
        found = self._cells.get(token.raw_header)
        return (found.epoch, found.count) if found is not None else None

    # ------------------------------------------------------------ what the driver tells

    def begin(self, token: Message, count: int) -> None:
        """A cell starts; one that leaves no trace in history has no number to ask for."""
        request = cast(ExecuteRequest, token.content)
        if not request.store_history or request.silent:
            return
        if len(self._cells) >= CELLS:
            self._take()
            self._write(self._cells.pop(next(iter(self._cells))))
        self._cells[token.raw_header] = _Cell(self._epoch(), count)

    def sent(self, draft: Draft, frames: Sequence[bytes | memoryview]) -> None:
        """A message has left on iopub, in these frames."""
        kind = _KINDS.get(draft.msg_type)
        cell = self._cells.get(draft.parent) if kind is not None else None
        if cell is not None:
            self._add(draft, frames, cell)

    def ended(self, token: Message) -> None:
        """A cell is over, its reply is next."""
        cell = self._cells.get(token.raw_header)
        if cell is not None:
            self._add(None, (), cell)

    def settle(self) -> None:
        """Write all that is there."""
        self._take()
        for cell in self._cells.values():
            self._write(cell)

    def close(self) -> None:
        """The kernel has sent its last message."""
        self.settle()
        self._pen.close()
        self._cells.clear()

    def _add(self, draft: Draft | None, frames: Sequence[bytes | memoryview], cell: _Cell) -> None:
        self._sent.append((draft, frames, cell))
        if len(self._sent) == 1:
            self._soon(self._take)
        elif len(self._sent) > _MANY:  # in a flood, frames are not piled up
            self._take()

    def _take(self) -> None:
        sent, self._sent = self._sent, []
        for draft, frames, cell in sent:
            try:
                if draft is None:
                    self._write(cell)
                else:
                    self._note(draft, frames, cell)
            except Exception as error:  # a mistake of ours: the others are kept all the same
                cell.left = Left(cell.left.messages + 1, cell.left.size, repr(error))

    def _note(self, draft: Draft, frames: Sequence[bytes | memoryview], cell: _Cell) -> None:
        kind = _KINDS[draft.msg_type]
        at = len(draft.idents) + 4  # behind them: delimiter, signature, header, parent
        metadata, content = bytes(frames[at]), bytes(frames[at + 1])
        if kind == CLEAR:
            cell.clearing = _clear(content).wait
            if not cell.clearing:
                self._forget(cell)
            return
        if cell.clearing and kind == OUTPUT:
            self._forget(cell)
        shown = draft.msg_type, content, metadata, frames[at + 2 :]
        size = _size(shown)
        if cell.room >= size or (cell.room > 0 and draft.msg_type != "stream" and cell.room + END >= size):
            cell.room -= size
            self._show(cell, shown)
        else:
            self._hold(cell, shown, size)

    # ------------------------------------------------------------ what is held

    def _forget(self, cell: _Cell) -> None:
        """Of what was shown so far nothing is there any more; updates of other cells' displays are."""
        cell.clearing = False
        gone = set(cell.pending).difference(cell.updates.values())
        for key in gone:
            cell.held -= _size(cell.pending.pop(key))
        cell.left, cell.room, cell.wipe = Left(0, 0), 0, True

    def _hold(self, cell: _Cell, shown: _Shown, size: int) -> None:
        """Keep an output for later, and let go of the oldest for which there is no room then."""
        if cell.room > 0 and shown[0] == "stream":
            # Text in one piece that is larger than the beginning: its first part goes there.
            first, shown = _cut(shown, cell.room)
            self._show(cell, first)
            size = _size(shown)
        cell.room = 0
        self._serial += 1
        display = _transient(shown[1]).transient.get("display_id") if shown[0] == "update_display_data" else None
        if display is not None:
            before = cell.updates.pop(display, None)
            if before is not None:
                cell.held -= _size(cell.pending.pop(before))
            cell.updates[display] = self._serial
        cell.pending[self._serial] = shown
        cell.held += size
        while cell.held > END:
            self._let_go(cell)
        if self._monotonic() - cell.wrote >= PACE:
            self._write(cell)
        elif not self._is_due:
            self._is_due = True
            self._later(PACE, self._due)

    def _let_go(self, cell: _Cell) -> None:
        """Drop the oldest output; of a text without which little would be left, its beginning; updates go last."""
        updates = set(cell.updates.values())
        key = next((key for key in cell.pending if key not in updates), next(iter(cell.pending)))
        shown = cell.pending.pop(key)
        size = _size(shown)
        if key in updates:
            cell.updates = {display: its for display, its in cell.updates.items() if its != key}
        cell.held -= size
        too_much = size - (END - cell.held)
        if shown[0] == "stream" and cell.held < END // 2:
            gone, kept = _cut(shown, too_much + _SPARE)
            # It stays the oldest.
            cell.pending = {key: kept, **cell.pending}
            cell.held += _size(kept)
            size = _size(gone)
        cell.left = Left(cell.left.messages + 1, cell.left.size + size, cell.left.reason)

    def _fold(self) -> None:
        """With each new file: see whether those before it are worth folding, and have it done."""
        from holdfast.durable.folding import due, fold

        session, seal, until = self._session, self._seal, self._folded - 1

        def call() -> None:
            try:
                fold(session, seal, until)
            except OSError:  # a full disk: the files stay as they are
                return

        if due(session, until):
            self._beside(call)

    def _due(self) -> None:
        self._is_due = False
        self.settle()

    def _write(self, cell: _Cell) -> None:
        """Write what is held of a cell."""
        if not cell.pending and not cell.wipe and not cell.left.messages:
            return
        cell.wrote = self._monotonic()
        if cell.wipe:
            cell.wipe = not self._put(CLEAR, cell, b"")
        if cell.left.messages and self._put(LEFT, cell, msgspec.json.encode(cell.left)):
            cell.left = Left(0, 0)
        pending, cell.pending, cell.held = cell.pending, {}, 0
        cell.updates = {}
        for shown in pending.values():
            self._show(cell, shown)

    # ------------------------------------------------------------ what is written

    def _put(self, kind: int, cell: _Cell, body: bytes) -> bool:
        try:
            self._pen.put(kind, cell.epoch, cell.count, body)
        except OSError:
            return False
        return True

    def _show(self, cell: _Cell, shown: _Shown) -> None:
        """Append an output; one that cannot be written is counted, and said when something can be again."""
        try:
            if cell.left.reason and self._put(LEFT, cell, msgspec.json.encode(cell.left)):
                cell.left = Left(0, 0)
            self._pen.show(_KINDS[shown[0]], cell.epoch, cell.count, shown)
            if self._pen.number != self._folded:
                self._folded = self._pen.number
                self._later(_QUIET, self._fold)
        except OSError as error:
            reason = error.strerror or str(error)
            cell.left = Left(cell.left.messages + 1, cell.left.size + _size(shown), reason)


def _size(shown: _Shown) -> int:
    return len(shown[1]) + sum(len(buffer) for buffer in shown[3])


def _cut(shown: _Shown, at: int) -> tuple[_Shown, _Shown]:
    """A stream's text in two, the first of about so many bytes."""
    stream = _stream(shown[1])
    # Bytes are not characters: what is cut is in proportion, and at the end of a line where one is near.
    split = max(0, len(stream.text) * at // max(1, len(shown[1])))
    line = stream.text.find("\n", split, split + 1000)
    split = line + 1 if line >= 0 else split
    head = {"name": stream.name, "text": stream.text[:split]}
    tail = {"name": stream.name, "text": stream.text[split:]}
    encode = msgspec.json.encode
    return ("stream", encode(head), shown[2], ()), ("stream", encode(tail), shown[2], ())
