"""A session's record of outputs, written and read by tests without a kernel."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from holdfast.durable.keys import Seal
from holdfast.durable.outputs import Key, Output, Record
from holdfast.durable.record import CLEAR, OUTPUT, UPDATE, Pen, files

SEAL = Seal(b"k" * 32, b"ident")


class Writer:
    """One kernel's pen, in words of a test."""

    def __init__(self, pen: Pen) -> None:
        self.pen = pen

    def show(self, count: int, msg_type: str, content: Mapping[str, object], buffers: Sequence[bytes] = ()) -> None:
        """One message of cell `count`."""
        kind = UPDATE if msg_type == "update_display_data" else OUTPUT
        self.pen.show(kind, 1, count, (msg_type, json.dumps(content).encode(), b"{}", buffers))

    def stream(self, count: int, text: str, name: str = "stdout") -> None:
        """Text."""
        self.show(count, "stream", {"name": name, "text": text})

    def display(self, count: int, text: str, display_id: str = "", *, update: bool = False) -> None:
        """A display, or an update of those with its id."""
        transient = {"display_id": display_id} if display_id else {}
        content = {"data": {"text/plain": text}, "metadata": {}, "transient": transient}
        self.show(count, "update_display_data" if update else "display_data", content)

    def picture(self, count: int, data: str) -> None:
        """A display that has a large representation."""
        self.show(count, "display_data", {"data": {"image/png": data}, "metadata": {}, "transient": {}})

    def clear(self, count: int) -> None:
        """Everything shown so far is cleared."""
        self.pen.put(CLEAR, 1, count, b"")


class Written:
    """A session's folder, and what is written there; every kernel is epoch 1."""

    def __init__(self, folder: Path, seal: Seal = SEAL) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.seal = seal
        self._pens: list[Pen] = []

    def pen(self) -> Writer:
        """That of one more kernel."""
        self._pens.append(Pen(str(self.folder), self.seal, 1, 0))
        return Writer(self._pens[-1])

    def close(self) -> None:
        """All kernels have ended."""
        for pen in self._pens:
            pen.close()

    def file(self) -> Path:
        """The first file."""
        return Path(files(str(self.folder))[0][2])

    def size(self) -> int:
        """Bytes of all files."""
        return sum(Path(path).stat().st_size for _, _, path in files(str(self.folder)))

    def flip(self, at: int) -> None:
        """Change one byte of the first file."""
        content = bytearray(self.file().read_bytes())
        content[at] ^= 1
        self.file().write_bytes(content)

    def record(self) -> Record:
        """What is there now."""
        return Record(str(self.folder), self.seal)

    def shown(self, count: int, life: int = 1) -> list[str]:
        """What a run of a cell shows, each output as text."""
        with self.record() as record:
            return [text(output) for output in record.outputs(Key(1, count, life))]


def text(output: Output) -> str:
    """The one thing that an output says."""
    if output.left is not None:
        return f"left {output.left.messages}"
    data = output.content.get("data")
    return str(next(iter(data.values()))) if isinstance(data, dict) else str(output.content["text"])
