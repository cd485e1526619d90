"""Image: format, size, embedding and linking."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.output.mime import Image
from holdfast.output.mime.image import picture_format, picture_size

PNG = b"\x89PNG\r\n\x1a\n" + bytes.fromhex("0000000d49484452 00000064 00000032 0806000000")
# APP0 of 4 bytes, padding, then SOF2: height 50, width 100.
JPEG = bytes.fromhex("ffd8 ffe00004abcd ffff c2 000b 08 0032 0064 01 000000")
GIF = b"GIF89a" + bytes.fromhex("6400 3200")
WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8 "
SVG = b'<?xml version="1.0"?><svg width="3"/>'


@pytest.mark.parametrize(
    ("data", "format", "size"),
    [
        (PNG, "png", (100, 50)),
        (JPEG, "jpeg", (100, 50)),
        (GIF, "gif", (100, 50)),
        (WEBP, "webp", None),
        (SVG, "svg", None),
        (b"  <svg/>", "svg", None),
        (b"", None, None),
        (b"abc", None, None),
        (PNG[:18], "png", None),
        (JPEG[:14], "jpeg", None),
        (b"\xff\xd8\xff\xe0\x00\x04ab" + b"nonsense", "jpeg", None),
        (b"\xff\xd8\xff\x01" + JPEG[2:], "jpeg", (100, 50)),
    ],
)
def test_the_first_bytes_tell(data: bytes, format: str | None, size: tuple[int, int] | None) -> None:
    """Format and size are read without decoding; what is cut short has none."""
    assert (picture_format(data), picture_size(data)) == (format, size)


@pytest.mark.parametrize(
    ("data", "mimetype", "sent"),
    [
        (PNG, "image/png", "iVBORw0KGgoAAAANSUhEUgAAAGQAAAAyCAYAAAA="),
        (bytearray(GIF), "image/gif", "R0lGODlhZAAyAA=="),
        (WEBP, "image/webp", "UklGRgAAAABXRUJQVlA4IA=="),
        (SVG, "image/svg+xml", '<svg width="3"/>'),
        (b"unknown", "image/png", "dW5rbm93bg=="),
    ],
)
def test_bytes_are_embedded(data: bytes, mimetype: str, sent: str) -> None:
    """A picture's bytes go into the notebook under the type that they show."""
    assert Image(data)._repr_mimebundle_() == ({mimetype: sent}, {})


def test_options_are_metadata() -> None:
    """Width, height, unconfined and alt reach the frontend, under the user's own metadata."""
    image = Image(PNG, width=3, height=4, unconfined=True, alt="dot", metadata={"k": 1, "height": 5})
    described = {"width": 3, "height": 5, "unconfined": True, "alt": "dot", "k": 1}
    assert image._repr_mimebundle_()[1] == {"image/png": described}


@pytest.mark.parametrize("data", [PNG, JPEG, GIF])
def test_retina_halves_the_size(data: bytes) -> None:
    """A retina picture is shown at half of its pixels."""
    image = Image(data, retina=True)
    assert (image.width, image.height) == (50, 25)


def test_png_and_jpeg_have_methods_of_their_own() -> None:
    """Who asks for one type gets it, or nothing."""
    assert Image(JPEG, width=3)._repr_jpeg_() == ("/9j/4AAEq83//8IACwgAMgBkAQAAAA==", {"width": 3})
    assert Image(JPEG)._repr_png_() is None
    assert Image(PNG)._repr_html_() is None


def test_a_file_is_embedded(tmp_path: Path) -> None:
    """A file is read; its bytes count for more than its suffix."""
    path = tmp_path / "a.png"
    path.write_bytes(GIF)
    assert [Image(path).format, Image(str(path)).format, Image(filename=path).format] == ["gif"] * 3


def test_reload_takes_up_the_new_picture(tmp_path: Path) -> None:
    """reload() reads bytes, format and size again."""
    path = tmp_path / "a"
    path.write_bytes(WEBP)
    image = Image(filename=path, retina=True)
    path.write_bytes(PNG)
    image.reload()
    assert (image.format, image.width) == ("png", 50)


def test_a_url_is_linked() -> None:
    """With url the picture stays where it is; options become attributes, escaped."""
    image = Image(url="https://x/a.png?b&c", width=3, height=4, unconfined=True, alt='"q"')
    html = '<img src="https://x/a.png?b&amp;c" width="3" height="4" class="unconfined" alt="&quot;q&quot;"/>'
    assert image._repr_mimebundle_() == ({"text/html": html}, {})
    assert image._repr_png_() is None


@pytest.mark.parametrize("option", ["data", "filename"])
def test_a_file_can_be_linked(tmp_path: Path, option: str) -> None:
    """With embed=False the page loads the file by itself; it need not be there yet if it is called a file."""
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    image = Image(**{option: path}, embed=False, width=3)  # type: ignore[arg-type]
    assert image._repr_mimebundle_() == ({"text/html": f'<img src="{path}" width="3"/>'}, {})
    assert image.data is None


@pytest.mark.parametrize(
    ("url", "format"), [("https://x/a.jpg?b=c.d", "jpeg"), ("https://x/a", "png"), ("https://x/a.GIF", "gif")]
)
def test_the_suffix_of_an_address_tells_the_format(url: str, format: str) -> None:
    """A linked picture's format is that of its suffix, without the query."""
    assert Image(url=url).format == format


def test_a_given_format_is_not_questioned() -> None:
    """format= wins over the bytes; jpg is jpeg."""
    assert Image(PNG, format="JPG").format == "jpeg"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ValueError, "pass data, url or filename"),
        ({"data": "nope.png"}, FileNotFoundError, "no file 'nope.png'"),
        ({"data": PNG, "format": "tiff"}, ValueError, "cannot embed a picture of the format 'tiff'"),
        ({"data": PNG, "embed": False}, ValueError, "pass it as url or filename"),
        ({"data": 3}, TypeError, "Image shows the bytes of a picture, not int"),
    ],
)
def test_bad_input_is_named(arguments: dict[str, object], error: type[Exception], message: str) -> None:
    """Each error says what is wrong and what to do."""
    with pytest.raises(error, match=message):
        Image(**arguments)  # type: ignore[arg-type]
