"""What all display classes share: content given as a value, as a file or as an address, and metadata.

It must never read anything before an object is made, and never show half of what it read.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DisplayObject",
    "TextDisplayObject",
    "encoded",
    "is_address",
    "mimetype_of",
    "no_such_file",
    "read_address",
    "read_file",
    "sorted_out",
]

_PATIENCE = 30.0  # seconds to wait for a server that says nothing


class DisplayObject:
    """Content with the mime types that a subclass gives it.

    `data` is the content itself; a text that is an http(s) address or the name of an existing file is taken
    as `url` or `filename`, and what it holds is read at once.  A subclass that reads bytes sets `_read_flags`
    to "rb".  FileNotFoundError, OSError: it cannot be read.
    """

    _read_flags = "r"
    data: object

    def __init__(
        self,
        data: object = None,
        url: str | None = None,
        filename: str | os.PathLike[str] | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        data, url, filename = sorted_out(data, url, filename)
        self.url = url
        self.filename = filename
        self.metadata: dict[str, object] = dict(metadata) if metadata else {}
        self.data = data
        self.reload()
        self._check_data()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object>"

    def reload(self) -> None:
        """Reads the content again from its file or address, where it has one."""
        binary = "b" in self._read_flags
        if self.filename is not None:
            self.data = read_file(self.filename, binary=binary, what=type(self).__name__)
        elif self.url is not None:
            self.data = read_address(self.url, binary=binary, what=type(self).__name__)

    def _check_data(self) -> None:
        """Raises TypeError when a subclass cannot show this kind of content."""

    def _data_and_metadata(self) -> object:
        """What a `_repr_*_` method gives back: the data alone, or with a copy of the metadata."""
        return (self.data, dict(self.metadata)) if self.metadata else self.data


class TextDisplayObject(DisplayObject):
    """Content that is text.  TypeError: it is something else."""

    def _check_data(self) -> None:
        if self.data is not None and not isinstance(self.data, str):
            raise TypeError(
                f"{type(self).__name__} shows text, not {_shortened(self.data)}; decode it, or use str(...)"
            )


def sorted_out(
    data: object, url: str | None, filename: str | os.PathLike[str] | None
) -> tuple[object, str | None, str | None]:
    """(data, url, filename) with a text in `data` moved to where it belongs."""
    if isinstance(data, os.PathLike):
        data = os.fspath(data)
    if filename is not None:
        filename = os.fspath(filename)
    if isinstance(data, str) and url is None and filename is None:
        if is_address(data):
            return None, data, None
        if os.path.isfile(data):
            return None, None, data
    return data, url, filename


def is_address(text: str) -> bool:
    """Whether the whole text is an http(s) address; text that only begins with one is not."""
    return re.fullmatch(r"https?://\S+", text) is not None


def read_file(path: str, *, binary: bool, what: str) -> bytes | str:
    """The content of a file, text as UTF-8.  OSError or ValueError with what to do about it."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except FileNotFoundError as error:
        raise no_such_file(what, path) from error
    except OSError as error:
        raise type(error)(f"cannot show {what}: cannot read the file {path!r}: {error.strerror}") from error
    if binary:
        return content
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"cannot show {what}: the file {path!r} is not UTF-8 text (byte {error.start}); "
            "read it yourself with its encoding and pass the text"
        ) from error


def no_such_file(what: str, path: str) -> FileNotFoundError:
    """The error for a display class whose file does not exist."""
    return FileNotFoundError(
        f"cannot show {what}: there is no file {path[:200]!r} (looked in {os.getcwd()}); check the name"
    )


def read_address(url: str, *, binary: bool, what: str) -> bytes | str:
    """What an address serves; text by the charset it names, else UTF-8.  OSError: it cannot be read."""
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=_PATIENCE) as response:
            content: bytes = response.read()
            charset = response.headers.get_content_charset() or "utf-8"
            packed = response.headers.get("Content-Encoding") == "gzip"
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise OSError(
            f"cannot show {what}: cannot read {url!r}: {reason}; check the address and the network"
        ) from error
    if packed:
        import gzip

        content = gzip.decompress(content)
    if binary:
        return content
    try:
        return content.decode(charset, "replace")
    except LookupError:  # a charset that Python does not know
        return content.decode("utf-8", "replace")


def mimetype_of(name: str | None, default: str) -> str:
    """The mime type that a file name or address suggests by its suffix."""
    from mimetypes import guess_type

    return (guess_type(name.partition("?")[0])[0] if name else None) or default


def encoded(content: object) -> str:
    """Bytes as base64 text, as JSON carries them; text is taken to be base64 already."""
    if isinstance(content, str):
        return content.strip()
    from binascii import b2a_base64

    return b2a_base64(content, newline=False).decode("ascii")  # type: ignore[arg-type]  # its TypeError is clear


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
