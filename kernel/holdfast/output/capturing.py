"""What code prints and displays, kept instead of shown: `%%capture` and `capture_output`.

It must never keep anything alive but text and MIME bundles: what was captured is a variable, and is stored.

Streams are replaced in `sys`, as people know it from other kernels: who holds the old stream writes past it. What C
code and children write is read from the pipes of descriptors 1 and 2 while it lasts.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from holdfast.output import display

__all__ = ["CapturedIO", "RichOutput", "capture_output"]


class RichOutput:
    """One display that was captured; shown again where it is the value of a cell, or by `display()`."""

    def __init__(
        self,
        data: Mapping[str, object] | None = None,
        metadata: Mapping[str, object] | None = None,
        transient: Mapping[str, object] | None = None,
        update: bool = False,
    ) -> None:
        self.data = dict(data or {})
        self.metadata = dict(metadata or {})
        self.transient = dict(transient or {})
        self.update = update

    def display(self) -> None:
        """Show it."""
        display.publish_display_data(self.data, self.metadata, transient=self.transient, update=self.update)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[object, object]:
        return self.data, self.metadata

    def __repr__(self) -> str:
        return f"<RichOutput {', '.join(self.data)}>"


class CapturedIO:
    """What was captured: `stdout` and `stderr` as text, `outputs` as a list of `RichOutput`; calling it shows it."""

    def __init__(self) -> None:
        self._stdout: list[str] = []
        self._stderr: list[str] = []
        self._outputs: list[dict[str, Any]] = []

    @property
    def stdout(self) -> str:
        """What was printed."""
        return _joined(self._stdout)

    @property
    def stderr(self) -> str:
        """What was written to stderr."""
        return _joined(self._stderr)

    @property
    def outputs(self) -> list[RichOutput]:
        """What was displayed, and the value of the cell."""
        return [RichOutput(**output) for output in self._outputs]

    def show(self) -> None:
        """Print and display it."""
        sys.stdout.write(self.stdout)
        sys.stderr.write(self.stderr)
        for output in self.outputs:
            output.display()

    __call__ = show

    def __str__(self) -> str:
        return self.stdout

    def __repr__(self) -> str:
        lines = self.stdout.count("\n"), self.stderr.count("\n")
        return f"<CapturedIO: {lines[0]} lines, {lines[1]} lines of stderr, {len(self._outputs)} outputs>"


def _joined(parts: list[str]) -> str:
    """Their text; many small parts become one."""
    if len(parts) > 1:
        parts[:] = ["".join(parts)]
    return parts[0] if parts else ""


class capture_output:  # noqa: N801 - its name is known
    """`with capture_output() as captured:` keeps what its body prints and displays in `captured`, a `CapturedIO`.

    `stdout`, `stderr` and `display` say what of it.
    """

    def __init__(self, stdout: bool = True, stderr: bool = True, display: bool = True) -> None:
        self.stdout = stdout
        self.stderr = stderr
        self.display = display
        self._undo: list[Callable[[], None]] = []

    def __enter__(self) -> CapturedIO:
        captured = CapturedIO()
        if self.stdout:
            self._undo.append(_divert_stream("stdout", captured._stdout))
        if self.stderr:
            self._undo.append(_divert_stream("stderr", captured._stderr))
        if self.display:
            self._undo.append(display.divert(_Collector(captured._outputs)))
        return captured

    def __exit__(self, *_error: object) -> None:
        while self._undo:
            self._undo.pop()()


def _divert_stream(name: str, parts: list[str]) -> Callable[[], None]:
    before = getattr(sys, name)
    # While one capture stands in another the stream below both is the kernel's own.
    below = getattr(sys, f"__{name}__")
    undivert = getattr(below, "divert", _no_divert)(parts.append)
    ours = _Collecting(parts, below)
    setattr(sys, name, ours)

    def undo() -> None:
        undivert()
        ours.is_over = True
        if getattr(sys, name) is ours:
            setattr(sys, name, before)

    return undo


def _no_divert(_sink: object) -> Callable[[], None]:
    return lambda: None


class _Collecting(io.StringIO):
    """A stream that appends to a list; text of children goes there first if it was written first.

    Who still holds it when the capture is over (a handler of `logging`), or in a forked child, writes to the stream
    `below`.
    """

    def __init__(self, parts: list[str], below: Any) -> None:
        super().__init__()
        self._parts = parts
        self._below = below
        self._collect: Callable[[], None] = getattr(below, "collect", lambda: None)
        self._fileno = getattr(below, "fileno", None)
        self._process = os.getpid()
        self.is_over = False

    encoding = "utf-8"
    errors = "backslashreplace"

    def write(self, text: str, /) -> int:
        """Keep it."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self.is_over or os.getpid() != self._process:
            self._below.write(text)
        else:
            self._collect()
            self._parts.append(text)
        return len(text)

    def flush(self) -> None:
        """Nothing is held back, but by a forked child."""
        if self.is_over or os.getpid() != self._process:
            self._below.flush()

    def getvalue(self) -> str:
        """What was kept so far."""
        return "".join(self._parts)

    def fileno(self) -> int:
        """The descriptor that children write to: it is read for the capture, too."""
        if self._fileno is None:
            raise io.UnsupportedOperation("fileno")
        number: int = self._fileno()
        return number

    def close(self) -> None:
        """Ignored: it is not the code's own."""


class _Collector:
    """A publisher that keeps displays."""

    def __init__(self, outputs: list[dict[str, Any]]) -> None:
        self._outputs = outputs

    def __call__(
        self, msg_type: str, content: dict[str, Any], metadata: dict[str, object], buffers: list[bytes] | None, /
    ) -> None:
        if msg_type == "clear_output":
            return
        self._outputs.append(
            {
                "data": content["data"],
                "metadata": content["metadata"],
                "transient": content["transient"],
                "update": msg_type == "update_display_data",
            }
        )
