"""Video, IFrame and the players built on it."""

from __future__ import annotations

import urllib.request
from io import BytesIO
from pathlib import Path

import pytest

from holdfast.output.mime import IFrame, ScribdDocument, Video, VimeoVideo, YouTubeVideo


def test_a_video_is_linked() -> None:
    """An address becomes a player that loads it."""
    for video in (Video("https://x/a.mp4?b&c"), Video(url="https://x/a.mp4?b&c")):
        assert '<video src="https://x/a.mp4?b&amp;c" controls>' in video._repr_html_()


def test_options_are_attributes() -> None:
    """Size and free attributes go into the element."""
    html = Video(url="a.mp4", width=3, height=4, html_attributes="controls loop")._repr_html_()
    assert '<video src="a.mp4" controls loop width="3" height="4">' in html


def test_a_file_is_linked_by_its_name(tmp_path: Path) -> None:
    """A file is not embedded unasked."""
    path = tmp_path / "a.mp4"
    path.write_bytes(b"abc")
    assert f'<video src="{path}" controls>' in Video(path)._repr_html_()


@pytest.mark.parametrize(
    ("name", "mimetype", "type"),
    [("a.webm", None, "video/webm"), ("a", None, "video/mp4"), ("a.webm", "video/x", "video/x")],
)
def test_a_file_is_embedded_on_request(tmp_path: Path, name: str, mimetype: str | None, type: str) -> None:
    """With embed=True the file goes into the page under its type."""
    path = tmp_path / name
    path.write_bytes(b"abc")
    html = Video(filename=path, embed=True, mimetype=mimetype)._repr_html_()
    assert f'<source src="data:{type};base64,YWJj" type="{type}">' in html


@pytest.mark.parametrize("data", [b"abc", "YWJj"])
def test_data_is_embedded(data: object) -> None:
    """Bytes are encoded; text is taken to be base64 already."""
    assert "data:video/mp4;base64,YWJj" in Video(data, embed=True)._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ValueError, "pass data, url or filename"),
        ({"data": b"abc"}, ValueError, "only with embed=True"),
        ({"data": "nope.mp4"}, FileNotFoundError, "no file 'nope.mp4'"),
    ],
)
def test_bad_input_is_named(arguments: dict[str, object], error: type[Exception], message: str) -> None:
    """Each error says what is wrong and what to do."""
    with pytest.raises(error, match=message):
        Video(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("src", "params", "address"),
    [
        ("https://x/y", {}, "https://x/y"),
        ("https://x/y", {"start": 3, "q": "a b"}, "https://x/y?start=3&q=a+b"),
        ("https://x/y?z=1", {"start": 3}, "https://x/y?z=1&start=3"),
        ('a"b', {}, "a%22b"),
        (Path("a.html"), {}, "a.html"),
    ],
)
def test_an_iframe_has_its_parameters_in_the_address(src: str | Path, params: dict[str, object], address: str) -> None:
    """Keyword arguments become the query."""
    assert f'src="{address}"' in IFrame(src, 1, 2, **params)._repr_html_()  # type: ignore[arg-type]


def test_an_iframe_has_its_attributes() -> None:
    """Size and extras go into the element."""
    html = IFrame("https://x", "100%", 350, extras=['loading="lazy"'])._repr_html_()
    assert html.split() == [
        "<iframe",
        'width="100%"',
        'height="350"',
        'src="https://x"',
        'frameborder="0"',
        "allowfullscreen",
        'referrerpolicy="strict-origin-when-cross-origin"',
        'loading="lazy"',
        "></iframe>",
    ]


@pytest.mark.parametrize(
    ("frame", "address"),
    [
        (YouTubeVideo("abc", start=10), "https://www.youtube.com/embed/abc?start=10"),
        (YouTubeVideo("abc", 400, 300, True), "https://www.youtube.com/embed/abc?autoplay=1"),
        (VimeoVideo("123"), "https://player.vimeo.com/video/123"),
        (ScribdDocument("1", start_page=3), "https://www.scribd.com/embeds/1/content?start_page=3"),
    ],
)
def test_players_know_their_addresses(frame: IFrame, address: str) -> None:
    """An id is all that a player needs."""
    html = frame._repr_html_()
    assert f'src="{address}"' in html
    assert 'width="400"\n    height="300"' in html


def test_autoplay_is_allowed_on_request() -> None:
    """The frame may play by itself only if the user said so."""
    assert 'allow="autoplay"' in YouTubeVideo("abc", allow_autoplay=True)._repr_html_()
    assert "autoplay" not in YouTubeVideo("abc")._repr_html_()


def test_the_repr_names_the_page() -> None:
    """text/plain says what is framed, without a memory address."""
    assert repr(YouTubeVideo("abc")) == "<YouTubeVideo https://www.youtube.com/embed/abc>"


def test_a_video_has_a_still_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Formats that cannot play get YouTube's own still."""
    asked: list[str] = []

    def urlopen(url: str, timeout: float) -> BytesIO:
        asked.append(url)
        return BytesIO(b"jpeg")

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    assert YouTubeVideo("abc")._repr_jpeg_() == b"jpeg"
    assert asked == ["https://img.youtube.com/vi/abc/hqdefault.jpg"]


def test_no_network_is_no_still_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network the still is left out."""

    def urlopen(url: str, timeout: float) -> object:
        raise OSError("unreachable")

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    assert YouTubeVideo("abc")._repr_jpeg_() is None
