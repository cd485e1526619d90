"""Cells that are documents: `%%html` and its kin over the kernel in memory."""

from __future__ import annotations

import pytest

from helpers.magic import MagicKernel
from holdfast.magics.words import BadWords


@pytest.mark.parametrize(
    ("magic", "mime"),
    [
        ("html", "text/html"),
        ("latex", "text/latex"),
        ("markdown", "text/markdown"),
        ("javascript", "application/javascript"),
        ("js", "application/javascript"),
        ("svg", "image/svg+xml"),
    ],
)
def test_a_cell_is_shown_as_what_it_is(magic: str, mime: str) -> None:
    """As it stands: braces are not filled in."""
    kernel = MagicKernel(x=1)
    body = "<svg>{x}</svg>\n"
    kernel.magics.cell(magic, "", body)
    data, _metadata = kernel.formatters.format(kernel.displayed[0])
    assert data[mime] == body


def test_html_can_be_isolated() -> None:
    """Its metadata says so."""
    kernel = MagicKernel()
    kernel.magics.cell("html", "--isolated", "<b>x</b>\n")
    _data, metadata = kernel.formatters.format(kernel.displayed[0])
    assert metadata == {"text/html": {"isolated": True}}


def test_other_words_are_said() -> None:
    """There is no such option."""
    with pytest.raises(BadWords, match="%%svg"):
        MagicKernel().magics.cell("svg", "--isolated", "<svg/>")
