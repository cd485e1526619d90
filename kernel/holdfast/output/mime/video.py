"""Moving pictures and framed pages: Video, IFrame and the players of YouTube, Vimeo and Scribd.

It must never embed a video unasked: a notebook would grow by its whole size.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from holdfast.output.mime.content import (
    DisplayObject,
    encoded,
    mimetype_of,
    no_such_file,
    read_address,
    read_file,
    sorted_out,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["IFrame", "ScribdDocument", "Video", "VimeoVideo", "YouTubeVideo"]

_THUMBNAIL_PATIENCE = 2.0  # seconds; a cell must not wait long for a still that only paper formats use


class Video(DisplayObject):
    """A video with a player, linked by address or file name, or embedded with `embed=True`.

    Embedded text that is neither an address nor a file is taken as base64.  `html_attributes` go
    into the <video> element as they are.  ValueError: bytes without `embed=True`.
    """

    _read_flags = "rb"

    def __init__(
        self,
        data: object = None,
        url: str | None = None,
        filename: str | os.PathLike[str] | None = None,
        embed: bool = False,
        mimetype: str | None = None,
        width: int | None = None,
        height: int | None = None,
        html_attributes: str = "controls",
    ) -> None:
        data, url, filename = sorted_out(data, url, filename)
        if data is None and url is None and filename is None:
            raise ValueError("Video has nothing to show: pass data, url or filename")
        if data is not None and not embed:
            if isinstance(data, str):
                raise no_such_file("Video", data)
            raise ValueError(
                "Video puts its data into the notebook only with embed=True, since that makes it as large as "
                "the video; or pass url=... to link to it"
            )
        self.embed = embed
        self.mimetype = mimetype
        self.width = width
        self.height = height
        self.html_attributes = html_attributes
        super().__init__(data=data, url=url, filename=filename)

    def reload(self) -> None:
        """Does nothing: a video is read when it is shown."""

    def _repr_html_(self) -> str:
        from html import escape

        size = "".join(
            f' {name}="{escape(str(value))}"'
            for name, value in (("width", self.width), ("height", self.height))
            if value is not None
        )
        if not self.embed:
            address = escape(self.url if self.url is not None else self.filename or "")
            return (
                f'<video src="{address}" {self.html_attributes}{size}>\n    This browser cannot play video.\n</video>'
            )
        mimetype = escape(self.mimetype or mimetype_of(self.filename or self.url, "video/mp4"))
        return (
            f"<video {self.html_attributes}{size}>\n"
            f'    <source src="data:{mimetype};base64,{encoded(self._content())}" type="{mimetype}">\n'
            "    This browser cannot play video.\n</video>"
        )

    def _content(self) -> object:
        if self.filename is not None:
            return read_file(self.filename, binary=True, what="Video")
        if self.url is not None:
            return read_address(self.url, binary=True, what="Video")
        return self.data


class IFrame:
    """Another page inside the notebook; keyword arguments become the query of its address.

    `extras` are further attributes of the <iframe> element, as they are.
    """

    def __init__(
        self,
        src: str | os.PathLike[str],
        width: int | str,
        height: int | str,
        extras: Iterable[str] | None = None,
        **kwargs: object,
    ) -> None:
        self.src = os.fspath(src)
        self.width = width
        self.height = height
        self.extras = [extras] if isinstance(extras, str) else list(extras or ())
        self.params = kwargs

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.src}>"

    def _repr_html_(self) -> str:
        from html import escape

        address = self.src
        if self.params:
            from urllib.parse import urlencode

            address += ("&" if "?" in address else "?") + urlencode(self.params)
        attributes = [
            f'width="{escape(str(self.width))}"',
            f'height="{escape(str(self.height))}"',
            # Not escaped: an & of the query is read as it is, and notebooks compare this text.
            'src="{}"'.format(address.replace('"', "%22")),
            'frameborder="0"',
            "allowfullscreen",
            # Players refuse a page that does not say where it is embedded.
            'referrerpolicy="strict-origin-when-cross-origin"',
            *self.extras,
        ]
        return "\n<iframe\n    " + "\n    ".join(attributes) + "\n></iframe>\n"


class YouTubeVideo(IFrame):
    """A video of YouTube by its id (what follows "v=" in its address).

    Keyword arguments are the player's parameters, such as `start` in seconds.
    """

    def __init__(
        self,
        id: str,
        width: int | str = 400,
        height: int | str = 300,
        allow_autoplay: bool = False,
        **kwargs: object,
    ) -> None:
        self.id = id
        extras = list(kwargs.pop("extras", None) or ())  # type: ignore[call-overload]  # as of IFrame
        if allow_autoplay:
            kwargs["autoplay"] = 1
            extras.append('allow="autoplay"')
        super().__init__(f"https://www.youtube.com/embed/{id}", width, height, extras, **kwargs)

    def _repr_jpeg_(self) -> bytes | None:
        """The still picture, for formats that cannot play a video; None when it is not to be had at once."""
        from urllib.request import urlopen

        try:
            with urlopen(
                f"https://img.youtube.com/vi/{self.id}/hqdefault.jpg", timeout=_THUMBNAIL_PATIENCE
            ) as response:
                still: bytes = response.read()
        except (OSError, ValueError):
            return None
        return still


class VimeoVideo(IFrame):
    """A video of Vimeo by its id; keyword arguments are the player's parameters."""

    def __init__(self, id: str, width: int | str = 400, height: int | str = 300, **kwargs: object) -> None:
        self.id = id
        super().__init__(f"https://player.vimeo.com/video/{id}", width, height, None, **kwargs)


class ScribdDocument(IFrame):
    """A document of Scribd by its id; keyword arguments are the viewer's parameters."""

    def __init__(self, id: str, width: int | str = 400, height: int | str = 300, **kwargs: object) -> None:
        self.id = id
        super().__init__(f"https://www.scribd.com/embeds/{id}/content", width, height, None, **kwargs)
