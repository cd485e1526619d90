"""`display()` and its kin: the user's values become display_data, update_display_data and clear_output.

It must never format or send by itself: both are functions handed in through `install`, so that the same calls
work in a kernel, in a test and, without either, in a plain Python process (where the text is printed).

Rejected: keeping the publisher in a context variable.  Threads started by C code see an empty context and
would print instead of displaying; which cell an output belongs to is the publisher's business.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from typing import Protocol

    class Publisher(Protocol):
        """Sends one message to all clients; thread safe; encodes `content` before it returns."""

        def __call__(
            self,
            msg_type: str,
            content: dict[str, object],
            metadata: dict[str, object],
            buffers: list[bytes] | None,
            /,
        ) -> None: ...

    class Formats(Protocol):
        """Turns a value into (data, metadata), keyed by mime type; empty data: nothing is left to show."""

        def format(
            self, obj: object, include: Collection[str] | None = None, exclude: Collection[str] | None = None
        ) -> tuple[dict[str, object], dict[str, object]]: ...


__all__ = [
    "DisplayHandle",
    "clear_output",
    "display",
    "divert",
    "install",
    "is_diverted",
    "publish_display_data",
    "times_cleared",
    "uninstall",
    "update_display",
]

_installed: tuple[Publisher, Formats] | None = None
_times_cleared = 0
_diversions = 0


def install(publisher: Publisher, formatters: Formats) -> None:
    """Sends what is displayed from now on through `publisher`, formatted by `formatters`."""
    global _installed
    _installed = (publisher, formatters)


def uninstall() -> None:
    """Goes back to printing."""
    global _installed
    _installed = None


def divert(publisher: Publisher) -> Callable[[], None]:
    """Sends what is displayed, and the values of cells, through `publisher` until what is returned is called."""
    global _installed, _diversions
    before = _installed
    if before is None:
        return lambda: None
    _installed = diverted = (publisher, before[1])
    _diversions += 1

    def undo() -> None:
        global _installed, _diversions
        _diversions -= 1
        if _installed is diverted:
            _installed = before

    return undo


def is_diverted() -> bool:
    """Whether the values of cells go the way of what is displayed."""
    return _diversions > 0


def display(
    *objs: object,
    include: Collection[str] | None = None,
    exclude: Collection[str] | None = None,
    metadata: Mapping[str, object] | None = None,
    transient: Mapping[str, object] | None = None,
    display_id: object = None,
    raw: bool = False,
    clear: bool = False,
    **kwargs: object,
) -> DisplayHandle | None:
    """Shows values, each as one display_data message (messaging specification, "Display data").

    `include` and `exclude` name mime types.  `metadata` is merged over the one of the formatters: keyed by
    mime type, or by a name that holds for the whole output.  With `raw` each value is already a mapping of
    mime type to data.  `clear` replaces what the cell has shown so far.  `display_id` names the output, or
    makes up a name if it is True, and gives back a handle that can update it; without values an empty output
    is reserved.  Of `kwargs`, `update` and `buffers` go to `publish_display_data`; others are ignored:
    notebooks pass options of other kernels.
    """
    if clear:
        clear_output(wait=True)
    route = dict(transient) if transient else {}
    if display_id:
        route["display_id"] = display_id = _new_id() if display_id is True else display_id
    update = bool(kwargs.get("update"))
    if update and "display_id" not in route:
        raise TypeError("cannot update a display: it has no display_id; pass the one that display() was given")
    buffers = kwargs.get("buffers")
    if not isinstance(buffers, list):
        buffers = None
    if not objs and display_id:
        objs, raw = ({},), True
    for obj in objs:
        if raw:
            data, described = obj, dict(metadata) if metadata else {}
        elif _installed is None:
            data, described = {"text/plain": _text(obj)}, {}
        else:
            data, described = _installed[1].format(obj, include, exclude)
            if not data:
                continue  # it displayed itself, or has none of the types asked for
            if metadata:
                described = _merged(described, metadata)
        publish_display_data(data, described, transient=route, update=update, buffers=buffers)
    return DisplayHandle(display_id) if display_id else None


def update_display(obj: object, *, display_id: object, **kwargs: object) -> None:
    """Shows `obj` in the place of every output that was displayed with this `display_id`."""
    kwargs["update"] = True
    display(obj, display_id=display_id, **kwargs)  # type: ignore[arg-type]  # they are display()'s own options


def clear_output(wait: bool = False) -> None:
    """Removes what the cell has shown so far: at once, or with `wait` when its next output arrives."""
    global _times_cleared
    _times_cleared += 1
    if _installed is not None:
        _installed[0]("clear_output", {"wait": bool(wait)}, {}, None)
        return
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and stream.isatty():
            stream.write("\033[2K\r")  # erase the line: all that a terminal can take back
            stream.flush()


def times_cleared() -> int:
    """How often `clear_output` was called: what was shown before may no longer be there."""
    return _times_cleared


def publish_display_data(
    data: object,
    metadata: Mapping[str, object] | None = None,
    *,
    transient: Mapping[str, object] | None = None,
    update: bool = False,
    buffers: list[bytes] | None = None,
    **_others: object,
) -> None:
    """Publishes ready data, keyed by mime type, as display_data or update_display_data.

    Bytes are sent as base64 text, or as the text they are for `text/*` and SVG.  `buffers` travel beside the
    message, unencoded.  Other options are ignored: libraries still pass `source`, which the protocol once had.
    TypeError: `data` or `metadata` is not a mapping.
    """
    if not isinstance(data, dict):
        raise TypeError(f"cannot display {data!r}: data must be a dict of mime type to content")
    if metadata is not None and not isinstance(metadata, dict):
        raise TypeError(f"cannot display: metadata must be a dict, not {metadata!r}")
    if _installed is None:
        if "text/plain" in data:
            print(data["text/plain"])
        return
    content: dict[str, object] = {
        "data": {mime: _sendable(mime, value) for mime, value in data.items()},
        "metadata": dict(metadata or {}),
        "transient": dict(transient or {}),
    }
    _installed[0]("update_display_data" if update else "display_data", content, {}, buffers)


class DisplayHandle:
    """One displayed output, by its id: what is shown in it can be replaced, also from a later cell."""

    def __init__(self, display_id: object = None) -> None:
        self.display_id = _new_id() if display_id is None else display_id

    def __repr__(self) -> str:
        return f"<{type(self).__name__} display_id={self.display_id}>"

    def display(self, obj: object, **kwargs: object) -> None:
        """Shows `obj` as a new output of the same id; later updates reach all of them."""
        display(obj, display_id=self.display_id, **kwargs)  # type: ignore[arg-type]

    def update(self, obj: object, **kwargs: object) -> None:
        """Shows `obj` in the place of every output of this id."""
        update_display(obj, display_id=self.display_id, **kwargs)


def _new_id() -> str:
    return os.urandom(16).hex()


def _text(obj: object) -> str:
    from holdfast.output.pretty import pretty

    return pretty(obj)


def _sendable(mime: str, value: object) -> object:
    if not isinstance(value, bytes | bytearray | memoryview):
        return value
    if mime.startswith("text/") or mime == "image/svg+xml":
        return bytes(value).decode("utf-8", "replace")
    from binascii import b2a_base64

    return b2a_base64(value, newline=False).decode("ascii")


def _merged(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    """`above` over `below`, mapping by mapping; neither is changed."""
    both = dict(below)
    for key, value in above.items():
        under = both.get(key)
        both[key] = _merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return both
