"""The Audio class, and the WAV encoding of samples.

It must never import numpy: samples are arrays only if the user has imported it already.
"""

from __future__ import annotations

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
    import os
    from typing import Any

__all__ = ["Audio", "wav"]

_LOUDEST = 32767  # of a signed 16-bit sample


class Audio(DisplayObject):
    """A sound with a player.

    `data` is the bytes of a sound file, or samples with their `rate` in Hz: one sequence of numbers for mono,
    one per channel for more.  `normalize` scales the loudest sample to full volume; without it samples must
    be between -1 and 1.  A sound given as `url` alone is linked, not embedded.  `element_id` names the HTML
    element.  ValueError: no sound, no rate, or samples that are none.
    """

    _read_flags = "rb"

    def __init__(
        self,
        data: object = None,
        filename: str | os.PathLike[str] | None = None,
        url: str | None = None,
        embed: bool | None = None,
        rate: float | None = None,
        autoplay: bool = False,
        normalize: bool = True,
        *,
        element_id: str | None = None,
    ) -> None:
        if data is None and filename is None and url is None:
            raise ValueError("Audio has nothing to play: pass data, filename or url")
        if embed is False and url is None:
            raise ValueError("Audio with embed=False links to an address: pass it as url")
        self.embed = embed if embed is not None else url is None
        self.autoplay = autoplay
        self.element_id = element_id
        data, url, filename = sorted_out(data, url, filename)
        if isinstance(data, str):
            raise no_such_file("Audio", data)
        if isinstance(data, bytearray | memoryview):
            data = bytes(data)
        if data is not None and not isinstance(data, bytes):
            if rate is None:
                raise ValueError("Audio needs the rate of its samples: pass rate=44100 or what it is, in Hz")
            data = wav(data, rate, normalize=normalize)
        super().__init__(data=data, url=url, filename=filename)

    def reload(self) -> None:
        """Reads an embedded sound again from its file or address; a linked one is the browser's to load."""
        if self.embed and self.filename is not None:
            self.data = read_file(self.filename, binary=True, what="Audio")
        elif self.embed and self.url is not None:
            self.data = read_address(self.url, binary=True, what="Audio")
        self.mimetype = mimetype_of(self.filename or self.url, "audio/wav")

    def src_attr(self) -> str:
        """The sound as a data: address, or the address to load it from."""
        if self.embed and self.data is not None:
            return f"data:{self.mimetype};base64,{encoded(self.data)}"
        return self.url or ""

    def autoplay_attr(self) -> str:
        """The HTML attribute that starts the sound at once, or nothing."""
        return 'autoplay="autoplay"' if self.autoplay else ""

    def element_id_attr(self) -> str:
        """The HTML attribute that names the element, or nothing."""
        from html import escape

        return f'id="{escape(self.element_id)}"' if self.element_id else ""

    def _repr_html_(self) -> str:
        from html import escape

        return (
            f'\n<audio {self.element_id_attr()} controls="controls" {self.autoplay_attr()}>\n'
            f'    <source src="{escape(self.src_attr())}" type="{escape(self.mimetype)}" />\n'
            "    This browser cannot play sound.\n"
            "</audio>\n"
        )


def wav(samples: object, rate: float, *, normalize: bool = True) -> bytes:
    """Samples as a WAV file of signed 16-bit numbers; channels are the rows of a two-dimensional sequence.

    ValueError: samples that are not finite numbers, of unequal channels, or too loud without `normalize`.
    """
    if hasattr(samples, "__array__"):
        frames, channels = _frames_of_array(samples, normalize)
    else:
        frames, channels = _frames_of_sequence(samples, normalize)
    import wave
    from io import BytesIO

    written = BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(int(rate))
        file.writeframes(frames)
    return written.getvalue()


def _frames_of_array(samples: Any, normalize: bool) -> tuple[bytes, int]:
    import sys

    # Whatever has __array__ was made by, or for, numpy; importing it here would only find it loaded.
    numpy: Any = sys.modules.get("numpy") or __import__("numpy")
    values = numpy.asarray(samples, dtype=float)
    if values.ndim not in (1, 2):
        raise ValueError(f"Audio plays arrays of one or two dimensions, not {values.ndim}")
    channels = 1 if values.ndim == 1 else values.shape[0]
    loudest = float(numpy.max(numpy.abs(values))) if values.size else 0.0
    scaled = values.T.ravel() * (_LOUDEST / _full_scale(loudest, normalize))
    return scaled.astype("<i2").tobytes(), channels


def _frames_of_sequence(samples: Any, normalize: bool) -> tuple[bytes, int]:
    from array import array
    from sys import byteorder

    try:
        listed = list(samples)
        rows = [list(row) for row in listed] if listed and hasattr(listed[0], "__iter__") else [listed]
        values = [[float(value) for value in row] for row in rows]
    except TypeError as error:
        raise ValueError(f"Audio cannot read samples from {type(samples).__name__}: {error}") from error
    if len({len(row) for row in values}) > 1:
        raise ValueError(f"Audio needs channels of one length, not {[len(row) for row in values]}")
    magnitudes = [abs(value) for row in values for value in row]
    # max() passes over nan; a sum does not.
    loudest = max(magnitudes, default=0.0) if sum(magnitudes, 0.0) < float("inf") else float("nan")
    scale = _LOUDEST / _full_scale(loudest, normalize)
    frames = array("h", (int(value * scale) for moment in zip(*values, strict=True) for value in moment))
    if byteorder == "big":
        frames.byteswap()
    return frames.tobytes(), len(values)


def _full_scale(loudest: float, normalize: bool) -> float:
    """The sample value that becomes full volume."""
    if not loudest < float("inf"):
        raise ValueError("Audio needs finite samples: there is nan or infinity among them")
    if normalize:
        return loudest or 1.0
    if loudest > 1.0:
        raise ValueError(f"Audio samples must be between -1 and 1 with normalize=False: the loudest is {loudest:g}")
    return 1.0
