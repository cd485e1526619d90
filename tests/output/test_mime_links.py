"""FileLink and FileLinks."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.output.mime import FileLink, FileLinks


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The working folder with d/a b.txt, d/z.csv and d/e/c.csv in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d" / "e").mkdir(parents=True)
    for name in ("z.csv", "a b.txt", "e/c.csv"):
        (tmp_path / "d" / name).touch()
    return "d"


def test_a_link_leads_to_the_file(folder: str) -> None:
    """The address is quoted, the label is the path."""
    html = "before <a href='/files/d/a%20b.txt' target='_blank'>d/a b.txt</a> after"
    link = FileLink(Path("d/a b.txt"), url_prefix="/files/", result_html_prefix="before ", result_html_suffix=" after")
    assert link._repr_html_() == html


def test_names_cannot_break_out_of_the_link(tmp_path: Path) -> None:
    """Quotes, markup and address signs in a name are harmless."""
    path = tmp_path / "it's <b>#1?.txt"
    path.touch()
    html = FileLink(path)._repr_html_()
    assert "/it%27s%20%3Cb%3E%231%3F.txt' target" in html
    assert "it's &lt;b&gt;#1?.txt</a>" in html


def test_a_file_that_is_not_there_is_said(folder: str) -> None:
    """A missing file gives a sentence instead of a dead link."""
    assert "There is no file <tt>d/&lt;x&gt;</tt> yet" in FileLink("d/<x>")._repr_html_()


def test_the_text_is_the_full_path(folder: str) -> None:
    """text/plain is where the file is."""
    assert repr(FileLink("d/z.csv")) == f"{Path.cwd()}/d/z.csv"


def test_a_folder_has_links_to_its_files(folder: str) -> None:
    """Folders are headings, files links, in the order of their names."""
    assert FileLinks(folder)._repr_html_().split("\n") == [
        "d/<br>",
        "&nbsp;&nbsp;<a href='d/a%20b.txt' target='_blank'>a b.txt</a><br>",
        "&nbsp;&nbsp;<a href='d/z.csv' target='_blank'>z.csv</a><br>",
        "d/e/<br>",
        "&nbsp;&nbsp;<a href='d/e/c.csv' target='_blank'>c.csv</a><br>",
    ]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "d/\n  a b.txt\n  z.csv\nd/e/\n  c.csv"),
        ({"recursive": False}, "d/\n  a b.txt\n  z.csv"),
        ({"included_suffixes": [".csv"]}, "d/\n  z.csv\nd/e/\n  c.csv"),
        ({"included_suffixes": [".txt"]}, "d/\n  a b.txt"),
        ({"included_suffixes": []}, ""),
    ],
)
def test_files_can_be_chosen(folder: str, options: dict[str, object], text: str) -> None:
    """Suffixes and recursive choose; folders without files are left out."""
    assert repr(FileLinks(folder, **options)) == text  # type: ignore[arg-type]


def test_the_layout_can_be_replaced(folder: str) -> None:
    """Formatters of the user get folder, names and suffixes, and give lines."""
    seen: list[object] = []

    def formatter(path: str, names: list[str], suffixes: object = None) -> list[str]:
        seen.append(suffixes)
        return [f"{path}: {len(names)}"]

    links = FileLinks(folder, notebook_display_formatter=formatter, terminal_display_formatter=formatter)
    assert links._repr_html_() == repr(links) == "d: 2\nd/e: 1"
    assert seen == [None] * 4


@pytest.mark.parametrize(
    ("kind", "path", "message"),
    [
        (FileLink, "d", "'d' is a folder; use FileLinks"),
        (FileLinks, "d/z.csv", "'d/z.csv' is a file; use FileLink"),
        (FileLinks, "nope", "no such folder"),
    ],
)
def test_the_wrong_class_is_named(folder: str, kind: type[FileLink], path: str, message: str) -> None:
    """A file is not a folder, and the error says which class to use."""
    with pytest.raises(ValueError, match=message):
        kind(path)
