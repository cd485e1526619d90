"""`display_html` and its kin."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import pytest

from holdfast.output import display as module
from holdfast.output import mime

FUNCTIONS = [
    (mime.display_pretty, "text/plain"),
    (mime.display_html, "text/html"),
    (mime.display_markdown, "text/markdown"),
    (mime.display_latex, "text/latex"),
    (mime.display_svg, "image/svg+xml"),
    (mime.display_png, "image/png"),
    (mime.display_jpeg, "image/jpeg"),
    (mime.display_pdf, "application/pdf"),
    (mime.display_json, "application/json"),
    (mime.display_javascript, "application/javascript"),
]


class Formats:
    """Gives back what types were asked for."""

    def format(
        self, obj: object, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> tuple[dict[str, object], dict[str, object]]:
        return dict.fromkeys(include or (), obj), {}


@pytest.fixture
def sent() -> Iterator[list[dict[str, object]]]:
    """The contents published during the test."""
    contents: list[dict[str, object]] = []
    module.install(lambda kind, content, metadata, buffers: contents.append(content), Formats())
    yield contents
    module.uninstall()


@pytest.mark.parametrize(("function", "mimetype"), FUNCTIONS)
def test_a_value_is_shown_in_one_type_only(
    sent: list[dict[str, object]], function: Callable[..., None], mimetype: str
) -> None:
    """The formatters are asked for exactly one type."""
    function("a", "b")
    assert [content["data"] for content in sent] == [{mimetype: "a"}, {mimetype: "b"}]


@pytest.mark.parametrize(("function", "mimetype"), FUNCTIONS)
def test_raw_content_is_sent_under_the_type(
    sent: list[dict[str, object]], function: Callable[..., None], mimetype: str
) -> None:
    """With raw=True the value is the content, and metadata belongs to its type."""
    function("x", raw=True, metadata={"isolated": True})
    assert sent == [
        {"data": {mimetype: "x"}, "metadata": {mimetype: {"isolated": True}}, "transient": {}},
    ]
