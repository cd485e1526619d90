"""Which frames of a stopped thread a person sees.

It must never hide a frame of the user's: what is cut off is the kernel itself and what called it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from holdfast.debug.messages import Json


def visible(frames: Sequence[Json], is_cell: Callable[[str], bool], is_ours: Callable[[str], bool]) -> list[Json]:
    """The user's part of a DAP stack, newest frame first as it came: nothing of ours, nothing older than a cell.

    A stack without a cell (a thread of the user's, say) keeps all but our own frames.
    """
    paths = [_path(frame) for frame in frames]
    oldest = max((n for n, path in enumerate(paths) if is_cell(path)), default=len(paths) - 1)
    return [frame for frame, path in zip(frames[: oldest + 1], paths, strict=False) if not is_ours(path)]


def cells(frames: Sequence[Json], is_cell: Callable[[str], bool]) -> list[int]:
    """The ids of the frames that are a cell's own code, and not that of its functions."""
    return [frame["id"] for frame in frames if frame.get("name") == "<module>" and is_cell(_path(frame))]


def page(frames: list[Json], start: object, levels: object) -> list[Json]:
    """The frames that a stackTrace request asks for; 0 levels are all."""
    first = start if isinstance(start, int) and start > 0 else 0
    count = levels if isinstance(levels, int) and levels > 0 else len(frames)
    return frames[first : first + count]


def _path(frame: Json) -> str:
    path = (frame.get("source") or {}).get("path")
    return path if isinstance(path, str) else ""
