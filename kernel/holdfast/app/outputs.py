"""`%outputs` and `holdfast.session.outputs`: what a cell showed, again, from the record.

It must never run code of the cell's, and never wait for a cell that runs: what that has shown so far is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from holdfast.durable.outputs import Key, Output, Record, notebook
from holdfast.durable.record import files
from holdfast.errors import CellError
from holdfast.wire.message import Message

if TYPE_CHECKING:
    from holdfast.app.recorder import Recorder
    from holdfast.durable.keys import Seal
    from holdfast.durable.store.port import LogEntry

_CELL = re.compile(r"(?:(\d+):)?\[?(\d+)\]?")
#: How often a look is taken again because files were folded meanwhile.
_TRIES = 3


class Publish(Protocol):
    """Shows a message below the cell that runs."""

    def __call__(
        self,
        msg_type: str,
        content: Mapping[str, object],
        metadata: Mapping[str, object] | None = None,
        buffers: Sequence[bytes | memoryview] | None = None,
    ) -> None: ...


class NoSuchCell(CellError):
    """A cell was asked for in words that name none."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words

    def __str__(self) -> str:
        return (
            f"{self.words!r} names no cell: %outputs 41 shows those of cell [41], %outputs 2:41 those of the one "
            "in epoch 2, %outputs alone the last there are"
        )


class Found:
    """What a look into the record found: `key` is None where nothing is kept."""

    __slots__ = ("damaged", "key", "outputs")

    def __init__(self, key: Key | None, outputs: list[Output], damaged: int) -> None:
        self.key = key
        self.outputs = outputs
        self.damaged = damaged


def which(words: str) -> tuple[int | None, int | None]:
    """Epoch and count that are asked for: "41", "2:41", "[41]", or nothing; raises `NoSuchCell`."""
    if not words.strip():
        return None, None
    match = _CELL.fullmatch(words.strip())
    if match is None:
        raise NoSuchCell(words.strip())
    return int(match[1]) if match[1] else None, int(match[2])


def look(folder: str, seal: Seal, words: str, line: Sequence[int] = (), but: Key | None = None) -> Found:
    """Find what a cell showed, in the folder of a session; raises `NoSuchCell`."""
    epoch, count = which(words)
    for attempt in range(_TRIES):
        before = files(folder)
        with Record(folder, seal) as record:
            key = record.find(count, epoch, line, but) if count is not None else record.last(but)
            found = Found(key, record.outputs(key) if key is not None else [], record.damaged)
        now = {path for _, _, path in files(folder)}
        if attempt == _TRIES - 1 or all(path in now for _, _, path in before):
            return found
    raise AssertionError("unreachable")


def line_of(entries: Sequence[LogEntry]) -> list[int]:
    """The epochs that led to the newest commit, newest first."""
    from holdfast.durable.timeline import Timeline

    return list(dict.fromkeys(entry.epoch for entry in Timeline(entries).line())) if entries else []


def elsewhere(home: str, name: str, words: str) -> tuple[str, str, list[dict[str, object]]]:
    """What a cell of a session showed, beside the kernel that uses it; raises StoreError, `NoSuchCell`."""
    from holdfast.durable.keys import Seal, user_key
    from holdfast.durable.listing import find, ledger_of
    from holdfast.durable.store.schema import identify

    folder, key = find(home, name), user_key(home, make=False)
    db, whole, ledger = ledger_of(folder, key)
    try:
        seal, line = Seal(key, identify(db, str(folder), key).ident), line_of(ledger.log(None))
    finally:
        db.close()
    found = look(str(folder), seal, words, line)
    place = f"{found.key.epoch}:{found.key.count}" if found.key is not None else words
    return whole, place, [notebook(output) for output in found.outputs]


class Outputs:
    """What the cells of this kernel ask; thread-safe."""

    def __init__(
        self,
        folder: str,
        seal: Seal,
        recorder: Recorder,
        settle: Callable[[], None],
        publish: Publish,
        asker: Callable[[], Message | None],
        line: Callable[[], Sequence[int]] = lambda: (),
    ) -> None:
        self._folder = folder
        self._seal = seal
        self._recorder = recorder
        self._settle = settle
        self._publish = publish
        self._asker = asker
        self._line = line

    def data(self, words: str) -> list[dict[str, object]]:
        """What a cell showed, as a notebook keeps it."""
        return [notebook(output) for output in self._look(words).outputs]

    def show(self, words: str) -> None:
        """Show it again below the cell that asks, in order."""
        found = self._look(words)
        key = found.key
        if key is None or not found.outputs:
            cell = f"cell [{which(words)[1] or (key.count if key else '')}]" if words.strip() or key else "any cell"
            self._say(f"nothing is kept of what {cell} showed")
        elif key.life != self._recorder.life:
            self._say(f"what cell [{key.count}] showed before (epoch {key.epoch}):")
        for output in found.outputs:
            if output.left is not None:
                shown = notebook(output)
                self._publish("display_data", {**shown, "transient": {}})
            elif output.msg_type == "execute_result":
                content = {name: value for name, value in output.content.items() if name != "execution_count"}
                self._publish("display_data", {"transient": {}, **content}, output.metadata, output.buffers)
            else:
                self._publish(output.msg_type, output.content, output.metadata, output.buffers)
        if found.damaged:
            many = "an output is" if found.damaged == 1 else f"{found.damaged} outputs are"
            self._say(f"[{many} not what was written, and not shown]")

    def _say(self, text: str) -> None:
        self._publish("display_data", {"data": {"text/plain": text}, "metadata": {}, "transient": {}})

    def _look(self, words: str) -> Found:
        self._settle()
        token = self._asker()
        asking = self._recorder.cell(token) if token is not None else None
        but = Key(*asking, self._recorder.life) if asking is not None else None
        return look(self._folder, self._seal, words, self._line(), but)
