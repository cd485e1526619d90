"""What the first cell shows of the restore, once.

It must never be shown where nobody sits: in a batch run it would stay in the notebook that comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from holdfast.executor.outcome import Job
from holdfast.wire.contents import ExecuteRequest
from holdfast.wire.message import Message

if TYPE_CHECKING:
    from holdfast.durable.reports import Restored

#: Names in a reply's metadata.
_NAMES = 1000


class RestoreBanner:
    """A step around each cell, after the one that gives output to it."""

    def __init__(self, publish: Callable[[str, Mapping[str, object], Mapping[str, object]], None]) -> None:
        self._publish = publish
        self._restored: Restored | None = None
        self._notices: list[str] = []
        self._warnings: list[str] = []

    def tell(self, warning: str) -> None:
        """Have a sentence shown that matters to programs too, where nothing was restored below the errors."""
        self._warnings.append(warning)

    def note(self, notice: str) -> None:
        """Have a sentence shown to a person: what is well to know, and nothing is wrong."""
        self._notices.append(notice)

    def announce(self, restored: Restored) -> bool:
        """Have it shown, if anything came back or was lost: whether that is so."""
        if not restored.kept and not restored.lost:
            return False
        self._restored = restored
        return True

    def before(self, job: Job) -> None:
        """Say it, when this cell is a person's."""
        if job.silent or (self._restored is None and not self._notices and not self._warnings):
            return
        attended, restored, lines = is_attended(job), self._restored, self._notices
        if attended and restored is not None:
            from holdfast.durable.overview import banner

            lines, self._warnings = [banner(restored), *self._warnings, *lines], []
        if self._warnings:
            text = "".join(f"{warning}\n" for warning in self._warnings)
            self._publish("stream", {"name": "stderr", "text": text}, {})
            self._warnings = []
        if attended and lines:
            self._restored, self._notices = None, []
            told: dict[str, object] = {"restored": as_metadata(restored)} if restored is not None else {}
            metadata = {"holdfast": {"restored": True} if told else {"notice": True}}
            content = {"data": {"text/plain": "\n".join(lines)}, "metadata": metadata, "transient": {}}
            self._publish("display_data", content, {"holdfast": told} if told else {})

    def after(self, job: Job, failed: bool) -> None:
        """Nothing."""


def is_attended(job: Job) -> bool:
    """Whether somebody sits there: nbclient, and all that is made of it, answers no prompts."""
    content = cast(Message, job.token).content
    return isinstance(content, ExecuteRequest) and content.allow_stdin


def as_metadata(restored: Restored) -> dict[str, object]:
    """What came back, as the metadata of a display or a reply: of very many names the first."""
    import msgspec

    data: dict[str, object] = msgspec.to_builtins(restored)
    return {**data, "kept": list(restored.kept[:_NAMES]), "total": len(restored.kept)}
