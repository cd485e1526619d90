"""The Image class, and what can be told of a picture from its first bytes: format and size.

It must never decode a picture: frontends do, and the kernel has no picture library.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

from holdfast.output.mime.content import DisplayObject, encoded, no_such_file, sorted_out

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Image", "picture_format", "picture_size"]

_MIMETYPES = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "svg": "image/svg+xml",
}
_SAME_FORMAT = {"jpg": "jpeg", "jpe": "jpeg"}


class Image(DisplayObject):
    """A picture, embedded in the notebook or, with `url` alone, linked.

    Without `format` the suffix and the bytes decide.  `width` and `height` are in CSS pixels; `retina` halves
    those of the picture; `unconfined` lifts the frontend's limit to the width of the page; `alt` is the text
    for those who cannot see it.  ValueError: no picture was given, or one that notebooks cannot embed.
    """

    _read_flags = "rb"

    def __init__(
        self,
        data: object = None,
        url: str | None = None,
        filename: str | os.PathLike[str] | None = None,
        format: str | None = None,
        embed: bool | None = None,
        width: int | None = None,
        height: int | None = None,
        retina: bool = False,
        unconfined: bool = False,
        metadata: Mapping[str, object] | None = None,
        alt: str | None = None,
    ) -> None:
        if data is None and url is None and filename is None:
            raise ValueError("Image has nothing to show: pass data, url or filename")
        self.embed = embed if embed is not None else url is None
        data, url, filename = sorted_out(data, url, filename)
        if isinstance(data, str):
            raise no_such_file("Image", data)
        if isinstance(data, bytearray | memoryview):
            data = bytes(data)
        if not self.embed and url is None:
            if filename is None:
                raise ValueError("Image with embed=False links to an address or a file: pass it as url or filename")
            url, filename = os.fspath(filename), None
        self._given_format = format
        self.retina = retina
        self.unconfined = unconfined
        described = metadata or {}
        self.width = width if width is not None else described.get("width")
        self.height = height if height is not None else described.get("height")
        self.alt = alt if alt is not None else described.get("alt")
        super().__init__(data=data, url=url, filename=filename, metadata=metadata)

    def reload(self) -> None:
        """Reads an embedded picture again from its file or address; a linked one is not ours to load."""
        if self.embed:
            super().reload()
        self.format = self._found_format()
        if not self.embed:
            return
        if self.format not in _MIMETYPES:
            raise ValueError(
                f"cannot embed a picture of the format {self.format!r}: notebooks show "
                f"{', '.join(_MIMETYPES)}; convert it, or link to it with url=..., embed=False"
            )
        if self.retina and isinstance(self.data, bytes):
            size = picture_size(self.data)
            if size is not None:
                self.width, self.height = size[0] // 2, size[1] // 2

    def _check_data(self) -> None:
        if self.embed and not isinstance(self.data, bytes):
            raise TypeError(f"Image shows the bytes of a picture, not {type(self.data).__name__}")

    def _found_format(self) -> str:
        suffix = self._given_format
        if suffix is None and isinstance(self.data, bytes):
            found = picture_format(self.data)
            if found is not None:
                return found
        if suffix is None:
            name = self.filename or (self.url or "").partition("?")[0].partition("#")[0]
            suffix = os.path.splitext(name)[1].lstrip(".")
        suffix = suffix.lower()
        return _SAME_FORMAT.get(suffix, suffix) or "png"

    def _repr_mimebundle_(self, **_kwargs: object) -> tuple[dict[str, object], dict[str, object]]:
        if not self.embed:
            return {"text/html": self._repr_html_()}, {}
        mimetype = _MIMETYPES[self.format]
        described = self._described()
        return {mimetype: self._sendable()}, ({mimetype: described} if described else {})

    def _repr_html_(self) -> str | None:
        if self.embed:
            return None
        from html import escape

        shown = [f'<img src="{escape(self.url or "")}"']
        shown += [f' {name}="{escape(str(value))}"' for name, value in self._size().items()]
        shown += [' class="unconfined"'] if self.unconfined else []
        shown += [f' alt="{escape(str(self.alt))}"'] if self.alt is not None else []
        return "".join(shown) + "/>"

    def _repr_png_(self) -> object:
        return self._as_format("png")

    def _repr_jpeg_(self) -> object:
        return self._as_format("jpeg")

    def _as_format(self, format: str) -> object:
        if not self.embed or self.format != format:
            return None
        described = self._described()
        return (self._sendable(), described) if described else self._sendable()

    def _sendable(self) -> str:
        if self.format == "svg" and isinstance(self.data, bytes):
            from holdfast.output.mime.text import svg_element

            return svg_element(self.data.decode("utf-8", "replace"))
        return encoded(self.data)

    def _size(self) -> dict[str, object]:
        return {
            name: value
            for name, value in (("width", self.width), ("height", self.height))
            if value is not None and value != 0
        }

    def _described(self) -> dict[str, object]:
        described: dict[str, object] = dict(self._size())
        if self.unconfined:
            described["unconfined"] = True
        if self.alt is not None:
            described["alt"] = self.alt
        return {**described, **self.metadata}


def picture_format(data: bytes) -> str | None:
    """png, jpeg, gif, webp or svg by the first bytes; None for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<") and b"<svg" in start:
        return "svg"
    return None


def picture_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels of a png, jpeg or gif; None for anything else or when it is cut short."""
    try:
        match picture_format(data):
            case "png":
                width, height = struct.unpack_from(">LL", data, 16)
            case "gif":
                width, height = struct.unpack_from("<HH", data, 6)
            case "jpeg":
                return _jpeg_size(data)
            case _:
                return None
    except struct.error:
        return None
    return width, height


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Walks the segments to the frame header (SOF; ITU-T T.81, B.2.2)."""
    at = 2
    while True:
        marker, kind = struct.unpack_from(">BB", data, at)
        if marker != 0xFF:
            return None
        if kind == 0xFF:  # padding
            at += 1
            continue
        if kind == 0x01 or 0xD0 <= kind <= 0xD8:  # these stand alone, without a length
            at += 2
            continue
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        (length,) = struct.unpack_from(">H", data, at + 2)
        at += 2 + length
