"""What display classes read: values, files and addresses, and the errors when that fails."""

from __future__ import annotations

import gzip
import subprocess
import sys
import urllib.request
from email.message import Message
from io import BytesIO
from pathlib import Path
from urllib.error import HTTPError

import pytest

from holdfast.output import mime
from holdfast.output.mime import HTML, DisplayObject, Image, TextDisplayObject


class Response(BytesIO):
    """What urlopen gives back, without a server."""

    def __init__(self, content: bytes, **headers: str) -> None:
        super().__init__(content)
        self.headers = Message()
        for name, value in headers.items():
            self.headers[name.replace("_", "-")] = value


def serve(monkeypatch: pytest.MonkeyPatch, response: Response | Exception) -> list[str]:
    """Answers every request with `response`; returns the list of addresses asked for."""
    asked: list[str] = []

    def urlopen(url: str, timeout: float) -> Response:
        asked.append(url)
        if isinstance(response, Exception):
            raise response
        return response

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    return asked


def test_a_value_is_its_own_content() -> None:
    """Text that names no file is shown as it is."""
    shown = HTML("<b>no file has this name</b>")
    assert (shown.data, shown.url, shown.filename) == ("<b>no file has this name</b>", None, None)


def test_the_name_of_a_file_is_read(tmp_path: Path) -> None:
    """Text that names an existing file stands for its content, as does a Path."""
    path = tmp_path / "page.html"
    path.write_text("<b>é</b>", encoding="utf-8")
    assert [HTML(str(path)).data, HTML(path).data, HTML(filename=path).data] == ["<b>é</b>"] * 3


def test_reload_reads_the_file_again(tmp_path: Path) -> None:
    """reload() takes up what the file holds now."""
    path = tmp_path / "page.html"
    path.write_text("old", encoding="utf-8")
    shown = HTML(filename=path)
    path.write_text("new", encoding="utf-8")
    shown.reload()
    assert shown.data == "new"


def test_a_folder_is_not_content(tmp_path: Path) -> None:
    """Text that happens to name a folder is text."""
    assert HTML(str(tmp_path)).data == str(tmp_path)


@pytest.mark.parametrize(
    ("content", "headers", "text"),
    [
        ("é".encode(), {}, "é"),
        ("é".encode("latin-1"), {"Content_Type": "text/html; charset=latin-1"}, "é"),
        ("é".encode(), {"Content_Type": "text/html; charset=unheard-of"}, "é"),
        (gzip.compress(b"packed", mtime=0), {"Content_Encoding": "gzip"}, "packed"),
    ],
    ids=["utf-8", "charset", "unknown charset", "gzip"],
)
def test_an_address_is_read(
    monkeypatch: pytest.MonkeyPatch, content: bytes, headers: dict[str, str], text: str
) -> None:
    """Text that is an address stands for what it serves, decoded as the server says."""
    asked = serve(monkeypatch, Response(content, **headers))
    assert HTML("https://example.org/page").data == text
    assert asked == ["https://example.org/page"]


def test_text_that_begins_with_an_address_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a whole address is fetched."""
    asked = serve(monkeypatch, OSError("unreachable"))
    assert HTML("https://example.org is a page").data == "https://example.org is a page"
    assert asked == []


def test_a_missing_file_is_named() -> None:
    """The error says which file, for what, and where it was looked for."""
    with pytest.raises(FileNotFoundError, match=r"cannot show HTML: there is no file 'nope.html' \(looked in /"):
        HTML(filename="nope.html")


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    """The error says where the text breaks and what to do."""
    path = tmp_path / "page.html"
    path.write_bytes(b"ab\xff")
    with pytest.raises(ValueError, match=r"not UTF-8 text \(byte 2\)"):
        HTML(filename=path)


def test_a_folder_given_as_file_is_named(tmp_path: Path) -> None:
    """The error keeps its kind and says which path."""
    with pytest.raises(IsADirectoryError, match=f"cannot read the file '{tmp_path}'"):
        HTML(filename=tmp_path)


@pytest.mark.parametrize(
    "error",
    [OSError("no route"), HTTPError("https://example.org/x", 404, "no route", Message(), None)],
    ids=["network", "status"],
)
def test_an_address_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """The error says which address, for what, and why."""
    serve(monkeypatch, error)
    with pytest.raises(OSError, match=r"cannot show HTML: cannot read 'https://example\.org/x': no route"):
        HTML(url="https://example.org/x")


def test_a_nonsense_address_is_an_error_too() -> None:
    """What urllib refuses to open is reported in the same way."""
    with pytest.raises(OSError, match=r"cannot read 'nonsense': unknown url type"):
        HTML(url="nonsense")


@pytest.mark.parametrize("value", [b"bytes", 3, ["a"]])
def test_text_classes_take_text_only(value: object) -> None:
    """Anything but text is a TypeError that says what to do."""
    with pytest.raises(TypeError, match=r"TextDisplayObject shows text, not .*decode it"):
        TextDisplayObject(value)


def test_a_long_value_is_shortened_in_the_error() -> None:
    """The error does not repeat a megabyte."""
    with pytest.raises(TypeError) as raised:
        HTML(b"x" * 1_000_000)
    assert len(str(raised.value)) < 200


def test_metadata_is_copied() -> None:
    """Neither the caller's mapping nor the one given out is the object's own."""
    given: dict[str, object] = {"isolated": True}
    shown = HTML("x", metadata=given)
    given.clear()
    assert shown._repr_html_() == ("x", {"isolated": True})


def test_the_repr_names_the_class() -> None:
    """text/plain says what it is, without an address that changes at every run."""
    assert [repr(DisplayObject()), repr(HTML("x"))] == ["<DisplayObject object>", "<HTML object>"]


def test_all_names_can_be_loaded() -> None:
    """Every name in __all__ is there, and dir() lists exactly these."""
    assert [name for name in mime.__all__ if not callable(getattr(mime, name))] == []
    assert dir(mime) == sorted(mime.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A name that the package does not have is missing in the usual way."""
    with pytest.raises(AttributeError, match="no attribute 'Hologram'"):
        getattr(mime, "Hologram")  # noqa: B009  # mypy knows that it is missing


def test_one_name_loads_one_module() -> None:
    """Using HTML does not load pictures, sound or numpy; importing the package loads none of it."""
    code = (
        "import sys; import holdfast.output.mime as m;"
        "loaded = lambda: sorted(n for n in sys.modules if n.startswith('holdfast.output.mime.'));"
        "print(loaded()); m.HTML; print(loaded(), 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "[]",
        "['holdfast.output.mime.content', 'holdfast.output.mime.text'] False",
    ]


def test_binary_classes_read_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture's address gives bytes, whatever charset the server names."""
    serve(monkeypatch, Response(b"\x89PNG\r\n\x1a\n", Content_Type="image/png; charset=utf-8"))
    assert Image("https://example.org/a").data == b"\x89PNG\r\n\x1a\n"
